"""What a recogniser of world two is trained and measured on."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from flows.settings.params import load_params
from jam_model.frames import frames_of_seconds
from tasks.models.embedded.ctc_decode import edits
from tasks.models.embedded.forced_alignment import align_phones, phone_frames
from tasks.models.embedded.recogniser import load_recogniser
from tasks.models.embedded.recogniser_facts import weights_path
from tasks.models.training import recogniser as recogniser_training
from tasks.models.training.recogniser import toy_config
from tasks.models.training.recogniser_songs import OTHER_WORDS
from tasks.models.training.recogniser_songs_two import features_of, render_two, sung_of
from tasks.models.training.recogniser_steps import rate_at
from tasks.models.training.recogniser_strata import edits_by_place
from tasks.models.transcriber import check_apart
from tasks.toy.composition import song_seed
from tasks.toy.languages.english import ENGLISH
from tasks.toy.languages.english_drawn import ENGLISH_DRAWN, HELD_OUT
from tasks.toy.world_two.composition import compose
from tasks.toy.world_two.phones import syllables_of, vocabulary_said
from tasks.toy.world_two.true_song import truth_of


def songs(num_songs: int, drawn: bool):
    seeds = [1_000_000 + i if drawn else song_seed(90909, i) for i in range(num_songs)]
    return [truth_of(compose(seed, features_of(seed, drawn))) for seed in seeds]


@pytest.mark.slow
def test_words_held_out_are_in_no_training_song_and_all_others_are_and_what_each_is_sung_as_is_what_is_written():
    known = {word.text for word in ENGLISH.vocabulary}
    assert set(HELD_OUT) < known
    assert not set(HELD_OUT) & {word.text for word in ENGLISH_DRAWN.vocabulary}
    drawn = {word.text for truth in songs(40, True) for word in truth.words}
    assert not drawn & set(HELD_OUT) and drawn <= known | set(OTHER_WORDS)
    assert len(drawn & known) > 0.9 * len(known - set(HELD_OUT)) and drawn & (set(OTHER_WORDS) - known)
    assert {word.text for truth in songs(40, False) for word in truth.words} > set(HELD_OUT)
    lexicon = toy_config(8, 1, "two").lexicon
    phones_of = {word: set(phones) for word, phones in lexicon.items()}
    assert set.union(*(phones_of[word] for word in HELD_OUT)) <= set.union(
        *(phones for word, phones in phones_of.items() if word not in HELD_OUT)
    )
    for voice in ENGLISH_DRAWN.voices:
        said = vocabulary_said(voice, ENGLISH_DRAWN.code)
        for word in ENGLISH_DRAWN.vocabulary:
            phones = said[word.text].phones
            assert all(end > first for _, first, end in phones), word.text
            assert syllables_of([ipa for ipa, _, _ in phones])[-1] + 1 == len(word.syllables), word.text


@pytest.mark.slow
def test_every_stratum_occurs_in_training_and_its_words_have_the_phones_of_the_lexicon_in_order():
    lexicon = toy_config(8, 1, "two").lexicon
    for drawn in (True, False):
        counts: dict[str, int] = {}
        for truth in songs(24, drawn):
            words, phones, strata = sung_of(truth)
            assert len(words) == len(strata) == sum(len(line.split()) for line in truth.lyrics)
            assert [word.start_s for word in words] == sorted(word.start_s for word in words)
            for number, word in enumerate(words):
                of_word = [phone for phone in phones if phone.word == number]
                assert of_word[0].start_s == pytest.approx(word.start_s)
                if word.text.lower() in lexicon:
                    assert tuple(phone.phone for phone in of_word) == lexicon[word.text.lower()]
            for stratum in itertools.chain(*strata):
                counts[stratum] = counts.get(stratum, 0) + 1
        total = sum(counts[stratum] for stratum in ("pace fast", "pace usual"))
        for stratum in ("pace fast", "melisma", "part bridge", "spoken", "with backing"):
            assert 0.01 < counts[stratum] / total < 0.4, (stratum, counts)
        assert ("word held out" in counts) is not drawn
        assert sum(stratum.startswith("voice ") for stratum in counts) == 5


def test_edits_are_counted_where_they_are_and_add_up_to_their_least_number():
    assert edits_by_place(list("abc"), list("abc")).tolist() == [0, 0, 0]
    assert edits_by_place(list("abc"), list("axc")).tolist() == [0, 1, 0]
    assert edits_by_place(list("abc"), list("ac")).tolist() == [0, 1, 0]
    assert edits_by_place(list("abc"), list("abxc")).tolist() == [0, 0, 1]
    assert edits_by_place(list("abc"), list("abcx")).tolist() == [0, 0, 1]
    assert edits_by_place(list("abc"), list("")).tolist() == [1, 1, 1]
    rng = np.random.default_rng(0)
    for _ in range(200):
        one, other = (rng.integers(3, size=rng.integers(least, 9)).tolist() for least in (1, 0))
        assert edits_by_place(one, other).sum() == edits(one, other)


def test_phones_lie_on_the_path_of_their_words():
    rng = np.random.default_rng(3)
    frames_TV = np.log(rng.dirichlet(np.ones(5), 60)).astype(np.float32)
    words = [[1, 2], [3], [4, 4, 1]]
    phones = phone_frames(frames_TV, words, 4.0)
    spans = align_phones(frames_TV, words, 4.0)
    assert [len(of_word) for of_word in phones] == [2, 1, 3]
    for of_word, span in zip(phones, spans, strict=True):
        assert (of_word[0][0], of_word[-1][1]) == (span.first, span.end)
        assert all(a[1] == b[0] and a[0] < a[1] for a, b in itertools.pairwise([*of_word, (span.end, 0)]))


def test_settings_of_world_two_have_room_for_its_songs_and_ears_whose_receipt_says_how_well():
    params = load_params(Path("params/toy2.yaml"))
    models = params.models
    assert params.toy.world == "two" and models.aligner.weights == models.transcriber.weights
    check_apart(models.guard_transcriber, models.transcriber)
    assert models.codec.model == "harmonic" and params.toy.lyrics == "json"
    assert params.sft.max_frames >= frames_of_seconds(params.toy.two.max_duration_s)
    path = weights_path(models.transcriber.weights)
    config = load_recogniser(models.transcriber.weights).config
    assert config == toy_config(config.width, config.blocks, "two", config.ctc_parts)
    assert path.stat().st_size <= 500_000
    receipt = json.loads(path.with_suffix(".json").read_text())
    assert f"--out {path.name} " in receipt["command"] and "--world two" in receipt["command"]
    figures = receipt["figures"]
    assert figures["songs"] >= 40 and set(figures["rates"]) == {"true", "separated", "mix", "round trip"}
    for of in (*figures["rates"].values(), *figures["phone_starts_ms"].values()):
        for strata in (("pace fast", "pace usual"), ("word held out", "word trained on")):
            assert sum(of[stratum]["phones"] for stratum in strata) == of["all"]["phones"]


@pytest.mark.slow
def test_training_that_was_stopped_goes_on_to_the_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr("tasks.models.training.recogniser_steps.CHECKPOINT_STEPS", 2)
    quick = f"--world two --songs 1 --test-songs 1 --workers 1 --batch 2 --blocks 1 --width 16 --cache {tmp_path / 'songs'}"

    def trained(name, steps, checkpoint):
        out = tmp_path / f"{name}.safetensors"
        command = f"{quick} --steps {steps} --out {out} --checkpoint {tmp_path / checkpoint}"
        recogniser_training.main(command.split())
        return out.read_bytes()

    whole = trained("whole", 4, "whole")
    monkeypatch.setattr("tasks.models.training.recogniser_steps.rate_at", lambda step, _: rate_at(step, 4))
    trained("half", 2, "stopped")
    assert trained("rest", 4, "stopped") == whole


@pytest.mark.slow
def test_a_rendered_song_of_world_two_has_every_variant_and_labels_where_it_sounds():
    song = render_two(5_000_000, drawn=True)
    number = {phone: i + 1 for i, phone in enumerate(sorted({phone.phone for phone in song.phones}))}
    labels_T = song.labels(number, len(song.power["clean"]))
    loudness_T = song.power["clean"].astype(np.float32).mean(1)
    assert loudness_T[labels_T > 0].mean() > loudness_T[labels_T == 0].mean() + 2
