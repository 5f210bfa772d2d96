import pickle

import pytest

from flows.settings.params import load_params
from jam_model.words import Word
from tasks.models.interjections import SYLLABLES, WITH_VOWEL, WITHOUT_VOWEL, interjection
from tasks.models.phonemizer import (
    SYMBOLS,
    EspeakPhonemizer,
    LyricsPhonemizer,
    Pronunciation,
    build_phonemizer,
    normalise_words,
    phonemized,
    phones_of,
    to_symbols,
)
from tasks.toy.composition import VOCABULARY
from tests.every import every
from tests.tasks.toy.said import pronunciations

PARAMS = load_params().models.phonemizer


def params(**changed):
    return PARAMS.model_copy(update=changed)


@pytest.fixture(scope="module")
def phonemizer():
    return build_phonemizer(PARAMS)


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


def test_no_word_of_the_toy_songs_is_said_otherwise_than_espeak_alone_says_it(phonemizer):
    words = sorted(
        {*normalise_words(" ".join(VOCABULARY)), "don't", "seen", "happy", "off", "oh", "nah", "whoa"}
    )
    assert phonemizer.phonemize(words) == EspeakPhonemizer(PARAMS.language).phonemize(words)


@every(
    ("written", "phones"),
    [
        ("mmm", ["m"]),
        ("mhm", ["m", "h", "ə", "m"]),
        ("hmmmm", ["h", "ə", "m"]),
        ("shhh", ["ʃ"]),
        ("brrr", ["b", "ɝ"]),
        ("psst", ["p", "s", "t"]),
        ("pfft", ["p", "f", "t"]),
        ("zzz", ["z"]),
        ("ooo", ["u"]),
        ("lalala", ["l", "ɑ"] * 3),
        ("hahaha", ["h", "ɑ"] * 3),
        ("oww", ["aʊ"]),
    ],
)
def test_hums_hushes_and_syllables_are_sung_not_spelt(phonemizer, written, phones):
    assert phonemizer.phones([written]) == phones


def test_every_interjection_is_in_released_symbols_and_is_not_how_espeak_says_it():
    table = [*WITHOUT_VOWEL.values(), *WITH_VOWEL.values(), *SYLLABLES.values()]
    assert set("".join(table)) <= SYMBOLS
    alone = EspeakPhonemizer(PARAMS.language)
    spelt = [
        "mmm",
        "mhm",
        "shh",
        "sss",
        "zzz",
        "brr",
        "grr",
        "pst",
        "psh",
        "pff",
        "pfft",
        "tss",
        "bzz",
        "skrt",
        "hm",
    ]
    for word in spelt:
        assert alone.phones([word]) != phones_of(interjection(word, english=True)), word
        assert len(alone.phones([word])) > len(phones_of(interjection(word, english=True))), word


@every(
    ("written", "said"),
    [
        ("loooove", "love"),
        ("nooo", "no"),
        ("goood", "good"),
        ("yeahhhh", "yeah"),
        ("aaah", "ah"),
        ("oohhh", "oo"),
        ("100%", "one hundred percent"),
        ("$5", "five dollars"),
        ("3.14", "three point one four"),
        ("24/7", "twenty-four seven"),
        ("1990s", "nineteen nineties"),
    ],
)
def test_held_letters_and_signs_are_said_as_words_and_the_text_stays(phonemizer, written, said):
    (word,), unknown = phonemized([Word(written, 0.0, 1.0)], phonemizer)
    assert (word.text, unknown) == (written, 0)
    assert phones_of(word.phonemes) == phonemizer.phones(said.split())


def test_a_word_with_its_punctuation_and_capitals_reaches_the_phonemizer_as_it_is(phonemizer):
    asked = []

    class Within:
        identity = "test"

        def phonemize(self, words):
            asked.extend(words)
            return [Pronunciation("a", 0) for _ in words]

    LyricsPhonemizer(Within(), "en_us").phonemize(["DIY", "Love,", "Nooo!", "mmm"])
    assert asked == ["DIY", "Love,", "No!"]


def test_other_languages_keep_their_long_runs_and_read_numbers_themselves():
    german, alone = build_phonemizer(params(language="de")), EspeakPhonemizer("de")
    words = ["schifffahrt", "100%", "$5", "1,5", "&", "zoo", "du"]
    assert german.phonemize(words) == alone.phonemize(words)
    assert german.phonemize(["jaaaaa"]) == alone.phonemize(["ja"]) and german.phones(["shh"]) == ["ʃ"]
    estonian = build_phonemizer(params(language="et"))
    assert estonian.phonemize(["jäääär"]) == EspeakPhonemizer("et").phonemize(["jäääär"])


def test_phonemizer_survives_pickling_after_use(phonemizer):
    phonemizer.phones(["love"])
    assert pickle.loads(pickle.dumps(phonemizer)).phones(["river"]) == phonemizer.phones(["river"])


def test_identity_names_the_stand_in_and_the_language():
    identity = params(language="fr-fr").identity()
    assert identity.startswith("embedded/espeak-fr-fr@2")


def test_unknown_model_and_language_are_refused_with_a_cure():
    with pytest.raises(ValueError, match="choose one of: embedded"):
        build_phonemizer(params(model="deep"))
    with pytest.raises(ValueError, match="en-us"):
        build_phonemizer(params(language="xx")).phonemize(["a"])
