import numpy as np
import pytest

from tasks.toy.languages.all import LANGUAGES
from tasks.toy.languages.language import lexeme
from tasks.toy.world_two.composition import compose
from tasks.toy.world_two.phones import syllables_of, vocabulary_said
from tasks.toy.world_two.true_song import truth_of
from tests.every import every
from tests.tasks.toy.world_two.truths import features


@pytest.mark.slow
def test_a_marked_word_is_read_into_its_syllables_stress_and_length() -> None:
    word = lexeme("re-'mem-ber:")
    assert (word.text, word.syllables, word.stressed, word.long) == (
        "remember",
        ("re", "mem", "ber"),
        True,
        True,
    )


@pytest.mark.slow
def test_there_are_eight_languages_and_every_kind_of_word_in_a_line_has_words() -> None:
    assert set(LANGUAGES) == {"en", "de", "es", "fr", "it", "cmn", "ja", "ko"}
    for language in LANGUAGES.values():
        assert {kind for line in language.lines for kind in line} == set(language.kinds)
        assert len(language.vocabulary) >= 30
        assert len({line for line in (language.line(np.random.default_rng(n)) for n in range(50))}) > 40


@every("code", LANGUAGES)
def test_every_voice_says_every_word_of_its_language_in_as_many_syllables_as_are_written(code: str) -> None:
    """And in no other language: espeak's marks of one have parentheses."""
    language = LANGUAGES[code]
    for voice in language.voices:
        said = vocabulary_said(voice, code)
        for word in language.vocabulary:
            phones = said[word.text].phones
            assert all(end > first for _, first, end in phones), word.text
            assert not any("(" in ipa for ipa, _, _ in phones), word.text
            assert syllables_of([ipa for ipa, _, _ in phones])[-1] + 1 == len(word.syllables), word.text


@pytest.mark.slow
@every("code", LANGUAGES)
def test_no_two_words_of_a_language_are_said_alike(code: str) -> None:
    language = LANGUAGES[code]
    said = vocabulary_said(language.voices[0], code)
    phones = [tuple(ipa for ipa, _, _ in said[word.text].phones) for word in language.vocabulary]
    assert len(set(phones)) == len(phones)


@pytest.mark.slow
@every("code", LANGUAGES)
def test_songs_are_composed_in_every_language_alone(code: str) -> None:
    truth = truth_of(compose(9, features(languages=(code,))))
    assert {line.language for line in truth.lines} == {code}
    assert {word.text for word in truth.words} <= {word.text for word in LANGUAGES[code].vocabulary}


@pytest.mark.slow
def test_a_song_of_two_languages_has_one_in_its_verses_and_another_in_its_choruses() -> None:
    truth = truth_of(compose(9, features(languages=("en", "de"), two_languages=True)))
    of_label = {
        label: {line.language for line in truth.lines if truth.parts[line.part].label == label}
        for label in ("verse", "chorus")
    }
    assert of_label["verse"] != of_label["chorus"]
    assert of_label["verse"] | of_label["chorus"] == {"en", "de"}
