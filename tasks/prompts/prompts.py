"""What is asked for (`Prompt`: style, words, facts), who generates it (`System`), and source rows made from songs: candidates, systems, gates.

The rows start a new table, on which the same stages run unchanged. Each keeps the prompt it was made
from (`parent`), what was asked of it, and the recipe, so that any row can be made again from its facts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from jam_model.checkpoint import weights_hash
from jam_model.controls.known import Rows
from jam_model.lyric_grid import SUNG, Filler, words_without_phones
from jam_model.part_styles.parts import PartStyles, part_rows
from jam_model.words import Word, phones_by_word, rows_of, rows_of_phones, words_of
from tasks.engine.columns import Column
from tasks.engine.fingerprint import canonical, fingerprint
from tasks.engine.stage import Section
from tasks.engine.table import Source
from tasks.prompts.asked_controls import control_facts, identity_of
from tasks.songs.columns import (
    ASKED_RHYTHM,
    AUDIO,
    CONTROL_COLUMNS,
    LYRICS_LANGUAGE,
    PART,
    PHONE,
    SONG_COLUMNS,
    STYLE,
    WORD,
)
from tasks.stages.ingest import Ingest

PROMPT_COLUMNS = (
    *(
        "audio",
        "title",
        "lyrics",
        "words",
        "phones",
        "style_embedding",
        "style_text",
        "duration_s",
        "split",
        "song_language",
    ),
)
PROMPTED_COLUMNS = {
    **{name: SONG_COLUMNS[name] for name in ("title", "content_hash", "refused", "stated_duration_s")},
    **{name: Ingest.writes[name] for name in ("lyrics", "lyrics_times", "lyrics_lines")},
    "lyrics_language": LYRICS_LANGUAGE,
    "parent": Column(pa.string(), "the song this one was made from"),
    "parent_audio": Column(
        AUDIO.type, "its mix, for rows that copy or recode it; null = not needed", large=True
    ),
    "system": Column(pa.string(), "benchmark row this song belongs to"),
    "candidate": Column(pa.int32(), "candidate number, from 0"),
    "seed": Column(pa.int64(), "seed of the noise this song was made from"),
    "checkpoint": Column(pa.string(), "hash of the weights that made it; null = made by no model"),
    "reference_words": Column(pa.list_(WORD), "the words, times and phonemes the model was asked for"),
    "reference_phones": Column(
        pa.list_(PHONE), "the phones in time of these words, for a model that lays them so; null = not known"
    ),
    "reference_style": Column(STYLE, "the style the model was asked for, [n, 512]"),
    "reference_part_styles": Column(
        STYLE, "styles of parts, [K, 512], in place of the one style; null = one style"
    ),
    "reference_parts": Column(pa.list_(PART), "the parts that have them, in order"),
    "reference_duration_s": Column(pa.float64(), "the length the model was asked for"),
    **CONTROL_COLUMNS,
    **ASKED_RHYTHM,
    "recipe": Column(pa.string(), "how the row was made: generate | copy | codec, with its options, as JSON"),
}


@dataclass(frozen=True)
class Prompt:
    """What a model is asked for: words with times and phonemes, a style and a length.

    Attributes:
        style_NS: the style of the asked audio, or of a text where there is none; no row where neither is given.
        duration_s: None where nobody said how long the song shall be.
        audio_path: the true song, relative to its songs root.
        style_text: the style in words; None where none was given.
        genre: one of the listed genres, for genre accuracy.
        is_timed: the words have times that singers are held to.
        is_style_heard: `style_NS` comes from audio.
        language: the one that the words are read in; None where all songs are read in one.
        phones: the phones in time of each word, none of a word of which nobody knows them; None where nobody does of any.
        controls: what the song is asked to follow, an array a control by its name (`jam_model.controls.known`).
        rhythm: beats and onsets of the drums that it is asked to follow, by their columns (`tasks.songs.columns.ASKED_RHYTHM`).
        part_styles: styles of its parts, in place of the one; None where all of it has one.
    """

    song_id: str
    title: str
    words: tuple[Word, ...]
    style_NS: np.ndarray
    duration_s: float | None
    audio_path: str | None
    style_text: str | None = None
    genre: str | None = None
    is_timed: bool = True
    is_style_heard: bool = True
    language: str | None = None
    phones: Sequence[Sequence[Word]] | None = None
    controls: Rows = field(default_factory=dict)
    rhythm: Mapping[str, Sequence[float]] = field(default_factory=dict)
    part_styles: PartStyles | None = None

    @property
    def texts(self) -> list[str]:
        """The words alone."""
        return [word.text for word in self.words]


@dataclass(frozen=True)
class System:
    """A row of the benchmark: how its songs are made, and from which prompts.

    `prompts` may differ from the benchmark's own (another style, words dealt to other slots); the
    parent of each song is still the benchmark's song.
    """

    name: str
    title: str
    recipe: Mapping[str, Any]
    prompts: Sequence[Prompt]
    checkpoint: str | None = None
    note: str = ""


def prompts_of(rows: Iterable[Mapping[str, Any]], split: str, limit: int | None = None) -> list[Prompt]:
    """The kept songs of a split as prompts, in the order of their ids' hashes (a fixed, fair choice).

    Raises:
        ValueError: fewer than `limit` songs of this split were kept.
    """
    kept = [row for row in rows if row["split"] == split and not row["drop_reason"]]
    kept.sort(key=lambda row: fingerprint(row["song_id"]))
    if limit is not None and len(kept) < limit:
        raise ValueError(
            f"prompts: {limit} songs of split {split!r} are asked for, {len(kept)} were kept; "
            "prepare more songs, raise that split's share, or ask for fewer"
        )
    return [_prompt(row) for row in kept[:limit]]


def unknown_phones(prompts: Sequence[Prompt], filler: Filler) -> str | None:
    """What to say of words that a model of this filler lays evenly, since nobody knows when their phones are sung; None: of none."""
    if filler != SUNG:
        return None
    pairs = [(one.words, one.phones or [()] * len(one.words)) for one in prompts]
    lacking = [len(words_without_phones(words, phones)) for words, phones in pairs]
    if not any(lacking):
        return None
    asked = sum(len(words) for words, _ in pairs)
    return (
        f"{sum(lacking)} of {asked} words in {sum(map(bool, lacking))} of {len(pairs)} prompts have no phones in time: this model lays "
        "them evenly in their word"
    )


def candidate_sources(
    prompts: Sequence[Prompt], system: System, round_number: int, candidates: int, seed: int
) -> list[Source]:
    """Candidates of a DPO round: `candidates` songs a prompt, ids ``<song_id>-r<round>-k<candidate>``."""
    return [
        _source(
            f"{prompt.song_id}-r{round_number}-k{candidate}", prompt.song_id, prompt, system, candidate, seed
        )
        for prompt in prompts
        for candidate in range(candidates)
    ]


def system_sources(systems: Sequence[System], seed: int) -> list[Source]:
    """Songs of the benchmark's systems, ids ``<song_id>-<system>``; equal noise a song for all systems."""
    return [
        _source(f"{prompt.song_id}-{system.name}", prompt.song_id, prompt, system, 0, seed)
        for system in systems
        for prompt in system.prompts
    ]


