"""Phones lie where they are sung, within their words, nearer to the truth than at equal lengths; what is not heard has no score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import cast

import numpy as np
import pytest

from flows.pipelines.stages import prepare_stages
from flows.settings.params import load_params
from jam_model.words import Word, rows_of
from tasks.audio.read import flac_bytes
from tasks.engine.song import Song
from tasks.languages.phones import phones_of
from tasks.models.aligner import spread
from tasks.models.phonemizer import build_phonemizer
from tasks.models.phonemizer import phonemized as phonemes_of
from tasks.stages.phones import Phones
from tests.tasks.models.sung import songs

PARAMS = load_params(settings=["phones.times=aligner", "pack.extras=[phones]"])


def phonemized(words: Sequence[Word]) -> list[Word]:
    return phonemes_of(words, build_phonemizer(PARAMS.models.phonemizer))[0]


def heard(vocals_N: np.ndarray, words: Sequence[Word]) -> Song:
    facts = {"vocals": flac_bytes(vocals_N, 44_100), "words": rows_of(words)}
    return Phones(PARAMS.phones, PARAMS.models.aligner).one(Song("tiny", facts, content_hash="0"))


def test_phones_fill_their_words_and_begin_nearer_to_the_truth_than_at_equal_lengths() -> None:
    late_s: dict[str, list[float]] = {"heard": [], "even": []}
    for song in songs():
        words = phonemized(song.words)
        told = heard(song.vocals_N, words)
        assert told["phones_heard"] == 1.0
        for number, word in enumerate(words):
            true = [phone for phone in song.phones if phone.word == number]
            found = [row for row in told["phones"] if row["word"] == number]
            assert [row["phone"] for row in found] == phones_of(word.phonemes or "")
            assert (found[0]["start_s"], found[-1]["end_s"]) == (word.start_s, word.end_s)
            assert all(a["end_s"] == b["start_s"] for a, b in pairwise(found))
            if len(true) == len(found) > 1:
                even = spread(word, [row["phone"] for row in found])
                for name, starts in (
                    ("heard", [row["start_s"] for row in found]),
                    ("even", [p.start_s for p in even]),
                ):
                    late_s[name] += [abs(a - b.start_s) for a, b in zip(starts[1:], true[1:], strict=True)]
    assert len(late_s["even"]) > 100
    medians = {name: float(np.median(late)) for name, late in late_s.items()}
    assert medians["heard"] < 0.015 < 2 * medians["heard"] + 0.015 < medians["even"], medians


def test_a_word_too_short_for_its_phones_has_them_at_equal_lengths_without_a_score_and_nothing_is_there_unasked() -> (
    None
):
    song = songs()[0]
    long = max(phonemized(song.words), key=lambda word: len(word.phonemes or ""))
    word = replace(long, start_s=0.1, end_s=0.11)
    told = heard(song.vocals_N, [word, Word("...", 0.2, 0.3, phonemes="")])
    assert told["phones_heard"] == 0.0 and {row["score"] for row in told["phones"]} == {None}
    assert cast(list[object], heard(song.vocals_N, [Word("...", 0.2, 0.3, phonemes="")])["phones"]) == []
    names = [[stage.name for stage in prepare_stages(params)] for params in (load_params(), PARAMS)]
    assert set(names[1]) - set(names[0]) == {"phones"}
    letters = PARAMS.models.aligner.model_copy(update={"model": "whisperx"})
    hears = Phones(PARAMS.phones, letters), Phones(PARAMS.phones, PARAMS.models.aligner)
    assert [stage.made_by(["a"]) for stage in hears] == ["phones-v1 a phones-from=letters", "phones-v1 a"]
    assert [stage.facts.get("from") for stage in hears] == ["letters", None]
    with pytest.raises(ValueError, match=r"phones.times is none; choose aligner"):
        load_params(settings=["pack.extras=[phones]"])
