"""The net (`DurationNet`, two GRUs): words read both ways, then told one after the other what was sung before (`Past`), so that the rest of the song is known at each.

Embeddings of a word's symbols are pooled to one vector, a bidirectional GRU reads the words, and a second GRU walks along
them with the times so far: where the song stands, how much time and how many syllables are left, and where in the beat.
In a joint training (tasks/training/joint_durations.py) the symbols of a word are read by the DiT's lyric encoder instead, each held for
a frame as if it were sung, which knows nothing of when it is.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor, nn

from jam_model.durations.config import DurationConfig
from jam_model.durations.laws import (
    NUM_ANCHORED,
    Hurdle,
    LogNormals,
    anchored,
    dirichlet_log_density,
    mixture,
)
from jam_model.durations.sheet import FIRST_SYMBOL, NUM_FACTS, NUM_SONG_FACTS, Batch
from jam_model.lyric_grid import SLOTS_PER_FRAME, SONG_FILLER, VOCAL_FILLER, vocabulary_of
from jam_model.modules import LyricEncoder

UNITS = (0.5, 1.0, 3.0, 4.0)
"""Beats whose phase is told."""
NUM_PAST = 6 + 4 * len(UNITS)
NUM_AT_START = 1 + 2 * len(UNITS)


class Nats(NamedTuple):
    """Minus log likelihood of each word's gap, length and phone shares [B, W]; 0 where there is no word."""

    gap: Tensor
    length: Tensor
    shares: Tensor


class Past(NamedTuple):
    """What was sung before a word [...], all in seconds."""

    free_s: Tensor
    start_s: Tensor
    gap_s: Tensor
    length_s: Tensor


