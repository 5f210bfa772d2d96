"""jam look SONG: the terminal view and the page of one song, from a table that stages wrote."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile
from rich.console import Console

from eval.pages.song import song_html
from flows.commands.main import run
from flows.console import look
from flows.settings.params import load_params
from tasks.edits.store import add_edit, edits_of, last_id
from tasks.engine.pipeline import Pipeline
from tasks.engine.stage import Section
from tasks.engine.table import Source, Table
from tasks.songs.columns import SONG_COLUMNS
from tasks.stages.filter import Filter
from tasks.stages.phonemize import Phonemize
from tasks.upkeep import song_page as look_page
from tasks.upkeep.drops import Drop
from tests.tasks.engine.probes import ENGINE, run_here
from tests.tasks.models.spoken import Hummed, Spoken
from tests.tasks.tiny import timed, write_song

HOSTILE = "<img src=x onerror=alert(1)> moon"
EDITED = "b" * 64
CLAIMS = timed(("hello", 0.25, 0.75), ("moon", 1.5, 2.0))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """Three songs through three small stages; the songs lie in ``songs`` beside the table."""
    root = tmp_path_factory.mktemp("work")
    write_song(root / "songs" / "a.wav")
    params = load_params()
    facts = {
        "song-hello": {"title": "hello moon", "audio": {"path": "a.wav", "bytes": None}, "artist": "Ann"},
        "song-silence": {"title": "silence", "audio": {"path": "gone.wav", "bytes": None}},
        "song-hostile": {
            "title": HOSTILE,
            "audio": {"path": "../../etc/passwd", "bytes": None},
            "content_hash": EDITED,
        },
    }
    table = Table(root / "table", SONG_COLUMNS)
    table.admit([Source(name, name, one) for name, one in facts.items()], ENGINE.partition_size, fewest=1)
    stages = [Spoken(Section()), Phonemize(params.phonemize, params.models.phonemizer), Hummed(Section())]
    pipeline = Pipeline(table, stages)
    run_here(pipeline, root / "receipts" / "prepare")
    return pipeline


@pytest.fixture(autouse=True)
def of_this_pipeline(prepared: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(look, "prepared_pipeline", lambda project: prepared)
    yield


def page(prepared: Pipeline, name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> str:
    songs = prepared.table.root.parent / "songs"
    assert run(["look", name, "--work", str(tmp_path), "--songs", str(songs)]) == 0
    said = capfd.readouterr().out
    path = tmp_path / "reports" / "songs" / f"{name}.html"
    assert f"page: {path}" in said and name in said
    return path.read_text()


def test_the_page_shows_words_stages_and_both_sounds(
    prepared: Pipeline, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    html = page(prepared, "song-hello", tmp_path, capfd)
    for text in (
        "hello moon",
        "Ann",
        "mˈuːn",
        "phonemize-v1",
        "embedded/espeak-en-us@",
        "by every stage that ran",
    ):
        assert text in html, text
    sounds = re.findall(r'id="audio-\d">([^<]*)</script>', html)
    assert len(sounds) == 2
    for sound in sounds:
        samples, _ = soundfile.read(io.BytesIO(base64.b64decode(sound)))
        assert 1.9 < len(samples) / 44_100 < 2.2
    assert str(prepared.table.root.parent) not in html  # no path of this machine


def test_the_same_song_gives_the_same_page(
    prepared: Pipeline, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    first = page(prepared, "song-hello", tmp_path, capfd)
    assert page(prepared, "song-hello", tmp_path / "again", capfd) == first


def test_a_dropped_song_says_why_and_by_which_stage_and_what_cannot_be_played(
    prepared: Pipeline, capfd: pytest.CaptureFixture[str]
) -> None:
    html = page(prepared, "song-silence", prepared.table.root.parent, capfd)
    assert "by hummed: no_vocals: made for the test" in html
    assert "dropped: no_vocals: made for the test" in html
    assert "the mix cannot be read: source_gone" in html and 'id="audio-0"' not in html


def test_hostile_titles_and_paths_do_no_harm_and_edits_are_counted(
    prepared: Pipeline, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    html = page(prepared, "song-hostile", tmp_path, capfd)
    assert "<img" not in html and "&lt;img" in html
    assert "leads out of the songs folder" in html and "root:" not in html
    for kind in ("reject", "approve"):
        last = last_id(edits_of(tmp_path, EDITED))
        add_edit(tmp_path, EDITED, "song-hostile", last, kind, {"reason": "heard"})
    assert run(["look", "song-hostile", "--work", str(tmp_path)]) == 0
    assert "2 edits by hand: reject, approve" in capfd.readouterr().out


def test_long_sounds_are_cut_and_the_page_says_so(
    prepared: Pipeline, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = page(prepared, "song-hello", tmp_path, capfd)
    monkeypatch.setattr(look_page, "MAX_LISTEN_S", 0.5)
    cut = page(prepared, "song-hello", tmp_path, capfd)
    assert "the first 0.5 of 2 s can be played" in cut and len(cut) < len(whole)


def test_claimed_times_stand_beside_the_aligned_ones(prepared: Pipeline) -> None:
    (row,) = [row for row in prepared.rows(["words"]) if row["song_id"] == "song-hello"]
    shown = look_page.song_page(prepared, {**row, "lyrics_times": CLAIMS}, None, {}, "")
    assert shown.claimed_s == [0.25, 1.5] and shown.words[0][3] == "həlˈoʊ"
    assert list(shown.lanes) == ["aligned", "claimed"]
    other = [{**claim, "text": "other"} for claim in CLAIMS]
    shown = look_page.song_page(prepared, {**row, "lyrics_times": other}, None, {}, "")
    assert not shown.claimed_s


def test_a_claim_may_lack_a_word_or_an_end(prepared: Pipeline) -> None:
    (row,) = [row for row in prepared.rows(["words"]) if row["song_id"] == "song-hello"]
    claims = [None, {**CLAIMS[1], "end_s": None}]
    shown = look_page.song_page(prepared, {**row, "lyrics_times": claims}, None, {}, "")
    assert shown.claimed_s == [None, 1.5] and "Infinity" not in song_html(shown)
    assert [word[1:3] for word in shown.lanes["claimed"]] == [(1.5, 1.5)]
    assert look_page.shown(claims) == f"(no time) {CLAIMS[1]['text']}@1.50-"


def test_a_row_that_is_more_than_a_word_is_shown_by_its_names() -> None:
    run = {"text": "produced by x", "start_s": 1.0, "end_s": 2.0, "num_words": 3}
    assert look_page.shown([run]) == "text produced by x, start_s 1, end_s 2, num_words 3"
    assert (
        look_page.shown([{"word": 0, "start_s": 1.0, "end_s": None, "pitch": 60}])
        == "word 0, start_s 1, pitch 60"
    )


def test_a_beginning_of_several_songs_lists_them_and_a_title_names_one(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["look", "song-h", "--work", str(tmp_path)]) == 0
    said = capfd.readouterr().out
    assert "2 songs are called 'song-h' or begin so" in said and "page: " not in said
    assert "song-hello (hello moon): kept" in said
    assert run(["look", "Hello Moon", "--work", str(tmp_path)]) == 0
    assert capfd.readouterr().out.startswith("song-hello  hello moon")


def test_a_misspelt_song_is_one_line_that_names_the_nearest(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["look", "helo moon", "--work", str(tmp_path)]) == 2
    assert "is 'helo moon' or begins so; near: song-hello (hello moon)" in capfd.readouterr().err
    assert run(["look", "xxxxxxxx", "--work", str(tmp_path)]) == 2
    assert "`jam table` counts the songs" in capfd.readouterr().err


LONG = "written " * 60
ROW = {
    "song_id": "a", "partition": 0, "drop_reason": "words_unheard", "dropped_by": "filter", "made_by": [],
    "title": "moon", "lyrics_form": "LRC", "transcript": ["moon"] * 200, "claim_remark": "words are 3.0 s late, shifted",
    "audio_remarks": ["joined: 2 files joined to one"], "quality": {"coverage": 0.25, "num_words": 200.0},
    "lyrics_remarks": [{"kind": "credit", "count": 1, "examples": [LONG]}],
    "lyrics_labels": [{"before": 0, "text": "Verse"}], "words": timed(*((f"word{i}", i, i + 1.0) for i in range(200))),
}  # fmt: skip


def table_of_one(root: Path, *limits: str) -> Pipeline:
    """A table of the song "a", as its filter holds it."""
    table = Table(root / "table", SONG_COLUMNS)
    table.admit([Source("a", "a", {"title": "moon"})], 1)
    return Pipeline(table, [Filtered(load_params(None, limits).filter)])


class Filtered(Filter):
    """A filter that reads nothing, so that no stage need stand before it."""

    reads = frozenset()


def test_a_song_fits_a_screen_and_says_the_whole_reason_and_every_remark(tmp_path: Path) -> None:
    table = table_of_one(tmp_path)
    drop = Drop("a", "filter", "words_unheard", LONG.strip())
    shown = look_page.song_page(table, ROW, drop, {}, "")
    head = list(look._head(shown))
    assert head[1] == f"dropped by filter: words_unheard: {LONG.strip()}"
    lines = [*look._remarks(ROW), *look._words(shown, ROW, 80)]
    assert f"lyrics: credit 1: {LONG}" in lines and "audio file: joined: 2 files joined to one" in lines
    assert (
        "labels in the lyrics: Verse before word 0" in lines
        and "given times: words are 3.0 s late, shifted" in lines
    )
    parts = [
        {"label": label, "text": None, "start_s": start_s, "end_s": start_s + 4.5, "source": "heard"}
        for label, start_s in (("intro", 0.0), ("verse", 4.5))
    ]
    facts = [
        {"name": "tempo_bpm", "text": None, "number": 96.04, "source": "beats", "certainty": 0.9},
        {"name": "key", "text": "D minor", "number": None, "source": "chords", "certainty": 0.8},
        {"name": "register", "text": None, "number": None, "source": "pitch", "certainty": 0.1},
    ]
    assert list(look._described({"sections": parts, "facts": facts, "tier": "B"})) == [
        "parts, s (heard): intro 0.0-4.5, verse 4.5-9.0",
        "facts: tempo_bpm 96.04, key D minor",
        "tier: B",
    ]
    assert not list(look._described(ROW))
    words = next(line for line in lines if line.startswith("LRC words, 200: word0 word1"))
    assert words.endswith("…") and len(words) == 3 * 80
    html = song_html(shown)
    assert f"words_unheard: {LONG.strip()}" in html


def test_a_measure_stands_beside_its_limit_and_what_is_beyond_it_comes_first(tmp_path: Path) -> None:
    table = table_of_one(tmp_path, "filter.min_coverage=0.5", "filter.min_words=3")
    shown = look_page.song_page(table, ROW, None, {}, "")
    assert [(line.name, line.limit, line.is_broken) for line in shown.measures] == [
        ("words", "at least 3", False),
        ("words laid with a plausible score", "at least 0.5", True),
    ]
    assert "<td>at least 0.5</td>" in song_html(shown)
    screen = Console(width=80, record=True, file=io.StringIO())
    screen.print(look._beside_limits(look.measured_of(table, ROW)))
    assert screen.export_text().split() == [
        "!",
        "coverage",
        "0.25",
        "(at",
        "least",
        "0.5)",
        "num_words",
        "200",
        "(at",
        "least",
        "3)",
    ]


def test_nothing_that_tells_why_is_cut_where_every_column_is_shown() -> None:
    assert look_page.shown_column("lyrics_remarks", ROW["lyrics_remarks"]).count("written") == 60
    assert look_page.shown_column("lyrics", ["word"] * 200).endswith("…")
