"""Korean: syllables (head, vowel, end) respelt as they sound in a word (standard pronunciation), then a phone for each letter.

Rules alone, no word list: consonants added or tensed between parts of some compounds (꽃잎, 별빛) are not heard, nor what words do to
one another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tasks.languages.reading import Pronunciation

FIRST, LAST, NUM_VOWELS, NUM_ENDS = 0xAC00, 0xD7A3, 21, 28
HEADS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
ENDS = " ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"
SILENT = "ㅇ"
PAIRS = {
    "ㄳ": "ㄱㅆ",
    "ㄵ": "ㄴㅈ",
    "ㄺ": "ㄹㄱ",
    "ㄻ": "ㄹㅁ",
    "ㄼ": "ㄹㅂ",
    "ㄽ": "ㄹㅆ",
    "ㄾ": "ㄹㅌ",
    "ㄿ": "ㄹㅍ",
    "ㅄ": "ㅂㅆ",
}
"""Two letters at a syllable's end: what stays and what goes to a vowel behind them."""
WITH_H = {"ㅎ": " ", "ㄶ": "ㄴ", "ㅀ": "ㄹ"}
CLOSED = {
    **dict.fromkeys("ㄲㅋㄳㄺ", "ㄱ"),
    **dict.fromkeys("ㅅㅆㅈㅊㅌ", "ㄷ"),
    **dict.fromkeys("ㅍㅄㄿ", "ㅂ"),
    **dict.fromkeys("ㄼㄽㄾ", "ㄹ"),
    **{"ㄻ": "ㅁ", "ㄵ": "ㄴ"},
}
"""How an end sounds that no vowel opens."""
TENSE = dict(zip("ㄱㄷㅂㅅㅈ", "ㄲㄸㅃㅆㅉ", strict=True))
BREATHED = {"ㄱ": "ㅋ", "ㄷ": "ㅌ", "ㅂ": "ㅍ", "ㅈ": "ㅊ"}
NASAL = {"ㄱ": "ㅇ", "ㄷ": "ㄴ", "ㅂ": "ㅁ"}
TENSING = frozenset("ㄵㄼㄾㄺ")
HEAD_PHONES = {
    "ㄱ": "k",
    "ㄲ": "k͈",
    "ㄴ": "n",
    "ㄷ": "t",
    "ㄸ": "t͈",
    "ㄹ": "ɾ",
    "ㅁ": "m",
    "ㅂ": "p",
    "ㅃ": "p͈",
    "ㅅ": "s",
    "ㅆ": "s͈",
    "ㅇ": "",
    "ㅈ": "tɕ",
    "ㅉ": "tɕ͈",
    "ㅊ": "tɕʰ",
    "ㅋ": "kʰ",
    "ㅌ": "tʰ",
    "ㅍ": "pʰ",
    "ㅎ": "h",
}
VOICED = {"k": "ɡ", "t": "d", "p": "b", "tɕ": "dʑ"}
"""Plain stops between voiced sounds."""
VOWEL_PHONES = dict(
    zip(
        VOWELS,
        [
            "a",
            "e",
            "ja",
            "je",
            "ʌ",
            "e",
            "jʌ",
            "je",
            "o",
            "wa",
            "we",
            "we",
            "jo",
            "u",
            "wʌ",
            "we",
            "wi",
            "ju",
            "ɯ",
            "ɰi",
            "i",
        ],
        strict=True,
    )
)
END_PHONES = {" ": "", "ㄱ": "k", "ㄴ": "n", "ㄷ": "t", "ㄹ": "l", "ㅁ": "m", "ㅂ": "p", "ㅇ": "ŋ"}


@dataclass(frozen=True, slots=True)
class Syllable:
    """A block of Hangul: its consonant, its vowel and its end, a blank where it has none."""

    head: str
    vowel: str
    end: str


class KoreanReader:
    """Reads words one by one."""

    def read(self, texts: Sequence[str]) -> list[Pronunciation | None]:
        """See `Reader.read`; letters that are no syllable blocks, and digits, are counted."""
        return [self._word(text) for text in texts]

    def _word(self, text: str) -> Pronunciation:
        blocks = [syllable_of(char) for char in text]
        lost = sum(block is None and char.isalnum() for block, char in zip(blocks, text, strict=True))
        return Pronunciation(phones_of_syllables(as_sounded([block for block in blocks if block])), lost)


