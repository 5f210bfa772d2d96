"""A song that is sung is not dropped for want of a voice because the separator loses it, and a band alone is."""

from __future__ import annotations

from functools import cache

import numpy as np

from flows.pipelines.stages import prepare_stages
from flows.settings.params import load_params
from tasks.audio.read import flac_bytes
from tasks.engine.song import Song, SongError
from tasks.models.separator import build_separator
from tasks.models.transcriber import build_transcriber
from tasks.quality.checked_song import CheckedSong
from tasks.stages.filter import Filter
from tasks.stages.voice import Voice
from tests.tasks.models.sung import songs
from tests.tasks.stages.test_filter import GOOD, PARAMS
from tests.tasks.stages.test_filter import song as filtered

EMBEDDED = load_params()
SILERO = load_params(settings=["models.voice_activity.model=silero"])
SEPARATOR = cache(lambda: build_separator(EMBEDDED.models.separator))
TRANSCRIBER = cache(
    lambda: build_transcriber(EMBEDDED.models.transcriber, EMBEDDED.transcribe.min_confidence)
)
VOICE = Voice(SILERO.models.voice_activity)
LIMITS = PARAMS.model_copy(update={"min_vocals_db": EMBEDDED.filter.min_vocals_db})


def reasons(mix_CN: np.ndarray) -> tuple[str | None, str | None]:
    """Why a song of this mix is dropped where its vocals' level alone has a say, and where all have."""
    vocals_N = SEPARATOR().separate(mix_CN)
    heard = TRANSCRIBER().transcribe(vocals_N)
    level = CheckedSong({}, mix_CN, vocals_N, EMBEDDED.check).vocals_db
    audio = {"path": None, "bytes": flac_bytes(mix_CN, 44_100)}
    facts = {"audio": audio, "transcript": [word.text for word in heard.words]}
    asked = VOICE.one(Song("tiny", facts, content_hash="0"))
    measured = filtered().with_columns(**asked.columns).with_columns(quality={**GOOD, "vocals_db": level})

    def reason(stage: Filter) -> str | None:
        try:
            stage.one(measured)
        except SongError as dropped:
            return dropped.reason
        return None

    return reason(Filter(LIMITS)), reason(Filter(LIMITS, has_voters=True))


def test_a_voice_that_the_separator_loses_is_heard_and_a_band_alone_has_none() -> None:
    lost = 0
    for song in songs():
        assert reasons(song.mix_CN) == (None, None)
        assert reasons(song.band_CN) == ("no_vocals", "no_vocals")
        to_the_left_CN = song.band_CN + np.stack([song.vocals_N, 0 * song.vocals_N])
        by_level, by_all = reasons(to_the_left_CN)
        lost += by_level == "no_vocals"
        assert by_all is None
    assert lost >= 2, "else nothing is shown"


def test_the_stage_is_there_where_a_net_is_chosen_and_nothing_changes_where_none_is() -> None:
    names = {
        params.models.voice_activity.model: [stage.name for stage in prepare_stages(params)]
        for params in (EMBEDDED, SILERO)
    }
    assert [name for name in names["silero"] if name != "voice"] == names["embedded"]
    (keeper,) = (stage for stage in prepare_stages(EMBEDDED) if isinstance(stage, Filter))
    assert keeper.reads == Filter.reads
