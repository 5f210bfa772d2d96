"""Songs go through the real separator, transcriber and aligner in workers, with tiny checkpoints."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import soundfile
import soxr

from flows.settings.params import load_params
from tasks.audio.read import read_bytes
from tasks.engine.pipeline import Pipeline
from tasks.engine.scheduler import run_pipelines
from tasks.engine.stage import Stage
from tasks.engine.table import Table
from tasks.songs.columns import SONG_COLUMNS
from tasks.songs.listing import list_sources
from tasks.stages.align import Align, AlignParams
from tasks.stages.ingest import Ingest
from tasks.stages.separate import Separate, SeparateParams
from tasks.stages.transcribe import Transcribe, TranscribeParams
from tests.tasks.engine.probes import ENGINE
from tests.tasks.models.checkpoints.demucs import write_demucs
from tests.tasks.models.checkpoints.wav2vec2 import write_wav2vec2
from tests.tasks.models.checkpoints.whisper import write_whisper
from tests.tasks.models.sung import songs
from tests.tasks.models.voices import demucs_params, whisper_params, whisperx_params


@pytest.fixture(scope="module")
def songs_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two toy songs, one at 32 kHz; the first one with its lyrics."""
    root = tmp_path_factory.mktemp("songs")
    for number, rate in enumerate((44_100, 32_000)):
        mix_NC = songs()[number].mix_CN[:, :176_400].T
        soundfile.write(root / f"song {number}.wav", soxr.resample(mix_NC, 44_100, rate), rate)
    (root / "song 0.txt").write_text("Love me, river 42\n")
    return root


@pytest.mark.slow
def test_two_songs_are_separated_heard_and_aligned_by_real_models(songs_root: Path, tmp_path: Path) -> None:
    params = load_params()
    stages: list[Stage] = [
        Ingest(params.ingest, params.audio),
        Separate(SeparateParams(stems="four"), demucs_params(write_demucs(tmp_path / "demucs"))),
        Transcribe(
            TranscribeParams(when="always", min_confidence=0.0),
            whisper_params(write_whisper(tmp_path / "whisper"), vad=False),
        ),
        Align(
            AlignParams(times="align", max_offset_s=0.04, times_grid=None),
            whisperx_params(write_wav2vec2(tmp_path / "wav2vec2")),
            params.models.phonemizer,
        ),
    ]
    table = Table(tmp_path / "table", SONG_COLUMNS, str(songs_root))
    table.admit(list_sources(songs_root).sources, ENGINE.partition_size, fewest=1)
    pipeline = Pipeline(table, stages)
    run_pipelines([pipeline], ENGINE.model_copy(update={"song_limit_s": 300.0}), tmp_path / "receipts")

    columns = ["title", "vocals", "stems", "transcript", "transcript_phones", "timed_words"]
    rows = sorted(pipeline.rows(columns), key=lambda row: row["title"])
    assert [row["drop_reason"] for row in rows] == [None, None]
    for row in rows:
        vocals_CN, rate = read_bytes(row["vocals"])
        stems = {stem["name"]: read_bytes(stem["bytes"])[0] for stem in row["stems"]}
        assert list(stems) == ["drums", "bass", "other", "vocals"]
        assert all(len(stem_CN) == 2 and stem_CN.shape[1] == vocals_CN.shape[1] for stem_CN in stems.values())
        assert rate == 44_100 and vocals_CN.any()
        assert row["transcript"] == ["hello", "twenty", "one", "moons"] and row["transcript_phones"] is None
    given, heard = rows
    assert [word["text"] for word in given["timed_words"]] == ["love", "me", "river", "42"]
    assert given["timed_words"][3]["score"] == 0.0 and given["timed_words"][0]["score"] > 0
    assert [word["text"] for word in heard["timed_words"]] == heard["transcript"], (
        "a transcript is aligned too"
    )
    made_by = " ".join(given["made_by"])
    for model in (r"separate-v\d+ demucs-v1@", r"transcribe-v\d+ whisper-v2@", r"align-v\d+ whisperx-v1@"):
        assert re.search(model, made_by)
    assert "/" not in made_by.replace("embedded/", ""), "no path is part of it"
