"""One song's lyrics and style: word times that can be edited, and nothing written where the song cannot be sung."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flows.settings.params import load_params
from tasks.prompts.one_song import OneSong, WrittenRequest, write_request
from tests.every import every

TIMED = json.dumps([{"word": "moon", "start": 0.1, "end": 0.5}])


def write(
    root: Path, text: str | None = "[Verse]\nmoon light\n\nover me\n", **options: object
) -> WrittenRequest:
    """The request of lyrics, for a model of 13.4 s."""
    given = {"style": "pop", "bpm": None, "duration_s": None, **options}
    if text is not None:
        (root / "song.txt").write_text(text)
    params = load_params()
    return write_request(
        OneSong(root / "song.txt", **given),  # type: ignore[arg-type]
        params.models.phonemizer,
        params.rough_times,
        params.ingest,
        288,
        root / "request",
    )


def test_words_without_times_get_some_in_their_lines_and_what_was_left_out_is_kept(tmp_path: Path) -> None:
    made = write(tmp_path, bpm=120.0)
    row = json.loads(made.manifest.read_text())[0]
    assert row["id"] == "song" and row["duration"] == 10.0 and Path(row["lrc_path"]) == made.timed
    words = json.loads(made.timed.read_text())["word"]
    assert [(word["word"], word["line"]) for word in words] == [
        ("moon", 1),
        ("light", 1),
        ("over", 2),
        ("me", 2),
    ]
    assert [remark.text for remark in made.remarks] == ["[Verse]"]


def test_a_length_alone_is_enough_and_is_the_songs(tmp_path: Path) -> None:
    made = write(tmp_path, duration_s=7.0)
    assert json.loads(made.manifest.read_text())[0]["duration"] == 7.0
    assert json.loads(made.timed.read_text())["word"][-1]["end"] <= 7.0


def test_edited_times_are_never_written_over(tmp_path: Path) -> None:
    made = write(tmp_path, bpm=120.0)
    assert write(tmp_path, bpm=120.0) == made
    with pytest.raises(
        ValueError, match=r"holds other times than .*song.txt at 121 bpm would get.*remove the file"
    ):
        write(tmp_path, bpm=121.0)


@every(
    ("options", "words"),
    [
        ({"duration_s": 44.0}, "'song': duration is 44.0 s, at most 13.4 s; give a shorter --duration"),
        (
            {"bpm": 60.0, "text": "moon\n" * 11},
            "'song': duration is 52.0 s, at most 13.4 s; give fewer words",
        ),
        ({"duration_s": 0.0}, "duration is 0 s; give a second or more"),
        ({"text": TIMED}, "does not say how long the song is; give --duration"),
        ({"text": "[00:01.00]moon\n"}, "does not say how long the song is; give --duration"),
        ({}, "has no times; give --bpm or --duration"),
        ({"bpm": 5.0}, "bpm: 5 is out of range"),
        ({"bpm": 90.0, "style": None}, "--lyrics needs --style"),
        ({"bpm": 90.0, "text": "[Verse]"}, "song.txt: lyrics_empty"),
        ({"bpm": 90.0, "text": None}, "song.txt is no file"),
    ],
)
def test_what_cannot_be_sung_is_refused_and_nothing_is_written(
    tmp_path: Path, options: dict, words: str
) -> None:
    with pytest.raises(ValueError) as refusal:
        write(tmp_path, **options)
    assert words in str(refusal.value)
    assert not (tmp_path / "request").exists()
