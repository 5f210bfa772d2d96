"""LoadExternal: the songs of other systems, and true ones, out of the folders they lie in; the energy of their tail."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eval.metrics.levels import energy_after_end
from jam_model.frames import SAMPLE_RATE_HZ
from tasks.audio.limits import AudioParams
from tasks.audio.read import flac_bytes, read_audio
from tasks.audio.sound import shorter_than
from tasks.engine.song import Song, SongError
from tasks.engine.stage import Stage
from tasks.songs.columns import AUDIO, AUDIO_REMARKS, DURATION_S, TAIL_ENERGY, UNSTATED_DELAY_S
from tasks.storage.files import first_bytes


class LoadExternal(Stage):
    """A file becomes a mix: decoded within the limits, and cut at the reference end, where one was asked for."""

    name = "load_external"
    version = 2
    reads = frozenset({"parent_audio", "content_hash", "system", "reference_duration_s", "stated_duration_s"})
    writes = {
        "audio": AUDIO,
        "duration_s": DURATION_S,
        "tail_energy": TAIL_ENERGY,
        "audio_remarks": AUDIO_REMARKS,
        "unstated_delay_s": UNSTATED_DELAY_S,
    }
    packages = ("av", "numpy", "soundfile", "soxr")

    def __init__(self, audio: AudioParams, folders: Mapping[str, str]) -> None:
        """`folders` tells where the files of each system lie; it is part of no value."""
        super().__init__(audio)
        self.audio = audio
        self.folders = dict(folders)

    def one(self, song: Song) -> Song:
        """The song with its audio as FLAC.

        Raises:
            SongError: ``source_gone``, ``source_changed``, or the reasons of `read_audio`.
        """
        data = self._bytes(song)
        if hashlib.sha256(data).hexdigest() != song["content_hash"]:
            raise SongError(song.song_id, "source_changed", "the file is not the one that was listed")
        try:
            mix_CN, source = read_audio(io.BytesIO(data), self.audio)
        except ValueError as error:
            raise SongError.of(song.song_id, error) from error
        told = [
            *source.remarks,
            *shorter_than("manifest", song.columns.get("stated_duration_s"), source.duration_s),
            *shorter_than("prompt", song["reference_duration_s"], source.duration_s),
        ]
        end_s, tail = song["reference_duration_s"], None
        if end_s is not None and mix_CN.shape[1] > round(end_s * SAMPLE_RATE_HZ):
            tail = energy_after_end(mix_CN, SAMPLE_RATE_HZ, end_s)
            mix_CN = mix_CN[:, : round(end_s * SAMPLE_RATE_HZ)]
        return song.with_columns(
            audio={"path": None, "bytes": flac_bytes(mix_CN, SAMPLE_RATE_HZ)},
            duration_s=mix_CN.shape[1] / SAMPLE_RATE_HZ,
            tail_energy=tail,
            audio_remarks=told,
            unstated_delay_s=source.unstated_delay_s,
        )

    def _bytes(self, song: Song) -> bytes:
        """The file as it is; it must still lie inside its folder."""
        root = os.path.realpath(self._folder(song["system"]))
        path = Path(os.path.realpath(os.path.join(root, song["parent_audio"]["path"])))
        if not path.is_relative_to(root) or not path.is_file():
            raise SongError(song.song_id, "source_gone", song["parent_audio"]["path"])
        data = first_bytes(path, self.audio.max_bytes)
        if len(data) > self.audio.max_bytes:
            raise SongError(song.song_id, "too_large", f"more than {self.audio.max_bytes} bytes")
        return data

    def _folder(self, system: str) -> Any:
        if system not in self.folders:
            raise ValueError(f"system: no folder is known for {system!r}; give --system {system}=DIR")
        return self.folders[system]
