"""Lyrics on the latent grid: JAM's Algorithm 1 ("average sparse"), four token slots to a latent frame; symbols of phonemes, fillers, crops.

Every word fills its slots with VOCAL_FILLER and puts one token at each phoneme's onset, the onsets
evenly spaced; slots without a word hold SONG_FILLER. Source: arXiv 2507.20880 and declare-lab/jamify
(dataset.py, fillers/average.py), whose results this reproduces exactly. Its three other ways to lay phonemes into a word
(`Filler`) are here by what is known of them: which draws `random_duration` makes is not, so ours are ours. ``sung`` is ours: it
puts every phone where it is sung, as a length regulator does (Ren et al., FastSpeech, NeurIPS 2019).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, get_args

import numpy as np

from jam_model.frames import HOP_SAMPLES, SAMPLE_RATE_HZ, seconds_of_frames
from jam_model.sung.slots import Run, even_runs, owners, sung_runs
from jam_model.words import Word

SLOTS_PER_FRAME = 4
SLOT_SAMPLES = HOP_SAMPLES / SLOTS_PER_FRAME
SLOTS_A_SECOND = SAMPLE_RATE_HZ / SLOT_SAMPLES
VOCAL_FILLER = 62
SONG_FILLER = 63
WORD_BOUNDARY = "_"

Filler = Literal["average_sparse", "average_repeat", "pad_right", "random_duration", "sung"]
FILLERS: tuple[str, ...] = get_args(Filler)
RELEASED_FILLER: Filler = "average_sparse"
SUNG: Filler = "sung"
Phones = Sequence[Sequence[Word]]
"""The phones in time of each word, in order: `text` is the phone as it stands in the word's phonemes. An empty list: of this word
nobody knows them.
"""

_LETTERS = "abdefhijklmnoprstuvwxzæðŋɐɑɔəɛɝɡɪʃʊʌʒθɹɜˈˌːʔɾˑ'-.,?!:;"
SYMBOLS: dict[str, int] = {
    WORD_BOUNDARY: 0,
    "<en_us>": 1,
    "<end>": 2,
    **{letter: number for number, letter in enumerate(_LETTERS, start=3)},
}
"""Token of every symbol of the released tokenizer. The two in brackets never stand for lyrics."""
FIRST_OWN = SONG_FILLER + 1
"""Token of the first symbol that a model of one's own knows beyond these."""


def vocabulary_of(own_symbols: str) -> Mapping[str, int]:
    """The released table, and behind it symbols of one's own in this order; no released token moves."""
    own = {symbol: FIRST_OWN + place for place, symbol in enumerate(own_symbols)}
    return {**SYMBOLS, **own} if own else SYMBOLS


