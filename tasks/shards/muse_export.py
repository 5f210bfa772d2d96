"""Kept songs in Muse's chat form, so that a language model may learn elsewhere from the songs that a flow model learns from here.

A file of JSON lines a split: the talk of a song (`tasks.lyrics.muse`), the seconds that each answer of the assistant sounds, and whose the
song is: its split, licence, source and artist as in the shards, and the sha256 of its audio. ``index.json`` counts them and holds the
sha256 of each file.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from jam_model.words import Word, words_of
from tasks.lyrics.lyrics import Label
from tasks.lyrics.muse import MusePart, MuseSong, messages_of
from tasks.lyrics.part_labels import name_and_text
from tasks.storage.file_hashes import sha256_of_file
from tasks.storage.files import write_json, write_json_lines
from tasks.times.part_texts import PartText, part_texts

INDEX = "index.json"
UNNAMED = "Song"
"""The label of what stands in no part."""
COLUMNS = (
    *(
        "audio",
        "content_hash",
        "duration_s",
        "words",
        "lyrics",
        "lyrics_lines",
        "lyrics_labels",
        "style_text",
    ),
    *("split", "license", "source", "artist", "language"),
)
SECTIONS, PART_CAPTIONS = "sections", "part_captions"


def export_muse(rows: Iterable[Mapping[str, Any]], out: Path, has_phonemes: bool) -> dict[str, int]:
    """Write the kept rows into `out`, a file a split; returns how many songs each holds.

    Raises:
        ValueError: no song was kept.
    """
    by_split: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if not row["drop_reason"]:
            by_split.setdefault(row["split"], []).append(muse_row(row, has_phonemes))
    if not by_split:
        raise ValueError("export: no song was kept; `jam table --drops` says why")
    splits = {}
    for split, songs in sorted(by_split.items()):
        path = out / f"{split}.jsonl"
        write_json_lines(path, songs)
        licences = Counter(song["license"] or "unknown" for song in songs)
        splits[split] = {
            "file": path.name,
            "songs": len(songs),
            "sha256": sha256_of_file(path),
            "licenses": dict(sorted(licences.items())),
        }
    write_json(out / INDEX, {"form": "Muse's messages", "phonemes": has_phonemes, "splits": splits})
    return {split: len(songs) for split, songs in by_split.items()}


def muse_row(row: Mapping[str, Any], has_phonemes: bool) -> dict[str, Any]:
    """A kept song as a line of its split's file; `turns`: the seconds of each answer of the assistant."""
    words, duration_s = words_of(row["words"]), row["duration_s"]
    parts = _parts(row, words, duration_s)
    said = _muse_parts(parts, words, _line_ends(row, len(words)))
    return {
        "id": row["song_id"],
        "messages": messages_of(MuseSong(row["style_text"] or "", tuple(said)), has_phonemes),
        "turns": [{"start_s": round(part.start_s, 3), "end_s": round(part.end_s, 3)} for part in parts],
        "duration_s": duration_s,
        "audio": row["audio"]["path"],
        "audio_sha256": row["content_hash"],
        **{name: row[name] for name in ("split", "license", "source", "artist", "language")},
    }


def _parts(row: Mapping[str, Any], words: Sequence[Word], duration_s: float) -> list[PartText]:
    """The parts of a song: its sections, else what the labels of its lyrics name, else one; words before the first have one of their own."""
    if row.get(SECTIONS):
        said = {one["start_s"]: one["caption"] for one in row.get(PART_CAPTIONS) or ()}
        found = [_section(one, said.get(one["start_s"])) for one in row[SECTIONS]]
    elif row["lyrics_labels"] and len(row["lyrics"] or ()) == len(words):
        found = part_texts([Label(**one) for one in row["lyrics_labels"]], words, duration_s)
    else:
        found = []
    if not found or (words and words[0].start_s < found[0].start_s):
        found.insert(0, PartText(UNNAMED, None, 0.0, found[0].start_s if found else duration_s))
    return found


def _section(one: Mapping[str, Any], caption: str | None) -> PartText:
    """A section as a part; its caption, where it has one, in place of what its label says."""
    name, text = name_and_text(one["text"] or "") or (
        one["text"] or one["label"].replace("_", " ").title(),
        None,
    )
    return PartText(name, caption or text, one["start_s"], one["end_s"])


def _line_ends(row: Mapping[str, Any], num_words: int) -> list[int]:
    """How many words stand up to the end of each line, where the lyrics state lines of these words; else of all in one."""
    ends = [*accumulate(len(line["text"].split()) for line in row["lyrics_lines"] or ())]
    return ends if ends and ends[-1] == num_words else [num_words]


def _muse_parts(
    parts: Sequence[PartText], words: Sequence[Word], line_ends: Sequence[int]
) -> Iterable[MusePart]:
    """Each word in the last part that began before it, in its line."""
    starts = [part.start_s for part in parts]
    lines: list[dict[int, list[Word]]] = [{} for _ in parts]
    for number, word in enumerate(words):
        place = max(0, bisect_right(starts, word.start_s + 1e-6) - 1)
        lines[place].setdefault(bisect_right(line_ends, number), []).append(word)
    for part, of_part in zip(parts, lines, strict=True):
        sung = [of_part[number] for number in sorted(of_part)]
        yield MusePart(
            part.name or UNNAMED,
            part.text or "",
            tuple(tuple(word.text for word in line) for line in sung),
            tuple(tuple(word.phonemes or "" for word in line) for line in sung),
        )
