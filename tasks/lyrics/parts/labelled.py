"""What labels in time mean (tiers, .lab), whichever file they stood in: which are words, which lines, which silence or breath, phones or parts (letters without accents tell).

Shared by the forms whose files are lists of labels. They need times: a word without one stands in the label of the word
before it, and a label without an end lasts to the next one, the last for a second.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from jam_model.words import Word
from tasks.engine.song import Refused
from tasks.lyrics.parts.unsung import is_label
from tasks.lyrics.parts.written import Line, Remark, Syllable, Written

SILENCE = re.compile(
    r"|sp|sil|h#|#h|#|_|-|eps|<(?:eps|p:?|usb|nib|cut|sp|ap|sil|br|bn|breath|silence|noise|pause)>"
    r"|[\[(](?:sp|ap|sil|br|bn|breath(?:ing)?|silence|noise|pause|\.+)[\])]",
    re.IGNORECASE,
)
BREATH = re.compile(r"ap|br|pau", re.IGNORECASE)
"""Marks of a breath or a pause that are also words of some language: left out as well, but told."""
UNHEARD = re.compile(r"spn|<?unk>?|<spoken_noise>|\[unk\]|oov", re.IGNORECASE)
"""An aligner's mark of a word that it did not know."""
VOWELS = frozenset("aeiouyæœøɐɑɒʌəɚɘɛɜɝɞɤɨɪɔɯɵʉʊʏ")
CHORD = re.compile(r"N|[A-G][#b]?(?::\S*)?(?:/\S+)?")
PHONES, PARTS = "phones", "parts of a song"
WITHOUT_VOWEL = 0.25
"""From this share of labels without a vowel on, they are phones: of words hardly one has none."""
LAST_S = 1.0
SAME_S = 0.001


@dataclass(frozen=True, slots=True)
class Label:
    """A label of a file with its times, and the line or entry it stands on."""

    text: str
    start_s: float | None
    end_s: float | None
    number: int = 0


LabelOrLine = TypeVar("LabelOrLine", Label, Line)


def is_silence(text: str) -> bool:
    """Whether a label says that nothing is sung."""
    return SILENCE.fullmatch(text.strip()) is not None or BREATH.fullmatch(text.strip()) is not None


def are_lines(labels: Sequence[Label]) -> bool:
    """Whether most labels hold several words."""
    return 2 * sum(len(label.text.split()) > 1 for label in labels) > len(labels)


def unsung_kind(labels: Sequence[Label]) -> str | None:
    """What labels are that are no words: phones, chords, or parts of a song; None where they are words."""
    texts = [label.text.strip() for label in labels if not is_silence(label.text)]
    texts = [text for text in texts if not UNHEARD.fullmatch(text)]
    if not texts:
        return None
    if len(texts) > 1 and sum(is_label(text, marked=True) for text in texts) > 0.8 * len(texts):
        return PARTS
    if len(texts) > 1 and sum(CHORD.fullmatch(text) is not None for text in texts) > 0.9 * len(texts):
        return "chords"
    letters = [bare for text in texts if (bare := _letters(text)) and all(map(_is_phonetic, bare))]
    without_vowel = sum(not VOWELS & set(bare) for bare in letters)
    if len(letters) > 0.8 * len(texts) and len(texts) > 2 and without_vowel > WITHOUT_VOWEL * len(letters):
        return PHONES
    return None


def phones_of_labels(labels: Sequence[Label]) -> tuple[Word, ...]:
    """Labels that are phones, without silence and what their aligner did not know; one without both times is none."""
    return tuple(
        Word(label.text.strip(), label.start_s, label.end_s)
        for label in labels
        if label.start_s is not None
        and label.end_s is not None
        and label.start_s < label.end_s
        and not is_silence(label.text)
        and not UNHEARD.fullmatch(label.text.strip())
    )


