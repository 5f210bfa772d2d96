import numpy as np
import pytest

from tests.tasks.toy.world_two.truths import truths, truths_with

pytestmark = pytest.mark.slow  # many songs are measured


def test_parts_fill_the_song_and_begin_on_downbeats() -> None:
    labels = set()
    for truth in truths():
        downbeats_s = {beat.time_s for beat in truth.beats if beat.position == 1}
        assert truth.parts[0].start_s == 0
        assert abs(truth.parts[-1].end_s - truth.duration_s) < 1e-4
        assert {part.start_s for part in truth.parts} <= downbeats_s
        labels |= {part.label for part in truth.parts}
    assert labels == {"intro", "verse", "chorus", "bridge", "outro"}


def test_a_chorus_comes_again_with_its_words_its_lengths_its_style_and_nearly_its_melody() -> None:
    same_notes = []
    for truth in truths():
        choruses = [number for number, part in enumerate(truth.parts) if part.label == "chorus"]
        lines = [[line for line in truth.lines if line.part == number] for number in choruses]
        words = [[w for line in of for w in truth.words[line.first_word : line.end_word]] for of in lines]
        for number, again in zip(choruses[1:], words[1:], strict=True):
            assert truth.parts[number].style == truth.parts[choruses[0]].style
            assert [word.text for word in again] == [word.text for word in words[0]]
            lengths_s = [[word.end_s - word.start_s for word in of] for of in (words[0], again)]
            assert np.allclose(*lengths_s)
            midi = [
                [note.midi for note in truth.notes if truth.words[truth.syllables[note.syllable].word] in of]
                for of in (words[0], again)
            ]
            same_notes.append(np.mean([a == b for a, b in zip(*midi, strict=True)]))
    assert 0.7 < np.mean(same_notes) < 1


def test_every_bar_of_a_part_is_struck_alike_and_as_its_style_says() -> None:
    for truth in truths()[:60]:
        downbeats_s = np.array([beat.time_s for beat in truth.beats if beat.position == 1])
        for part in truth.parts:
            struck = [s for s in truth.strikes if part.start_s - 1e-9 <= s.time_s < part.end_s - 1e-9]
            assert any(strike.drum == "snare" for strike in struck) == (part.style.snare >= 0)
            assert any(strike.drum == "hat" for strike in struck) == part.style.hat
            bars: dict[int, set[tuple[str, float]]] = {}
            for strike in struck:
                bar = int(np.searchsorted(downbeats_s, strike.time_s + 1e-9)) - 1
                bars.setdefault(bar, set()).add((strike.drum, round(strike.time_s - downbeats_s[bar], 6)))
            assert len({frozenset(bar) for bar in bars.values()}) == 1


def test_without_part_styles_a_song_has_one() -> None:
    assert all(len({part.style for part in t.parts}) == 1 for t in truths_with(20, part_styles=False))
    assert any(len({part.style for part in t.parts}) > 1 for t in truths()[:20])
