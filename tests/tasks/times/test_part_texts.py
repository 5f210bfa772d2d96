"""Lyrics that ask for a sound of each part: what they ask is placed by the words' times, encoded, and never sung."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from jam_model.frames import frame_middles_s
from jam_model.words import Word
from tasks.lyrics.convert import convert, form_named
from tasks.lyrics.lyrics import Label
from tasks.lyrics.read import read_lyrics
from tasks.models.style_encoder import SpectralStyleEncoder
from tasks.stages.generated.asked import conditions_of
from tasks.times.part_texts import part_texts, styles_of_parts
from tests.tasks.prompts.test_one_song import write
from tests.tasks.stages.generated.test_generate import TINY, asked

LYRICS = "[Intro: folk]\n[Verse 1: soft, male voice]\nmoon light\n[Chorus：pop]\nover me\n[Verse 2]\nstay\n[Outro: pop]\n"
WORDS = [
    Word(text, start_s, start_s + 0.5)
    for text, start_s in (("moon", 4.0), ("light", 5.0), ("over", 8.0), ("me", 9.0), ("stay", 12.0))
]


def test_parts_that_ask_for_a_sound_are_placed_encoded_and_never_sung(tmp_path: Path) -> None:
    lyrics = read_lyrics(LYRICS.encode(), 10_000, 100)
    assert lyrics.words == ["moon", "light", "over", "me", "stay"]
    parts = part_texts(lyrics.labels, WORDS, 15.0)
    assert [(part.name, part.text, part.start_s, part.end_s) for part in parts] == [
        ("Intro", "folk", 0.0, 4.0),
        ("Verse 1", "soft, male voice", 4.0, 8.0),
        ("Chorus", "pop", 8.0, 12.0),
        ("Verse 2", None, 12.0, 12.5),
        ("Outro", "pop", 12.5, 15.0),
    ]
    encoder, own_S = SpectralStyleEncoder(), np.full(512, 0.1, np.float32)
    unread = part_texts([Label(0, "Verse: harpsichord")], WORDS, 15.0)
    with pytest.raises(
        ValueError, match=r"part \[Verse: harpsichord\]: style text .* known: ballad"
    ) as refused:
        styles_of_parts(unread, own_S, encoder)
    assert "\n" not in str(refused.value)
    found = styles_of_parts(parts, own_S, encoder)
    assert found is not None
    assert [part.style for part in found.parts] == [0, 1, 2, 3, 2], "equal texts are one style"
    assert np.array_equal(found.styles_KS[3], own_S)
    assert np.array_equal(found.styles_KS[2], encoder.embed_text("pop"))
    assert styles_of_parts(part_texts([Label(0, "Verse 1")], WORDS, 15.0), own_S, encoder) is None
    first = part_texts([Label(2, "Chorus: pop"), Label(2, "no part: pop")], WORDS, 15.0)
    assert [(part.name, part.start_s) for part in first] == [("", 0.0), ("Chorus", 8.0)]
    close = [Word("a", 0.0, 1.0), Word("b", 1.0, 2.0)]
    with pytest.raises(ValueError, match=r"part \[Solo: pop\] has no time between the words"):
        part_texts([Label(1, "Solo: pop"), Label(1, "Chorus")], close, 2.0)
    for labels in ([Label(2, "Chorus: pop")], [Label(2, "Solo: pop"), Label(2, "Chorus: pop")]):
        with pytest.raises(
            ValueError, match=r"pop\] lies past the end of the song at 7 s; give a longer --dur"
        ):
            part_texts([Label(0, "Verse"), *labels], WORDS, 7.0)

    made = write(tmp_path, text=LYRICS, bpm=160.0)
    assert [remark.number for remark in made.remarks if remark.kind == "label"] == [1, 2, 4, 6, 8]
    timed = read_lyrics(made.timed.read_bytes(), 10_000, 100)
    assert (timed.words, timed.labels) == (lyrics.words, lyrics.labels), "times to edit keep what was asked"
    assert "label" not in {remark.kind for remark in timed.remarks}, (
        "they were told, by the lines of the text"
    )
    plain = json.loads(write(tmp_path / "..", text="[Verse]\nmoon\n", bpm=120.0).timed.read_text())
    assert plain["part_labels"] == [{"before": 0, "text": "Verse"}], "one that asks for no sound is kept, too"
    for name in ("x.lrc", "x.txt", "x.jsonl", "x.songprep.txt", "x.lyrics.json"):
        again = read_lyrics(convert(timed, form_named(name)).data, 10_000, 100)
        assert again.words == lyrics.words, name
    messages = json.loads(convert(timed, form_named("x.jsonl")).data)["messages"]
    assert messages[2]["content"].startswith("[Verse 1][desc:soft, male voice][lyrics:\nmoon light]")

    row = asked(
        "", reference_part_styles=found.styles_KS.tolist(), reference_parts=[vars(p) for p in found.parts]
    )
    given = conditions_of(row, 300, replace(TINY, max_frames=323), "it")
    assert np.array_equal(given.part_styles_BKS[0], found.styles_KS)
    assert np.array_equal(given.part_weights_BKT[0], found.weights_KT(frame_middles_s(323)))
    assert conditions_of(asked(""), 21, TINY, "it").part_styles_BKS is None
