import numpy as np
import pytest

from tasks.toy.world_two.composition import compose
from tasks.toy.world_two.performance import perform
from tests.every import every
from tests.tasks.toy.world_two.truths import features, truths, truths_with

pytestmark = pytest.mark.slow  # many songs are measured


def manners(songs) -> set[str]:
    return {line.manner for truth in songs for line in truth.lines}


def test_a_song_as_a_rule_has_one_singer_and_nothing_that_is_not_written() -> None:
    assert manners(truths()) == {"sung"}
    assert all(len({line.voice for line in truth.lines}) == 1 for truth in truths())


@every(
    ("feature", "manner", "written"),
    [
        ("spoken", "spoken", True),
        ("backing", "backing", False),
        ("ad_libs", "ad_lib", False),
        ("hums", "hum", False),
    ],
)
def test_each_manner_has_a_switch_of_its_own(feature: str, manner: str, written: bool) -> None:
    songs = truths_with(30, **{feature: True})
    assert manners(songs) == {"sung", manner}
    lines = [line for truth in songs for line in truth.lines if line.manner == manner]
    assert len(lines) >= 5 and all(line.in_lyrics == written for line in lines)
    assert [truth.lyrics for truth in songs] == [truth.lyrics for truth in truths_with(30)]


def test_a_backing_voice_has_the_words_of_the_lead_a_little_later_in_another_voice() -> None:
    for truth in truths_with(10, backing=True):
        for line in (line for line in truth.lines if line.manner == "backing"):
            words = truth.words[line.first_word : line.end_word]
            leads = [
                (lead, truth.words[lead.first_word : lead.end_word]) for lead in truth.lines if lead.in_lyrics
            ]
            lead, of_lead = min(leads, key=lambda pair: abs(pair[1][0].start_s - words[0].start_s))
            assert [word.text for word in words] == [word.text for word in of_lead]
            assert line.voice != lead.voice
            assert 0.005 < words[0].start_s - of_lead[0].start_s < 0.035


def test_a_second_singer_has_the_bridge_and_every_second_verse() -> None:
    two = [
        truth
        for truth in truths_with(30, second_singer=True)
        if len({line.voice for line in truth.lines}) == 2
    ]
    assert two
    for truth in two:
        second = {truth.parts[line.part].label for line in truth.lines if line.voice != truth.lines[0].voice}
        assert second <= {"verse", "bridge"}


def test_all_voices_together_are_rendered_and_lines_that_are_not_written_sound() -> None:
    score = compose(
        11,
        features(second_singer=True, spoken=True, backing=True, ad_libs=True, hums=True, min_duration_s=25.0),
    )
    song = perform(score)
    assert {"sung", "backing"} < {line.manner for line in song.truth.lines}
    for line in song.truth.lines:
        word = song.truth.words[line.first_word]
        piece_N = song.vocals_N[round(word.start_s * 44100) : round(word.end_s * 44100)]
        assert np.abs(piece_N).max() > 0.01, line.manner
