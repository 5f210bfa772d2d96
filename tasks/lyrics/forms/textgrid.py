"""TextGrid of Praat, the Montreal Forced Aligner and singing corpora: tiers of labels (intervals) in time, long and short form; which tier has words, which phones, which parts.

Praat reads what stands free in the file, numbers and quoted texts, and nothing else; so is it read here, which makes the
two forms one. (praatio refuses a whole file for one bad number.) The tier of words is known by its name, else it is the
one whose labels are words; several of them, one a singer, are all sung. A tier of lines, where there is one, parts them. Tiers
of phones go along in time.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from jam_model.words import Word
from tasks.engine.song import Refused
from tasks.lyrics.parts.labelled import (
    Label,
    are_lines,
    in_order,
    is_silence,
    labels_of,
    phones_of_labels,
    unsung_kind,
    written_of_labels,
)
from tasks.lyrics.parts.stated_parts import in_time
from tasks.lyrics.parts.written import Form, Remark, Written, seconds

TOKEN = re.compile(
    r'"(?P<text>(?:[^"\n]|""|\n(?![ \t]*(?:intervals?|points?|item|xmin|xmax|number|class)[ \t]*[\[=:]))*)(?:"|(?=\n)|\Z)'
    r"|(?<!\S)(?P<number>[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d{1,3})?)(?!\S)"
)
"""A text that is not closed ends with its line where the next one is of the long form."""
HEAD = re.compile(
    r'\s*(?:File type\s*=\s*)?"ooTextFile(?: short)?"\s*\n\s*(?:Object class\s*=\s*)?"TextGrid"',
    re.IGNORECASE,
)
BINARY = "ooBinaryFile"
CLASSES = ("IntervalTier", "TextTier")
WORD_TIER = re.compile(
    r"words?|lyrics?|ort(?:ho(?:graphy)?)?|tokens?|字|单词|汉字|hanzi|chars?", re.IGNORECASE
)
PHONE_TIER = re.compile(r"phones?|phonemes?|phn|ph|mau|ipa|音素", re.IGNORECASE)
LINE_TIER = re.compile(
    r"lines?|phrases?|sentences?|utterances?|utt|text|transcript(?:ion)?s?|segments?|歌词|句", re.IGNORECASE
)
SYLLABLE_TIER = re.compile(r"syl(?:l|lables?)?|音节|mora[es]?", re.IGNORECASE)
PART_TIER = re.compile(r"sections?|structure|parts?|functions?|段落", re.IGNORECASE)
OTHER_TIER = re.compile(
    r"phones?|phonemes?|phn|ph|mau|kan|sampa|ipa|notes?|pitch|midi|f0|chords?|sections?|structure|parts?|technique|style"
    r"|beats?|bars?|rests?|slurs?|breath",
    re.IGNORECASE,
)


@dataclass
class Tier:
    """A tier's labels in its own order; a point has no end."""

    is_intervals: bool
    name: str
    labels: list[Label] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """Its name without a singer's before it ("Ann - words")."""
        return re.split(r"\s-\s|[_/:]", self.name)[-1].strip().lower()

    def is_named(self, pattern: re.Pattern[str]) -> bool:
        """Whether its name is one of these."""
        return pattern.fullmatch(self.kind) is not None

    @property
    def said(self) -> list[Label]:
        """Labels that say something."""
        return [label for label in self.labels if not is_silence(label.text)]


def fits(text: str) -> bool:
    """The head of a TextGrid, or of one that cannot be read as text."""
    return HEAD.match(text) is not None or text.lstrip().startswith(BINARY)


