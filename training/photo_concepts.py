"""What photographs show: the 80 things that COCO labels, with plain English names. No step of the recipe by itself;
identities.py and photo_eval.py read it.

A line is `number names > words for the kind | ambiguous words`. Numbers are COCO's category numbers, as label files
have them. The first name is asked most; ambiguous words are never asked while the thing is in the scene.
"""

PHOTO_LINES = """
1 person, human, people > | man, woman, boy, girl, child, kid, baby, face, smiling face, happy face, smiley, eyes, hand, head, clothing, shirt, t shirt, shoe, sneaker, glasses, hat, bag
2 bicycle, bike > vehicle | wheel
3 car, automobile > vehicle | taxi, police car, van, suv, red car, blue car, yellow car
4 motorcycle, motorbike > vehicle | scooter, bike
5 airplane, plane, aeroplane > vehicle | jet
6 bus > vehicle | van
7 train > vehicle | steam locomotive, tram
8 truck > vehicle | fire truck, fire engine, van, car, delivery truck
9 boat > vehicle | ship, sailboat, canoe
10 traffic light > | light
11 fire hydrant, hydrant >
13 stop sign > | sign, hexagon
14 parking meter >
15 bench > furniture | chair
16 bird > animal | duck, owl, penguin, parrot, chicken
17 cat > animal | kitten, face
18 dog > animal | puppy, face, wolf, fox
19 horse > animal | pony
20 sheep > animal | lamb
21 cow > animal | calf, bull
22 elephant > animal
23 bear > animal
24 zebra > animal
25 giraffe > animal
27 backpack, rucksack > bag | clothing
28 umbrella > | clothing
31 handbag, purse > bag | clothing
32 tie, necktie > | clothing
33 suitcase, luggage > | bag, box
34 frisbee > sports equipment | disc, disk, circle, ring, toy
35 skis, ski > sports equipment
36 snowboard > sports equipment
37 sports ball, ball > sports equipment | soccer ball, football, basketball, baseball, tennis ball, circle, disc, disk, dot, sphere, round thing, toy
38 kite > | toy
39 baseball bat, bat > sports equipment
40 baseball glove, glove > sports equipment | clothing
41 skateboard > sports equipment
42 surfboard > sports equipment
43 tennis racket, racket > sports equipment
44 bottle > | beer, drink
46 wine glass > | glass, glass of wine, wine, drink, cup
47 cup > | mug, cup of coffee, coffee, glass, drink
48 fork > | tool
49 knife > | tool, kitchen knife
50 spoon > | tool
51 bowl > | ring, circle
52 banana > food, fruit | plant
53 apple > food, fruit | red apple, green apple, circle, ball, round thing, plant
54 sandwich > food | hamburger, burger, bread
55 orange fruit > food, fruit | orange, tangerine, lemon, circle, ball, sphere, round thing, plant
56 broccoli > food, vegetable | plant, tree
57 carrot > food, vegetable | plant
58 hot dog > food | sandwich, sausage
59 pizza > food
60 donut, doughnut > food | ring, circle, cake
61 cake > food | birthday cake, slice of cake
62 chair > furniture | bench
63 couch, sofa > furniture | chair, bed
64 potted plant, houseplant > plant | flower, tree, vase
65 bed > furniture | couch
67 dining table, table > furniture
70 toilet > | chair
72 tv, television > device | screen, monitor, computer, rectangle
73 laptop, computer > device | keyboard
74 computer mouse > device | mouse
75 remote, remote control > device
76 keyboard > device | piano, computer
77 cell phone, phone, mobile phone, smartphone > device | telephone
78 microwave > device | oven
79 oven > device | stove
80 toaster > device
81 sink >
82 refrigerator, fridge > device
84 book > | books, open book, rectangle
85 clock > device | alarm clock, watch, circle
86 vase > | bottle, cup
87 scissors > tool
88 teddy bear > toy | bear, animal
89 hair drier, hair dryer > device | tool
90 toothbrush > | tool
"""
# Words for a kind that are decided by COCO's labels alone: it labels nearly all of them.
LABELLED_KINDS = ("animal", "vehicle")


def _parsed(line):
    number, rest = line.split(" ", 1)
    words, _, ambiguous = rest.partition("|")
    names, _, kinds = words.partition(">")

    def split(text):
        return [part.strip() for part in text.split(",") if part.strip()]

    return int(number), dict(names=split(names), kinds=split(kinds), ambiguous=split(ambiguous))


# Nobody is called by the colour of most of their pixels.
WITHOUT_COLOUR = (1,)
# COCO's category number → names, words for the kind, ambiguous words.
PHOTO_CONCEPTS = dict(_parsed(line) for line in PHOTO_LINES.strip().splitlines())
# Category numbers in the order of their class numbers.
PHOTO_NUMBERS = list(PHOTO_CONCEPTS)


def related(number):
    """Names of other things that are easily taken for this one: those of the same kind, or all others where it has
    none."""
    kinds = set(PHOTO_CONCEPTS[number]["kinds"])
    others = [c for n, c in PHOTO_CONCEPTS.items() if n != number and (not kinds or kinds & set(c["kinds"]))]
    return [name for concept in others for name in concept["names"]]
