"""Chords as people write them: tokens of bars, degrees, rests and repeats as labels in Harte's spelling (`chords_in`), with the beats that each lasts.

``C G Am F`` is four bars. Where there is a ``|`` or a second line, these bound the bars, and the chords of a bar share it evenly: ``C | Dm7 G7 | % | N.C.``.
``%`` is the bar before, or within a bar the chord before. ``x2`` behind a bar plays what stands in its line since the last ``x``
or sign so often; ``|: ... :|`` is played twice, ``:| x3`` three times. A text may begin with its metre: ``3/4 C | F``; without one it is 4/4.

Spellings: ``Cmaj7 CM7 C^7``, ``Am A- Ami``, ``Am7b5``, the half-diminished and diminished signs, ``F#dim``, ``Bb``, ``C/E``, ``C6/9``, ``G7#5``,
``Dsus``, and Harte's own (``C:maj7/3``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

from eval.metrics.controls.chord_labels import NO_CHORD, chord_of
from tasks.shards.control_frames import chord_index

MAX_CHARS, MAX_BARS, MAX_IN_BAR, MAX_TIMES = 20_000, 2_000, 32, 64
BEATS_A_BAR = 4.0
_SILENT = frozenset({"n.c.", "n.c", "nc", "n"})
_SIGNS = str.maketrans({"♯": "#", "♭": "b", "Δ": "^", "△": "^", "−": "-", "–": "-", "º": "°", "Ø": "ø", "×": "x", "𝄆": " ", "¦": "|"})  # fmt: skip
_TOKEN = re.compile(r"\|?:\||\|:|\|+|\n|[^\s|]+")
_METRE = re.compile(r"(\d{1,2})/(2|4|8|16)(?=\s)")
_TIMES = re.compile(r"x(\d{1,3})|\(x(\d{1,3})\)|(\d{1,3})x")
_CHORD = re.compile(r"(?P<root>[A-G](?:##?|bb?)?)(?P<rest>.*?)(?:/(?P<bass>[A-G](?:##?|bb?)?))?")
_BRACKETS = re.compile(r"(?:[^()]|\([^()]*\))*")
_BASES = {
    "maj": ("", "maj", "Maj", "M", "major", "ma"),
    "min": ("m", "min", "-", "mi", "minor", "Min"),
    "7": ("7", "dom7", "dom"),
    "maj7": ("maj7", "Maj7", "M7", "^", "^7", "ma7", "major7"),
    "min7": ("m7", "min7", "-7", "mi7"),
    "hdim7": ("m7b5", "min7b5", "-7b5", "mi7b5", "ø", "ø7", "hdim7", "hdim", "m7-5"),
    "dim": ("dim", "°", "o", "mb5", "minb5"),
    "dim7": ("dim7", "°7", "o7"),
    "aug": ("aug", "+", "+5", "maj#5"),
    "aug(b7)": ("+7", "aug7", "7+", "7#5", "7aug"),
    "sus4": ("sus", "sus4"),
    "sus2": ("sus2",),
    "sus4(b7)": ("7sus4", "7sus"),
    "sus4(b7,9)": ("9sus4", "9sus"),
    "maj6": ("6", "maj6", "M6"),
    "min6": ("m6", "min6", "-6"),
    "maj6(9)": ("6/9", "69", "6add9"),
    "min6(9)": ("m6/9", "m69"),
    "9": ("9",),
    "maj9": ("maj9", "M9", "^9"),
    "min9": ("m9", "min9", "-9"),
    "11": ("11",),
    "min11": ("m11", "min11", "-11"),
    "13": ("13",),
    "maj13": ("maj13", "M13", "^13"),
    "min13": ("m13", "min13", "-13"),
    "minmaj7": ("mM7", "mmaj7", "minmaj7", "-^7", "-^", "m^7", "-M7", "-maj7"),
    "5": ("5",),
}
_QUALITY = {spelling: quality for quality, spellings in _BASES.items() for spelling in spellings}
_LONGEST = max(map(len, _QUALITY))
_CHANGE = re.compile(r"add([b#]?\d{1,2})|(?:no|omit)(3|5)|([b#](?:5|9|11|13))")
_OVER_ROOT = ("1", "b2", "2", "b3", "3", "4", "b5", "5", "b6", "6", "b7", "7")


@dataclass(frozen=True)
class ChordText:
    """`bars`: the labels of each, which share it evenly; `quarters_a_bar`: quarter notes that a bar lasts."""

    bars: tuple[tuple[str, ...], ...]
    quarters_a_bar: float = BEATS_A_BAR

    def spans(self, bpm: float, duration_s: float) -> list[tuple[float, float, str]]:
        """(start, end, label) in seconds from 0 to the end of a song in `bpm` quarters a minute: the bars from the first, and again
        until it ends; the last is cut there.
        """
        bar_s = self.quarters_a_bar * 60.0 / bpm
        made: list[tuple[float, float, str]] = []
        number = 0
        while number * bar_s < duration_s:
            bar = self.bars[number % len(self.bars)]
            edges_s = [(number + place / len(bar)) * bar_s for place in range(len(bar) + 1)]
            spans = zip(edges_s, edges_s[1:], bar, strict=False)
            made += [
                (start, min(end, duration_s), label) for start, end, label in spans if start < duration_s
            ]
            number += 1
        return made


def chords_in(text: str) -> ChordText:
    """The bars of a text.

    Raises:
        ValueError: it holds no chord, something that is none, or more than can be taken; in one line, with the bar it stands in.
    """
    if len(text) > MAX_CHARS:
        raise ValueError(f"chords: {len(text)} characters, at most {MAX_CHARS}; write repeats as x2")
    text = text.translate(_SIGNS).replace("\r", "\n").strip()
    quarters = BEATS_A_BAR
    if metre := _METRE.match(text):
        beats, unit = int(metre[1]), int(metre[2])
        quarters, text = beats * 4.0 / unit, text[metre.end() :]
        if not beats:
            raise ValueError(f"chords: metre {metre[0]} has no beat; give one such as 3/4")
    tokens = _TOKEN.findall(text.strip())
    reader = _Bars(has_bars=any(token.startswith(("|", ":")) or token == "\n" for token in tokens))
    for token in tokens:
        reader.take(token)
    bars = reader.end()
    if not bars:
        raise ValueError("chords: there is no chord; give some, such as 'C G Am F' or 'C | Dm7 G7 | C'")
    return ChordText(tuple(bars), quarters)


def label_of(token: str) -> str:
    """One chord as Harte spells it.

    Raises:
        ValueError: it is none.
    """
    token = token.translate(_SIGNS)
    if token.lower() in _SILENT:
        return NO_CHORD
    label = token if ":" in token else _spelled(token)
    if chord_of(label).tones is None:
        raise ValueError("X asks for nothing; write N.C. for no chord")
    chord_index(label)
    return label


class _Bars:
    """Bars so far: `line` begins where an ``x2`` reaches back to, `repeat` where ``:|`` does; `open` is the bar being read. `begun`: the
    bar in front of which a ``|:`` waits for its ``:|``, 0: none.
    """

    def __init__(self, has_bars: bool) -> None:
        self.has_bars = has_bars
        self.bars: list[tuple[str, ...]] = []
        self.open: list[str] = []
        self.line = self.repeat = 0
        self.begun = 0
        self.turned = 0  # how many bars the last ``:|`` repeated; 0: it was not the last token

    def take(self, token: str) -> None:
        """One token more."""
        times = _TIMES.fullmatch(token)
        if times:
            self._times(token, int(times[1] or times[2] or times[3]))
            return
        self.turned = 0
        if token in ("|:", ":|", "|:|") or token.startswith("|") or token == "\n":
            self._close()
            if token == "|:":
                self._check_closed()
                self.begun = len(self.bars) + 1
                self.line = self.repeat = len(self.bars)
            elif token.endswith(":|"):
                self.turned = len(self.bars) - self.repeat
                self._again(self.repeat, 2, token)
                self.line = len(self.bars)
                self.begun = 0
            elif token == "\n":
                self.line = len(self.bars)
            return
        self.open.append(self._label(token))
        if len(self.open) > MAX_IN_BAR:
            raise ValueError(
                f"chords: bar {len(self.bars) + 1} has more than {MAX_IN_BAR} chords; bound bars with |"
            )
        if not self.has_bars:
            self._close()

    def end(self) -> list[tuple[str, ...]]:
        """All bars."""
        self._close()
        self._check_closed()
        return self.bars

    def _check_closed(self) -> None:
        if self.begun:
            raise ValueError(
                f"chords: '|:' in front of bar {self.begun} has no ':|' behind it; write one where the repeat ends"
            )

    def _label(self, token: str) -> str:
        place = f"bar {len(self.bars) + 1}, chord {len(self.open) + 1}: {token[:40]!r}"
        if token == "%":
            if not self.open and not self.bars:
                raise ValueError(f"chords: {place} has no bar before it; begin with a chord")
            return self.open[-1] if self.open else "%"
        try:
            return label_of(token)
        except ValueError as error:
            raise ValueError(f"chords: {place} is no chord ({error})") from None

    def _close(self) -> None:
        if not self.open:
            return
        before = self.bars[-1] if self.bars else ()
        bar = before if self.open == ["%"] else tuple(before[-1] if one == "%" else one for one in self.open)
        self.bars.append(bar)
        self.open = []
        self._check(len(self.bars))

    def _times(self, token: str, count: int) -> None:
        self._close()
        if not 1 <= count <= MAX_TIMES:
            raise ValueError(f"chords: {token!r} behind bar {len(self.bars)}; give x1 to x{MAX_TIMES}")
        if self.turned:
            del self.bars[-self.turned :]
            self._again(self.repeat, count, token)
        else:
            self._again(self.line, count, token)
        self.turned, self.line, self.repeat = 0, len(self.bars), len(self.bars)

    def _again(self, first: int, count: int, token: str) -> None:
        played = self.bars[first:]
        if not played:
            raise ValueError(f"chords: {token!r} has no bar before it to repeat; write it behind a bar")
        self._check(first + len(played) * count)
        self.bars[first:] = played * count

    def _check(self, count: int) -> None:
        if count > MAX_BARS:
            raise ValueError(
                f"chords: {count} bars, at most {MAX_BARS}; they are repeated to the end of the song anyway"
            )


def _spelled(token: str) -> str:
    if token[:1] in "Hh":
        _no("write B for H, and Bb for B")
    found = _CHORD.fullmatch(token)
    if found is None:
        _no("a chord begins with A to G, such as C, F#m7 or Bb/D")
    if not _BRACKETS.fullmatch(found["rest"]):
        _no("its brackets do not match; write it as Am7(b5)")
    rest = found["rest"].replace("(", "").replace(")", "").replace(",", "")
    known = [length for length in range(min(len(rest), _LONGEST) + 1) if rest[:length] in _QUALITY]
    for length in reversed(known):
        degrees = _degrees(rest[length:])
        if degrees is not None:
            return (
                found["root"] + _label(_QUALITY[rest[:length]], degrees) + _bass(found["root"], found["bass"])
            )
    _no(
        f"{rest[:20]!r} is no kind of chord known here; write it as C:maj7 or C:(1,3,5), see docs/controls.md"
    )


def _degrees(rest: str) -> list[str] | None:
    """What is added and (``*``) taken away; None where this says something else."""
    degrees: list[str] = []
    at = 0
    while at < len(rest):
        found = _CHANGE.match(rest, at)
        if found is None:
            return None
        at = found.end()
        if found[2]:
            degrees.append(f"*{found[2]}")
        elif found[3] in ("b5", "#5"):
            degrees += [found[3], "*5"]
        else:
            degrees.append(found[1] or found[3])
    return degrees


def _label(quality: str, degrees: list[str]) -> str:
    if not degrees:
        return "" if quality == "maj" else f":{quality}"
    plain, _, inner = quality.rstrip(")").partition("(")
    return f":{plain}({','.join(filter(None, (inner, *degrees)))})"


def _bass(root: str, bass: str | None) -> str:
    if bass is None or chord_of(bass).root == chord_of(root).root:
        return ""
    over = ((chord_of(bass).root or 0) - (chord_of(root).root or 0)) % 12
    return f"/{_OVER_ROOT[over]}"


def _no(why: str) -> NoReturn:
    raise ValueError(why)
