"""DedupFeatures: the words that were given, or else heard, and the sound of the mix."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tasks.audio.read import array_of
from tasks.dedup.shingles import shingles
from tasks.engine.song import Song, SongError
from tasks.stages.dedup_features import DedupFeatures, DedupFeaturesParams
from tests.tasks.tiny import given, write_song

PARAMS = DedupFeaturesParams(shingle_words=3, max_shingles=64, max_landmarks=32)
WORDS = ["the", "golden", "river", "glides", "over", "my", "quiet", "city"]


def sketch(root: Path, **columns: object) -> Song:
    write_song(root / "a.wav", 2.0)
    return DedupFeatures(PARAMS).one(given("a.wav", root=root, **{"transcript": None, **columns}))


def test_given_words_come_before_heard_ones(tmp_path: Path) -> None:
    song = sketch(tmp_path, lyrics=WORDS, transcript=["something", "else", "was", "heard"])
    assert array_of(song["lyrics_shingles"]).tolist() == shingles(WORDS, 3, 64).tolist()
    assert song["lyrics_hash"] == hashlib.sha256(f"words {' '.join(WORDS)}".encode()).hexdigest()


def test_heard_words_stand_in_for_missing_lyrics_but_have_no_hash(tmp_path: Path) -> None:
    song = sketch(tmp_path, lyrics=None, transcript=WORDS)
    assert array_of(song["lyrics_shingles"]).tolist() == shingles(WORDS, 3, 64).tolist()
    assert song["lyrics_hash"] is None


def test_a_song_without_words_still_has_its_sound(tmp_path: Path) -> None:
    song = sketch(tmp_path, lyrics=None)
    assert len(array_of(song["lyrics_shingles"])) == 0
    assert 0 < len(array_of(song["audio_landmarks"])) <= 32


def test_a_file_that_went_drops_the_song(tmp_path: Path) -> None:
    with pytest.raises(SongError) as error:
        DedupFeatures(PARAMS).one(given("gone.wav", root=tmp_path, transcript=None))
    assert error.value.reason == "source_gone"