def written_of_labels(labels: Sequence[Label], of_lines: Sequence[Label] = ()) -> Written:
    """Labels as lines of words: each a line where most hold several words, else in the lines that `of_lines` give.

    Raises:
        Refused: ``lyrics_malformed``: they are no words.
    """
    if kind := unsung_kind(labels):
        raise Refused(
            "lyrics_malformed",
            f"the labels are {kind}, not words, as {_some(labels)}; give a file of the words",
        )
    remarks = tuple(
        Remark(kind, label.number, f"{label.text} {told}")
        for label in labels
        for kind, pattern, told in (
            ("unheard", UNHEARD, "stands for a word that its aligner did not know"),
            ("silence", BREATH, "is taken for a breath or a pause"),
        )
        if pattern.fullmatch(label.text.strip())
    )
    said = [
        label for label in labels if not (is_silence(label.text) or UNHEARD.fullmatch(label.text.strip()))
    ]
    if are_lines(said):
        return Written(tuple(_line([label]) for label in said), remarks=remarks)
    if not of_lines:
        return Written((_line(said),) if said else (), has_lines=False, remarks=remarks)
    starts = sorted(
        line.start_s for line in of_lines if line.start_s is not None and not is_silence(line.text)
    )
    rows: list[list[Label]] = [[] for _ in range(len(starts) + 1)]
    row = 0
    for label in said:
        row = row if label.start_s is None else bisect_right(starts, label.start_s + SAME_S)
        rows[row].append(label)
    return Written(tuple(_line(found) for found in rows if found), remarks=remarks)


def _line(labels: Sequence[Label]) -> Line:
    syllables = tuple(Syllable(f"{label.text.strip()} ", label.start_s, label.end_s) for label in labels)
    return Line(syllables, labels[0].start_s, labels[-1].end_s, labels[0].number)


def _some(labels: Sequence[Label]) -> str:
    texts = [label.text.strip() for label in labels if not is_silence(label.text)]
    return " ".join(texts[:6])[:60]


def _letters(text: str) -> str:
    return re.sub(r"[\W\d_]+", "", unicodedata.normalize("NFD", text.lower()))


def _is_phonetic(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith(("LATIN", "MODIFIER", "COMBINING", "GREEK SMALL LETTER"))


def labels_of(written: Written) -> list[Label]:
    """What to write of a song in a form of labels: each has a start, which no other has, and an end.

    Raises:
        ValueError: nothing has a time.
    """
    timed = any(syllable.start_s is not None for line in written.lines for syllable in line.syllables)
    pieces = [
        piece for line in written.lines for piece in (_words(line) if timed else [_label_of_line(line)])
    ]
    joined: list[Label] = []
    early = ""
    for piece in pieces:
        if not piece.text:
            continue
        if piece.start_s is None and joined:
            joined[-1] = Label(f"{joined[-1].text} {piece.text}", joined[-1].start_s, joined[-1].end_s)
        elif piece.start_s is None:
            early = f"{early}{piece.text} "
        elif (
            joined and piece.start_s == joined[-1].start_s
        ):  # two under one time would be a line and its translation
            joined[-1] = Label(f"{joined[-1].text} {piece.text}", piece.start_s, piece.end_s)
        else:
            joined.append(Label(f"{early}{piece.text}", piece.start_s, piece.end_s))
            early = ""
    if not joined:
        raise ValueError(
            "no word or line has a time, and this form needs them; write txt, or align the lyrics first"
        )
    after = [label.start_s for label in joined[1:]] + [None]
    return [_ended(label, next_s) for label, next_s in zip(joined, after, strict=True)]


def _ended(label: Label, next_s: float | None) -> Label:
    assert label.start_s is not None
    end_s = label.end_s
    if end_s is None or end_s < label.start_s:
        end_s = label.start_s + LAST_S if next_s is None or next_s <= label.start_s else next_s
    return Label(label.text, label.start_s, end_s, label.number)


def _label_of_line(line: Line) -> Label:
    return Label(line.text.strip(), line.start_s, line.end_s)


def _words(line: Line) -> list[Label]:
    """The words of a line, each with the start of its first syllable and the end of its last."""
    words: list[Label] = []
    is_open = False
    for syllable in line.syllables:
        for place, part in enumerate(re.findall(r"\S+", syllable.text)):
            goes_on = place == 0 and is_open and not syllable.text[:1].isspace()
            start_s = syllable.start_s if place == 0 else None
            if goes_on:
                before = words[-1]
                words[-1] = Label(before.text + part, before.start_s, syllable.end_s)
            else:
                words.append(Label(part, start_s, syllable.end_s if place == 0 else None))
        is_open = bool(words) and not syllable.text[-1:].isspace()
    return words


def in_order(labels: Sequence[LabelOrLine]) -> list[LabelOrLine]:
    """Labels or lines by their start; one without stays behind the one it follows."""
    keys, latest_s = [], -1.0
    for label in labels:
        latest_s = latest_s if label.start_s is None else label.start_s
        keys.append(latest_s)
    return [label for _, label in sorted(zip(keys, labels, strict=True), key=lambda pair: pair[0])]
