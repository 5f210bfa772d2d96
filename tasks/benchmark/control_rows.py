"""Rows of the benchmark in which the trained model is asked to follow controls: its songs' own, or those of another song.

What was prepared is asked for: the columns that stages of `prepare` heard in the songs. Another song is the one whose length is
nearest; nothing holds its key, tempo or genre equal, so a difference to it is not adherence alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from eval.results.report import Comparison
from jam_model.checkpoint import load_config
from jam_model.controls.known import MEMBERS
from jam_model.frames import frames_of_seconds
from jam_model.shard_index import EXTRAS
from tasks.audio.read import array_of
from tasks.benchmark.system_metrics import Measured
from tasks.engine.song import Song
from tasks.prompts.prompts import Prompt, System
from tasks.shards.write import extra_members

ControlRow = Literal["each", "all", "other"]
ALL, OTHER = "controls-all", "controls-other"
COLUMN_OF = {
    name: column for name, member in MEMBERS.items() for column, suffix in EXTRAS.items() if suffix == member
}
"""The column of the prepared table that holds each control, by the model's name of it."""
RHYTHM = {"asked_beats_s": "beats_s", "asked_onsets_s": "drum_onsets_s"}
"""What is known of a song's drums beside their latents: columns of the prepared table, by those of songs that are asked for them."""
TITLES = {"audio": "sketch"}


def control_names(rows: Sequence[ControlRow], checkpoint: Path) -> tuple[str, ...]:
    """The controls that the rows ask of a checkpoint, each in a column of the prepared table; none where no row is wanted.

    Raises:
        ValueError: it knows none.
    """
    if not rows:
        return ()
    names = tuple(name for name in load_config(checkpoint).controls if name in COLUMN_OF)
    if not names:
        raise ValueError(
            f"benchmark.controls is {[*rows]}, but {checkpoint} knows no controls that are columns; set it to [], or train with "
            "jam.controls"
        )
    return names


def control_columns(names: Sequence[str], prepared: Mapping[str, Any]) -> list[str]:
    """The columns that hold these controls and what is known of their drums; `prepared`: those of the prepared table.

    Raises:
        ValueError: the songs were prepared without one of them.
    """
    columns = [COLUMN_OF[name] for name in names]
    lacking = [column for column in columns if column not in prepared]
    if lacking:
        raise ValueError(
            f"benchmark.controls asks for {', '.join(lacking)}, which no stage of these songs makes; prepare with it "
            f"(docs/controls.md), or set benchmark.controls to []"
        )
    rhythm = RHYTHM.values() if "drums" in names else ()
    return [*columns, *(column for column in rhythm if column in prepared)]


def with_own_controls(
    prompts: Sequence[Prompt], rows: Sequence[Mapping[str, Any]], names: Sequence[str]
) -> list[Prompt]:
    """Each prompt with the controls of its song as `prepare` found them; `rows` have their columns.

    Raises:
        ValueError: a column holds no control.
    """
    row_of = {row["song_id"]: row for row in rows}
    return [
        replace(
            prompt,
            controls=_controls(row_of[prompt.song_id], names),
            rhythm=_rhythm(row_of[prompt.song_id], names),
        )
        for prompt in prompts
    ]


def with_controls_of_another(prompts: Sequence[Prompt]) -> list[Prompt]:
    """Each prompt with the controls of the other one whose length is nearest, the first of several."""
    lengths = [prompt.duration_s or 0.0 for prompt in prompts]

    def other(number: int) -> Prompt:
        others = [j for j in range(len(prompts)) if j != number] or [number]
        return prompts[min(others, key=lambda j: abs(lengths[j] - lengths[number]))]

    return [
        replace(prompt, controls=other(number).controls, rhythm=other(number).rhythm)
        for number, prompt in enumerate(prompts)
    ]


def control_systems(
    rows: Sequence[ControlRow],
    prompts: Sequence[Prompt],
    sung: Callable[[str, str, Sequence[Prompt]], System],
) -> Iterator[System]:
    """The systems of these rows; `sung` makes one of its name, title and prompts. `prompts` have their own controls."""
    names = list(dict.fromkeys(name for prompt in prompts for name in prompt.controls))
    told = " and ".join(TITLES.get(name, name) for name in names)
    if "each" in rows:
        for name in names:
            alone = [
                replace(
                    one,
                    controls={name: one.controls[name]},
                    rhythm=one.rhythm if name == "drums" else {},
                )
                for one in prompts
            ]
            yield sung(f"control-{name}", f"Trained, asked for its {TITLES.get(name, name)}", alone)
    if "all" in rows:
        yield sung(ALL, f"Trained, asked for its {told}", prompts)
    if "other" in rows:
        yield sung(
            OTHER,
            f"Trained, asked for another song's {told}",
            with_controls_of_another(prompts),
        )


def heard_in_truth(
    prompts: Sequence[Prompt], rows: Sequence[Mapping[str, Any]], names: Sequence[str]
) -> list[Prompt]:
    """Each prompt of a manifest with the controls that were heard in its true song; one whose true song is not here asks for none.

    `rows`: of the table of true songs, with `control_columns` and the song each is of as ``parent``.
    """
    columns = [COLUMN_OF[name] for name in names]
    whole = [
        {**row, "song_id": row["parent"]}
        for row in rows
        if all(row.get(name) is not None for name in columns)
    ]
    known = {row["song_id"] for row in whole}
    own = {
        one.song_id: one
        for one in with_own_controls([one for one in prompts if one.song_id in known], whole, names)
    }
    return [own.get(prompt.song_id, prompt) for prompt in prompts]


def control_questions(measured: Measured, per: str, trained: str, tolerance: float) -> Iterator[Comparison]:
    """Whether the words stay under controls, for the rows that are there; `per`: the metric of words."""
    for system, question in (
        (ALL, "Does it keep its words when it is asked for its own controls?"),
        (OTHER, "Does it keep its words under the controls of another song?"),
    ):
        if system in measured.systems:
            estimate = measured.difference(system, trained, per)
            yield Comparison(
                f"{system}-words", question, per, system, trained, estimate, expect="within", limit=tolerance
            )


def _controls(row: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    num_frames = frames_of_seconds(row["duration_s"])
    for column in ("melody", "drums", "sketch"):
        if row.get(column) is not None:
            num_frames = len(array_of(row[column]))
    members = extra_members(Song(row["song_id"], dict(row)), [COLUMN_OF[name] for name in names], num_frames)
    return {name: array_of(members[MEMBERS[name]]) for name in names}


def _rhythm(row: Mapping[str, Any], names: Sequence[str]) -> dict[str, list[float]]:
    if "drums" not in names:
        return {}
    known = {asked: row.get(column) for asked, column in RHYTHM.items()}
    return {asked: [*times_s] for asked, times_s in known.items() if times_s is not None}
