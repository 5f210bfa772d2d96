"""What can be learned from songs of world two, measured on their truth alone."""

from collections import Counter, defaultdict

import numpy as np
import pytest

from tests.tasks.toy.world_two.truths import truths, truths_with

pytestmark = pytest.mark.slow  # many songs are measured


def halves():
    return truths()[:100], truths()[100:]


def causes(words) -> np.ndarray:
    rows = [(1, np.log(word.num_syllables), word.stressed, word.long, word.last) for word in words]
    return np.array(rows, float)


def log_lengths(words) -> np.ndarray:
    return np.log([word.end_s - word.start_s for word in words])


def explained(known, asked, rng=None) -> float:
    """Held-out R2 of the best linear predictor of log word lengths by their causes, dealt anew if `rng` is given."""
    first, second = ([word for truth in of for word in truth.words] for of in (known, asked))
    rows, log_s = causes(first), log_lengths(first)
    if rng is not None:
        rows = rng.permutation(rows)
    weights = np.linalg.lstsq(rows, log_s, rcond=None)[0]
    asked_s = log_lengths(second)
    return float(
        1 - np.square(asked_s - causes(second) @ weights).sum() / np.square(asked_s - log_s.mean()).sum()
    )


def test_half_of_the_variance_of_a_log_word_length_follows_its_causes_and_none_shuffled_ones() -> None:
    assert 0.42 < explained(*halves()) < 0.58
    assert explained(*halves(), np.random.default_rng(1)) < 0.03


def test_without_causes_no_word_length_can_be_told() -> None:
    songs = truths_with(60, length_causes=False, fast_lines=False)
    assert explained(songs[:30], songs[30:]) < 0.1


def shares(songs):
    """Of every phone of words with several: its word and place, its share of the word, that over an even one, the word's log length."""
    for truth in songs:
        of_word = defaultdict(list)
        for phone in truth.phones:
            of_word[truth.syllables[phone.syllable].word].append(phone)
        for number, phones in of_word.items():
            word = truth.words[number]
            length_s = word.end_s - word.start_s
            for place, phone in enumerate(phones):
                share = (phone.end_s - phone.start_s) / length_s
                if len(phones) > 1:
                    yield (word.text, place), share, share * len(phones), np.log(length_s)


def test_at_most_half_of_a_phone_s_share_can_be_told_from_its_word_its_place_and_their_length() -> None:
    known, asked = (list(shares(songs)) for songs in halves())
    for column in (1, 2):
        means = defaultdict(list)
        for row in known:
            means[row[0]].append(row[column])
        rows = [row for row in asked if row[0] in means]
        told = np.array([np.mean(means[row[0]]) for row in rows])
        true = np.array([row[column] for row in rows])
        slope = np.polyfit([row[3] for row in rows], true - told, 1)
        told += np.polyval(slope, [row[3] for row in rows])
        assert 1 - np.square(true - told).sum() / np.square(true - true.mean()).sum() < 0.5


def test_melismas_are_on_any_word_alike() -> None:
    counts: dict[tuple[bool, bool], list[bool]] = defaultdict(list)
    for truth in truths():
        notes = Counter(truth.syllables[note.syllable].word for note in truth.notes)
        for number, word in enumerate(truth.words):
            counts[word.stressed, word.long].append(notes[number] > word.num_syllables)
    rates = {kind: np.mean(of) for kind, of in counts.items()}
    assert all(0.05 < rate < 0.11 for rate in rates.values()), rates


def information(pairs) -> float:
    """Mutual information of pairs in nats, as counted."""
    both, left, right = Counter(pairs), Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    total = len(pairs)
    return sum(n / total * np.log(n * total / (left[a] * right[b])) for (a, b), n in both.items())


def beyond_chance(pairs, draws=200) -> float:
    """How many of `draws` dealings of the pairs have at least their information, as a share."""
    rng = np.random.default_rng(2)
    left, right = [a for a, _ in pairs], [b for _, b in pairs]
    order = np.arange(len(pairs))
    found = information(pairs)
    dealt = [
        information(list(zip(left, [right[i] for i in rng.permutation(order)], strict=True)))
        for _ in range(draws)
    ]
    return float(np.mean(np.array(dealt) >= found))


def test_the_style_of_a_part_shares_no_information_with_its_words_or_the_genre() -> None:
    words, genres = defaultdict(list), defaultdict(list)
    for truth in truths():
        first_lines = {line.part: line for line in reversed(truth.lines)}
        seen = set()
        for number, part in enumerate(truth.parts):
            if number in first_lines and part.label not in seen:  # a chorus that repeats is one draw
                seen.add(part.label)
                line = first_lines[number]
                of_part = truth.words[line.first_word : line.end_word]
                attributes = {**vars(part.style), "snare": part.style.snare >= 0}
                for name, value in attributes.items():
                    words[name].append((value, of_part[0].text))
                    genres[name].append((value, truth.genre))
    for pairs in (words, genres):
        chances = {name: beyond_chance(of) for name, of in pairs.items()}
        assert min(chances.values()) > 0.01 / len(chances), chances
        assert np.median(list(chances.values())) > 0.05, chances


def test_chords_cannot_be_told_from_drums() -> None:
    pairs = []
    for truth in truths():
        for chord in truth.chords[:-1:5]:
            struck = [s for s in truth.strikes if chord.start_s - 1e-9 <= s.time_s < chord.end_s - 1e-9]
            beat_s = 60 / truth.tempo_bpm
            bar = frozenset((s.drum, round((s.time_s - chord.start_s) / beat_s, 1)) for s in struck)
            degree = (chord.root - truth.keys[0].tonic) % 12
            pairs.append((truth.beats_per_bar, bar, degree))
    metre = [(bar, degree) for beats, bar, degree in pairs if beats == 4]
    known, asked = metre[: len(metre) // 2], metre[len(metre) // 2 :]
    degrees = Counter(degree for _, degree in known)
    usual = degrees.most_common(1)[0][0]
    of_bar: dict[frozenset, Counter] = defaultdict(Counter)
    for bar, degree in known:
        of_bar[bar][degree] += 1
    told = np.mean([(of_bar[bar].most_common(1)[0][0] if bar in of_bar else usual) == d for bar, d in asked])
    chance = np.mean([usual == degree for _, degree in asked])
    assert told < chance + 2 * np.sqrt(chance * (1 - chance) / len(asked))