def file_source(prompt: Prompt, system: System, seed: int, facts: Mapping[str, Any]) -> Source:
    """The row of a song that lies in a file; `facts` are added, and all but the file's path decide its identity."""
    made = _source(f"{prompt.song_id}-{system.name}", prompt.song_id, prompt, system, 0, seed)
    decides = {key: value for key, value in facts.items() if key != "parent_audio"}
    identity = fingerprint([made.identity, canonical(decides)])
    return replace(made, identity=identity, facts={**made.facts, **facts})


def gate_sources(systems: Sequence[System], candidates: int, seed: int) -> list[Source]:
    """Songs of the policies that a gate compares, ids ``<song_id>-<system>-k<candidate>``; equal noise for all of them."""
    return [
        _source(
            f"{prompt.song_id}-{system.name}-k{candidate}", prompt.song_id, prompt, system, candidate, seed
        )
        for system in systems
        for prompt in system.prompts
        for candidate in range(candidates)
    ]


def _prompt(row: Mapping[str, Any]) -> Prompt:
    words = tuple(words_of(row["words"]))
    rows = row.get("phones")
    return Prompt(
        song_id=row["song_id"],
        title=row["title"],
        words=words,
        phones=None if rows is None else phones_by_word(rows, len(words)),
        style_NS=np.asarray(row["style_embedding"], np.float32),
        duration_s=row["duration_s"],
        audio_path=row["audio"]["path"],
        style_text=row.get("style_text"),
        language=row.get("song_language"),
    )


def _source(song_id: str, parent: str, prompt: Prompt, system: System, candidate: int, seed: int) -> Source:
    facts = {
        "parent": parent,
        "system": system.name,
        "title": prompt.title,
        "candidate": candidate,
        "seed": seed,
        "checkpoint": system.checkpoint,
        "recipe": json.dumps(dict(system.recipe), sort_keys=True),
        "reference_words": rows_of(prompt.words),
        "reference_style": prompt.style_NS.tolist(),
        "reference_duration_s": prompt.duration_s,
        "lyrics": prompt.texts,
        "parent_audio": {"path": prompt.audio_path, "bytes": None},
        **({"lyrics_language": prompt.language} if prompt.language else {}),
        **({} if prompt.phones is None else {"reference_phones": rows_of_phones(prompt.phones)}),
        **control_facts(prompt.controls),
        **{name: list(times_s) for name, times_s in prompt.rhythm.items()},
        **_part_facts(prompt.part_styles),
    }
    identity = identity_of({key: value for key, value in facts.items() if key != "parent_audio"})
    return Source(song_id, fingerprint(canonical(identity)), facts, group=system.name)


def _part_facts(found: PartStyles | None) -> dict[str, Any]:
    if found is None:
        return {}
    return {"reference_part_styles": found.styles_KS.tolist(), "reference_parts": part_rows(found.parts)}


def policy_systems(
    checkpoints: Mapping[str, Path], sampler: Section, prompts: Sequence[Prompt]
) -> list[System]:
    """The songs of several checkpoints, each by its name, sung with the same sampler settings."""
    return [
        policy_system(name, name, weights_hash(path), sampler, prompts) for name, path in checkpoints.items()
    ]


def policy_system(name: str, title: str, weights: str, sampler: Section, prompts: Sequence[Prompt]) -> System:
    """The songs of a checkpoint, sung with these sampler settings."""
    recipe = {
        "kind": "generate",
        "weights": weights,
        "sampler": sampler.model_dump(mode="json"),
        "padding_bias": True,
    }
    return System(name, title, recipe, prompts, checkpoint=weights)
