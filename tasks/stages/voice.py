"""Voice: who hears a voice in a song, beside the level of its separated vocals. Only where a net is chosen for it."""

from __future__ import annotations

import pyarrow as pa

from tasks.engine.columns import Column
from tasks.engine.song import Song
from tasks.engine.stage import Model
from tasks.models.voice_activity import VoiceActivityParams, build_voice_activity
from tasks.songs.columns import STRINGS
from tasks.stages.bases import MixStage

NET, RECOGNISER = "net", "recogniser"


class Voice(MixStage):
    """Asks the net and the recogniser; `filter` drops a song as ``no_vocals`` only where neither heard one."""

    name = "voice"
    version = 1
    reads = MixStage.reads | {"transcript"}
    params: VoiceActivityParams
    voice_activity = Model(build_voice_activity)
    writes = {
        "voice_s": Column(
            pa.float64(), "seconds of the mix in which the net of `models.voice_activity` hears a voice"
        ),
        "voice_heard_by": Column(
            STRINGS,
            f"`{NET}` where that is enough, `{RECOGNISER}` where it wrote enough words; empty = neither",
        ),
    }

    def one(self, song: Song) -> Song:
        """The song with who heard a voice."""
        limits = self.params.silero
        voice_s = self.voice_activity.voiced_s(self.opened(song))
        heard = {
            NET: voice_s >= limits.min_voice_s,
            RECOGNISER: len(song["transcript"] or ()) >= limits.min_words,
        }
        return song.with_columns(voice_s=voice_s, voice_heard_by=[name for name in heard if heard[name]])
