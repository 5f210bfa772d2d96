"""The words of a prompt (`prompt_words`): each with time and phonemes (symbols, tokens), and a remark for every unknown, hurried or lost one.

A model is given words on a grid of tokens (`jam_model.lyric_grid`): a word that leaves no token there is lost to it. None is
lost in silence: `PromptWords.remarks` names it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from jam_model.frames import frames_of_seconds, seconds_of_frames
from jam_model.lyric_grid import (
    RELEASED_FILLER,
    SUNG,
    SYMBOLS,
    Filler,
    vocabulary_of,
    words_on_grid,
    words_without_phones,
)
from jam_model.words import Word
from tasks.engine.song import Refused
from tasks.languages.table import LANGUAGES
from tasks.lyrics.language import in_their_language
from tasks.lyrics.lyrics import EXAMPLES, Lyrics, summed
from tasks.lyrics.parts.written import Remark
from tasks.models.phonemizer import Phonemizer, PhonemizerParams, build_phonemizer, for_song, phonemized
from tasks.prompts.jamify_manifest import RefusedRow, Requests
from tasks.prompts.rough_times import (
    RoughTimes,
    RoughTimesParams,
    fitted_times,
    rough_times,
    syllable_rates,
    times_within_lines,
)
from tasks.times.phones import given_phones

ADVICE = {
    "no_phonemes": "lost; spell them as they are said",
    "past_end": "lost; give a longer duration or a higher tempo",
    "no_room": "lost; give them a length",
    "covered": "lost; move the words over them",
    "hurried": "hardly to be sung; give a longer duration or fewer words",
    "phones_unknown": "their phones lie evenly, where this model lays others as they are sung; give phones in the lyrics' JSON, or let `jam durations` learn them in the work folder",
}
"""What becomes of the words of a remark, and what to do; kinds of the lyrics' reader stand in docs/lyrics.md."""


@dataclass(frozen=True)
class PromptWords:
    """The words of a song, one for each of its lyrics.

    Attributes:
        words: with times and phonemes.
        is_heard: whether the word leaves a token on the grid.
        is_rough: nobody stated the times of words.
        num_unknown: symbols that had no counterpart and were left out.
        phones: the phones in time of each word; None where the lyrics state none.
        language: the one that the words are read in, where songs have several.
        remarks: of the lyrics' reader, then of the words that are lost, hurried or were given a time.
    """

    lyrics: Lyrics
    words: list[Word]
    is_heard: list[bool]
    is_rough: bool
    remarks: list[Remark]
    num_unknown: int = 0
    language: str | None = None
    phones: list[list[Word]] | None = None

    @property
    def rough(self) -> RoughTimes:
        """The times alone, to be edited."""
        words = [replace(word, phonemes=None) for word in self.words]
        end_s = max(word.end_s for word in words)
        return RoughTimes(
            words, end_s, self.lyrics.line_starts or (0,), self.language, labels=self.lyrics.labels
        )

    def as_sung(self) -> Lyrics:
        """The lyrics that the model was given: the words that are heard, with their times, lines and labels."""
        kept = [number for number, heard in enumerate(self.is_heard) if heard]
        place = {number: new for new, number in enumerate(kept)}
        before = np.cumsum([0, *self.is_heard]).tolist()  # words kept before each, and before the end
        starts = self.lyrics.line_starts
        return replace(
            self.lyrics,
            words=[self.words[number].text for number in kept],
            times=[replace(self.words[number], phonemes=None) for number in kept],
            lines=None,
            line_starts=starts and sorted({before[start] for start in starts if before[start] < len(kept)}),
            breaks=sorted({before[number] for number in self.lyrics.breaks} - {0, len(kept)}),
            notes=[replace(note, word=place[note.word]) for note in self.lyrics.notes if note.word in place],
            labels=[replace(label, before=before[label.before]) for label in self.lyrics.labels],
        )


