"""Nets that read the phone from a control, frame by frame, and the share of right answers of one song; `control_phones.py` asks them.

Shapes: T frames, F numbers of a control, P tokens.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from bench.toy2_training import held
from flows.settings.params import Params
from jam_model.controls.known import KNOWN
from jam_model.lyric_grid import SLOTS_PER_FRAME, SONG_FILLER, SYMBOLS, VOCAL_FILLER, WORD_BOUNDARY
from jam_model.shards import Sample
from tasks.models.coarse_latents import blurred

CONTROLS = {
    "chords": ("chords", "chords"),
    "melody": ("melody", "melody"),
    "drums": ("drums", "drums"),
    "sketch": ("audio", "audio"),
    "sketch of the true band": ("true audio", "audio"),
    "band with the voice": ("with voice", "audio"),
}
"""What is read: the array of a song, and the control whose width it has."""
REACH, HIDDEN, FREE = 4, 64, 32
EPOCHS, BATCH, RATE = 4, 1024, 3e-3
VOWELS = frozenset(SYMBOLS[letter] for letter in "aeiouæɐɑɔəɛɝɪʊʌ" if letter in SYMBOLS)
NOBODY, LEFT_OUT, LONG = 0, -1, "ː"
QUESTIONS = ("sung", "vowel", "phone")
Frames = tuple[torch.Tensor, torch.Tensor]
"""What a net reads of every frame of one song, [T, 2 REACH + 1, F] or [T, 2 REACH + 1], and what is sung there [T]."""


class Reader(nn.Module):
    """A narrow layer a frame, a hidden layer over the frames around."""

    def __init__(self, name: str, width: int, classes: int) -> None:
        super().__init__()
        control = KNOWN[name]
        self.narrow = (nn.Embedding if control.is_index else nn.Linear)(control.size, width)
        self.hidden = nn.Linear(width * (2 * REACH + 1), HIDDEN)
        self.out = nn.Linear(HIDDEN, classes)

    def forward(self, around: torch.Tensor) -> torch.Tensor:
        """Logits [T, classes]."""
        return self.out(torch.relu(self.hidden(self.narrow(around).flatten(1))))


def phones_sung(song: Sample) -> np.ndarray:
    """The token that is sung in the middle of each frame [T]; `NOBODY`, `LEFT_OUT` at the ends of words."""
    tokens_L = held(song.extras["sung"])
    places_L = np.where(tokens_L == SYMBOLS[LONG], 0, np.arange(len(tokens_L)))
    tokens_L = tokens_L[np.maximum.accumulate(places_L)]
    tokens_T = tokens_L[SLOTS_PER_FRAME // 2 :: SLOTS_PER_FRAME][: song.num_frames]
    coarseT = np.where(tokens_T == SONG_FILLER, NOBODY, tokens_T)
    left_out = (tokens_T == SYMBOLS[WORD_BOUNDARY]) | (tokens_T == VOCAL_FILLER)
    return np.where(left_out, LEFT_OUT, coarseT)


def array_of(song: Sample, name: str, params: Params) -> np.ndarray:
    """The control of a song, [T] or [T, 64]."""
    if name == "with voice":
        return blurred(song.mean_TC, params.sketch.window_frames)
    return song.extras[name]


def frames_of(song: Sample, array: np.ndarray, scale: tuple[np.ndarray, np.ndarray] | None) -> Frames:
    """A song with this control, repeated or cut to its length."""
    phones_T = phones_sung(song)
    rows = np.resize(array, (len(phones_T), *array.shape[1:]))
    if scale is not None:
        rows = (rows - scale[0]) / scale[1]
    padded = np.pad(rows, [(REACH, REACH), *[(0, 0)] * (rows.ndim - 1)], mode="edge")
    around = np.stack([padded[first : first + len(rows)] for first in range(2 * REACH + 1)], axis=1)
    return torch.from_numpy(around).to(torch.int64 if scale is None else torch.float32), torch.from_numpy(
        phones_T
    )


def learned(reader: Reader, songs: Sequence[Frames], seed: int) -> Reader:
    """The reader after EPOCHS over the frames of all songs."""
    around, phones = (torch.cat(parts) for parts in zip(*songs, strict=True))
    kept = torch.nonzero(phones != LEFT_OUT)[:, 0]
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.AdamW(reader.parameters(), RATE, weight_decay=0.01)
    for _ in range(EPOCHS):
        for some in kept[torch.randperm(len(kept), generator=generator)].split(BATCH):
            optimiser.zero_grad()
            nn.functional.cross_entropy(reader(around[some]), phones[some]).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    return reader


@torch.no_grad()
def answers(reader: Reader, song: Frames, classes: Sequence[bool]) -> dict[str, float | None]:
    """The share of right answers to each question, of one song; `classes`: which of them are vowels."""
    around, phones = song
    shares_TP = reader(around).softmax(dim=1)
    is_vowel_P = torch.tensor(classes)
    is_phone_P = torch.ones_like(is_vowel_P).index_fill(0, torch.tensor(NOBODY), False)
    known_T, sung_T = phones != LEFT_OUT, phones > NOBODY
    says_sung_T = shares_TP[:, NOBODY] < 0.5
    vowel_T = shares_TP[:, is_vowel_P].sum(dim=1) > shares_TP[:, is_phone_P & ~is_vowel_P].sum(dim=1)
    true_vowel_T = is_vowel_P[phones.clamp(min=0)]
    among_TP = torch.where(true_vowel_T[:, None], is_vowel_P, is_phone_P & ~is_vowel_P)
    phone_T = torch.where(among_TP, shares_TP, -1.0).argmax(dim=1)
    right = {
        "sung": (says_sung_T == sung_T, known_T),
        "vowel": (vowel_T == true_vowel_T, sung_T),
        "phone": (phone_T == phones, sung_T),
    }
    return {
        name: float(hit_T[of_T].float().mean()) if of_T.any() else None
        for name, (hit_T, of_T) in right.items()
    }


def read(
    name: str,
    width: int,
    songs: Sequence[Sample],
    new: Sequence[Sample],
    params: Params,
    seed: int,
    own: bool,
) -> list[dict[str, float | None]]:
    """The answers of each new song, by a net that learned `songs`, all with their own control or all with another song's."""
    array_name, control = CONTROLS[name]
    arrays = [[array_of(song, array_name, params) for song in some] for some in (songs, new)]
    scale = None
    if not KNOWN[control].is_index:
        every = np.concatenate(arrays[0])
        scale = every.mean(axis=0), every.std(axis=0) + 1e-6
    order = [_whose(len(some), own, seed) for some in (songs, new)]
    frames = [
        [frames_of(song, of[whose], scale) for song, whose in zip(some, places, strict=True)]
        for some, of, places in zip((songs, new), arrays, order, strict=True)
    ]
    torch.manual_seed(seed)
    reader = learned(Reader(control, width, len(SYMBOLS)), frames[0], seed)
    classes = [number in VOWELS for number in range(len(SYMBOLS))]
    return [answers(reader.eval(), song, classes) for song in frames[1]]


def widths(control: str) -> dict[str, int]:
    """How wide the layer a frame is, by what it is called."""
    known = KNOWN[control]
    return {"narrow": known.width} if known.is_index else {"narrow": known.width, "free": FREE}


def _whose(count: int, own: bool, seed: int) -> list[int]:
    """Which song's control each song has: its own, or one that is never its own."""
    if own:
        return list(range(count))
    order = np.random.default_rng([seed, count]).permutation(count)
    whose = np.empty(count, int)
    whose[order] = np.roll(order, 1)
    return whose.tolist()
