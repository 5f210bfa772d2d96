"""Manifests of any shape become songs to judge by; a row without lyrics is refused, never judged by ear."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.settings.params import load_params
from tasks.benchmark.caption_list import make_benchmark, read_captions
from tasks.benchmark.songs import Benchmark, FieldsParams, in_their_languages, read_benchmark
from tasks.models.many_languages import SongLanguages
from tests.every import every
from tests.tasks.tiny import write_song

PARAMS = load_params()
FIELDS = PARAMS.benchmark.fields
THEIRS = FieldsParams(
    id="track",
    audio="sound",
    lyrics="text",
    style="caption",
    duration="seconds",
    genre="kind",
    language="tongue",
)


def read(path: Path, fields: FieldsParams = FIELDS) -> Benchmark:
    return read_benchmark(path, fields, PARAMS.ingest)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_song(tmp_path / "songs" / "a.wav", 1.0)
    (tmp_path / "songs" / "a.txt").write_text("[Chorus]\nhello (oh) moon\n")
    (tmp_path / "songs" / "a.style.txt").write_text("soft  pop\n")
    (tmp_path / "b.json").write_text(json.dumps([{"word": "moon", "start": 0.5, "end": 0.9}]))
    return tmp_path


def test_jamifys_list_with_files_listed_or_beside(folder: Path) -> None:
    rows = [
        {"id": "a", "audio_path": "songs/a.wav"},
        {"id": "b", "audio_path": "songs/b.wav", "lrc_path": "b.json", "duration": 1.5, "genre": "pop"},
        {"id": "c", "audio_path": "songs/a.wav", "lrc_path": None},
        {"id": "d", "lrc_path": "gone.txt"},
    ]
    (folder / "list.json").write_text(json.dumps(rows))
    found = read(folder / "list.json")
    a, b = found.songs
    assert (a.lyrics.words, a.style_text, a.duration_s) == (["hello", "oh", "moon"], "soft pop", None)
    assert a.audio is not None and a.lyrics.times is None
    assert (b.lyrics.words, b.duration_s, b.genre, b.audio) == (["moon"], 1.5, "pop", None)
    assert b.lyrics.times is not None and b.lyrics.times[0].start_s == 0.5
    assert found.without_audio == ["b"]
    assert [row["reason"] for row in found.refused] == ["no_lyrics", "lyrics_missing"]


def test_snapshot_of_a_data_set_by_mapped_fields(folder: Path) -> None:
    rows = [
        {
            "track": "A Song!",
            "sound": {"bytes": b"", "path": "songs/a.wav"},
            "text": "[00:01.00]hello\n[00:02.00]moon",
            "caption": "soft pop",
            "seconds": 3,
            "kind": "pop",
            "more": 1,
        },
        {
            "track": "b",
            "sound": None,
            "text": "x" * 3 + "\ny",
            "caption": None,
            "seconds": 2,
            "kind": None,
            "more": 2,
        },
    ]
    (folder / "snapshot" / "data").mkdir(parents=True)
    (folder / "snapshot" / "README.md").write_text("card")
    pq.write_table(pa.Table.from_pylist(rows), folder / "snapshot" / "data" / "test-0.parquet")
    write_song(folder / "snapshot" / "songs" / "a.wav", 1.0)
    first, second = read(folder / "snapshot", THEIRS).songs
    assert first.title == "A Song!" and first.song_id.startswith("a-song-")
    assert first.lyrics.lines is not None and first.audio is not None
    assert (first.style_text, first.genre, first.duration_s) == ("soft pop", "pop", 3.0)
    assert second.lyrics.words == ["xxx", "y"] and second.style_text is None
    told = [("zh", "爱你 baby"), ("", "사랑해"), ("Svenska", "hej"), ("", "[la:ko]\n[00:01.00]oh la")]
    rows = [
        {**rows[1], "track": f"t{n}", "tongue": code, "text": text} for n, (code, text) in enumerate(told)
    ]
    (folder / "several.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    listed = read(folder / "several.jsonl", THEIRS)
    several = in_their_languages(listed, SongLanguages(("en", "zh", "ko"), "en", 20))
    assert [(song.language, song.lyrics.words) for song in several.songs] == [
        ("zh", ["爱", "你", "baby"]),
        ("ko", ["사랑해"]),
        ("en", ["oh", "la"]),
    ]
    assert [row["reason"] for row in several.refused] == ["language_not_covered"]
    assert [song.language for song in in_their_languages(listed, None).songs] == [None] * 4


def test_json_lines_and_csv_are_read_too(folder: Path) -> None:
    (folder / "list.jsonl").write_text(json.dumps({"id": "a", "lrc_path": [{"word": "moon"}]}) + "\n")
    assert read(folder / "list.jsonl").songs[0].lyrics.words == ["moon"]
    (folder / "list.csv").write_text('id,lrc_path,duration\na,"hello\nmoon",\n')
    song = read(folder / "list.csv").songs[0]
    assert song.lyrics.words == ["hello", "moon"] and song.duration_s is None


@every(
    ("rows", "message"),
    [
        ([{"name": "a"}], "no row of .* has the field 'id'"),
        ([{"id": "a", "lrc_path": "x\ny"}, {"id": "a", "lrc_path": "x\ny"}], "stands twice"),
        ([{"id": "a"}], "no song of .* can be judged"),
        ([{"id": "a", "lrc_path": "x\ny", "duration": "long"}], "duration of 'a'"),
    ],
)
def test_manifest_that_cannot_be_used_says_why_in_one_line(
    tmp_path: Path, rows: list[dict], message: str
) -> None:
    (tmp_path / "list.json").write_text(json.dumps(rows))
    with pytest.raises(ValueError, match=message) as raised:
        read(tmp_path / "list.json")
    assert "\n" not in str(raised.value)


def test_folder_without_rows_is_no_benchmark(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"holds no \.parquet"):
        read(tmp_path)
    with pytest.raises(ValueError, match="no file and no folder"):
        read(tmp_path / "gone.json")


def test_captions_beside_audio_are_songs_without_words_and_what_is_missing_is_named(folder: Path) -> None:
    audio, out = folder / "audio", folder / "out"
    rows = [
        ("whole", 0.5, 1.25, "soft piano"),
        ("-cut_", "30", "31", "bright\n pop, loud"),
        ("gone", 0, 10, "a choir"),
        ("late", 5, 6, "drums"),
        ("whole", 0.5, 1.25, "again"),
        ("../up", 0, 1, "no"),
        ("back", 3, 2, "no"),
        ("mute", 0, 1, " "),
        ("odd", "nan", 1, "no"),
    ]
    for name in ("whole", "[-cut_]-[30-31]", "late"):
        write_song(audio / f"{name}.wav", 2.0)
    head = "ytid,start_s,end_s,caption,aspect_list"
    lines = [f'{of},{first},{last},"{said}","[]"' for of, first, last, said in rows]
    (folder / "musiccaps.csv").write_text("\n".join([head, *lines]))
    made = make_benchmark(folder / "musiccaps.csv", audio, out, PARAMS.audio)
    assert (made.num_songs, made.missing) == (2, ["gone_0_10"])
    assert [json.loads(line) for line in (out / "missing.jsonl").read_text().splitlines()] == [
        {"id": "gone_0_10"}
    ]
    assert [row["reason"] for row in made.refused] == [
        *("listed_twice", "no_clip", "no_clip", "no_caption", "no_clip"),
        "audio_unreadable",
    ]
    found = read(made.manifest)
    assert [(song.title, song.style_text, song.duration_s, song.lyrics.words) for song in found.songs] == [
        ("whole_0-5_1-25", "soft piano", 0.75, []),
        ("-cut__30_31", "bright pop, loud", 1.0, []),
    ]
    assert found.without_audio == [] and found.refused == []
    listed = [dict(zip(head.split(","), row, strict=False)) for row in rows[:2]]
    (folder / "list.jsonl").write_text("\n".join(map(json.dumps, listed)))
    assert [clip.name for clip in read_captions(folder / "list.jsonl")[0]] == [
        "whole_0-5_1-25",
        "-cut__30_31",
    ]
    with pytest.raises(ValueError, match=r"audio of none of the 2 clips .* such as whole\.wav"):
        make_benchmark(folder / "list.jsonl", out, folder / "none", PARAMS.audio)
    rows = [{"id": "a", "lrc_path": []}, {"id": "b", "lrc_path": "moon"}]
    (folder / "mixed.json").write_text(json.dumps(rows))
    with pytest.raises(ValueError, match=r"'a' asks for no words .* give two manifests"):
        read(folder / "mixed.json")