def prompt_words(
    lyrics: Lyrics,
    duration_s: float,
    bpm: float | None,
    phonemizer: Phonemizer,
    params: RoughTimesParams,
    vocabulary: Mapping[str, int] = SYMBOLS,
    filler: Filler = RELEASED_FILLER,
) -> PromptWords:
    """The words in a song of this length: where no word has a time they get rough ones. `vocabulary`, `filler`: the model's tokens,
    and how it lays them.
    """
    stated = lyrics.fully_timed(duration_s)
    times = stated or timed_roughly(lyrics, bpm, duration_s, phonemizer, params).words
    words, unknown = phonemized([word.within(duration_s) for word in times], phonemizer)
    num_frames = frames_of_seconds(duration_s)
    is_heard = words_on_grid(words, num_frames, vocabulary)
    phones = given_phones(lyrics.phones, lyrics.times, words) if lyrics.phones else None
    remarks = [
        *lyrics.remarks,
        *(_untimed(lyrics) if stated else ()),
        *_unheard(_uncut(lyrics, times), words, is_heard, seconds_of_frames(num_frames)),
        *_hurried(words, is_heard, params.max_syllables_per_s),
        *(_even(words, phones) if filler == SUNG else ()),
    ]
    return PromptWords(lyrics, words, is_heard, stated is None, remarks, unknown, phones=phones)


def words_of(
    requests: Requests,
    phonemizer: PhonemizerParams,
    params: RoughTimesParams,
    own_symbols: str,
    max_unknown: float,
    filler: Filler = RELEASED_FILLER,
) -> dict[str, PromptWords]:
    """The words of each song by its title, each in its language; one that the model has no symbols for is refused.

    `own_symbols`: those of the model beyond the released ones; `max_unknown`: the share of a song's symbols that may lack a token;
    `filler`: how the model lays them.
    """
    if not requests.songs:
        return {}
    built, found = build_phonemizer(phonemizer), {}
    for song in [*requests.songs]:
        try:
            lyrics, language = song_lyrics(song.lyrics, phonemizer, song.language)
            said = for_song(built, language)
            vocabulary = vocabulary_of(own_symbols)
            words = prompt_words(lyrics, song.duration_s, song.bpm, said, params, vocabulary, filler)
            if language is not None:
                check_symbols(words, language, own_symbols, max_unknown)
        except Refused as error:
            requests.songs.remove(song)
            requests.refused.append(RefusedRow(song.title, error.reason, error.detail))
        else:
            found[song.title] = replace(words, language=language)
    return found


def song_lyrics(
    lyrics: Lyrics, phonemizer: PhonemizerParams, listed: str | None = None
) -> tuple[Lyrics, str | None]:
    """The lyrics with the words of their language, and that one; None where all songs are read in one, as they are.

    Raises:
        Refused: as `in_their_language`.
    """
    languages = phonemizer.song_languages
    if languages is None:
        return lyrics, None
    found, told = in_their_language(lyrics, languages, listed)
    return found, told or languages.default


def symbols_without_token(words: Sequence[Word], own_symbols: str) -> tuple[list[str], int]:
    """The symbols of words that a model has no token for, each as often as it stands, and how many symbols there are in all."""
    symbols = [symbol for word in words for symbol in word.phonemes or ""]
    return [one for one in symbols if one not in SYMBOLS and one not in own_symbols], len(symbols)


def check_symbols(words: PromptWords, language: str, own_symbols: str, max_unknown: float) -> None:
    """Whether a model has tokens for the words of a language.

    Raises:
        Refused: ``symbols_not_covered``: too many of their symbols have none; the detail says what to do.
    """
    lacking, total = symbols_without_token(words.words, own_symbols)
    count, total = len(lacking) + words.num_unknown, total + words.num_unknown
    if count > max_unknown * total:
        which = f" ({' '.join(sorted(set(lacking)))})" if lacking else ""
        raise Refused(
            "symbols_not_covered",
            f"its words are {LANGUAGES[language].name}: of {total} symbols {count}{which} have no token in this model; give a "
            "checkpoint that was trained with them (jam.own_symbols, models.phonemizer.symbols: ipa)",
        )