def lyric_grid(
    words: Sequence[Word],
    max_frames: int,
    crop_start_frame: int = 0,
    num_latent_frames: int | None = None,
    vocabulary: Mapping[str, int] = SYMBOLS,
    filler: Filler = RELEASED_FILLER,
    phones: Phones | None = None,
) -> np.ndarray:
    """Lyric tokens of a crop, int64 [4 * max_frames].

    The crop is `max_frames` long or ends with the song (`num_latent_frames` frames; None = longer than
    the crop). A word cut by the crop's start keeps all phonemes, squeezed into what is left of it; a
    word with fewer slots than phonemes loses its last ones; where words overlap the later in `words`
    wins; symbols outside `vocabulary` are left out; a word without phonemes writes nothing.

    `filler`: where the phonemes of a word lie. ``average_sparse``: one token each, evenly spaced, as released; ``pad_right``: one
    token each, all at the word's start; ``average_repeat``: each as often as fits, the first ones once more where slots are
    left; ``random_duration``: each at least once, the other slots by chance, the same for a word of this length at this slot;
    ``sung``: each as long as it is sung by `phones`, of which a crop has those that lie in it. A word whose phones nobody knows
    (`words_without_phones`) lies there as ``average_repeat`` has it.

    Raises:
        ValueError: a word's time is not finite, it was not phonemized, or `phones` are missing.
    """
    num_slots = max_frames * SLOTS_PER_FRAME
    grid = np.full(num_slots, SONG_FILLER, dtype=np.int64)
    starts_s = np.array([word.start_s for word in words], np.float64)
    ends_s = np.array([word.end_s for word in words], np.float64)
    wrong = [number for number, word in enumerate(words) if word.phonemes is None or word.end_s == np.inf]
    if wrong:
        raise ValueError(f"word {wrong[0]} has no phonemes or no finite end: {words[wrong[0]]}; give both")

    crop_end_frame = crop_start_frame + max_frames
    if num_latent_frames is not None:
        crop_end_frame = min(crop_end_frame, num_latent_frames)
    crop_start_s, crop_end_s = seconds_of_frames(crop_start_frame), seconds_of_frames(crop_end_frame)
    if filler == SUNG:
        for word, its in zip(words, _known(phones, len(words)), strict=True):
            if word.end_s > crop_start_s and word.start_s < crop_end_s:
                _sing(grid, word, its, crop_start_s, vocabulary)
        return grid
    first = _slots(starts_s - crop_start_s, num_slots)
    length = _slots(ends_s - crop_start_s, num_slots) - first
    tokens, first_token, num_tokens = _tokens([word.phonemes or "" for word in words], vocabulary)
    sung = (ends_s > crop_start_s) & (starts_s < crop_end_s) & (length > 0) & (num_tokens > 0)

    first, length, first_token, num_tokens = (
        column[sung] for column in (first, length, first_token, num_tokens)
    )
    spacing = np.maximum(1, length // num_tokens)
    if filler != RELEASED_FILLER:
        spacing = np.ones_like(spacing)
    num_tokens = np.minimum(num_tokens, length)
    apart = (first[1:] >= (first + length)[:-1]).all()
    for group in [slice(None)] if apart else [slice(word, word + 1) for word in range(len(first))]:
        grid[_runs(first[group], length[group])] = VOCAL_FILLER
        onsets = _runs(first[group], num_tokens[group], spacing[group])
        written = tokens[_runs(first_token[group], num_tokens[group])]
        if filler in ("average_repeat", "random_duration"):
            onsets = _runs(first[group], length[group])
            written = np.repeat(written, _durations(filler, first[group], length[group], num_tokens[group]))
        grid[onsets] = written
    return grid


def words_on_grid(
    words: Sequence[Word], num_frames: int, vocabulary: Mapping[str, int] = SYMBOLS
) -> list[bool]:
    """Whether each word leaves a token on the grid of a song of `num_frames`: one past its end, without phonemes or length,
    or covered by later words leaves none.
    """
    num_slots = num_frames * SLOTS_PER_FRAME
    first = _slots(np.array([word.start_s for word in words], np.float64), num_slots)
    length = _slots(np.array([word.end_s for word in words], np.float64), num_slots) - first
    _, _, num_tokens = _tokens([word.phonemes or "" for word in words], vocabulary)
    owner = np.full(num_slots, -1)
    onsets = []
    for number in range(len(words)):
        spacing = max(1, length[number] // max(1, num_tokens[number]))
        slots = first[number] + spacing * np.arange(min(num_tokens[number], length[number]))
        onsets.append(slots)
        if len(slots):
            owner[first[number] : first[number] + length[number]] = number
    return [bool((owner[slots] == number).any()) for number, slots in enumerate(onsets)]


def words_without_phones(words: Sequence[Word], phones: Phones) -> list[int]:
    """The numbers of the words that have phonemes, but no phones in time that they are made of."""
    return [
        number
        for number, (word, its) in enumerate(zip(words, phones, strict=True))
        if word.phonemes and _phone_of(_symbols(word), its) is None
    ]


def _known(phones: Phones | None, num_words: int) -> Phones:
    if phones is None or len(phones) != num_words:
        found = "none" if phones is None else f"those of {len(phones)} words"
        raise ValueError(
            f"filler sung needs the phones in time of {num_words} words and got {found}; shards have them that were prepared "
            "with phones.times and pack.extras: [phones]"
        )
    return phones


def _sing(
    grid: np.ndarray, word: Word, phones: Sequence[Word], crop_start_s: float, vocabulary: Mapping[str, int]
) -> None:
    """Writes a word where its phones are sung; evenly, as far as it lies on the grid, where they are not known."""
    symbols = _symbols(word)
    of_symbols = _phone_of(symbols, phones)
    known = [number for number, symbol in enumerate(symbols) if symbol in vocabulary]
    first, end = (_slot_of(time_s - crop_start_s) for time_s in (word.start_s, word.end_s))
    on_grid = slice(max(first, 0), max(min(end, len(grid)), 0))
    if not known or on_grid.start >= on_grid.stop:
        return
    grid[on_grid] = VOCAL_FILLER
    runs: Iterable[Run] = even_runs(len(known), on_grid.start, on_grid.stop)
    if of_symbols is not None:
        of_known = [of_symbols[number] for number in known]
        starts = [(phone.start_s - crop_start_s) * SLOTS_A_SECOND for phone in phones]
        runs = sung_runs("".join(symbols[number] for number in known), of_known, starts, first, end)
    for number, start, stop in runs:
        grid[max(start, 0) : max(stop, 0)] = vocabulary[symbols[known[number]]]


def _symbols(word: Word) -> str:
    """A word's phonemes with the boundary behind them; nothing of a word without any."""
    phonemes = word.phonemes or ""
    return phonemes if not phonemes or phonemes.endswith(WORD_BOUNDARY) else phonemes + WORD_BOUNDARY


def _phone_of(symbols: str, phones: Sequence[Word]) -> tuple[int, ...] | None:
    return owners(symbols, tuple(phone.text for phone in phones))


def _slot_of(time_s: float) -> int:
    """The slot that a time within the crop lies in; below 0 before it."""
    return math.floor(time_s * SAMPLE_RATE_HZ / SLOT_SAMPLES)


def _durations(filler: Filler, first: np.ndarray, length: np.ndarray, num_tokens: np.ndarray) -> np.ndarray:
    """How many slots each token has, word after word; those of a word add up to its length, each at least 1."""
    shares = []
    for start, slots, count in zip(first.tolist(), length.tolist(), num_tokens.tolist(), strict=True):
        if filler == "random_duration":
            ends = np.cumsum(np.random.default_rng([start, slots, count]).random(count))
            ends /= ends[-1]
            shares.append(1 + np.diff(np.floor(ends * (slots - count)).astype(np.int64), prepend=0))
        else:
            shares.append(slots // count + (np.arange(count) < slots % count).astype(np.int64))
    return np.concatenate(shares) if shares else np.empty(0, np.int64)


def _runs(starts: np.ndarray, counts: np.ndarray, steps: np.ndarray | int = 1) -> np.ndarray:
    """`counts` numbers from each of `starts` on, `steps` apart, one run after the other."""
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.repeat(starts, counts) + within * np.repeat(np.broadcast_to(steps, counts.shape), counts)


def _slots(seconds: np.ndarray, num_slots: int) -> np.ndarray:
    """Slot index of times within the crop, cut to the grid."""
    return np.clip(np.trunc(seconds * SAMPLE_RATE_HZ / SLOT_SAMPLES), 0, num_slots).astype(np.int64)


def _token_of_letter(vocabulary: Mapping[str, int]) -> np.ndarray:
    """Token by code point, -1 for none; the last one stands for every letter beyond."""
    letters = {ord(symbol): token for symbol, token in vocabulary.items() if len(symbol) == 1}
    token_of_letter = np.full(max(letters) + 2, -1, dtype=np.int64)
    token_of_letter[list(letters)] = list(letters.values())
    return token_of_letter


RELEASED_TOKENS = _token_of_letter(SYMBOLS)


def _tokens(
    phonemes: Sequence[str], vocabulary: Mapping[str, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tokens of all words on end, and each word's first index and number of tokens."""
    texts = [text if not text or text.endswith(WORD_BOUNDARY) else text + WORD_BOUNDARY for text in phonemes]
    token_of_letter = RELEASED_TOKENS if vocabulary is SYMBOLS else _token_of_letter(vocabulary)
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype="<u4")
    tokens = token_of_letter[np.minimum(codes, len(token_of_letter) - 1)]
    known = tokens >= 0
    bounds = np.cumsum([0, *(len(text) for text in texts)])
    token_bounds = np.concatenate([[0], np.cumsum(known)])[bounds]
    return tokens[known], token_bounds[:-1], np.diff(token_bounds)
