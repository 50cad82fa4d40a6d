"""Texts and the token ids that transformers' processor gives them, without truncation and padding."""

import html
from pathlib import Path

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
]  # fmt: skip


def run(model_dir: Path) -> list[dict]:
    """Each text with its ids, and where HTML entities make a difference, the ids of the text unescaped twice.

    The official tokenizer unescapes HTML (twice) and repairs text with ftfy before it encodes; transformers does neither.
    """
    tokenizer = Sam3Processor.from_pretrained(model_dir).tokenizer
    cases = []
    for text in TEXTS:
        case = {"text": text, "ids": tokenizer(text, truncation=False)["input_ids"]}
        unescaped = html.unescape(html.unescape(text))
        if unescaped != text:
            case["ids_unescaped"] = tokenizer(unescaped, truncation=False)["input_ids"]
        cases.append(case)
    return cases