def timed_roughly(
    lyrics: Lyrics,
    bpm: float | None,
    duration_s: float | None,
    phonemizer: Phonemizer,
    params: RoughTimesParams,
) -> RoughTimes:
    """Rough times for words that have none: at a tempo, else within their timed lines, else so that they fill the song.

    Raises:
        ValueError: neither a tempo, nor times of lines, nor a length is known.
    """
    if bpm is not None:
        return rough_times(lyrics, bpm, phonemizer, params)
    if lyrics.lines is not None:
        words = times_within_lines(lyrics, duration_s, phonemizer)
        if len(words) == len(lyrics.words):
            return RoughTimes(words, words[-1].end_s, lyrics.line_starts or (0,))
    if duration_s is None:
        raise ValueError(
            "bpm: the lyrics have no times; give --bpm or --duration, or lyrics with times of words or lines"
        )
    return fitted_times(lyrics, duration_s, phonemizer, params)


def told(songs: Sequence[tuple[str, Sequence[Remark]]]) -> Iterator[str]:
    """A line a kind of remark over several songs, by their titles: how many, in how many songs, and some of them."""
    rows = [(title, row) for title, remarks in songs for row in summed(remarks)]
    for kind in sorted({row["kind"] for _, row in rows}):
        found = [(title, row) for title, row in rows if row["kind"] == kind]
        examples = [
            text if len(songs) == 1 else f"{title}: {text}"
            for title, row in found
            for text in row["examples"]
        ][:EXAMPLES]
        count = sum(row["count"] for _, row in found)
        where = f" in {len(found)} of {len(songs)} songs" if len(songs) > 1 else ""
        more = "; ..." if count > len(examples) else ""
        advice = f" ({ADVICE[kind]})" if kind in ADVICE else ""
        yield f"{kind} {count}{where}{advice}: {'; '.join(examples)}{more}"


def _untimed(lyrics: Lyrics) -> Iterator[Remark]:
    for number, (text, time) in enumerate(zip(lyrics.words, lyrics.times or (), strict=False)):
        if time is None:
            yield Remark("no_time", 0, f"word {number + 1} {text!r} got a share of what stands beside it")


def _uncut(lyrics: Lyrics, times: Sequence[Word]) -> list[Word]:
    """The times before the song's end cut them: as stated, where they are."""
    return [own or cut for own, cut in zip(lyrics.times or [None] * len(times), times, strict=True)]


def _unheard(
    times: Sequence[Word], words: Sequence[Word], is_heard: Sequence[bool], end_s: float
) -> Iterator[Remark]:
    """Why each word that leaves no token is lost; `times` are those that were asked for."""
    for number, (time, word, heard) in enumerate(zip(times, words, is_heard, strict=True)):
        if heard:
            continue
        what = f"word {number + 1} {word.text!r} at {time.start_s:.2f} s"
        if not word.phonemes:
            yield Remark("no_phonemes", 0, f"word {number + 1} {word.text!r}")
        elif word.start_s >= end_s:
            yield Remark("past_end", 0, f"{what}, the song ends at {end_s:.2f} s")
        elif word.end_s - word.start_s < 0.02:
            yield Remark("no_room", 0, f"{what} lasts {word.end_s - word.start_s:.3f} s")
        else:
            yield Remark("covered", 0, f"{what}, a later word begins before it and ends after it")


def _even(words: Sequence[Word], phones: Sequence[Sequence[Word]] | None) -> Iterator[Remark]:
    """The words of which nobody knows when their phones are sung."""
    for number in words_without_phones(words, [()] * len(words) if phones is None else phones):
        yield Remark("phones_unknown", 0, f"word {number + 1} {words[number].text!r}")


def _hurried(words: Sequence[Word], is_heard: Sequence[bool], max_per_s: float) -> Iterator[Remark]:
    """The words of every run that has more syllables a second than a singer."""
    numbers = [number for number, heard in enumerate(is_heard) if heard]
    fastest = syllable_rates([words[number] for number in numbers])
    for number, rate in zip(numbers, fastest, strict=True):
        if rate > max_per_s:
            what = f"word {number + 1} {words[number].text!r} at {words[number].start_s:.2f} s"
            yield Remark(
                "hurried",
                0,
                f"{what}, where {rate:.1f} syllables a second are asked for, at most {max_per_s:g} can be sung",
            )