def read(text: str) -> Written:
    if text.lstrip().startswith(BINARY):
        raise Refused("lyrics_malformed", "the TextGrid is binary; save it from Praat as a text file")
    remarks: list[Remark] = []
    tiers = tiers_of(text, remarks)
    words = _word_tiers(tiers)
    syllabic = words[0].is_named(SYLLABLE_TIER)
    labels = [label for tier in words for label in (_joined(tier.labels) if syllabic else tier.labels)]
    if len(words) > 1:
        labels = in_order(labels)
        names = ", ".join(tier.name for tier in words)
        remarks.append(Remark("voices", 0, f"the tiers {names} are sung together, and read as one"))
    lines = [label for tier in tiers if tier not in words and tier.is_named(LINE_TIER) for label in tier.said]
    written = written_of_labels(labels, lines)
    return replace(written, remarks=(*remarks, *written.remarks), phones=_phones(tiers))


def read_phones(text: str) -> tuple[Word, ...]:
    """The phones of a file, whether it has words or not."""
    return () if text.lstrip().startswith(BINARY) else _phones(tiers_of(text, []))


def read_parts(text: str) -> tuple[Word, ...]:
    """The parts in time of the first tier that is named for them."""
    tiers = [] if text.lstrip().startswith(BINARY) else tiers_of(text, [])
    named = next((tier for tier in tiers if tier.is_named(PART_TIER)), None)
    return () if named is None else in_time((one.text.strip(), one.start_s, one.end_s) for one in named.said)


def _phones(tiers: Sequence[Tier]) -> tuple[Word, ...]:
    """The labels of the tiers that are named for phones; of several, one a singer, all together."""
    named = [label for tier in tiers if tier.is_named(PHONE_TIER) for label in tier.labels]
    return phones_of_labels(in_order(named))


def tiers_of(text: str, remarks: list[Remark]) -> list[Tier]:
    """The tiers that a file holds; an entry without its times or its label is told and left out."""
    breaks = [match.start() for match in re.finditer("\n", text)]
    tiers: list[Tier] = []
    numbers: list[float] = []
    tokens = iter(TOKEN.finditer(text, HEAD.match(text).end() if HEAD.match(text) else 0))  # type: ignore[union-attr]
    for token in tokens:
        said = token["text"]
        line = bisect_right(breaks, token.start()) + 1
        if said is None:
            numbers.append(float(token["number"]))
        elif said in CLASSES:
            name = next((other["text"] for other in tokens if other["text"] is not None), "")
            tiers.append(Tier(said == CLASSES[0], name.replace('""', '"')))
            numbers = []
        elif tiers:
            tier = tiers[-1]
            if not tier.labels and len(numbers) >= 3:  # the tier's own times and size
                numbers = numbers[3:]
            label = _label(tier, said.replace('""', '"'), numbers, line, remarks)
            if label is not None:
                tier.labels.append(label)
            numbers = []
    return tiers


def _label(tier: Tier, text: str, numbers: Sequence[float], line: int, remarks: list[Remark]) -> Label | None:
    wanted = 2 if tier.is_intervals else 1
    times = [seconds(number) for number in numbers]
    text = " ".join(text.split())
    if len(times) != wanted or any(time is None for time in times):
        if is_silence(text):
            return None
        remarks.append(
            Remark("bad_time", line, f"{text[:40]!r} in tier {tier.name!r} has the times {list(numbers)[:4]}")
        )
        return Label(text, None, None, line)
    start_s = times[0]
    end_s = times[1] if wanted == 2 else None
    if start_s is not None and end_s is not None and end_s < start_s:
        remarks.append(Remark("bad_time", line, f"{text[:40]!r} ends at {end_s:g} s, before its start"))
        end_s = None
    return Label(text, start_s, end_s, line)


