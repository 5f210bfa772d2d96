"""Prompts and the rows made from them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from jam_model.config import JAM_0_5
from jam_model.lyric_grid import SYMBOLS
from jam_model.words import Word, rows_of, rows_of_phones
from tasks.engine.song import Song
from tasks.lyrics.read import read_lyrics
from tasks.models.aligner import spread
from tasks.prompts.changed_prompts import in_another_style, with_words_dealt
from tasks.prompts.prompt_words import prompt_words
from tasks.prompts.prompts import (
    Prompt,
    System,
    candidate_sources,
    prompts_of,
    system_sources,
    unknown_phones,
)
from tasks.stages.generated.asked import conditions_of
from tasks.studies.timing_noise import disturbed
from tests.tasks.prompts.test_prompt_words import Letters
from tests.tasks.prompts.test_rough_times import PARAMS as ROUGH


def prompt(number: int, words: tuple[str, ...] = ("we", "will", "sing")) -> Prompt:
    timed = tuple(Word(w, float(i), i + 0.5, w) for i, w in enumerate(words))
    style = np.eye(8, dtype=np.float32)[[number % 8]]
    return Prompt(f"song-{number}", "title", timed, style, 9.0, f"song-{number}.wav")


def row(number: int, split: str = "train", drop_reason: str | None = None) -> dict:
    return {
        "song_id": f"song-{number}",
        "title": "t",
        "words": [],
        "style_embedding": [[1.0]],
        "duration_s": 9.0,
        "audio": {"path": "a.wav", "bytes": None},
        "split": split,
        "drop_reason": drop_reason,
    }


def test_prompts_are_kept_songs_of_the_split_in_an_order_that_others_do_not_change() -> None:
    rows = [row(i) for i in range(9)] + [row(9, "benchmark"), row(10, drop_reason="low_alignment")]
    few = [p.song_id for p in prompts_of(rows, "train", 4)]
    assert few == [p.song_id for p in prompts_of(list(reversed(rows)), "train")][:4]
    assert "song-9" not in few and "song-10" not in few


def test_too_few_prompts_is_an_error_that_says_how_many_there_are() -> None:
    with pytest.raises(ValueError, match=r"3 songs of split 'benchmark' are asked for, 1 were kept"):
        prompts_of([row(0, "benchmark")], "benchmark", 3)


def test_dealt_words_keep_slots_and_words_but_never_the_order() -> None:
    dealt = with_words_dealt([prompt(i) for i in range(20)], seed=3)
    for before, after in zip([prompt(i) for i in range(20)], dealt, strict=True):
        assert [w.start_s for w in after.words] == [w.start_s for w in before.words]
        assert sorted(after.texts) == sorted(before.texts) and after.texts != before.texts
        assert [word.phonemes for word in after.words] == after.texts  # here a word is its own phonemes
    assert with_words_dealt([prompt(1, ("la", "la"))], seed=3)[0].texts == ["la", "la"]


def test_another_style_is_the_least_like_ones_own() -> None:
    styles = np.float32([[1, 0], [0.9, 0.1], [-1, 0]])
    prompts = [replace(prompt(i), style_NS=styles[[i]]) for i in range(3)]
    swapped = in_another_style(prompts)
    assert np.array_equal(swapped[0].style_NS, styles[[2]]) and np.array_equal(
        swapped[2].style_NS, styles[[0]]
    )


def test_takes_and_system_songs_are_rows_of_their_own_with_a_parent_and_equal_seeds() -> None:
    system = System("trained", "Trained", {"kind": "copy"}, [prompt(1), prompt(2)], checkpoint="abc")
    candidates = candidate_sources(system.prompts, system, round_number=2, candidates=3, seed=5)
    assert [t.song_id for t in candidates[:3]] == ["song-1-r2-k0", "song-1-r2-k1", "song-1-r2-k2"]
    assert {t.facts["parent"] for t in candidates} == {"song-1", "song-2"}
    songs = system_sources([system, replace(system, name="other")], seed=5)
    assert {s.group for s in songs} == {"trained", "other"} and {s.facts["seed"] for s in songs} == {5}
    assert len({s.identity for s in songs}) == 4


def test_identity_of_a_row_ignores_where_its_prompt_lies() -> None:
    system = System("truth", "Truth", {"kind": "copy"}, [prompt(1)])
    moved = replace(system, prompts=[replace(prompt(1), audio_path="elsewhere.wav")])
    assert system_sources([system], 1)[0].identity == system_sources([moved], 1)[0].identity
    told = replace(system, prompts=[replace(prompt(1), language="ko")])
    assert "lyrics_language" not in system_sources([system], 1)[0].facts
    assert system_sources([told], 1)[0].facts["lyrics_language"] == "ko"


def test_phones_in_time_go_with_their_words_to_the_model_and_words_without_any_are_told() -> None:
    words = prompt(1).words
    its = [spread(word, [*word.text]) for word in words[:2]]
    rows = rows_of_phones([*its, []])
    table = row(1) | {"words": rows_of(words), "phones": rows}
    told, untold = prompts_of([table], "train")[0], prompts_of([row(1) | {"phones": None}], "train")[0]
    assert told.phones == [*its, []] and untold.phones is None
    assert unknown_phones([told, untold], "average_sparse") is None is unknown_phones([], "sung")
    assert "4 of 6 words in 2 of 2 prompts" in (
        unknown_phones([told, replace(told, phones=None)], "sung") or ""
    )
    system = System("trained", "Trained", {"kind": "copy"}, [told, replace(told, phones=None)])
    sources = system_sources([system], seed=5)
    assert sources[0].facts["reference_phones"] == rows and "reference_phones" not in sources[1].facts
    assert sources[0].identity != sources[1].identity
    (dealt,) = with_words_dealt([replace(told, words=(replace(words[0], end_s=1.0), *words[1:]))], seed=3)
    for word, phones in zip(dealt.words, dealt.phones or (), strict=True):
        assert [phone.text for phone in phones] == ([] if word.text == "sing" else [*word.text])
        assert not phones or (phones[0].start_s, phones[-1].end_s) == (word.start_s, word.end_s)
    moved = disturbed([told], "jitter", 0.3, 1)[0]
    assert moved.phones and moved.phones[1][0].end_s == pytest.approx(moved.words[1].start_s + 0.125)

    entries = [
        {
            "word": "we",
            "start": 1.0,
            "end": 2.0,
            "phones": [{"phone": "w", "start": 1, "end": 1.2}, {"phone": "e", "start": 1.2, "end": 2}],
        },
        {"word": "sing", "start": 2.0, "end": 3.0},
    ]
    lyrics = read_lyrics(json.dumps(entries).encode(), 10_000, 100)
    asked = prompt_words(lyrics, 10.0, None, Letters(), ROUGH, filler="sung")  # type: ignore[arg-type]
    assert asked.phones == [[Word("w", 1.0, 1.2), Word("e", 1.2, 2.0)], []]
    assert [remark.text for remark in asked.remarks if remark.kind == "phones_unknown"] == ["word 2 'sing'"]
    assert "phones_unknown" not in {
        one.kind for one in prompt_words(lyrics, 10.0, None, Letters(), ROUGH).remarks
    }  # type: ignore[arg-type]
    facts = {"reference_words": rows_of(asked.words), "reference_style": [[0.0] * 4]}
    sung = replace(JAM_0_5, max_frames=300, filler="sung")
    grids = [
        conditions_of(Song("a", facts | more), 200, sung, "it").lyric_tokens_BL.tolist()
        for more in ({"reference_phones": rows_of_phones(asked.phones or [])}, {})
    ]
    assert grids[0] != grids[1] and all(SYMBOLS["w"] in grid[0] for grid in grids)