def syllable_of(char: str) -> Syllable | None:
    """The letters of a block; None for any other sign."""
    if not FIRST <= ord(char) <= LAST:
        return None
    rest, end = divmod(ord(char) - FIRST, NUM_ENDS)
    head, vowel = divmod(rest, NUM_VOWELS)
    return Syllable(HEADS[head], VOWELS[vowel], ENDS[end])


def as_sounded(word: Sequence[Syllable]) -> list[Syllable]:
    """The syllables of a word as they sound, each end with what stands behind it."""
    sounded = list(word)
    for place in range(len(sounded) - 1):
        end, head = _joined(sounded[place].end, sounded[place + 1])
        sounded[place] = replace(sounded[place], end=end)
        sounded[place + 1] = replace(sounded[place + 1], head=head)
    if sounded:
        end = sounded[-1].end
        sounded[-1] = replace(sounded[-1], end=CLOSED.get(end, WITH_H.get(end, end)))
    return sounded


def _joined(end: str, after: Syllable) -> tuple[str, str]:
    """An end, and the consonant behind it, as they sound."""
    head = after.head
    if end in WITH_H:
        return _after_h(end, head)
    if head == SILENT and end not in (" ", "ㅇ"):
        stays, goes = tuple(PAIRS.get(end, f" {end}"))
        if after.vowel == "ㅣ" and goes in "ㄷㅌ":
            goes = "ㅈ" if goes == "ㄷ" else "ㅊ"
        return stays, goes
    closed = CLOSED.get(end, end)
    if head == "ㅎ":
        stays, goes = tuple(PAIRS.get(end, f" {closed}"))
        goes = goes if goes in BREATHED else CLOSED.get(goes, goes)
        if end == "ㄷ" and after.vowel == "ㅣ":
            return " ", "ㅊ"
        return (stays, BREATHED[goes]) if goes in BREATHED else (closed, head)
    return _closed(end, "ㄹ" if end == "ㄺ" and head == "ㄱ" else closed, head)


def _after_h(end: str, head: str) -> tuple[str, str]:
    left = WITH_H[end]
    if head in BREATHED and head != "ㅂ":
        return left, BREATHED[head]
    if head == "ㅅ":
        return left, "ㅆ"
    if head == SILENT:
        return (" ", left) if left != " " else (" ", SILENT)
    if head == "ㄴ":
        return ("ㄹ", "ㄹ") if left == "ㄹ" else ("ㄴ", "ㄴ")
    return left, head


def _closed(end: str, closed: str, head: str) -> tuple[str, str]:
    if head in TENSE and (closed in NASAL or end in TENSING):
        return closed, TENSE[head]
    if closed in NASAL and head in "ㄴㅁ":
        return NASAL[closed], head
    if head == "ㄹ" and (closed in NASAL or closed in "ㅁㅇ"):
        return NASAL.get(closed, closed), "ㄴ"
    if (closed, head) in (("ㄴ", "ㄹ"), ("ㄹ", "ㄴ")):
        return "ㄹ", "ㄹ"
    return closed, head


def phones_of_syllables(word: Sequence[Syllable]) -> str:
    """IPA of syllables as they sound."""
    ipa, before = "", ""
    for syllable in word:
        head = HEAD_PHONES[syllable.head]
        if before and before not in "ㄱㄷㅂ":
            head = VOICED.get(head, head)
        if syllable.head == "ㄹ" and before == "ㄹ":
            head = "l"
        vowel = VOWEL_PHONES[syllable.vowel]
        if head and syllable.vowel == "ㅢ":
            vowel = "i"
        if syllable.head in "ㅈㅉㅊ":
            vowel = vowel.removeprefix("j")
        if syllable.head in "ㅅㅆ" and (vowel[0] in "ij" or vowel == "wi"):
            head = head.replace("s", "ɕ")
        ipa += head + vowel + END_PHONES[syllable.end]
        before = syllable.end if syllable.end != " " else syllable.vowel
    return ipa
