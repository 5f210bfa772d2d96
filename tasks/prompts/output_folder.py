"""Generated songs as files: jamify's output folder (`write_songs`), with `generation_metadata.json` and the settings.

``generated/<id>[_k].mp3`` the song, levelled; ``cfm_latents/<id>[_k].pt`` its latents [T, 64], T the frames of the
song; ``generated/<id>[_k].lrc`` its lyrics as they were sung, on request and in the form that is asked for;
``generation_metadata.json`` a list with one object a song that stands or was asked for last: jamify's fields as far as they exist here,
and ours. Where another song of that name stands, a new one is another take, ``<id>[_k].take2.mp3`` (tasks.prompts.standing_songs).
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from pydantic import Field, field_validator

from eval.results.plural import counted
from jam_model.conditions import duration_conditions
from tasks.audio.loudness import levelled
from tasks.audio.mix import Ending, encoded
from tasks.audio.read import array_of, read_bytes
from tasks.engine.fingerprint import canonical, fingerprint
from tasks.engine.stage import Section
from tasks.lyrics.convert import convert, form_named
from tasks.lyrics.lyrics import Lyrics, summed
from tasks.lyrics.parts.written import Form
from tasks.prompts.jamify_manifest import RefusedRow
from tasks.prompts.prompt_words import PromptWords
from tasks.prompts.standing_songs import (
    AUDIO,
    LATENT,
    EarlierSongs,
    free_name,
    holds,
    in_order,
    paths_of,
    read_earlier,
)
from tasks.storage.files import write_bytes, write_json

METADATA, CONFIG = "generation_metadata.json", "generation_config.yaml"
SONG_COLUMNS = (
    "parent", "title", "candidate", "seed", "recipe", "reference_duration_s", "duration_s", "audio", "generated_latent",
)  # fmt: skip


class OutputParams(Section):
    """How songs are written: `ending` mp3, flac or wav; `lyrics`: the form of the lyrics beside them, null for none; `page`: a page beside each song that was
    asked to follow something, with what is heard in it; `lufs` for the whole mix; `peak`: no sample beyond it.
    """

    ending: Ending
    lyrics: str | None
    page: bool
    lufs: float = Field(ge=-70, le=0)
    peak: float = Field(gt=0, le=1)

    @field_validator("lyrics")
    @classmethod
    def _is_written(cls, name: str | None) -> str | None:
        if name is not None:
            form_named("", name, "lyrics")
        return name

    def decides(self) -> dict[str, Any]:
        """What the sound of a song depends on."""
        return self.model_dump(mode="json", exclude={"lyrics", "page"})

    @property
    def lyrics_form(self) -> Form | None:
        """The form to write lyrics in."""
        return None if self.lyrics is None else form_named("", self.lyrics)


def equally_loud(mixes: Sequence[np.ndarray], output: OutputParams) -> list[np.ndarray]:
    """The mixes at `output.lufs`, or all at the loudness that the least of them can reach below its peak."""
    reached = [levelled(mix_CN, output.lufs, output.peak).lufs for mix_CN in mixes]
    target = min([lufs for lufs in reached if lufs is not None], default=output.lufs)
    return [levelled(mix_CN, target, output.peak).mix_CN for mix_CN in mixes]


def write_config(root: Path, weights: str, seed: int, sections: Mapping[str, Section]) -> None:
    """``generation_config.yaml``: the checkpoint by its hash, and of these sections what decides values."""
    decided = {name: section.decides() for name, section in sections.items()}
    text = yaml.safe_dump({"checkpoint": weights, "seed": seed, **decided}, sort_keys=False)
    write_bytes(root / CONFIG, text.encode())


@dataclass(frozen=True)
class WrittenSongs:
    """The metadata file, how many songs were written and how many stood already, what lyrics could not hold, a line a loss, what to say of what stood before,
    and the rows of the songs that were asked for and stand.
    """

    metadata: Path
    written: int
    stood: int
    lost: list[str]
    notes: Sequence[str] = ()
    rows: Sequence[Mapping[str, Any]] = ()


def write_songs(
    root: Path,
    params: OutputParams,
    songs: Sequence[Mapping[str, Any]],
    max_frames: int,
    asked: Mapping[str, PromptWords],
    refused: Sequence[RefusedRow] = (),
) -> WrittenSongs:
    """Writes what is missing of jamify's folder at `root`, and the metadata of all. A song whose files stand, made from the
    same audio, is not written again; one that differs from what stands under its name is written beside it. Rows of earlier songs
    that were not asked for now stay in the metadata while their sound stands.

    Args:
        songs: rows of the generate table with `SONG_COLUMNS`. A dropped one has no files and its reason
            in the metadata.
        max_frames: of the model, the unit of `duration_rel`.
        asked: the words of each song, by its title.
        refused: rows that no song was generated for; they stand in the metadata with their reason.
    """
    path, written, form = root / METADATA, 0, params.lyrics_form
    earlier = read_earlier(root, path)
    rows = [_facts(song, params, max_frames) for song in songs]
    lost: Counter[str] = Counter()
    for song, row in zip(songs, rows, strict=True):
        words = asked[song["title"]]
        row["remarks"] = summed(words.remarks)
        if row["drop_reason"]:
            continue
        same = earlier.same(row)
        if same is not None and (root / same[LATENT]).is_file():
            row.update({name: same.get(name) for name in (AUDIO, LATENT, "lufs")})
        else:
            written += _write(root, song, row, params)
        if form is not None:
            row["lyrics_path"], losses = _write_lyrics(root / row[AUDIO], words.as_sung(), form)
            lost.update(re.sub(r"\b\d+ ", "", loss) for loss in losses)
    sung = [row for row in rows if not row["drop_reason"]]
    others = earlier.others([row[AUDIO] for row in sung])
    notes = [*([earlier.note] if earlier.note else []), *_told_takes(sung, earlier)]
    everything = [*others, *rows, *map(_refusal, refused)]
    write_json(path, sorted(everything, key=in_order))
    losses = [f"{what} ({count} of {len(sung)} songs)" for what, count in lost.items()]
    return WrittenSongs(path, written, len(sung) - written, losses, notes, sung)


def _name(row: Mapping[str, Any]) -> str:
    """How the files of a song are called where no other has its name."""
    number = row["generation_index"]
    return f"{row['sample_id']}_{number}" if number else str(row["sample_id"])


def _told_takes(sung: Sequence[Mapping[str, Any]], earlier: EarlierSongs) -> list[str]:
    """A line on the songs that do not have the name of their row, since another song has it; none where all do."""
    seeds = {row[AUDIO]: row.get("seed") for row in [*earlier.rows, *sung]}
    takes = []
    for row in sung:
        plain = paths_of(_name(row), row["output"]["ending"])[AUDIO]
        if row[AUDIO] != plain:
            seed = seeds.get(plain)
            before = f"{Path(plain).name} has {'an unknown one' if seed is None else seed}"
            takes.append(f"{Path(row[AUDIO]).name} (seed {row['seed']}; {before})")
    if not takes:
        return []
    more = f" and {len(takes) - 3} more" if len(takes) > 3 else ""
    return [
        f"{counted(len(takes), 'other take')} beside what stands, which is kept: {', '.join(takes[:3])}{more}"
    ]


def _write_lyrics(audio: Path, lyrics: Lyrics, form: Form) -> tuple[str | None, list[str]]:
    """Writes the lyrics beside the audio; returns their path below the root, and what the form could not hold."""
    try:
        made = convert(lyrics, form)
    except ValueError as error:
        return None, [f"all ({error})"]
    path = audio.with_name(audio.stem + form.endings[0])
    if not path.is_file() or path.read_bytes() != made.data:
        write_bytes(path, made.data)
    return f"{audio.parent.name}/{path.name}", made.lost


def _refusal(row: RefusedRow) -> dict[str, Any]:
    return {"sample_id": row.title, "generation_index": 0, "drop_reason": row.reason, "detail": row.detail}


def _facts(song: Mapping[str, Any], params: OutputParams, max_frames: int) -> dict[str, Any]:
    recipe = json.loads(song["recipe"])
    row = {
        "sample_id": song["title"],
        "generation_index": song["candidate"],
        "original_duration": song["reference_duration_s"],
        "sample_kwargs": recipe["sampler"],
        "latent_type": "cfm_sampled",
        "seed": song["seed"],
        "weights_sha256": recipe["weights"],
        "output": params.decides(),
        "made_by": song["made_by"],
        "drop_reason": song["drop_reason"],
    }
    if song["drop_reason"]:
        return row
    num_frames = len(array_of(song["generated_latent"]))
    start_time, duration_abs, duration_rel = duration_conditions(num_frames, max_frames)
    audio_hash = hashlib.sha256(song["audio"]["bytes"]).hexdigest()
    return row | {
        **paths_of(_name(row), params.ending),
        "generated_duration": song["duration_s"],
        "trimmed_duration": song["duration_s"],
        "start_time": start_time,
        "duration_abs": duration_abs,
        "duration_rel": duration_rel,
        "made_from": fingerprint(canonical({"audio": audio_hash, "output": row["output"]})),
    }


def _write(root: Path, song: Mapping[str, Any], row: dict[str, Any], params: OutputParams) -> bool:
    """Both files under the first name that is free, which the row then has, as well as the loudness reached; returns whether any was
    missing.
    """
    import torch

    mix_CN, _ = read_bytes(song["audio"]["bytes"])
    level = levelled(mix_CN, params.lufs, params.peak)
    row["lufs"] = None if level.lufs is None else round(level.lufs, 2)
    sound, latents = encoded(level.mix_CN, params.ending), io.BytesIO()
    torch.save(torch.from_numpy(array_of(song["generated_latent"]).copy()), latents)
    files = {AUDIO: sound, LATENT: latents.getvalue()}
    row.update(paths_of(free_name(root, _name(row), params.ending, *files.values()), params.ending))
    missing = [(root / row[key], data) for key, data in files.items() if not holds(root / row[key], data)]
    for path, data in missing:
        write_bytes(path, data)
    return bool(missing)
