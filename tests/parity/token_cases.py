"""Texts and the token ids that transformers' processor gives them, without truncation and padding."""

import html
import json
import unicodedata
from functools import cache
from pathlib import Path

import regex

from transformers import Sam3Processor

TEXTS = [
    "visual", "a red car", "dog", "Dog", "DOG", "person", "white ball", "yellow school bus", "traffic light",
    "player in white", "man wearing a red t-shirt", "the dog's ball", "it's", "we're", "they've", "I'm", "he'll", "she'd",
    "", " ", "   ", "\t\n", " dog ", "red   car", "red\ncar", "dog.", "dog!", "!", "?!", "a, b; c: d", "(left) [right] {up}",
    "hello-world", "snake_case", "a/b\\c", "50%", "$5.99", "3 apples", "1234567890", "2024-01-31", "4x4", "h2o", "C++",
    "e-mail@example.org", "#1", "café", "naïve", "cafe\u0301", "Ångström", "Straße", "İstanbul", "ñandú", "œuvre",
    "красная машина", "ελληνικά", "日本語", "红色的汽车", "한국어", "العربية", "שלום", "हिन्दी", "ไทย",
    "🐶", "red 🚗", "👍🏽", "👩‍👩‍👧", "🇩🇪", "…", "“quoted”", "a – b — c", "ﬁne", "Ｆｕｌｌｗｉｄｔｈ", "x²", "½ cup", "½",
    "zero\u200bwidth", "non\u00a0breaking", "\u00ad", "\ufeffbom", "nul\u0000byte", "<b>bold</b>",
    "salt &amp; pepper", "&lt;dog&gt;", "&amp;amp;", "caf&eacute;",
    "<|startoftext|>", "<|endoftext|> dog", "antidisestablishmentarianism", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "a very long sentence about a small brown dog that runs over a green meadow behind a red ball while its owner, "
    "who wears a blue coat and a yellow hat, calls its name again and again without any success at all",
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty one two three four five six seven eight nine ten",
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty one two three four five six seven eight nine ten eleven",
    # things and people, as they are asked for
    "a photo of a cat", "the cat on the left", "largest dog", "second person from the right", "kid with a kite",
    "red and white striped umbrella", "coca-cola bottle", "iPhone 15 Pro", "BMW X5", "T-Rex", "number 7", "no. 7",
    "7-eleven sign", "stop sign", "license plate ABC-123", "USB-C cable", "e-scooter", "vw beetle", "mother-in-law",
    "rock'n'roll", "o'clock", "y'all", "can't", "CAN'T", "won't've", "dogs'", "'quoted'", "\"double quoted\"", "`code`",
    # case and width
    "McDonald's", "ALL CAPS AND lower", "cAmElCaSe", "XXL", "ⅷ", "Ⅷ", "①", "㎏", "ｱｲｳ", "ＡＢＣ１２３", "ǅ", "ẞ", "ß",
    "Σίσυφος", "ΣΊΣΥΦΟΣ", "İ", "ı", "ǆ", "ﬀ", "ﬃ", "Ω", "Å", "K",
    # accents, composed and not
    "é", "e\u0301", "ế", "e\u0302\u0301", "ñ", "n\u0303", "ç", "c\u0327", "ö", "o\u0308", "Żółć", "Đặng", "Čeština",
    "Łódź", "Reykjavík", "São Paulo", "crème brûlée", "jalapeño", "piñata", "Zoë", "coöperate", "smörgåsbord", "à la carte",
    "a\u0300\u0301\u0302\u0303", "\u0301", "x\u20d7",
    # scripts
    "собака", "СОБАКА", "Київ", "ѣ", "Ελλάδα", "მანქანა", "մեքենա", "犬", "赤い車", "赤 い 車", "漢字かな交じり文", "龍", "自行车",
    "自動販売機", "한글", "\u1112\u1161\u11ab", "개", "كلب", "سيارة حمراء", "כלב", "कुत्ता", "নীল", "நாய்", "ఎరుపు", "หมา",
    "ខ្មែរ", "ລາວ", "བོད", "ᚠᚢᚦ", "𐍈", "𝒟𝑜𝑔", "𠮷", "ꙮ",
    # emoji and symbols
    "🐕", "🐕 dog", "dog🐕", "🐕🐈", "❤", "❤️", "☎", "☎️", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🇫🇷🇩🇪", "1️⃣", "👋🏿", "🧑🏽‍🚀", "™", "©", "€5",
    "£5", "¥500", "₹10", "±1", "3×4", "÷", "≤", "→", "∞", "√2", "π", "µm", "°C", "25°", "№5", "§3", "¶", "†", "•", "♥", "♪",
    "★★★", "■", "░",
    # numbers
    "0", "00", "007", "3.14", "1,000", "1 000", "1_000", "1e10", "-5", "+5", "5th", "21st", "1/2", "12:30", "50/50", "100%",
    "192.168.0.1", "+49 (0)30 1234", "٣", "३", "三", "Ⅻ", "²³", "1234567890123456789012345678901234567890",
    # punctuation
    ".", "..", "...", "....", "!!", "!!!!!!!!!!", "???", ",", ";", ":", "-", "--", "---", "–", "—", "_", "__", "(", ")", "()",
    "[]", "{}", "<>", "<", ">", "/", "//", "\\", "|", "||", "~", "^", "&", "&&", "@", "@dog", "#dog", "$", "%", "*", "**bold**",
    "+", "=", "==", "'", "''", "\"", "`", "´", "«dog»", "„dog“", "‘dog’", "¿qué?", "¡hola!", "dog,cat", "dog , cat", "dog;cat",
    "a.b.c", "U.S.A.", "e.g.", "http://example.org/a?b=c&d=e#f", "C#", "F-16", ":-)", ";)", "<3", "¯\\_(ツ)_/¯",
    # white space and what cannot be seen
    "dog\tcat", "dog\r\ncat", "dog\u2003cat", "dog\u2028cat", "dog\u3000cat", "dog\u200dcat", "dog\u200ccat", "\u200b",
    "dog\u0085cat", "dog\x0bcat", "dog\x7fcat", "dog\x1bcat", "\u202edog", "\ufffd", "\ue000", "\U0010ffff", "\ufe0f",
    # special tokens inside, and words that look like them
    "a <|endoftext|> b", "<|startoftext|><|endoftext|>", "<|STARTOFTEXT|>", "<|endoftext|", "< |endoftext| >", "</w>", "dog</w>",
    # as long as can be
    "dog " * 30, "dog " * 31, "dog " * 40, "x" * 300, "é" * 100, "🐶" * 40, "犬" * 60, "!" * 200, "a" + " " * 200 + "b", "1" * 31,
]  # fmt: skip


