"""Base of the stages `check` and `detect`: it hands them a song with its vocals and mix opened, as a `CheckedSong`."""

from __future__ import annotations

import numpy as np

from tasks.audio.mix import mix_of
from tasks.audio.read import read_bytes
from tasks.engine.song import Song
from tasks.engine.stage import Stage
from tasks.quality.checked_song import CheckedSong, CheckParams


class CheckedStage(Stage):
    """A stage that takes a song as `tasks.quality` measures it."""

    params: CheckParams

    def open(self, song: Song) -> tuple[np.ndarray, np.ndarray]:
        """The mix and the vocals, both at 44.1 kHz."""
        mix_CN = mix_of(song.song_id, song["audio"], song.root, song.content_hash)
        return mix_CN, read_bytes(song["vocals"])[0][0]

    def checked(self, song: Song) -> CheckedSong:
        """What is measured of a song.

        Raises:
            SongError: the mix can no longer be read.
        """
        mix_CN, vocals_N = self.opened(song)
        return CheckedSong(song.columns, mix_CN, vocals_N, self.params)