class DurationNet(nn.Module):
    """Distributions of gap, length and shares of every word. `dropout`: share of what words say that is left out while it learns."""

    def __init__(self, config: DurationConfig, dropout: float = 0.0) -> None:
        super().__init__()
        self.config = config
        self.left_out = nn.Dropout(dropout)
        width, dim = config.width, config.symbol_dim
        self.symbols = nn.Embedding(len(config.symbols) + FIRST_SYMBOL, dim, padding_idx=0)
        self.stop_gradient = False  # to the lyric encoder, where there is one
        if config.text_dim:
            self.lyrics = LyricEncoder(config.num_text_embeddings, config.text_dim, config.text_layers)
        else:
            self.spell = nn.Conv1d(dim, dim, 3, padding=1)
        self.word = nn.Linear(2 * (config.text_dim or dim) + NUM_FACTS + NUM_SONG_FACTS, width)
        self.style = nn.Linear(config.style_dim, width, bias=False) if config.style_dim else None
        self.both_ways = nn.GRU(width, width, batch_first=True, bidirectional=True)
        self.context = nn.Linear(2 * width, width)
        self.along = nn.GRU(width + NUM_PAST, width, batch_first=True)
        seen = 2 * width + NUM_PAST
        self.gap = _head(seen, width, 1 + 3 * config.components + NUM_ANCHORED)
        self.length = _head(seen + NUM_AT_START, width, 3 * config.components)
        self.phone = _head(dim + width + 4, width, 1)

    def read_words(self, batch: Batch) -> Tensor:
        """A vector a word [B, W, width] that has seen the whole lyrics."""
        songs, words, length = batch.symbols.shape
        spelt = self._spelt(batch.symbols.reshape(songs * words, length))
        is_symbol = (batch.symbols.reshape(songs * words, length) > 0)[..., None].float()
        mean = (spelt * is_symbol).sum(1) / is_symbol.sum(1).clamp(min=1)
        largest = (spelt * is_symbol).amax(1)
        song = batch.song[:, None].expand(-1, words, -1)
        pooled = torch.cat([mean, largest], -1).reshape(songs, words, -1)
        read = self.word(torch.cat([pooled, batch.facts, song], -1))
        if self.style is not None:
            read = read + self.style(batch.style)[:, None]
        packed = nn.utils.rnn.pack_padded_sequence(
            self.left_out(torch.relu(read)), batch.is_word.sum(1), batch_first=True, enforce_sorted=False
        )
        both, _ = nn.utils.rnn.pad_packed_sequence(
            self.both_ways(packed)[0], batch_first=True, total_length=words
        )
        return self.left_out(torch.relu(self.context(both)))

    def _spelt(self, symbols_NP: Tensor) -> Tensor:
        """A vector of each symbol that has seen those beside it in its word [N, P, dim]."""
        if not self.config.text_dim:
            return torch.relu(self.spell(self.symbols(symbols_NP).transpose(1, 2))).transpose(1, 2)
        tokens_NP = symbols_NP.new_tensor(self._tokens)[symbols_NP]
        read: Tensor = self.lyrics(tokens_NP.repeat_interleave(SLOTS_PER_FRAME, dim=1))
        return read.detach() if self.stop_gradient else read

    @cached_property
    def _tokens(self) -> list[int]:
        """The DiT's token of each symbol: padding as where nothing is sung, one that it does not know as a word without phonemes."""
        vocabulary = vocabulary_of(self.config.own_symbols)
        return [
            SONG_FILLER,
            VOCAL_FILLER,
            *(vocabulary.get(symbol, VOCAL_FILLER) for symbol in self.config.symbols),
        ]

    def forward(self, batch: Batch) -> Nats:
        """The exact nats of known times."""
        context = self.read_words(batch)
        ends_s = torch.cumsum(batch.gaps_s + batch.lengths_s, dim=1)
        before = Past(
            *(_delayed(of) for of in (ends_s, ends_s - batch.lengths_s, batch.gaps_s, batch.lengths_s))
        )
        beat_s = batch.beat_s[:, None].expand_as(ends_s)
        seen, _ = self.seen(context, before, batch.total_s[:, None], batch.syllables_left, beat_s, None)
        gap = -self.gap_law(seen, before.free_s, beat_s).log_density(batch.gaps_s)
        start_s = before.free_s + batch.gaps_s
        length = -self.length_law(seen, batch.gaps_s, start_s, beat_s).log_density(batch.lengths_s)
        alphas = self.alphas(batch, context, batch.lengths_s)
        has_shares = batch.shares.sum(-1) > 0.5
        shares = -dirichlet_log_density(alphas, batch.shares, batch.is_phone & has_shares[..., None])
        return Nats(*(torch.where(batch.is_word, nats, 0.0) for nats in (gap, length, shares)))

    def seen(
        self, context: Tensor, past: Past, total_s: Tensor, left: Tensor, beat_s: Tensor, state: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """What the laws of words [B, W, ...] are told, and the state behind the last of them."""
        facts = _past_facts(past, total_s, left, beat_s)
        walked, state = self.along(torch.cat([context, facts], -1), state)
        return torch.cat([walked, context, facts], -1), state

    def gap_law(self, seen: Tensor, free_s: Tensor, beat_s: Tensor) -> Hurdle:
        """Of the gap before a word."""
        slot_s, components = self.config.slot_s, self.config.components
        none, free, anchors = self.gap(seen).split((1, 3 * components, NUM_ANCHORED), dim=-1)
        some = anchored(mixture(free, slot_s), anchors, free_s, beat_s)
        return Hurdle(none[..., 0], some, slot_s)

    def length_law(self, seen: Tensor, gap_s: Tensor, start_s: Tensor, beat_s: Tensor) -> LogNormals:
        """Of a word's length, once it has begun."""
        facts = torch.cat([(gap_s + 0.01).log()[..., None], _phases(start_s, beat_s)], -1)
        return mixture(self.length(torch.cat([seen, facts], -1)), self.config.slot_s)

    def alphas(self, batch: Batch, context: Tensor, lengths_s: Tensor) -> Tensor:
        """Of the shares of each word's phones [B, W, H], positive."""
        named = self.symbols(batch.phones)
        count = batch.is_phone.sum(-1, keepdim=True).float()
        place = torch.arange(batch.phones.shape[2]).expand(batch.phones.shape[:3])
        facts = torch.stack(
            [
                (place == 0).float(),
                (place == count - 1).float(),
                count.clamp(min=1).log().expand(place.shape),
                lengths_s.clamp(min=0.01).log()[..., None].expand(place.shape),
            ],
            -1,
        )
        around = context[:, :, None].expand(*place.shape, -1)
        raw = self.phone(torch.cat([named.sum(-2), around, facts], -1))[..., 0]
        return nn.functional.softplus(raw + 2.0) + 0.05


def _head(inputs: int, width: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, outputs))


def _past_facts(past: Past, total_s: Tensor, left: Tensor, beat_s: Tensor) -> Tensor:
    """Facts [..., NUM_PAST] of what was sung before a word."""
    left_s = (total_s - past.free_s).clamp(min=0.05)
    told = [
        (past.length_s + 0.01).log(),
        (past.gap_s + 0.01).log(),
        past.free_s / total_s,
        (left_s / left).log(),
        left_s.log(),
        left.log(),
    ]
    phases = [_phases(past.free_s, beat_s), _phases(past.start_s, beat_s)]
    return torch.cat([torch.stack(told, -1), *phases], -1)


def _phases(at_s: Tensor, beat_s: Tensor) -> Tensor:
    """Sine and cosine of where in each of `UNITS` a time lies [..., 2 * units]; 0 where there is no beat."""
    turns = torch.stack([at_s / (unit * beat_s.clamp(min=0.05)) for unit in UNITS], -1) * (2 * math.pi)
    is_known = (beat_s > 0)[..., None].float()
    return torch.cat([turns.sin(), turns.cos()], -1) * is_known


def _delayed(values: Tensor) -> Tensor:
    """Each word's value one word later, 0 for the first."""
    return nn.functional.pad(values, (1, 0))[:, :-1]
