"""Songs of world two to train and test the recogniser on, with what a report tells apart of every word.

Training songs have words drawn evenly (`tasks.toy.languages.english_drawn`), test songs are those of `jam toy` with all
voices that lyrics know. Ad-libs and hums sound in neither: nobody writes them.
"""

from __future__ import annotations

from collections import Counter

from jam_model.words import Word
from tasks.models.training.recogniser_songs import TrainingPhone, TrainingSong, heard_as, phones_of_event
from tasks.toy.languages.english import ENGLISH
from tasks.toy.languages.english_drawn import ENGLISH_DRAWN, HELD_OUT
from tasks.toy.world_two.composition import compose
from tasks.toy.world_two.features import Features, stream
from tasks.toy.world_two.performance import perform
from tasks.toy.world_two.truth import Line, Truth

DURATION_S = (12.0, 24.0)
SECOND_SINGER, SPOKEN, BACKING = (
    0.5,
    0.4,
    0.4,
)  # songs in which there is one, may be such lines, are such voices


def features_of(seed: int, drawn: bool) -> Features:
    """What a song has: all that one singer does, and other voices in some songs."""
    second, spoken, backing = stream(seed, "ears").random(3) < (SECOND_SINGER, SPOKEN, BACKING)
    return Features(
        min_duration_s=DURATION_S[0],
        max_duration_s=DURATION_S[1],
        languages=((ENGLISH_DRAWN if drawn else ENGLISH).code,),
        two_languages=False,
        length_causes=True,
        pick_ups=True,
        syncopation=True,
        fast_lines=True,
        melisma=True,
        tempos=True,
        metres=True,
        swing=True,
        microtiming=True,
        part_styles=True,
        minor=True,
        sevenths=True,
        inversions=True,
        modulation=False,
        second_singer=bool(second),
        spoken=bool(spoken),
        backing=bool(backing),
        ad_libs=False,
        hums=False,
        faults=(),
    )


def render_two(seed: int, drawn: bool) -> TrainingSong:
    """One song sung, played and passed through every variant. `drawn`: its words are drawn evenly."""
    song = perform(compose(seed, features_of(seed, drawn)))
    words, phones, strata = sung_of(song.truth)
    return TrainingSong(
        seed,
        song.truth.lines[0].voice,
        heard_as(song.vocals_N, song.band_CN, song.mix_CN, stream(seed, "variants")),
        words,
        phones,
        strata,
    )


def sung_of(
    truth: Truth,
) -> tuple[tuple[Word, ...], tuple[TrainingPhone, ...], tuple[tuple[str, ...], ...]]:
    """The words of the lyrics in order, their phones, and the strata of every word; of other voices nothing."""
    places = [place for place, word in enumerate(truth.words) if truth.lines[word.line].in_lyrics]
    number = {place: n for n, place in enumerate(places)}
    words = tuple(
        Word(truth.words[place].text, truth.words[place].start_s, truth.words[place].end_s)
        for place in places
    )
    phones = [
        found
        for phone in truth.phones
        if (place := truth.syllables[phone.syllable].word) in number
        for found in phones_of_event(phone.ipa, phone.start_s, phone.end_s, number[place])
    ]
    behind = [_span(truth, line) for line in truth.lines if line.manner == "backing"]
    notes = Counter(note.syllable for note in truth.notes)
    melismas = {truth.syllables[syllable].word for syllable, count in notes.items() if count > 1}
    return words, tuple(phones), tuple(_strata(truth, place, behind, place in melismas) for place in places)


def _strata(truth: Truth, place: int, behind: list[tuple[float, float]], melisma: bool) -> tuple[str, ...]:
    word = truth.words[place]
    line = truth.lines[word.line]
    backed = any(start_s < word.end_s and word.start_s < end_s for start_s, end_s in behind)
    return (
        "pace fast" if line.fast else "pace usual",
        "melisma" if melisma else "a note a syllable",
        f"part {truth.parts[line.part].label}",
        f"voice {line.voice}",
        line.manner,
        "with backing" if backed else "alone",
        "word held out" if word.text in HELD_OUT else "word trained on",
    )


def _span(truth: Truth, line: Line) -> tuple[float, float]:
    return truth.words[line.first_word].start_s, truth.words[line.end_word - 1].end_s
