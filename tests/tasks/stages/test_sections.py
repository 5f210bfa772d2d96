"""Parts of songs: labels at the words' times, times that files state in every form, and what is heard where nobody says."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from flows.pipelines.stages import prepare_stages
from flows.settings.params import load_params
from jam_model.words import Word
from tasks.engine.song import Song
from tasks.lyrics.parts.section_labels import SECTION_LABELS, section_label
from tasks.lyrics.read import read_lyrics, read_parts
from tasks.shards.described_songs import section_counts, section_lines
from tasks.songs.listing import list_sources
from tasks.stages.description.sections import Sections
from tests.tasks.lyrics.forms.test_textgrid import grid, tier
from tests.tasks.tiny import timed, write_song

PARAMS = load_params(settings=["sections.model=labels"])
STAGE = Sections(PARAMS.sections, PARAMS.ingest)
TEXT = "[Intro]\n[Verse 1: soft piano]\nopen the window\n[Pre-Chorus]\nnow\n[Guitar Solo]\n[Chorus]\nmoon light\n[Outro]\n"
WORDS = timed(
    ("open", 2.0, 2.5),
    ("the", 2.5, 2.7),
    ("window", 2.7, 3.5),
    ("now", 4.0, 4.5),
    ("moon", 7.0, 8.0),
    ("light", 8.0, 9.0),
)
PLACED = [
    ("intro", "Intro", 0.0, 2.0),
    ("verse", "Verse 1: soft piano", 2.0, 4.0),
    ("pre_chorus", "Pre-Chorus", 4.0, 4.5),
    ("inst", "Guitar Solo", 4.5, 7.0),
    ("chorus", "Chorus", 7.0, 9.0),
    ("outro", "Outro", 9.0, 10.0),
]
STATED = [("intro", 0.0, 2.0), ("verse", 2.0, 7.5), ("chorus", 7.5, 12.0)]
FOUND = [("intro", "intro", 0.0, 2.0), ("verse", "verse", 2.0, 7.5), ("chorus", "chorus", 7.5, 10.0)]
WRITTEN = {
    "Chorus 2 (x2)": "chorus",
    "Verso": "verse",
    "副歌": "chorus",
    "Vorspiel": "intro",
    "Pre-Chorus": "pre_chorus",
    "middle eight": "bridge",
    "Instrumental Break": "inst",
    "Final Chorus": "chorus",
    "Verse: drums": "verse",
    "Ann": "other",
}


def stated_files() -> dict[str, str]:
    """The same three parts in every form that states their times."""
    rows = [{"label": name, "start": start_s, "end": end_s} for name, start_s, end_s in STATED]
    bounds = [f"[{name}][{start_s}:{end_s}]" for name, start_s, end_s in STATED]
    return {
        "song.songprep.txt": f"{bounds[0]} ; {bounds[1]}open the window. ; {bounds[2]}moon light.",
        "all-in-one.json": json.dumps({"bpm": 100, "beats": [0.5, 1.1], "segments": rows}),
        "songformer.json": json.dumps(rows),
        "songformdb.json": json.dumps({"labels": [*([a, n] for n, a, _ in STATED), [STATED[-1][2], "end"]]}),
        "song.TextGrid": grid(
            tier("words", [(2, 3, "moon")]), tier("sections", [(a, b, n) for n, a, b in STATED])
        ),
        "song.lab": "".join(f"{round(a * 1e7)} {round(b * 1e7)} {n}\n" for n, a, b in STATED),
        "song.labels.txt": "".join(f"{a:.6f}\t{b:.6f}\t{n}\n" for n, a, b in STATED),
    }


def given(stage: Sections = STAGE, root: Path = Path(), **columns: object) -> list[tuple[object, ...]] | None:
    facts = {"duration_s": 10.0, "lyrics": [row["text"] for row in WORDS], "timed_words": WORDS}
    none = dict.fromkeys(("lyrics_labels", "lyrics_path", "lyrics_text", "sections_path", "audio"))
    rows = stage.one(Song("tiny", none | facts | columns, root=str(root)))["sections"]
    return rows and [tuple(row[name] for name in ("label", "text", "start_s", "end_s")) for row in rows]


def test_parts_have_the_times_of_their_words_or_of_their_files_and_else_of_what_is_heard(
    tmp_path: Path,
) -> None:
    assert {name: section_label(name) for name in WRITTEN} == WRITTEN
    assert {label for label, _, _, _ in PLACED} < set(SECTION_LABELS)

    labels = read_lyrics(TEXT.encode(), 10**4, 100).columns()["lyrics_labels"]
    assert given(lyrics_labels=labels) == PLACED
    assert (
        given() is None and given(lyrics_labels=labels, lyrics=None) is None
    )  # words that were heard have no labels
    late = [{"before": 99, "text": "Coda"}]
    assert given(lyrics_labels=late) == [("outro", "Coda", 9.0, 10.0)]
    two = [{"before": 6, "text": "Solo"}, {"before": 6, "text": "Outro"}]
    assert given(lyrics_labels=two) == [("inst", "Solo", 9.0, 9.5), ("outro", "Outro", 9.5, 10.0)]

    for name, text in stated_files().items():
        assert [(part.text, part.start_s, part.end_s) for part in read_parts(text.encode())] == STATED, name
        assert given(lyrics_text=text, lyrics_labels=labels) == FOUND, name
    for text in (
        TEXT,
        "[00:01]go",
        '[{"word": "go", "start": 1, "end": 2}]',
        "\0\xff",
        '{"segments": 3}',
        "[[1, 2], [3, 4]]",
    ):
        assert read_parts(text.encode()) == (), text
    open_ended = json.dumps(
        {"sections": [{"section": "verse", "start_s": 3}, {"section": "outro", "start_s": 1}]}
    )
    assert [*pairwise(part.start_s for part in read_parts(open_ended.encode()))] == [(1, 3)]
    assert read_parts(b"[verse][6.5:4.5]go") == (Word("verse", 6.5, float("inf")),)
    assert read_parts(b'[{"label": "verse", "start": 1}]')[0] == Word("verse", 1.0, float("inf"))

    write_song(tmp_path / "song.wav", 0.3)
    (tmp_path / "song.txt").write_text("open the window")
    plain = list_sources(tmp_path).sources[0]
    (tmp_path / "song.sections.json").write_text(stated_files()["songformer.json"])
    (source,) = list_sources(tmp_path).sources
    assert (source.facts["lyrics_path"], source.facts["sections_path"]) == ("song.txt", "song.sections.json")
    assert "sections_path" not in plain.facts and plain.identity != source.identity
    assert given(root=tmp_path, sections_path="song.sections.json") == FOUND

    hears = Sections(PARAMS.sections.model_copy(update={"model": "embedded"}), PARAMS.ingest)
    song = Song(
        "a", {"audio": {"path": "song.wav", "bytes": None}, "lyrics_labels": None}, root=str(tmp_path)
    )
    heard = given(hears, tmp_path, audio=song["audio"], duration_s=0.3)
    assert heard is not None and heard[0][1:3] == (None, 0.0) and heard[-1][3] == pytest.approx(0.3)
    rows = [{"sections": [{"label": "verse", "source": "heard"}] * 2}, {"sections": None}, {}]
    assert section_counts(rows) == {"songs": {"heard": 1}, "labels": {"verse": 2}}
    assert section_lines({}) == [] and "1 song heard; verse 2" in section_lines(section_counts(rows))[0]

    assert "sections" in [stage.name for stage in prepare_stages(PARAMS)]
    assert "sections" not in load_params().decides() and "sections" in PARAMS.decides()
    with pytest.raises(ValueError, match=r"pack.extras asks for sections, but sections.model is none"):
        load_params(settings=["pack.extras=[sections]"])
