from collections import defaultdict
from itertools import pairwise

import pytest

from tasks.toy.world_two.composition import compose
from tasks.toy.world_two.true_song import truth_of
from tasks.toy.world_two.truth import from_json, to_json
from tests.tasks.toy.world_two.truths import FEATURES, features, truths


def test_a_song_is_the_same_whenever_it_is_composed_and_its_truth_is_read_as_it_was_written() -> None:
    assert truth_of(compose(5, FEATURES)) == truth_of(compose(5, FEATURES))
    assert compose(5, FEATURES) != compose(6, FEATURES)
    for truth in (truth_of(compose(seed, FEATURES)) for seed in range(3)):
        assert from_json(to_json(truth)) == truth
    with pytest.raises(ValueError, match="seed"):
        from_json("{}")


@pytest.mark.slow
def test_phones_fill_syllables_and_syllables_fill_words() -> None:
    for truth in truths():
        for number, word in enumerate(truth.words):
            syllables = [syllable for syllable in truth.syllables if syllable.word == number]
            assert "".join(syllable.text for syllable in syllables) == word.text
            assert len(syllables) == word.num_syllables
            assert syllables[0].start_s == pytest.approx(word.start_s)
            assert syllables[-1].end_s == pytest.approx(word.end_s)
            assert all(a.end_s == b.start_s for a, b in pairwise(syllables))
        of_word = defaultdict(list)
        for phone in truth.phones:
            of_word[truth.syllables[phone.syllable].word].append(phone.end_s - phone.start_s)
        for number, lengths_s in of_word.items():
            even_s = (truth.words[number].end_s - truth.words[number].start_s) / len(lengths_s)
            assert min(lengths_s) > min(0.02, 0.7 * even_s) - 1e-9, truth.words[number]
        assert {phone.syllable for phone in truth.phones} == set(range(len(truth.syllables)))
        for first, following in pairwise(truth.phones):
            assert first.start_s < first.end_s <= following.start_s + 1e-9
        for phone in truth.phones:
            syllable = truth.syllables[phone.syllable]
            assert syllable.start_s - 1e-9 <= phone.start_s < phone.end_s <= syllable.end_s + 1e-9


@pytest.mark.slow
def test_notes_fill_syllables_and_several_are_a_melisma() -> None:
    counts = []
    for truth in truths()[:60]:
        for number, syllable in enumerate(truth.syllables):
            notes = [note for note in truth.notes if note.syllable == number]
            assert notes[0].start_s == pytest.approx(syllable.start_s)
            assert notes[-1].end_s == pytest.approx(syllable.end_s)
            assert all(a.end_s == b.start_s and a.midi != b.midi for a, b in pairwise(notes))
            counts.append(len(notes))
    assert set(counts) == {1, 2, 3, 4, 5}


@pytest.mark.slow
def test_lines_cut_the_words_and_the_lyrics_are_the_lines_that_are_written() -> None:
    for truth in truths():
        assert [line.first_word for line in truth.lines] == [0, *(line.end_word for line in truth.lines[:-1])]
        assert truth.lines[-1].end_word == len(truth.words)
        texts = [
            " ".join(w.text for w in truth.words[line.first_word : line.end_word]) for line in truth.lines
        ]
        assert list(truth.lyrics) == [
            text for text, line in zip(texts, truth.lines, strict=True) if line.in_lyrics
        ]


@pytest.mark.slow
def test_songs_are_as_long_as_is_asked_230_s_included() -> None:
    durations = [truth.duration_s for truth in truths()]
    assert min(durations) >= 12 and max(durations) <= 40
    assert max(durations) - min(durations) > 20
    assert 215 <= compose(1, features(min_duration_s=215.0, max_duration_s=230.0)).duration_s <= 230
    with pytest.raises(
        ValueError, match=r"toy\.two\.min_duration_s is 1 and toy\.two\.max_duration_s 1\.1;.* last \d"
    ):
        compose(1, features(min_duration_s=1.0, max_duration_s=1.1))
