"""Pack: every kept song as one WebDataset sample (members, `pack.extras`, masked seconds) that the released JAM loader reads, and the shards' index.

A sample is a fragment of a tar file (USTAR headers, members in name order, no clock and no owner), so a
shard is the fragments of its songs, one after the other, and two zero blocks. Equal songs give equal bytes.

Shapes: T frames, C 128 latent channels (mean, then std), N style rows, S 512.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import pyarrow as pa
from pydantic import field_validator

from jam_model.part_styles.parts import PART_STYLES, PARTS
from jam_model.shard_index import EXTRAS, MASKED
from jam_model.tensors import MAX_MEMBER_BYTES
from tasks.audio.read import array_of
from tasks.engine.columns import Column
from tasks.engine.song import Song, SongError
from tasks.engine.stage import Section, Stage
from tasks.shards.data_card import LEFT_OUT, masked_s
from tasks.shards.write import (
    check_sample,
    extra_members,
    json_bytes,
    lyrics_json,
    sample_bytes,
    tensor_bytes,
)


class PackParams(Section):
    """`tensor_format`: ``pt`` is what the released loader reads, ``npy`` what any program can. `extras`: columns that a
    sample holds beside what JAM needs, of `jam_model.shard_index.EXTRAS`.
    """

    tensor_format: Literal["pt", "npy"]
    extras: tuple[str, ...]

    @field_validator("extras")
    @classmethod
    def _are_registered(cls, extras: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [name for name in extras if name not in EXTRAS]:
            named = ", ".join(map(repr, unknown))
            said = f"{named} {'is no member' if len(unknown) == 1 else 'are no members'} of a sample"
            raise ValueError(f"{said}; give some of {', '.join(EXTRAS)}, or []")
        return extras


class Pack(Stage):
    """Writes `sample`, which the runner puts on the partition's shard."""

    name = "pack"
    version = 1
    reads = frozenset({"kept", "masked", "latent", "style_embedding", "words"})
    reads |= {"duration_s", "split", "artist", "license", "source"}
    packages = ("numpy", "torch")
    sink = "sample"
    params: PackParams
    writes = {
        "sample": Column(
            pa.large_binary(), "the song as the members of one WebDataset sample, a tar fragment", large=True
        )
    }

    def __init__(self, params: PackParams) -> None:
        super().__init__(params)
        self.reads = Pack.reads | {*params.extras} | ({PARTS} if PART_STYLES in params.extras else set())

    def one(self, song: Song) -> Song:
        """The song with its sample.

        Raises:
            SongError: ``masked_left_out``: it has masked seconds, and its sample would not tell. ``sample_too_large`` or ``sample_unreadable``: a loader would refuse it.
        """
        if song["masked"] and MASKED not in self.params.extras:
            seconds = masked_s(song["masked"])
            detail = f"{seconds:.1f} s are masked, and a reader of these shards cannot know: pack.extras lacks masked"
            raise SongError(song.song_id, LEFT_OUT, detail)
        suffix = self.params.tensor_format
        latent_CT = np.ascontiguousarray(array_of(song["latent"]).T)
        style_NS = np.asarray(song["style_embedding"], np.float32)
        members = {
            "json": json_bytes(lyrics_json(song)),
            f"latent.{suffix}": tensor_bytes(latent_CT, suffix),
            f"style.{suffix}": tensor_bytes(style_NS[0] if len(style_NS) == 1 else style_NS, suffix),
            **extra_members(song, self.params.extras, latent_CT.shape[1]),
        }
        largest = max(members, key=lambda name: len(members[name]))
        if len(members[largest]) > MAX_MEMBER_BYTES:
            detail = f"{largest} has {len(members[largest])} bytes, at most {MAX_MEMBER_BYTES}"
            raise SongError(song.song_id, "sample_too_large", detail)
        try:
            check_sample(song.song_id, members, self.name)
        except ValueError as error:
            raise SongError(song.song_id, "sample_unreadable", str(error)) from error
        return song.with_columns(sample=sample_bytes(song.song_id, members))
