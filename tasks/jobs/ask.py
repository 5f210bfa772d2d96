"""What may be asked of a model at the desk (`Ask`): words with times and phones, chords, a style, a length, how many candidates; each value within limits."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tasks.engine.fingerprint import fingerprint
from tasks.jobs.files import FOLLOWED, HASH

NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")
"""Songs are named by it, and the noise of a candidate depends on it."""
MAX_WORD_CHARS = 80
MAX_CANDIDATES, MAX_STYLE_CHARS, MAX_SEED = 16, 500, 2**31 - 1
MIN_SECONDS, MAX_SECONDS = 0.1, 3600.0
MAX_CHORD_CHARS, MIN_BPM, MAX_BPM = 2000, 30.0, 300.0

LATER = frozenset({"chords", "bpm", *FOLLOWED})
OPTIONAL = LATER | {"language", "phones"}
"""Fields that an ask may lack; those of them that came later, and are no part of the hash of one that lacks them."""

Phones = Sequence[Sequence[tuple[str, float, float]]]


@dataclass(frozen=True)
class Ask:
    """What is asked for. Equal asks are one job.

    Attributes:
        name: of the song, a plain file name.
        words: text, start and end in seconds of each word, in order.
        line_starts: number of each line's first word, from 0.
        style: in words; empty where `style_song` is the id of a prepared song whose style is wanted.
        language: of the words, where songs have several.
        phones: of each word symbol, start and end of its phones as shares of it, for a model that lays them, so that they move with
            their word; None where nobody knows them.
        weights: sha256 of the model's weights.
        chords: as a person writes them, for a model that follows some, with their tempo `bpm`; None: none are asked for.
        melody, drums: sha256 of a file to follow (`tasks.jobs.files`); None: none is asked for.
    """

    name: str
    words: Sequence[tuple[str, float, float]]
    line_starts: Sequence[int]
    duration_s: float
    style: str
    style_song: str
    candidates: int
    seed: int
    weights: str
    language: str | None = None
    phones: Phones | None = None
    chords: str | None = None
    bpm: float | None = None
    melody: str | None = None
    drums: str | None = None

    @classmethod
    def from_json(cls, value: Any, weights: str) -> Ask:
        """As the page asks it, for a model with these weights; how many words there may be is its lyrics' limit, which the asker knows.

        Raises:
            ValueError: names the field that is missing or beyond its limit.
        """
        fields = {"name", "words", "line_starts", "duration_s", "style", "style_song", "candidates", "seed"}
        if not isinstance(value, Mapping) or not fields <= value.keys() <= fields | OPTIONAL:
            raise ValueError(
                f"job: give {', '.join(sorted(fields))}, and perhaps {', '.join(sorted(OPTIONAL))}"
            )
        if not isinstance(value["name"], str) or not NAME.fullmatch(value["name"]):
            raise ValueError("name: give up to 40 letters, digits, - and _")
        duration_s = _number(value, "duration_s", MIN_SECONDS, MAX_SECONDS)
        words = _words(value["words"], duration_s)
        return cls(
            value["name"],
            words,
            _line_starts(value["line_starts"], len(words)),
            duration_s,
            *_style(value["style"], value["style_song"]),
            int(_number(value, "candidates", 1, MAX_CANDIDATES, True)),
            int(_number(value, "seed", 0, MAX_SEED, True)),
            weights,
            _language(value.get("language")),
            _phones(value.get("phones"), len(words)),
            *_chords(value),
            *(_file(value, name) for name in FOLLOWED),
        )

    @property
    def files(self) -> dict[str, str]:
        """The files to follow, by their control."""
        return {name: digest for name in FOLLOWED if (digest := getattr(self, name)) is not None}

    @property
    def id(self) -> str:
        """The hash of all that is asked."""
        asked = asdict(self)
        return fingerprint({name: one for name, one in asked.items() if one is not None or name not in LATER})

    def lyrics(self) -> dict[str, Any]:
        """The words in jamify's lyrics form, each with its line, from 1."""
        rows = []
        for number, (text, start_s, end_s) in enumerate(self.words):
            line = bisect_right(self.line_starts, number)
            row = {"word": text, "start": start_s, "end": end_s, "line": line}
            if self.phones is not None:
                length_s = end_s - start_s
                row["phones"] = [
                    {
                        "phone": one,
                        "start": round(start_s + at * length_s, 4),
                        "end": round(start_s + to * length_s, 4),
                    }
                    for one, at, to in self.phones[number]
                ]
            rows.append(row)
        return {**({"language": self.language} if self.language else {}), "word": rows}


def read_ask(value: Mapping[str, Any]) -> Ask:
    """An ask as a job's file has it.

    Raises:
        ValueError: it is none.
    """
    asked = {name: one for name, one in value.items() if one is not None and name != "weights"}
    weights = value.get("weights")
    if not isinstance(weights, str):
        raise ValueError("job: weights are missing")
    return Ask.from_json(asked, weights)


