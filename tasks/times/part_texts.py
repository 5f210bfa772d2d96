"""What lyrics ask of each part (``PartText``), with start and end by the words below its label, and the style each gives.

A part begins with the first word behind its label. Labels in front of the same word are parts without words, all but the last:
they share the seconds since the word before, as those behind the last word share what is left of the song. What comes before the
first label has the song's own style, and so has a part that says none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from jam_model.part_styles.parts import MAX_LABEL, MAX_PARTS, Part, PartStyles, tiled
from jam_model.words import Word
from tasks.lyrics.lyrics import Label
from tasks.lyrics.part_labels import name_and_text
from tasks.models.style_encoder import StyleEncoder


@dataclass(frozen=True)
class PartText:
    """A part that lyrics name: the name, the style in words (None: the song's), seconds."""

    name: str
    text: str | None
    start_s: float
    end_s: float


def part_texts(labels: Sequence[Label], words: Sequence[Word], duration_s: float) -> list[PartText]:
    """The parts that labels name, placed by the times of the words, from the song's start to its end.

    Raises:
        ValueError: a part that says how it shall sound has no time or lies past the song's end, or there are too many.
    """
    named = [
        (label.before, found[0][:MAX_LABEL], found[1])
        for label in labels
        if (found := name_and_text(label.text))
    ]
    starts: list[tuple[str, str | None, float]] = []
    for before, group in groupby(sorted(named, key=lambda one: one[0]), key=lambda one: one[0]):
        together = [(name, text) for _, name, text in group]
        free_s = min(words[before - 1].end_s, duration_s) if 0 < before <= len(words) else 0.0
        sung_s = max(free_s, words[before].start_s) if before < len(words) else duration_s
        silent = len(together) if before >= len(words) else len(together) - 1
        shared_s = (sung_s - free_s) / max(silent, 1)
        starts += [(*one, free_s + number * shared_s) for number, one in enumerate(together[:silent])]
        starts += [(*one, sung_s if before or silent else 0.0) for one in together[silent:]]
    if not starts:
        return []
    if len(starts) >= MAX_PARTS:
        raise ValueError(f"lyrics name {len(starts)} parts, at most {MAX_PARTS - 1}; leave labels out")
    if starts[0][2] > 0:
        starts.insert(0, ("", None, 0.0))
    ends_s = [*(start_s for *_, start_s in starts[1:]), duration_s]
    parts = [PartText(*one, end_s) for one, end_s in zip(starts, ends_s, strict=True)]
    for part in parts:
        if part.text and part.start_s >= duration_s:
            raise ValueError(
                f"part [{part.name}: {part.text}] lies past the end of the song at {duration_s:g} s; give a longer --duration or a "
                "faster --bpm"
            )
        if part.text and part.end_s <= part.start_s:
            raise ValueError(
                f"part [{part.name}: {part.text}] has no time between the words around it; leave a pause there, or the label out"
            )
    return [part for part in parts if part.end_s > part.start_s]


def styles_of_parts(
    parts: Sequence[PartText], song_style_S: np.ndarray, encoder: StyleEncoder
) -> PartStyles | None:
    """The styles that parts ask for; equal texts are one. None where no part says how it shall sound.

    Raises:
        ValueError: the encoder cannot read a text; names the part.
    """
    if not any(part.text for part in parts):
        return None
    texts = list(dict.fromkeys(part.text for part in parts))
    styles = {}
    for part in parts:
        if part.text is None or part.text in styles:
            continue
        try:
            styles[part.text] = np.asarray(encoder.embed_text(part.text), np.float32)
        except ValueError as error:
            raise ValueError(f"part [{part.name}: {part.text}]: {error}") from error
    rows = [song_style_S if text is None else styles[text] for text in texts]
    named = [Part(part.name, part.start_s, part.end_s, texts.index(part.text)) for part in parts]
    return PartStyles(np.stack(rows).astype(np.float32), tiled(named, parts[-1].end_s))
