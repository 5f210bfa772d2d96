"""Word times by the duration predictor (`Predictor`: a net, temperature, seed), and times that somebody wrote (`written_times`), for lyrics without any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from jam_model.words import Word
from tasks.engine.song import Refused
from tasks.languages.phones import phones_of
from tasks.lyrics.lyrics import Lyrics
from tasks.lyrics.parts.decode import decode_text
from tasks.models.phonemizer import Phonemizer
from tasks.models.style_encoder import StyleParams, build_style_encoder
from tasks.prompts.rough_times import MAX_BPM, MIN_BPM, RoughTimes
from tasks.storage.files import first_bytes
from tasks.times.phones import moved_phones
from tasks.times.repaired_times import repaired_times

if TYPE_CHECKING:
    from jam_model.durations.network import DurationNet
    from jam_model.durations.sheet import Sheet

MAX_BYTES = 4 << 20
"""Of a file of written times."""


@dataclass(frozen=True)
class Predictor:
    """A checkpoint of the duration predictor, and how times are drawn from it: at a temperature, by a seed; `phones`: those of
    the words too, for a model that lays them where they are sung.

    Raises:
        ValueError: when times are asked for: it is no such checkpoint.
    """

    folder: Path
    temperature: float
    seed: int
    style: StyleParams
    phones: bool = False

    @cached_property
    def net(self) -> DurationNet:
        """The net, loaded when it is first asked."""
        from jam_model.durations.checkpoint import load_durations

        return load_durations(self.folder)

    def times(
        self,
        lyrics: Lyrics,
        bpm: float | None,
        duration_s: float | None,
        phonemizer: Phonemizer,
        style: str,
        candidate: int,
    ) -> RoughTimes:
        """Times of a candidate; each has its own. A song of no stated length gets one as songs of so many syllables have.

        Raises:
            ValueError: the tempo is out of range, or the song too short for its words.
        """
        from jam_model.durations.draw import drawn_duration_s, phones_in_time, predicted_times
        from jam_model.durations.sheet import syllables_in

        if bpm is not None and not MIN_BPM <= bpm <= MAX_BPM:
            raise ValueError(f"bpm: {bpm:g} is out of range; give {MIN_BPM:g} to {MAX_BPM:g}")
        said = [one.phonemes for one in phonemizer.phonemize(lyrics.words)]
        if duration_s is None:
            drawn_s = drawn_duration_s(self.net, sum(map(syllables_in, said)), self.seed)
            duration_s = round(drawn_s, 1)
        sheet = self._sheet(lyrics, said, duration_s, bpm, style)
        timing = predicted_times(self.net, sheet, self._seed(candidate), self.temperature).timing
        return RoughTimes(
            timing.words(lyrics.words),
            duration_s,
            lyrics.line_starts or (0,),
            phones=phones_in_time(timing, sheet) if self.phones else None,
        )

    def times_in_lines(
        self, lyrics: Lyrics, duration_s: float, phonemizer: Phonemizer, style: str, candidate: int
    ) -> tuple[RoughTimes, int]:
        """Times of a candidate within the times of its lines, which hold as they are; and how many lines are too short for their
        phones, which are dealt evenly. The first candidate has the median course of each line, others a draw of their own.

        `lyrics`: with the times of lines for all of their words.
        """
        from jam_model.durations.draw import drawn_shares, phones_in_time
        from jam_model.durations.in_lines import times_in_lines

        said = [one.phonemes for one in phonemizer.phonemize(lyrics.words)]
        sheet = self._sheet(lyrics, said, duration_s, None, style)
        seed, rooms_s = self._seed(candidate), lyrics.rooms_of_lines(duration_s)
        found = times_in_lines(self.net, sheet, rooms_s, seed, self.temperature, is_median=not candidate)
        timing, phones = found.timing, None
        if self.phones:
            shared = drawn_shares(self.net, sheet, timing, seed, self.temperature)
            phones = phones_in_time(shared, sheet)
        words = timing.words(lyrics.words)
        times = RoughTimes(words, duration_s, lyrics.line_starts or (0,), phones=phones)
        return times, len(found.too_short)

    def with_phones(self, times: RoughTimes, style: str) -> RoughTimes:
        """The same times, and when the phones of their words are sung; the words are phonemized."""
        named = [[Word(phone, 0.0, 0.0) for phone in phones_of(word.phonemes or "")] for word in times.words]
        phones = self.phones_within(times.words, named, times.duration_s, style)
        return replace(times, words=[replace(word, phonemes=None) for word in times.words], phones=phones)

    def phones_within(
        self, words: Sequence[Word], known: Sequence[Sequence[Word]], duration_s: float, style: str
    ) -> list[list[Word]]:
        """When the phones of words in time are sung, by this predictor; of words whose phones are `known`, the same ones anew, and
        none of the others.
        """
        from jam_model.durations.draw import drawn_shares, phones_in_time
        from jam_model.durations.sheet import Sheet, timing_of

        named = [
            tuple(phone.text for phone in its) if its else tuple(phones_of(word.phonemes or ""))
            for word, its in zip(words, known, strict=True)
        ]
        said = [word.phonemes or "" for word in words]
        sheet = Sheet(said, named, None, (), duration_s, style_S=self._embedded(style))
        timing = drawn_shares(self.net, sheet, timing_of(words), self.seed, self.temperature)
        laid = zip(words, known, phones_in_time(timing, sheet), timing.words(said), strict=True)
        return [moved_phones(its, own, word) if of else [] for word, of, its, own in laid]

    def _sheet(
        self, lyrics: Lyrics, said: Sequence[str], duration_s: float, bpm: float | None, style: str
    ) -> Sheet:
        from jam_model.durations.sheet import Sheet

        return Sheet(
            said,
            [tuple(phones_of(phonemes)) for phonemes in said],
            lyrics.line_starts,
            lyrics.breaks,
            duration_s,
            bpm,
            self._embedded(style),
        )

    def _seed(self, candidate: int) -> int:
        return int(np.random.SeedSequence([self.seed, candidate]).generate_state(1)[0])

    def _embedded(self, style: str) -> np.ndarray | None:
        if not self.net.config.style_dim:
            return None
        return np.asarray(build_style_encoder(self.style).embed_text(style), np.float32)


def written_times(
    lyrics: Lyrics, file: Path, duration_s: float | None
) -> tuple[RoughTimes, Mapping[str, int], str]:
    """Times that a person or a language model wrote for these words, the repairs they took, and these in words.

    Raises:
        ValueError: no such file, no length, or too little in it that can be used.
    """
    if not file.is_file():
        raise ValueError(f"times: {file} is no file; give rough, predicted, or a file of word times")
    if duration_s is None:
        raise ValueError(f"duration: {file} does not say how long the song is; give --duration in seconds")
    data = first_bytes(file, MAX_BYTES)
    if len(data) > MAX_BYTES:
        raise ValueError(f"times: {file} has more than {MAX_BYTES} bytes; give the words of one song")
    try:
        found = repaired_times(lyrics.words, decode_text(data), duration_s)
    except Refused as error:
        raise ValueError(f"times: {file}: {error}") from error
    times = RoughTimes(found.words, duration_s, lyrics.line_starts or (0,))
    return times, found.repairs, found.told
