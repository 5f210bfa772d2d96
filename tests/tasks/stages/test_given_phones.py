"""Phones in time that a song's own files state: in every form that has them, dealt to the words as they are sung now."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from flows.pipelines.stages import prepare_stages
from flows.settings.params import load_params
from jam_model.words import Word, rows_of, rows_of_input_times
from tasks.engine.song import Song
from tasks.lyrics.read import read_lyrics, read_phones
from tasks.quality.remarks import phones_line
from tasks.songs.listing import list_sources
from tasks.stages.given_phones import GivenPhones
from tasks.stages.phones import PhonesParams
from tests.tasks.lyrics.forms.test_textgrid import grid, tier
from tests.tasks.tiny import write_song

PARAMS = load_params()
STAGE = GivenPhones(PhonesParams(times="given"), PARAMS.ingest)
WORDS = [Word("go", 1.0, 2.0, "ɡˈoʊ_"), Word("on", 3.0, 4.0, "ɔn"), Word("now", 5.0, 6.0, "nˈaʊ")]
SAID = [
    (1, 1.25, "G"),
    (1.25, 2, "OW1"),
    (2, 3, "sil"),
    (3, 3.5, "AA1"),
    (3.5, 4, "N"),
    (5, 5.5, "N"),
    (5.5, 6, "T"),
]
FOUND = [(0, "ɡ", 1.0, 1.25), (0, "oʊ", 1.25, 2.0), (1, "ɔ", 3.0, 3.5), (1, "n", 3.5, 4.0)]
"""Of now nobody knows them: where it has a vowel the file has none."""


def texts() -> dict[str, str]:
    """The words of a song and its phones, in every form that states both."""
    words = [(word.start_s, word.end_s, word.text) for word in WORDS]
    inside = {
        word.text: [
            {"phone": text, "start": start, "end": end}
            for start, end, text in SAID
            if word.start_s <= start < word.end_s
        ]
        for word in WORDS
    }
    lengths = [{"phone": f"{one['phone']}_I", "duration": one["end"] - one["start"]} for one in inside["go"]]  # type: ignore[operator]
    entries = [
        {"word": word.text, "start": word.start_s, "end": word.end_s, "phones": inside[word.text]}
        for word in WORDS
    ]
    segment = {
        "offset": 1.0,
        "text": "go SP on SP now",
        "ph_seq": "en/G en/OW1 SP AA1 N AP N T",
        "ph_dur": "0.25 0.75 1 0.5 0.5 1 0.5 0.5",
        "ph_num": "2 1 2 1 2",
    }
    return {
        "song.TextGrid": grid(tier("words", words), tier("Ann - phones", SAID)),
        "song.json": json.dumps(entries),
        "gentle.json": json.dumps({"words": [entries[0] | {"phones": lengths}, *entries[1:]]}),
        "song.ds": json.dumps([segment]),
    }


def given(stage: GivenPhones = STAGE, root: Path = Path(), **columns: object) -> Song:
    facts = {
        "words": rows_of(WORDS),
        "lyrics_times": rows_of_input_times(WORDS),
        "aligned_words": rows_of(WORDS),
        **{"unchecked": False, "lyrics_path": None, "phones_path": None, "lyrics_text": None},
    }
    return stage.one(Song("tiny", facts | columns, root=str(root)))


def told(song: Song) -> list[tuple[object, ...]]:
    return [tuple(row[name] for name in ("word", "phone", "start_s", "end_s")) for row in song["phones"]]


def test_phones_that_files_state_go_with_their_words_and_words_without_them_are_counted(
    tmp_path: Path,
) -> None:
    for name, text in texts().items():
        assert read_lyrics(text.encode(), 10**5, 100).words == ["go", "on", "now"], name
        song = given(lyrics_text=text)
        assert told(song) == [pytest.approx(row) for row in FOUND], name
        assert song["words_without_phones"] == 1 and {row["score"] for row in song["phones"]} == {None}

    text = texts()["song.json"]
    moved = [replace(word, start_s=word.start_s + 0.5, end_s=word.end_s + 0.5) for word in WORDS]
    late = [(word, name, start_s + 0.5, end_s + 0.5) for word, name, start_s, end_s in FOUND]
    assert told(given(lyrics_text=text, words=rows_of(moved))) == late  # a claim that was shifted
    kept = [rows_of(WORDS)[0], None, None]
    assert told(given(lyrics_text=text, aligned_words=kept)) == FOUND[:2]  # of those that kept their times
    assert told(given(lyrics_text=text, aligned_words=None)) == []
    assert told(given(lyrics_text=text, aligned_words=None, unchecked=True)) == FOUND

    write_song(tmp_path / "song.wav", 0.3)
    (tmp_path / "song.txt").write_text("go on now")
    more = [*SAID, *((6 + n, 7 + n, text) for n, text in enumerate(["S", "T", "K", "T", "S", "F"]))]
    labels = "".join(f"{round(start * 1e7)} {round(end * 1e7)} {text}\n" for start, end, text in more)
    plain = list_sources(tmp_path).sources[0]
    (tmp_path / "song.lab").write_text(labels)
    (source,) = list_sources(tmp_path).sources
    assert (source.facts["lyrics_path"], source.facts["phones_path"]) == ("song.txt", "song.lab")
    assert "phones_path" not in plain.facts and source.identity != plain.identity
    paths = {name: source.facts[name] for name in ("lyrics_path", "phones_path")}
    assert told(given(root=tmp_path, lyrics_times=None, aligned_words=None, **paths)) == FOUND
    rows = [{"drop_reason": None, "words_without_phones": 1}, {"drop_reason": None}, {"drop_reason": "x"}]
    assert "1 word in 1 of 2 songs without phones in time" in (phones_line(rows) or "")
    assert phones_line(rows[1:]) is None and read_phones(b"\0\xff") == () == read_phones(b"[00:01]go")

    asked = load_params(settings=["phones.times=given", "pack.extras=[phones]"])
    assert "given_phones" in [stage.name for stage in prepare_stages(asked)]
    with pytest.raises(ValueError, match=r"align.times is align: words would leave the phones"):
        load_params(settings=["phones.times=given", "align.times=align"])
