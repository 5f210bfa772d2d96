"""Lyrics before anybody timed them (`Sheet`), their times as gaps and lengths (`Timing`), and both as padded tensors (`Batch`).

The gap of a word lies before it, that of the first word from the song's start; what is left behind the last word is the
song's end. W words of a song, B songs, P symbols of a word, H phones of a word.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from jam_model.words import Word

VOWELS = frozenset("aæɐɑɔəɛɝeiɪoʊuʌɜɒyøœɯɨʉ")
LEAST_S = 1e-3
"""No word and no phone is shorter."""
NUM_FACTS, NUM_SONG_FACTS = 11, 4
PADDING, UNKNOWN, FIRST_SYMBOL = 0, 1, 2


@dataclass(frozen=True)
class Sheet:
    """What is known of a song before it has times.

    Attributes:
        phonemes: a word's IPA with its marks.
        phones: a word's phones one after the other, as many as are to be timed.
        line_starts: numbers of the lines' first words; None where nobody knows the lines.
        breaks: words before which a section begins.
        duration_s: length of the song.
        bpm: its tempo; None where nobody knows it.
        style_S: embedding of its style; None where there is none.

    Raises:
        ValueError: no word, unequal numbers of words, or a length that is none.
    """

    phonemes: Sequence[str]
    phones: Sequence[Sequence[str]]
    line_starts: Sequence[int] | None
    breaks: Sequence[int]
    duration_s: float
    bpm: float | None = None
    style_S: np.ndarray | None = None

    def __post_init__(self) -> None:
        if not self.phonemes or len(self.phones) != len(self.phonemes):
            raise ValueError(
                f"a sheet has {len(self.phonemes)} words and phones of {len(self.phones)}; give both of each"
            )
        if not 0 < self.duration_s < math.inf:
            raise ValueError(f"duration_s is {self.duration_s}; give the seconds of the song")

    @property
    def num_words(self) -> int:
        """W."""
        return len(self.phonemes)

    def syllables(self) -> list[int]:
        """Runs of vowels of each word, at least one."""
        return [syllables_in(phonemes) for phonemes in self.phonemes]

    def lines(self) -> list[tuple[int, int]]:
        """First word and end of each line; all in one where nobody knows them."""
        starts = self.line_starts or (0,)
        return list(pairwise([*starts, self.num_words]))


@dataclass(frozen=True)
class Timing:
    """Seconds of a song's words: gaps [W] and lengths [W]; `shares`: of each word's length what each phone takes, adding up to 1,
    an empty list for a word whose phones have no times.
    """

    gaps_s: np.ndarray
    lengths_s: np.ndarray
    shares: Sequence[Sequence[float]] = ()

    @property
    def starts_s(self) -> np.ndarray:
        """Start of each word [W]."""
        return np.cumsum(self.gaps_s + self.lengths_s) - self.lengths_s

    @property
    def ends_s(self) -> np.ndarray:
        """End of each word [W]."""
        return self.starts_s + self.lengths_s

    def words(self, texts: Sequence[str]) -> list[Word]:
        """Words with these times."""
        return [
            Word(text, float(start_s), float(end_s))
            for text, start_s, end_s in zip(texts, self.starts_s, self.ends_s, strict=True)
        ]


def timing_of(words: Sequence[Word], phones: Sequence[Sequence[Word]] = ()) -> Timing:
    """Gaps and lengths of words in time; what overlaps the word before it begins where that one ends.

    `phones`: a list a word, which may be empty; their lengths become shares.
    """
    gaps_s, lengths_s, end_s = [], [], 0.0
    for word in words:
        start_s = max(word.start_s, end_s)
        gaps_s.append(start_s - end_s)
        lengths_s.append(max(word.end_s - start_s, LEAST_S))
        end_s = start_s + lengths_s[-1]
    return Timing(np.array(gaps_s), np.array(lengths_s), [_shares(of) for of in phones])


def syllables_in(phonemes: str) -> int:
    """Runs of vowels, at least one; a mark between two vowels parts them."""
    return max(
        1,
        sum(
            symbol in VOWELS and (place == 0 or phonemes[place - 1] not in VOWELS)
            for place, symbol in enumerate(phonemes)
        ),
    )


@dataclass(frozen=True)
class Batch:
    """Songs as the net reads them: symbols [B, W, P], facts [B, W, F] and of the songs [B, G], styles [B, S], and phones as their
    symbols [B, W, H, 2]; times [B, W] and shares [B, W, H] where they are known. `is_word` [B, W], `is_phone` [B, W, H] tell padding.
    """

    symbols: Tensor
    facts: Tensor
    song: Tensor
    style: Tensor
    phones: Tensor
    is_word: Tensor
    is_phone: Tensor
    total_s: Tensor
    beat_s: Tensor
    syllables_left: Tensor
    gaps_s: Tensor
    lengths_s: Tensor
    shares: Tensor


def batch_of(
    sheets: Sequence[Sheet], timings: Sequence[Timing] | None, symbols: str, style_dim: int
) -> Batch:
    """Songs side by side; without `timings` all times are 0. A phone is told by its first two symbols."""
    ids = {symbol: number for number, symbol in enumerate(symbols, FIRST_SYMBOL)}
    num_songs, num_words = len(sheets), max(sheet.num_words for sheet in sheets)
    most = max(1, max(len(phonemes) for sheet in sheets for phonemes in sheet.phonemes))
    most_phones = max(1, max(len(phones) for sheet in sheets for phones in sheet.phones))
    symbols_BWP = np.zeros((num_songs, num_words, most), np.int64)
    phones_BWH2 = np.zeros((num_songs, num_words, most_phones, 2), np.int64)
    facts_BWF = np.zeros((num_songs, num_words, NUM_FACTS), np.float32)
    song_BG = np.zeros((num_songs, NUM_SONG_FACTS), np.float32)
    style_BS = np.zeros((num_songs, style_dim), np.float32)
    left_BW = np.ones((num_songs, num_words), np.float32)
    times_2BW = np.zeros((2, num_songs, num_words), np.float32)
    shares_BWH = np.zeros((num_songs, num_words, most_phones), np.float32)
    is_word_BW = np.zeros((num_songs, num_words), bool)
    for number, sheet in enumerate(sheets):
        count = sheet.num_words
        is_word_BW[number, :count] = True
        facts_BWF[number, :count], left_BW[number, :count] = _facts(sheet)
        song_BG[number] = _song_facts(sheet)
        if sheet.style_S is not None and style_dim:
            style_BS[number] = sheet.style_S
        for place, (phonemes, phones) in enumerate(zip(sheet.phonemes, sheet.phones, strict=True)):
            symbols_BWP[number, place, : len(phonemes)] = [ids.get(symbol, UNKNOWN) for symbol in phonemes]
            for phone, name in enumerate(phones):
                named = [ids.get(symbol, UNKNOWN) for symbol in name[:2]] or [UNKNOWN]
                phones_BWH2[number, place, phone, : len(named)] = named
        if timings is not None:
            timing = timings[number]
            times_2BW[:, number, :count] = timing.gaps_s, timing.lengths_s
            for place, shares in enumerate(timing.shares):
                shares_BWH[number, place, : len(shares)] = shares
    total_B = np.array([sheet.duration_s for sheet in sheets], np.float32)
    beat_B = np.array([60 / sheet.bpm if sheet.bpm else 0.0 for sheet in sheets], np.float32)
    known = (symbols_BWP, facts_BWF, song_BG, style_BS, phones_BWH2, is_word_BW, phones_BWH2[..., 0] > 0)
    times = (total_B, beat_B, left_BW, *times_2BW, shares_BWH)
    return Batch(*(torch.from_numpy(values) for values in (*known, *times)))


def _facts(sheet: Sheet) -> tuple[np.ndarray, np.ndarray]:
    """Facts of each word [W, F], and the syllables from it to the end [W]."""
    syllables = sheet.syllables()
    breaks, count = set(sheet.breaks), sheet.num_words
    known = float(sheet.line_starts is not None)
    rows = [
        (
            math.log(syllables[place]),
            float(sum("ˈ" in symbol for symbol in sheet.phonemes[place])),
            known,
            known * (place == first),
            known * (place == end - 1),
            known * (place - first) / max(1, end - first - 1),
            known * math.log(end - first),
            known * math.log(sum(syllables[first:end])),
            float(place in breaks),
            float(place == 0),
            place / count,
        )
        for first, end in sheet.lines()
        for place in range(first, end)
    ]
    return np.array(rows, np.float32), np.cumsum(syllables[::-1])[::-1].astype(np.float32)


def _song_facts(sheet: Sheet) -> tuple[float, ...]:
    per_syllable_s = sheet.duration_s / sum(sheet.syllables())
    beat = math.log(60 / sheet.bpm) if sheet.bpm else 0.0
    return math.log(sheet.duration_s), math.log(per_syllable_s), float(sheet.bpm is not None), beat


def _shares(phones: Sequence[Word]) -> list[float]:
    lengths_s = [max(phone.end_s - phone.start_s, LEAST_S) for phone in phones]
    whole_s = sum(lengths_s)
    return [length_s / whole_s for length_s in lengths_s]
