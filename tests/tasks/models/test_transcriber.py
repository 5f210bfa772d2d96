import pickle

import numpy as np
import pytest

from flows.settings.params import load_params
from tasks.models.embedded.ctc_decode import WordLoop, edits, greedy_phones
from tasks.models.transcriber import Transcript, build_transcriber, check_apart
from tasks.toy.voice import sing
from tests.every import every
from tests.tasks.models.sung import lyrics, scores, separate, separated, songs, with_words

PARAMS = load_params().models.transcriber


GUARD = load_params().models.guard_transcriber
MIN_CONFIDENCE = load_params().transcribe.min_confidence


@pytest.fixture(scope="module", params=[PARAMS, GUARD], ids=["measuring", "guarding"])
def transcriber(request):
    return build_transcriber(request.param, MIN_CONFIDENCE)


def posteriors(symbols: list[int], inventory: int = 4) -> np.ndarray:
    """Sure log-probabilities of these symbols, one a frame."""
    ctc_UV = np.full((len(symbols), inventory), np.log(0.01), np.float32)
    ctc_UV[np.arange(len(symbols)), symbols] = np.log(0.97)
    return ctc_UV


def test_greedy_phones_merge_repeats_and_drop_blanks():
    assert greedy_phones(posteriors([0, 1, 1, 0, 1, 2, 2, 0, 3])) == [1, 1, 2, 3]


def test_word_loop_finds_words_and_repeats_them():
    loop = WordLoop({"ab": [1, 2], "c": [3], "bb": [2, 2]}, word_penalty=1.0)
    assert loop.decode(posteriors([1, 2, 0, 3, 0, 1, 0, 2, 0, 0])) == ["ab", "c", "ab"]
    assert loop.decode(posteriors([0, 2, 0, 2, 0, 3, 0, 3])) == ["bb", "c", "c"]


def test_word_loop_reads_nothing_in_silence():
    assert WordLoop({"ab": [1, 2]}, word_penalty=1.0).decode(posteriors([0] * 9)) == []


def test_word_loop_refuses_a_word_without_phones():
    with pytest.raises(ValueError, match="'mute' has no phones"):
        WordLoop({"mute": []}, word_penalty=1.0)


@pytest.mark.parametrize(
    ("asked", "heard", "distance"), [("abc", "abc", 0), ("abc", "axcd", 2), ("", "ab", 2)]
)
def test_edits_count_insertions_deletions_and_substitutions(asked, heard, distance):
    assert edits(list(asked), list(heard)) == distance


EACH = 4  # songs of every genre: with one, a single hard song decides


def word_errors(transcriber, vocals: list[np.ndarray]) -> float:
    heard = [[word.text for word in transcriber.transcribe(vocals_N).words] for vocals_N in vocals]
    asked = [lyrics(song) for song in songs(EACH)]
    return sum(map(edits, asked, heard)) / sum(map(len, asked))


def test_words_of_unheard_songs_are_read_from_true_vocals(transcriber):
    assert word_errors(transcriber, [song.vocals_N for song in songs(EACH)]) <= 0.03


def test_words_of_unheard_songs_are_read_from_separated_vocals(transcriber):
    assert word_errors(transcriber, separated(EACH)) <= 0.05


def test_phones_are_those_of_the_lyrics_without_word_knowledge(transcriber):
    recogniser = transcriber._recogniser
    asked = [p for song in songs() for word in lyrics(song) for p in recogniser.config.lexicon[word]]
    heard = [phone for vocals_N in separated() for phone in transcriber.transcribe(vocals_N).phones]
    assert edits(asked, heard) / len(asked) <= 0.08


def test_words_have_times_near_the_truth_and_scores(transcriber):
    song, heard = songs()[0], transcriber.transcribe(separated()[0]).words
    assert [word.text for word in heard] == lyrics(song)
    assert (
        np.median([abs(word.start_s - true.start_s) for word, true in zip(heard, song.words, strict=True)])
        <= 0.03
    )
    assert all(0 < word.score <= 1 and word.start_s < word.end_s for word in heard)


def test_noise_silence_and_a_band_without_singer_give_no_words(transcriber):
    noise_N = np.random.default_rng(0).standard_normal(44100 * 6).astype(np.float32) / 10
    unsung = [noise_N, np.zeros_like(noise_N), *(separate(song.band_CN) for song in songs())]
    assert [transcriber.transcribe(vocals_N).words for vocals_N in unsung] == [[]] * len(unsung)


@every(
    "words",
    [
        ["yesterday", "trouble", "chocolate", "umbrella", "happy", "jump", "thousand", "vision"],
        ["mountain", "money", "baby", "dance", "party", "crazy", "body", "change"],
        ["bonjour", "mademoiselle", "je", "voudrais", "chanter", "toujours", "avec", "vous"],
    ],
)
def test_songs_of_other_words_are_never_given_known_words(transcriber, words):
    for score in scores():
        assert transcriber.transcribe(sing(with_words(score, words)).vocals_N).words == []


def test_transcripts_are_the_same_every_time_and_after_pickling(transcriber):
    vocals_N = separated()[1]
    again = pickle.loads(pickle.dumps(transcriber))
    assert transcriber.transcribe(vocals_N) == transcriber.transcribe(vocals_N) == again.transcribe(vocals_N)


def test_loudness_does_not_change_what_is_heard(transcriber):
    vocals_N = separated()[2]
    quiet = transcriber.transcribe(vocals_N * np.float32(0.05))
    assert [word.text for word in quiet.words] == [
        word.text for word in transcriber.transcribe(vocals_N).words
    ]


def test_nothing_audible_is_no_error(transcriber):
    assert transcriber.transcribe(np.zeros(44100, np.float32)) == Transcript([], [], None)


def test_too_short_or_stereo_vocals_are_refused(transcriber):
    for wrong in (np.zeros(400, np.float32), np.zeros((2, 44100), np.float32)):
        with pytest.raises(ValueError, match="mono"):
            transcriber.transcribe(wrong)


def test_identity_names_the_stand_in_and_unknown_models_are_refused():
    assert PARAMS.identity().startswith("embedded/ctc-recogniser@2-")
    with pytest.raises(ValueError, match="choose one of: embedded"):
        build_transcriber(PARAMS.model_copy(update={"model": "murmur"}))


def test_what_guards_pairs_never_measures_them():
    check_apart(GUARD, PARAMS)
    with pytest.raises(
        ValueError, match=r"guard_transcriber and models.transcriber are both embedded/ctc-recogniser@2-"
    ):
        check_apart(GUARD.model_copy(update={"weights": PARAMS.weights}), PARAMS)