def _word_tiers(tiers: Sequence[Tier]) -> list[Tier]:
    """The tiers to read words from.

    Raises:
        Refused: ``lyrics_malformed``: no tier holds words.
    """
    filled = [tier for tier in tiers if tier.said]
    for pattern in (WORD_TIER, LINE_TIER, SYLLABLE_TIER):
        named = [tier for tier in filled if tier.is_named(pattern) and not unsung_kind(tier.labels)]
        if named:
            return [
                tier
                for tier in named
                if tier is named[0] or (tier.kind == named[0].kind and tier.name != tier.kind)
            ]
    others = [tier for tier in filled if not tier.is_named(OTHER_TIER) and not unsung_kind(tier.labels)]
    others = [
        tier for tier in others if not all(re.fullmatch(r"[\d.\s/-]+", label.text) for label in tier.said)
    ]
    if not others:
        names = ", ".join(repr(tier.name) for tier in tiers) or "none"
        raise Refused(
            "lyrics_malformed",
            f"no tier of the TextGrid holds words (its tiers: {names}); name the one with the words 'words'",
        )
    words = [tier for tier in others if not are_lines(tier.said)]
    return [max(words or others, key=lambda tier: len(tier.said))]


def _joined(labels: Sequence[Label]) -> list[Label]:
    """Syllables with a hyphen at the joint are one word."""
    words: list[Label] = []
    is_open = False
    for label in labels:
        text = label.text.strip()
        if words and (is_open or text.startswith("-")) and not is_silence(text):
            before = words[-1]
            words[-1] = replace(before, text=before.text + text.strip("-"), end_s=label.end_s)
        else:
            words.append(replace(label, text=text.strip("-") or text))
        is_open = len(text) > 1 and text.endswith("-")
    return words


def write(written: Written) -> bytes:
    """The long form with the tiers ``lines`` (where there are several) and ``words``, to a tenth of a microsecond.

    Intervals of a tier must not overlap: one that does ends where the next begins.
    """
    words = _apart(labels_of(written))
    lines = [
        Label(line.text.strip(), found[0].start_s, found[-1].end_s)
        for line in written.lines
        if any(one.start_s is not None for one in line.syllables) and (found := labels_of(Written((line,))))
    ]
    tiers = [("lines", _apart(lines))] if len(lines) > 1 else []
    end_s = max(label.end_s or 0.0 for label in words)
    rows = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        "xmin = 0",
        f"xmax = {_number(end_s)}",
    ]
    rows += ["tiers? <exists>", f"size = {len(tiers) + 1}", "item []:"]
    for number, (name, labels) in enumerate([*tiers, ("words", words)], start=1):
        filled = list(_filled(labels, end_s))
        rows += [f"    item [{number}]:", '        class = "IntervalTier"', f'        name = "{name}"']
        rows += [
            "        xmin = 0",
            f"        xmax = {_number(end_s)}",
            f"        intervals: size = {len(filled)}",
        ]
        for place, label in enumerate(filled, start=1):
            text = label.text.replace('"', '""')
            rows += [f"        intervals [{place}]:", f"            xmin = {_number(label.start_s)}"]
            rows += [f"            xmax = {_number(label.end_s)}", f'            text = "{text}"']
    return ("\n".join(rows) + "\n").encode()


def _apart(labels: Sequence[Label]) -> list[Label]:
    """Labels in order, each cut where the next begins; what begins together is one label."""
    apart: list[Label] = []
    for label in in_order(labels):
        before = apart[-1] if apart else None
        if before is not None and before.start_s == label.start_s:
            apart[-1] = replace(before, text=f"{before.text} {label.text}", end_s=label.end_s)
            continue
        if before is not None and (before.end_s or 0.0) > (label.start_s or 0.0):
            apart[-1] = replace(before, end_s=label.start_s)
        apart.append(label)
    return apart


def _filled(labels: Sequence[Label], end_s: float) -> list[Label]:
    """Empty intervals in the gaps, as a tier of intervals has them."""
    filled: list[Label] = []
    at_s = 0.0
    for label in labels:
        if (label.start_s or 0.0) > at_s:
            filled.append(Label("", at_s, label.start_s))
        filled.append(label)
        at_s = label.end_s or at_s
    return [*filled, Label("", at_s, end_s)] if end_s > at_s else filled


def _number(time_s: float | None) -> str:
    return f"{time_s or 0.0:.7f}".rstrip("0").rstrip(".")


FORM = Form("TextGrid", (".TextGrid", ".textgrid"), fits, read, write)
