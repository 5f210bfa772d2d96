"""Words of lyrics normalised: as they are written (every table holds these), and as they are said, runs of held letters cut (error rates compare these).

Both are wanted of all texts that are held against one another, so there is one `normalise_words` for the stages and
for the benchmark. Signs that are sung stay with their number (``100%``, ``$5``, ``3.14``): which words they are is for
a reader of the language, here `english_signs`, elsewhere the phonemizer's own.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import product

from eval.metrics.english_signs import read_signs

APOSTROPHES = "'’‘ʼ`´"
ALONE = "&+@"
"""Signs that are a word each."""
BEFORE_NUMBER, BEHIND_NUMBER = "$€£¥#", "%¢€£¥"
DOUBLED = frozenset(
    [
        "across",
        "agree",
        "all",
        "ball",
        "bass",
        "bell",
        "bitter",
        "bless",
        "bliss",
        "blood",
        "book",
        "boo",
        "boom",
        "boss",
        "brr",
        "butter",
        "buzz",
        "call",
        "carry",
        "cell",
        "chill",
        "class",
        "cool",
        "cross",
        "daddy",
        "deep",
        "dinner",
        "doll",
        "doom",
        "door",
        "dress",
        "dull",
        "fall",
        "feel",
        "feeling",
        "feels",
        "feet",
        "fell",
        "fill",
        "floor",
        "follow",
        "food",
        "fool",
        "foot",
        "free",
        "full",
        "funny",
        "glass",
        "good",
        "goodbye",
        "grass",
        "green",
        "grr",
        "guess",
        "hall",
        "happy",
        "hell",
        "hello",
        "hill",
        "hmm",
        "hoo",
        "hood",
        "hook",
        "hurry",
        "ill",
        "jazz",
        "keep",
        "kill",
        "kiss",
        "kitty",
        "knee",
        "less",
        "letter",
        "little",
        "look",
        "loose",
        "loss",
        "mamma",
        "marry",
        "matter",
        "meet",
        "mess",
        "miss",
        "mirror",
        "mommy",
        "momma",
        "mood",
        "moon",
        "need",
        "off",
        "ooh",
        "pass",
        "pfft",
        "poor",
        "press",
        "pretty",
        "psst",
        "puppy",
        "pull",
        "queen",
        "roll",
        "roof",
        "room",
        "root",
        "screen",
        "see",
        "seed",
        "seek",
        "seem",
        "seen",
        "sell",
        "shall",
        "sheep",
        "shh",
        "shoop",
        "shoot",
        "silly",
        "sleep",
        "small",
        "smell",
        "smooth",
        "smell",
        "soon",
        "sorry",
        "speed",
        "spell",
        "spoon",
        "still",
        "stood",
        "stress",
        "street",
        "stuff",
        "summer",
        "sunny",
        "sweet",
        "tall",
        "teeth",
        "tell",
        "three",
        "thrill",
        "till",
        "tomorrow",
        "too",
        "tooth",
        "toss",
        "tree",
        "wall",
        "week",
        "well",
        "wheel",
        "will",
        "winner",
        "woo",
        "wood",
        "woohoo",
        "worry",
        "yellow",
        "yoohoo",
        "zoo",
        "zoom",
    ]
)
"""Words of songs with two equal letters in a row, for which a longer run of that letter stands."""
NOT_HELD = frozenset({"viii", "xiii", "xviii", "www", "xxx"})
HELD = re.compile(r"(?<=[aeiou])hh$|(uu|ww|yy)$", re.IGNORECASE)
"""Letters that end no English word twice: ``yeahh``, ``youu``, ``aww``, ``heyy`` are held."""

_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:(?:,\d{3})+|(?:\.\d{3}){2,})(?!,?\d)")
_LIST = re.compile(r"(?<!\d)\d++(?:[.,:/]\d+){2,}")
_SIGN_BEHIND = re.compile(rf"(?<=\d)[^\S\n]+(?=[{BEHIND_NUMBER}](?!\d))")
_SIGN_BEFORE = re.compile(rf"(?<!\d)([{BEFORE_NUMBER}])[^\S\n]+(?=\d)")
_RUN = re.compile(r"([^\W\d_])\1+", re.IGNORECASE)


def normalise_words(text: str) -> list[str]:
    """The words of a line of lyrics as they are written: lower-case, NFKC, without punctuation.

    Apostrophes inside a word stay (all typographic forms become ``'``), those around it go; hyphens, dashes, slashes and
    underscores separate words. Letters and their combining marks of every script are kept, digits stay digits.
    Commas that group thousands go (``1,000`` -> ``1000``). A number keeps one ``.``, ``,``, ``:`` or ``/`` inside it
    (``3.14``, ``9:30``, ``24/7``; of more it is a list: ``1,2,3`` is three words) and a sign before or behind it
    (``$5``, ``#1``, ``100%``, ``50¢``). ``&``, ``+`` and ``@`` are words.
    """
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower()).replace("⁄", "/")
    text = _THOUSANDS.sub(lambda found: re.sub("[.,]", "", found[0]), text)
    text = _LIST.sub(lambda found: re.sub("[.,:/]", " ", found[0]), text)
    text = _SIGN_BEFORE.sub(r"\1", _SIGN_BEHIND.sub("", text))
    marked = "".join(_kept_char(text[i - 1 : i], char, text[i + 1 : i + 2]) for i, char in enumerate(text))
    words = (word.strip("'") for word in marked.split())
    return [word for word in words if word]


def _kept_char(before: str, char: str, after: str) -> str:
    if char.isalnum() or unicodedata.category(char) in ("Mn", "Mc"):
        return char
    if char in APOSTROPHES:
        return "'"
    if char in ALONE:
        return " " if char in (before, after) else f" {char} "
    inside = char in ".,:/" and before.isdecimal() and after.isdecimal()
    beside = (char in BEFORE_NUMBER and after.isdecimal()) or (char in BEHIND_NUMBER and before.isdecimal())
    return char if inside or beside else " "


def as_said(word: str) -> list[str]:
    """The words that a written one is read as in English: held letters cut, numbers and signs as words.

    For comparing: in another language both sides are read alike, so what is equal stays equal.
    """
    return normalise_words(read_signs(cut_runs(word)))


def cut_runs(word: str, longest: int = 2) -> str:
    """A word without the letters it is held with: ``loooove`` -> ``love``, ``goood`` -> ``good``, ``yeahh`` -> ``yeah``.

    A run of at most `longest` equal letters may be how the word is spelt and stays. No English word has three: a longer run
    is two where that gives a word of `DOUBLED`, else one; of a word that is one letter alone (``mmm``, ``ooo``) two
    stay. German compounds have three (``Schifffahrt``), Estonian four: give those, and no word of the language is cut. Only
    letters that have a case are cut: in scripts without it each sign of ``啊啊啊`` is sung.
    """
    if word in NOT_HELD:
        return word
    runs = [run for run in _RUN.finditer(word) if _is_held(word, run, longest)]
    if len(runs) == 1 and runs[0][0] == word:
        return word[:2]
    if not runs:
        return word
    spelt = [_with(word, runs, sizes) for sizes in product((1, 2), repeat=min(len(runs), 4))]
    return next((one for one in spelt if one in DOUBLED), spelt[0])


def _is_held(word: str, run: re.Match[str], longest: int) -> bool:
    if run[1].lower() == run[1].upper():
        return False
    if len(run[0]) > longest:
        return True
    return longest == 2 and run.end() == len(word) and run[0] != word and bool(HELD.search(word))


def _with(word: str, runs: list[re.Match[str]], sizes: tuple[int, ...]) -> str:
    """The word with its first runs cut to these sizes, the others to one letter."""
    parts, end = [], 0
    for number, run in enumerate(runs):
        parts += [word[end : run.start()], run[1] * (sizes[number] if number < len(sizes) else 1)]
        end = run.end()
    return "".join([*parts, word[end:]])
