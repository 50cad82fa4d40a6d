"""What sa3-nano is taught: colours, shapes, and emoji with plain English names. No step of the recipe by itself; the
compositor and the prompts read it.

Colours are ranges of hue (degrees), saturation and value (0 to 1). An emoji's line is `picture name,name|ambiguous,...`:
its names are right answers, its ambiguous words are never asked while it is in the scene.
"""

COLORS = {  # name: (hmin,hmax,smin,smax,vmin,vmax) degrees/0..1
    "red": (-8, 8, 0.78, 1, 0.6, 1),
    "orange": (22, 36, 0.82, 1, 0.85, 1),
    "yellow": (50, 60, 0.72, 1, 0.74, 1),
    "green": (95, 142, 0.55, 1, 0.38, 0.95),
    "cyan": (174, 190, 0.6, 1, 0.74, 1),
    "blue": (214, 242, 0.62, 1, 0.45, 1),
    "purple": (266, 286, 0.5, 1, 0.4, 0.85),
    "magenta": (298, 310, 0.85, 1, 0.72, 1),
    "pink": (325, 345, 0.28, 0.6, 0.93, 1),
    "brown": (18, 30, 0.5, 0.8, 0.3, 0.48),
    "black": (0, 360, 0, 0.3, 0, 0.1),
    "white": (0, 360, 0, 0.05, 0.94, 1),
    "gray": (0, 360, 0, 0.06, 0.38, 0.62),
}
COLOR_SYN = {
    "gray": ["gray", "grey"],
    "purple": ["purple", "violet"],
    "cyan": ["cyan", "aqua"],
    "magenta": ["magenta", "fuchsia"],
}
SHAPES = {
    "circle": ["circle", "ball", "disc", "disk", "dot", "sphere", "round thing"],
    "square": ["square", "box", "block"],
    "triangle": ["triangle", "pyramid"],
    "rectangle": ["rectangle", "brick"],
    "star": ["star"],
    "heart": ["heart"],
    "pentagon": ["pentagon"],
    "hexagon": ["hexagon"],
    "diamond": ["diamond", "rhombus"],
    "cross": ["cross", "plus", "plus sign"],
    "ring": ["ring", "hoop"],
    "arrow": ["arrow"],
    "crescent": ["crescent"],
    "semicircle": ["semicircle", "half circle"],
}
# Category: (words for all of it, lines of emoji).
EMOJI = {
    "animal": (
        ["animal"],
        """🐶 dog,puppy
🐱 cat,kitten
🐭 mouse
🐹 hamster
🐰 rabbit,bunny
🦊 fox
🐻 bear
🐼 panda
🐨 koala
🐯 tiger
🦁 lion
🐮 cow
🐷 pig
🐸 frog
🐵 monkey
🐔 chicken,hen
🐧 penguin,bird
🐦 bird
🦆 duck,bird
🦉 owl,bird
🐺 wolf
🐴 horse
🦄 unicorn
🐝 bee,insect
🦋 butterfly,insect
🐌 snail
🐞 ladybug,beetle,insect
🐢 turtle,tortoise
🐍 snake
🐙 octopus
🦀 crab
🐟 fish
🐠 tropical fish,fish
🐬 dolphin
🐳 whale
🦈 shark
🐊 crocodile,alligator
🐘 elephant
🦒 giraffe
🐪 camel
🐑 sheep
🦓 zebra
🐓 rooster
🦜 parrot,bird
🦔 hedgehog
🐿️ squirrel
🕷️ spider
🦖 dinosaur""",
    ),
    "fruit": (
        ["fruit", "food"],
        """🍎 red apple,apple
🍏 green apple,apple
🍐 pear
🍊 tangerine,mandarin|orange,circle
🍋 lemon
🍌 banana
🍉 watermelon
🍇 grapes
🍓 strawberry
🍒 cherries,cherry
🍑 peach
🍍 pineapple
🥥 coconut
🥝 kiwi""",
    ),
    "vegetable": (
        ["vegetable", "food"],
        """🍅 tomato
🍆 eggplant
🥑 avocado
🥕 carrot
🌽 corn
🌶️ chili pepper,hot pepper
🥦 broccoli
🍄 mushroom
🥔 potato""",
    ),
    "food": (
        ["food"],
        """🍞 bread
🥐 croissant
🧀 cheese
🥚 egg
🍔 hamburger,burger
🍟 french fries,fries
🍕 pizza
🌭 hot dog
🌮 taco
🍣 sushi
🍦 ice cream
🍩 donut,doughnut|ring,circle
🍪 cookie|circle
🎂 birthday cake,cake
🍰 slice of cake,cake
🍫 chocolate
🍬 candy
🍭 lollipop""",
    ),
    "drink": (
        ["drink"],
        """☕ cup of coffee,coffee,cup
🥛 glass of milk,milk,glass
🍺 beer,mug
🍷 glass of wine,wine,glass
🍹 cocktail,glass
🧃 juice box,juice""",
    ),
    "vehicle": (
        ["vehicle"],
        """🚗 car,red car,automobile
🚙 blue car,car
🚕 taxi,yellow car,car
🚌 bus
🚓 police car,car
🚑 ambulance
🚒 fire truck,fire engine,truck
🚚 truck,delivery truck
🚜 tractor
🏎️ racing car,race car,car
🏍️ motorcycle,motorbike
🛵 scooter
🚲 bicycle,bike
🚂 train,steam locomotive
🚁 helicopter
✈️ airplane,plane
🚀 rocket
🛸 ufo,flying saucer
⛵ sailboat,boat
🚢 ship,boat""",
    ),
    "ball": (
        ["ball", "sports equipment"],
        """⚽ soccer ball,football|circle,disc,disk,dot,sphere,round thing
🏀 basketball|circle,disc,disk,dot,sphere,round thing
🏈 american football,football
⚾ baseball|circle,disc,disk,dot,sphere,round thing
🎾 tennis ball|circle,disc,disk,dot,sphere,round thing
🏐 volleyball|circle,disc,disk,dot,sphere,round thing
🎱 billiard ball,eight ball|circle,disc,disk,dot,sphere,round thing""",
    ),
    "sport": (
        [],
        """🏆 trophy,cup
🥇 gold medal,medal
🎯 dartboard,target|circle,disc,disk,round thing
🎳 bowling
🥊 boxing glove,glove
🛹 skateboard
🎲 dice,die|square,box,block
🧩 puzzle piece
🎈 balloon,red balloon
🎁 gift,present,gift box|box""",
    ),
    "plant": (
        ["plant"],
        """🌹 rose,flower
🌻 sunflower,flower
🌷 tulip,flower
🌸 cherry blossom,flower
🌼 daisy,flower
🌲 pine tree,tree,evergreen tree
🌳 tree
🌴 palm tree,tree
🌵 cactus
🍀 four leaf clover,clover
🍁 maple leaf,leaf""",
    ),
    "sky": (
        [],
        """☀️ sun
🌙 crescent moon,moon|crescent
⭐ star,yellow star
☁️ cloud
🌈 rainbow
❄️ snowflake
🔥 fire,flame
💧 water drop,drop,droplet
⚡ lightning,lightning bolt
🌍 earth,globe,planet|circle,ball,disc,disk,dot,sphere,round thing
⛄ snowman
☂️ umbrella""",
    ),
    "face": (
        ["face", "smiley"],
        """😀 grinning face,smiling face,happy face
😂 laughing face,happy face
😍 heart eyes,face with heart eyes
😎 sunglasses face,face with sunglasses|sunglasses
😢 crying face,sad face
😡 angry face,red face
😴 sleeping face
🤔 thinking face
😱 screaming face,scared face
🥶 cold face,blue face""",
    ),
    "creature": (
        [],
        """👻 ghost
👽 alien
🤖 robot
💀 skull
🎃 pumpkin,jack o lantern
💩 poop
😈 devil
🤡 clown
🎅 santa claus,santa,person
👶 baby,person
👩 woman,person
👨 man,person
👮 police officer,policeman,person
🧙 wizard,person""",
    ),
    "hand": (
        ["hand"],
        """👍 thumbs up
👎 thumbs down
✋ raised hand,palm
👊 fist
👏 clapping hands
✌️ victory hand,peace sign""",
    ),
    "heart": (
        ["heart"],
        """❤️ red heart
💙 blue heart
💚 green heart
💛 yellow heart
💔 broken heart""",
    ),
    "body": (
        [],
        """👀 eyes
👁️ eye
👄 mouth,lips
👂 ear
👃 nose
🦷 tooth
🧠 brain
🦴 bone
🦶 foot""",
    ),
    "clothing": (
        ["clothing"],
        """👕 t shirt,shirt
👖 jeans,trousers,pants
👗 dress
👟 sneaker,shoe,running shoe
👠 high heel,shoe
👢 boot
🧢 cap,hat
🎩 top hat,hat
👑 crown
👓 glasses
🧦 socks
🧤 gloves
💍 diamond ring|ring,diamond
👜 handbag,bag
🎒 backpack,bag""",
    ),
    "instrument": (
        ["musical instrument"],
        """🎸 guitar
🎺 trumpet
🎻 violin
🥁 drum
🎹 piano,keyboard
🎷 saxophone
🎤 microphone""",
    ),
    "device": (
        ["device"],
        """📱 phone,mobile phone,smartphone
💻 laptop,computer
⌚ watch
📷 camera
📺 television,tv
🎧 headphones
💡 light bulb,lamp
🔋 battery
⏰ alarm clock,clock
🎮 game controller,gamepad
☎️ telephone,phone""",
    ),
    "tool": (
        ["tool"],
        """🔨 hammer
🔧 wrench
✂️ scissors
🔪 knife,kitchen knife
🔑 key
🔒 lock,padlock
🧲 magnet
🔍 magnifying glass
✏️ pencil
🧹 broom
⚓ anchor
🛡️ shield
💣 bomb
🪓 axe""",
    ),
    "household": (
        [],
        """🚪 door
🪑 chair
🛏️ bed
🛁 bathtub
🚽 toilet
📦 package,cardboard box,box
📚 books,book
📖 open book,book
✉️ envelope,letter,mail
📌 pin
🔔 bell
🧸 teddy bear,toy
🏠 house,building
🏰 castle,building
⛺ tent
🚦 traffic light
🛑 stop sign
🚩 flag,red flag
💰 money bag,bag
💎 gem,diamond
🗑️ trash can
🕯️ candle""",
    ),
}
# Words that are ambiguous for every emoji of a category.
AMB_HYPER = {
    "face": ["circle", "disc", "disk", "ball", "round thing", "dot", "sphere", "person"],
    "creature": ["animal", "face"],
    "body": ["face"],
    "fruit": ["plant"],
    "vegetable": ["plant", "fruit"],
    "drink": ["food"],
    "sport": ["sports equipment", "toy"],
    "heart": [],
    "clothing": [],
    "device": ["tool"],
    "tool": ["device"],
    "hand": ["person"],
    "plant": ["vegetable"],
    "household": ["tool", "device"],
    "sky": [],
    "ball": [],
    "food": [],
    "animal": ["face", "person", "toy"],
    "vehicle": ["toy"],
    "instrument": ["device", "tool"],
}
EMOJI_LIST = []
for cat, (hyp, txt) in EMOJI.items():
    for line in txt.strip().split("\n"):
        ch, rest = line.split(" ", 1)
        names, _, amb = rest.partition("|")
        EMOJI_LIST.append(
            dict(
                ch=ch,
                cat=cat,
                names=[n.strip() for n in names.split(",")],
                hyper=list(hyp),
                amb=[a for a in amb.split(",") if a] + AMB_HYPER.get(cat, []),
            )
        )
# Emoji that a model of this size was not asked to learn.
_DROP = "🐹🐨🐓🦜🦔🐿🦖🐪🐑🦆🐠🐬🐊🦒🐺🦀🍊🍑🥥🥝🥔🍆🥐🧀🌮🍣🍫🍰🍹🧃🍷🚓🚑🚚🚜🛵🏎🚢🏐🥊🛹🧩🎳🌼🌸🍀⛄🥶😱🤔🧙👮👨🎅🤡👊👏✌👖👠🧤👜🧢👢🎷🎹🔋☎🧹🪓🛡🪑🛁🚽📖📌⛺🗑🕯🦶👃🧠🥇"
EMOJI_LIST = [e for e in EMOJI_LIST if e["ch"][0] not in _DROP]

if __name__ == "__main__":
    print(len(EMOJI_LIST), len({n for e in EMOJI_LIST for n in e["names"]}))
