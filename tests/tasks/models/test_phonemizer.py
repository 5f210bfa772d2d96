import pickle

import pytest

from flows.settings.params import load_params
from tasks.models.phonemizer import (
    SYMBOLS,
    Pronunciation,
    build_phonemizer,
    normalise_words,
    phonemizer_identity,
    phones_of,
    to_symbols,
)
from tasks.toy.composition import VOCABULARY
from tests.tasks.toy.said import pronunciations

PARAMS = load_params().models.phonemizer


def params(**changed):
    return PARAMS.model_copy(update=changed)


@pytest.fixture(scope="module")
def phonemizer():
    return build_phonemizer(PARAMS)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don’t STOP — twenty-one!", ["don't", "stop", "twenty", "one"]),
        ("'cause I'm singin' “loud”", ["cause", "i'm", "singin", "loud"]),
        ("1,000 miles & 3.5 more", ["1000", "miles", "and", "3", "5", "more"]),
        ("AC/DC under_score", ["ac", "dc", "under", "score"]),
        ("Cafe\u0301 naïve 日本 привет", ["café", "naïve", "日本", "привет"]),
        (" ... -- ' ", []),
    ],
)
def test_normalise_words_keeps_what_is_sung(text, words):
    assert normalise_words(text) == words


def test_normalise_words_is_stable():
    once = normalise_words("Rock'n'Roll, ﬁre — 4,000 o’clock")
    assert [word for one in once for word in normalise_words(one)] == once


def test_every_phoneme_is_a_released_symbol(phonemizer):
    said = phonemizer.phonemize(
        [*normalise_words(" ".join(VOCABULARY)), "bird", "memory", "vision", "21", "don't"]
    )
    assert all(one.phonemes and set(one.phonemes) <= SYMBOLS and one.unknown == 0 for one in said)


def test_r_coloured_vowels_become_the_released_one(phonemizer):
    assert [one.phonemes for one in phonemizer.phonemize(["never", "burning"])] == ["nˈɛvɝ", "bˈɝnɪŋ"]


def test_a_word_is_said_alike_alone_and_among_others(phonemizer):
    alone = [phonemizer.phonemize([word])[0] for word in ("the", "a", "read", "open")]
    fresh = build_phonemizer(PARAMS)
    assert fresh.phonemize(["open", "read", "a", "the"]) == alone[::-1]


def test_symbols_without_counterpart_are_left_out_and_counted():
    assert to_symbols("bœn") == Pronunciation("bn", 1)


def test_letters_of_another_script_are_counted_not_spelt_out(phonemizer):
    assert phonemizer.phonemize(["日本", "love日"]) == [Pronunciation("", 2), Pronunciation("lˈʌv", 1)]


def test_empty_word_has_no_phonemes(phonemizer):
    assert phonemizer.phonemize(["", "..."]) == [Pronunciation("", 0), Pronunciation("", 0)]


def test_phones_drop_stress_length_boundary_and_punctuation():
    assert phones_of("tʃˈɑːɹ_, oʊ-ˌaɪ.") == ["tʃ", "ɑ", "ɹ", "oʊ", "aɪ"]


def test_phones_are_those_of_the_words_in_a_row(phonemizer):
    assert phonemizer.phones(["they", "sing"]) == ["ð", "eɪ", "s", "ɪ", "ŋ"]


def test_toy_singer_sings_the_phones_of_the_phonemizer(phonemizer):
    for word, events in pronunciations().items():
        sung = [phone for event in events for phone in phones_of(to_symbols(event).phonemes)]
        assert sung == phonemizer.phones(normalise_words(word)), word


def test_phonemizer_survives_pickling_after_use(phonemizer):
    phonemizer.phones(["love"])
    assert pickle.loads(pickle.dumps(phonemizer)).phones(["river"]) == phonemizer.phones(["river"])


def test_identity_names_the_stand_in_and_the_language():
    identity = phonemizer_identity(params(language="fr-fr"))
    assert identity.startswith("embedded/espeak-fr-fr@1")


def test_unknown_model_and_language_are_refused_with_a_cure():
    with pytest.raises(ValueError, match="choose one of: embedded"):
        build_phonemizer(params(model="deep"))
    with pytest.raises(ValueError, match="en-us"):
        build_phonemizer(params(language="xx")).phonemize(["a"])