def check_seconds(duration_s: float, longest_s: float) -> None:
    """Whether a model whose songs last up to `longest_s` makes one of this length.

    Raises:
        ValueError: it does not.
    """
    if not MIN_SECONDS <= duration_s <= longest_s:
        at_most = math.floor(longest_s * 100) / 100
        raise ValueError(
            f"duration_s: {str(duration_s)[:20]} s; this model makes {MIN_SECONDS:g} to {at_most:.2f} s"
        )


def _words(value: Any, duration_s: float) -> tuple[tuple[str, float, float], ...]:
    if not isinstance(value, Sequence) or not value:
        raise ValueError("words: none; give one or more, each with its text, start and end")
    words, before_s = [], 0.0
    for number, row in enumerate(value):
        if not isinstance(row, Sequence) or len(row) != 3 or not isinstance(row[0], str):
            raise ValueError(f"words: word {number + 1} is none; give [text, start, end]")
        text = row[0]
        if (
            not text
            or len(text) > MAX_WORD_CHARS
            or any(sign.isspace() or not sign.isprintable() for sign in text)
        ):
            raise ValueError(
                f"words: word {number + 1} has no text of 1 to {MAX_WORD_CHARS} characters without blanks"
            )
        start_s, end_s = (_seconds(one, f"words: {text!r}") for one in row[1:])
        if not before_s <= start_s <= end_s <= duration_s:
            raise ValueError(
                f"words: {text!r} lasts from {start_s:g} to {end_s:g} s; give times in order, within {duration_s:g} s"
            )
        words.append((text, start_s, end_s))
        before_s = start_s
    return tuple(words)


def _phones(value: Any, count: int) -> Phones | None:
    if value is None:
        return None
    if not isinstance(value, Sequence) or len(value) != count:
        raise ValueError(f"phones: give those of each of {count} words")
    if not all(isinstance(of_word, Sequence) for of_word in value):
        raise ValueError("phones: give a list of those of each word; an empty one where nobody knows them")
    return tuple(tuple(_phone(phone) for phone in of_word) for of_word in value)


def _phone(value: Any) -> tuple[str, float, float]:
    if not isinstance(value, Sequence) or len(value) != 3 or not isinstance(value[0], str):
        raise ValueError("phones: one is none; give its symbol, and where it starts and ends in its word")
    start, end = (_seconds(one, "phones") for one in value[1:])
    if not (0 <= start <= end <= 1 and 1 <= len(value[0]) <= MAX_WORD_CHARS):
        raise ValueError(f"phones: {value[0][:20]!r} lies from {start:g} to {end:g}; give shares of its word")
    return value[0], start, end


def _line_starts(value: Any, count: int) -> tuple[int, ...]:
    numbers = value if isinstance(value, Sequence) and all(type(one) is int for one in value) else ()
    if not numbers or numbers[0] != 0 or list(numbers) != sorted(set(numbers)) or numbers[-1] >= count:
        raise ValueError("line_starts: give the number of each line's first word, from 0, in order")
    return tuple(numbers)


def _style(style: Any, song: Any) -> tuple[str, str]:
    if not isinstance(style, str) or not isinstance(song, str) or bool(style.strip()) == bool(song):
        raise ValueError("style: give one in words, or a song's; one of the two")
    if len(style) > MAX_STYLE_CHARS or len(song) > MAX_STYLE_CHARS:
        raise ValueError(f"style: at most {MAX_STYLE_CHARS} characters")
    return " ".join(style.split()), song


def _chords(value: Mapping[str, Any]) -> tuple[str | None, float | None]:
    text = value.get("chords")
    if text is None:
        return None, None
    if not isinstance(text, str) or not text.strip() or len(text) > MAX_CHORD_CHARS:
        raise ValueError(
            f"chords: give a text of at most {MAX_CHORD_CHARS} characters, such as 'C G | Am F', or none"
        )
    if value.get("bpm") is None:
        raise ValueError(f"bpm: chords need a tempo; give {MIN_BPM:g} to {MAX_BPM:g} beats a minute")
    return text, _number(value, "bpm", MIN_BPM, MAX_BPM)


def _file(value: Mapping[str, Any], name: str) -> str | None:
    digest = value.get(name)
    if digest is not None and not (isinstance(digest, str) and HASH.fullmatch(digest)):
        raise ValueError(f"{name}: give the sha256 of a file that was sent, or none")
    return digest


def _language(value: Any) -> str | None:
    if value is not None and not (isinstance(value, str) and re.fullmatch(r"[a-z-]{2,16}", value)):
        raise ValueError("language: give a code such as 'de', or none")
    return value


def _number(value: Mapping[str, Any], name: str, least: float, most: float, whole: bool = False) -> float:
    number = value[name]
    known = type(number) is int or (type(number) is float and math.isfinite(number) and not whole)
    if not known or not least <= number <= most:
        kind = "a whole number" if whole else "beats a minute" if name == "bpm" else "seconds"
        raise ValueError(f"{name}: {str(number)[:20]}; give {kind}, {least} to {most}")
    return float(number)


def _seconds(value: Any, what: str) -> float:
    if type(value) not in (int, float) or not abs(value) <= MAX_SECONDS:
        raise ValueError(f"{what}: {str(value)[:20]} are no seconds; give 0 to {MAX_SECONDS:g}")
    return round(float(value), 4)
