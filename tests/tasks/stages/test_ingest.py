"""Ingest opens what was listed and says what it is, or why it is no song."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from jam_model.words import Word, rows_of
from tasks.audio.limits import AudioParams
from tasks.audio.read import SourceFormat
from tasks.engine.song import Song, SongError
from tasks.stages.ingest import Ingest, IngestParams
from tests.every import every
from tests.tasks.audio.forms import vbr, with_frames, without_header
from tests.tasks.audio.test_ffmpeg import KINDS, written
from tests.tasks.audio.test_read import tone
from tests.tasks.tiny import write_song

AUDIO = AudioParams(
    max_seconds=600, max_bytes=10_000_000, max_channels=8, min_rate_hz=8_000, max_rate_hz=192_000
)
PARAMS = IngestParams(
    max_lyrics_bytes=10_000,
    max_lyrics_words=100,
    max_lyrics_overrun_s=1.0,
    max_style_bytes=1_000,
)


def listed(root: Path, name: str = "a.wav", **columns: object) -> Song:
    content_hash = hashlib.sha256((root / name).read_bytes()).hexdigest()
    facts = {
        "audio": {"path": name, "bytes": None},
        "lyrics_path": None,
        "lyrics_text": None,
        "title": "tiny",
        "artist": None,
        "style_path": None,
        "content_hash": content_hash,
    }
    return Song("tiny", {**facts, **columns}, root=str(root))


def ingest(song: Song) -> Song:
    return Ingest(PARAMS, AUDIO).one(song)


def reason(song: Song) -> str:
    with pytest.raises(SongError) as error:
        ingest(song)
    assert error.value.song_id == song.song_id
    return error.value.reason


@every("kind", ["m4a", "aac", "opus", "webm"])
def test_ingest_reads_the_kinds_that_come_through_pyav(tmp_path: Path, kind: str) -> None:
    (tmp_path / f"a.{kind}").write_bytes(written(tone(1.0, KINDS[kind][2]), kind))
    assert ingest(listed(tmp_path, f"a.{kind}"))["duration_s"] == pytest.approx(1.0, abs=0.06)


@every("ending", ["wav", "flac", "ogg", "mp3"])
def test_ingest_reads_the_length_and_format_of_every_kind_of_file(tmp_path: Path, ending: str) -> None:
    write_song(tmp_path / f"a.{ending}", 1.0)
    song = ingest(listed(tmp_path, f"a.{ending}"))
    assert song["duration_s"] == pytest.approx(1.0, abs=0.06)
    assert (song["num_channels"], song["sample_rate_hz"]) == (2, 44_100)
    assert (song["lyrics"], song["lyrics_times"], song["style_text"]) == (None, None, None)


def test_ingest_reads_lyrics_lines_and_style(tmp_path: Path) -> None:
    write_song(tmp_path / "a.wav", 2.0)
    (tmp_path / "a.lrc").write_text("[00:00.50]Hello\n[00:01.00]Blue moon")
    (tmp_path / "a.style.txt").write_text(" bright pop,\n108 bpm ")
    song = ingest(listed(tmp_path, lyrics_path="a.lrc", style_path="a.style.txt"))
    assert song["lyrics"] == ["hello", "blue", "moon"]
    assert song["lyrics_lines"] == rows_of([Word("hello", 0.5, 1.0), Word("blue moon", 1.0, 2.0)])
    assert song["style_text"] == "bright pop, 108 bpm"


def test_flaws_and_delays_of_a_file_are_told_and_a_whole_one_has_none(tmp_path: Path) -> None:
    for name, data in {
        "a.mp3": vbr(),
        "b.mp3": without_header(vbr()),
        "c.mp3": with_frames(vbr(), 0),
    }.items():
        (tmp_path / name).write_bytes(data)
    whole, bare, flawed = (ingest(listed(tmp_path, name)) for name in ("a.mp3", "b.mp3", "c.mp3"))
    assert (whole["audio_remarks"], whole["unstated_delay_s"]) == ([], None)
    assert (bare["audio_remarks"], bare["unstated_delay_s"]) == ([], pytest.approx(0.02506, abs=1e-5))
    assert flawed["audio_remarks"] == ["samples_unstated: 0 samples are stated, 67968 are there"]


def test_a_name_says_nothing_of_what_is_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(vbr())
    assert ingest(listed(tmp_path))["duration_s"] == pytest.approx(1.5)


def test_a_song_shorter_than_its_manifest_or_lyrics_by_more_than_a_second_is_told(tmp_path: Path) -> None:
    write_song(tmp_path / "a.wav", 1.0)
    (tmp_path / "a.lrc").write_text("[00:00.50]Hello\n[00:01.99]Blue moon")
    for stated_s, told in (
        (None, []),
        (1.9, []),
        (2.5, ["shorter_than_manifest: 1.00 s of sound, 2.50 s by the manifest"]),
    ):
        song = ingest(listed(tmp_path, lyrics_path="a.lrc", stated_duration_s=stated_s))
        assert song["audio_remarks"] == told
    wide = PARAMS.model_copy(update={"max_lyrics_overrun_s": 2.0})
    (tmp_path / "a.lrc").write_text("[00:00.50]Hello\n[00:02.50]Blue moon")
    song = Ingest(wide, AUDIO).one(listed(tmp_path, lyrics_path="a.lrc"))
    assert song["audio_remarks"] == ["shorter_than_lyrics: 1.00 s of sound, 2.50 s by the lyrics"]


def test_broken_and_short_audio_is_dropped_with_the_decoders_reason(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"nothing")
    assert reason(listed(tmp_path)) == "not_audio"
    write_song(tmp_path / "b.wav", 0.01)
    assert reason(listed(tmp_path, "b.wav")) == "too_short"


def test_a_file_that_changed_or_went_since_it_was_listed_is_not_ingested(tmp_path: Path) -> None:
    write_song(tmp_path / "a.wav", 1.0)
    song = listed(tmp_path)
    write_song(tmp_path / "a.wav", 1.0, seed=1)
    assert reason(song) == "source_changed"
    (tmp_path / "a.wav").unlink()
    assert reason(song) == "source_gone"


def test_a_path_that_leaves_the_songs_root_is_not_opened(tmp_path: Path) -> None:
    write_song(tmp_path / "songs" / "a.wav", 1.0)
    (tmp_path / "secret.txt").write_text("la")
    song = listed(tmp_path / "songs", lyrics_path="../secret.txt")
    assert reason(song) == "source_gone"


@every("facts", ['{"bpm": 120}', "[]"])
def test_a_file_of_facts_is_told_and_leaves_its_song_without_lyrics(tmp_path: Path, facts: str) -> None:
    write_song(tmp_path / "a.wav", 1.0)
    (tmp_path / "a.json").write_text(facts)
    song = ingest(listed(tmp_path, lyrics_path="a.json"))
    assert (song["lyrics"], song["lyrics_remarks"][0]["kind"]) == (None, "not_lyrics")


@every(
    ("lyrics", "expected"),
    [
        ("[{", "lyrics_malformed"),
        ('[{"word": "..."}]', "lyrics_empty"),
        (json.dumps([{"word": "la", "start": 9, "end": 10}]), "lyrics_past_end"),
        (json.dumps([{"word": "la"}] * 101), "lyrics_too_long"),
        (" " * 20_000, "lyrics_too_long"),
    ],
)
def test_bad_lyrics_drop_the_song_and_are_never_ignored(tmp_path: Path, lyrics: str, expected: str) -> None:
    write_song(tmp_path / "a.wav", 1.0)
    (tmp_path / "a.json").write_text(lyrics)
    assert reason(listed(tmp_path, lyrics_path="a.json")) == expected


@every(
    ("stated_s", "remarks", "told"),
    [
        (None, (), "lyrics_past_end: lyrics reach 9.0 s, the audio 1.0 s; nothing says that it goes on"),
        (5.0, ("joined: 2 files",), "lyrics_past_end: lyrics reach 9.0 s, the audio 1.0 s; nothing"),
        (
            12.0,
            (),
            "audio_short: lyrics reach 9.0 s, the audio 1.0 s; its manifest states 12.0 s; get the whole",
        ),
        (
            None,
            ("last_frame_cut: lacks 9 bytes",),
            "audio_short: .*; last_frame_cut: lacks 9 bytes; get the whole file",
        ),
    ],
)
def test_audio_that_was_cut_is_not_blamed_on_its_lyrics(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stated_s: float | None,
    remarks: tuple[str, ...],
    told: str,
) -> None:
    write_song(tmp_path / "a.wav", 1.0)
    (tmp_path / "a.lrc").write_text("[00:00.20]la\n[00:09.00]la\n")
    read = SourceFormat(1.0, 2, 44_100, None, remarks)
    monkeypatch.setattr(Ingest, "_format", lambda self, song: read)
    with pytest.raises(SongError) as caught:
        ingest(listed(tmp_path, lyrics_path="a.lrc", stated_duration_s=stated_s))
    assert re.match(told, f"{caught.value.reason}: {caught.value.detail}")
