"""Muse's chat form: kept songs as talks, a part a turn, with whose they are; read back as lyrics, the words, lines and parts are the same."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tasks.lyrics.lyrics import Lyrics
from tasks.lyrics.muse import MusePart, MuseSong, messages_of
from tasks.lyrics.read import read_lyrics
from tasks.shards.muse_export import export_muse
from tests.tasks.tiny import timed


def row(song_id: str, **columns: Any) -> dict[str, Any]:
    words = (("hello", 1.0, 1.5, "hɛlˈoʊ"), ("moon", 1.5, 2.0, "mˈuːn"), ("stay", 5.0, 6.0, "stˈeɪ"))
    return {
        "song_id": song_id,
        "drop_reason": None,
        "audio": {"path": f"{song_id}.wav", "bytes": None},
        "content_hash": "ab12",
        "duration_s": 8.0,
        "words": timed(*words),
        "lyrics": ["hello", "moon", "stay"],
        "lyrics_lines": timed(("hello", 1.0, 1.5), ("moon", 1.5, 2.0), ("stay", 5.0, 6.0)),
        "lyrics_labels": [{"before": 0, "text": "Verse 1: soft"}, {"before": 2, "text": "Chorus"}],
        "style_text": "pop, 108 bpm",
        **{"split": "train", "license": "CC0", "source": None, "artist": "Ann", "language": "en"},
        **columns,
    }


def lyrics_of(song: dict[str, Any]) -> Lyrics:
    return read_lyrics(json.dumps(song).encode(), 10_000, 100)


def test_kept_songs_become_talks_a_part_a_turn_and_come_back_as_they_were(tmp_path: Path) -> None:
    def section(label: str, start_s: float, end_s: float, text: str | None = None) -> dict[str, Any]:
        return {"label": label, "text": text, "start_s": start_s, "end_s": end_s, "source": "times"}

    sections = [section("pre_chorus", 4.0, 6.5), section("outro", 6.5, 8.0, "Outro: loud")]
    rows = [
        row("a"),
        row("b", sections=sections, license=None, lyrics_lines=None),
        row("c", split="validation", lyrics_labels=None),
        row("d", drop_reason="no_vocals"),
    ]
    assert export_muse(rows, tmp_path / "out", True) == {"train": 2, "validation": 1}
    data = (tmp_path / "out" / "train.jsonl").read_bytes()
    first, second = map(json.loads, data.splitlines())
    assert first["messages"][0]["content"] == (
        "pop, 108 bpm\nThe song is asked for part by part.\n[Verse 1][desc:soft][lyrics:\nhello\nmoon]"
        "[phoneme:\nh ɛ l ˈ o ʊ sp\nm ˈ u ː n sp]"
    )
    assert first["turns"] == [{"start_s": 0.0, "end_s": 5.0}, {"start_s": 5.0, "end_s": 8.0}]
    facts = ("id", "license", "artist", "split", "audio_sha256")
    assert [first[name] for name in facts] == ["a", "CC0", "Ann", "train", "ab12"]
    index = json.loads((tmp_path / "out" / "index.json").read_text())["splits"]["train"]
    assert (index["songs"], index["licenses"]) == (2, {"CC0": 1, "unknown": 1})
    assert index["sha256"] == hashlib.sha256(data).hexdigest()

    lyrics = lyrics_of(first)
    assert lyrics.form == "Muse's messages" and lyrics.words == ["hello", "moon", "stay"]
    assert lyrics.line_starts == [0, 1, 2]
    assert [(label.before, label.text) for label in lyrics.labels] == [(0, "Verse 1"), (2, "Chorus")]
    told = [turn["content"] for turn in second["messages"] if turn["role"] == "user"]
    assert [
        text.rpartition("song is asked for part by part.\n")[2].partition("[phoneme")[0] for text in told
    ] == [
        "[Song][desc:][lyrics:\nhello moon]",
        "[Pre Chorus][desc:][lyrics:\nstay]",
        "[Outro][desc:loud]",
    ]
    odd = MuseSong("a [b]\nc", (MusePart("x: [y]", "[z", (("hello",),)),))
    assert lyrics_of({"messages": messages_of(odd, False)}).words == ["hello"]

    with pytest.raises(ValueError, match="no song was kept"):
        export_muse([row("d", drop_reason="no_vocals")], tmp_path / "none", True)