WORD = regex.compile(
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+", regex.IGNORECASE
)
START, END = "<|startoftext|>", "<|endoftext|>"
# transformers makes letters small one by one, Python and the original whole words (a final sigma has a form of its own);
# and it looks for special tokens before it makes letters small.
KNOWN_TO_DIFFER = {"ΣΊΣΥΦΟΣ", "<|STARTOFTEXT|>"}


class PlainBytePairs:
    """CLIP's encoding written out step by step, as a second opinion on what the libraries say."""

    def __init__(self, model_dir: Path):
        model = json.loads((model_dir / "tokenizer.json").read_text())["model"]
        merges = [tuple(merge.split(" ")) if isinstance(merge, str) else tuple(merge) for merge in model["merges"]]
        self.ids, self.ranks = model["vocab"], {pair: rank for rank, pair in enumerate(merges)}
        plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
        others = [byte for byte in range(256) if byte not in plain]
        self.letters = {byte: chr(byte) for byte in plain} | {byte: chr(256 + n) for n, byte in enumerate(others)}

    @cache
    def pairs_of(self, word: str) -> tuple[int, ...]:
        if word in (START, END):
            return (self.ids[word],)
        parts = [self.letters[byte] for byte in word.encode()]
        parts[-1] += "</w>"
        while len(parts) > 1:
            rank, at = min((self.ranks.get(pair, len(self.ranks)), at) for at, pair in enumerate(zip(parts, parts[1:])))
            if rank == len(self.ranks):
                break
            # Every occurrence of the best pair, from left to right.
            pair, merged, at = (parts[at], parts[at + 1]), [], 0
            while at < len(parts):
                together = tuple(parts[at : at + 2]) == pair
                merged.append("".join(parts[at : at + 2]) if together else parts[at])
                at += 2 if together else 1
            parts = merged
        return tuple(self.ids[part] for part in parts)

    def encode(self, text: str) -> list[int]:
        """NFC and one space for any white space, as transformers has it; the original repairs text with ftfy instead."""
        text = regex.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).lower()
        return [self.ids[START], *(id for word in WORD.findall(text) for id in self.pairs_of(word)), self.ids[END]]


def run(model_dir: Path) -> list[dict]:
    """Each text with its ids, and where HTML entities make a difference, the ids of the text unescaped twice.

    The official tokenizer unescapes HTML (twice) and repairs text with ftfy before it encodes; transformers does neither.
    """
    tokenizer = Sam3Processor.from_pretrained(model_dir).tokenizer
    plain = PlainBytePairs(model_dir)
    cases = []
    for text in dict.fromkeys(TEXTS):
        case = {"text": text, "ids": tokenizer(text, truncation=False)["input_ids"]}
        if ((second := plain.encode(text)) != case["ids"]) != (text in KNOWN_TO_DIFFER):
            raise ValueError(f"{text!r}: {case['ids']}, written out {second}")
        unescaped = html.unescape(html.unescape(text))
        if unescaped != text:
            case["ids_unescaped"] = tokenizer(unescaped, truncation=False)["input_ids"]
        cases.append(case)
    return cases
