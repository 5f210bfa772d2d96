"""Style encoders (`StyleParams`): audio crops or text (tags: genre, tempo) to 512 numbers. The embedded ones are spectral statistics under a fixed map.

Shapes: C channels, N samples, F short frames, D statistics, R reduced, S = 512, W windows, G genres, H = G + 1 what text can say.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from pydantic import Field

from jam_model.frames import SAMPLE_RATE_HZ, STYLE_DIM
from tasks.models import base
from tasks.models.base import ModelChoice, RealModel, constants_of
from tasks.models.embedded import singer
from tasks.models.embedded.drums_and_bass import balance
from tasks.models.embedded.song_statistics import SHORT_RATE_HZ, Analysis, analyse, rhythm
from tasks.models.released_weights import Card
from tasks.models.separator import MidSidePitchSeparator

EMBEDDED = "embedded/spectral-style@1"
WORLD_TWO = "embedded/world-two-style@1"
OF_WORLD_TWO = "world_two"
CROP_S = 10.0
WINDOW_S, WINDOW_HOP_S = 1.0, 0.5
LAGS_S = np.geomspace(0.2, 1.0, 16)
LOUDNESS_RMS = 0.1
PROJECTION_SEED = 512
BPM = re.compile(r"(\d+(?:\.\d+)?)\s*bpm")
BPM_SPREAD = 0.1  # as a share: how near a genre's tempo must be to a given one to count
SIDE_TAG_WEIGHT = 0.3  # of a voice or tempo tag beside a genre tag
GENRE_SHARE, VOICE_SHARE = 0.55, 0.25
"""Of a style of world two, as squares: a song is nearer to its genre in the other voice than to another genre in its own."""
VOICES = {"female voice": 1.0, "male voice": -1.0}


class MuqMulan(RealModel):
    """MuQ-MuLan, and the MuQ and XLM-RoBERTa it is built from.

    Of a song, `crops` parts of `crop_s` are embedded: the ``first`` ones, ``spread`` evenly from its start to its
    end, or ``random`` ones (drawn from `seed` and the audio itself). `negative_style`: an .npy file of 512 numbers
    (the released one is jamify's public/vocal.npy), null for zeros.
    """

    muq_weights: str
    muq_revision: str | None
    text_weights: str
    text_revision: str | None
    crops: int = Field(ge=1)
    crop_s: float = Field(gt=0)
    crop_choice: Literal["first", "random", "spread"]
    seed: int = Field(ge=0)
    negative_style: str | None

    def needs(self, card: Card) -> bool:
        """The file of the negative style is needed where there is one."""
        return card.field != "negative_style" or self.negative_style is not None

    def decides(self) -> dict[str, Any]:
        """The settings that decide values; the negative style does by its content, in the identity."""
        return {key: value for key, value in super().decides().items() if key != "negative_style"}


class StyleParams(ModelChoice):
    """Which style encoder describes the songs. `model` may also be ``world_two``, an embedded one that hears what toy songs of world two say."""

    section: ClassVar = "models.style_encoder"
    embedded: ClassVar = {base.EMBEDDED: EMBEDDED, OF_WORLD_TWO: WORLD_TWO}
    real: ClassVar = {"muq_mulan": "tasks.models.real.muq_mulan"}

    muq_mulan: MuqMulan


class StyleEncoder(Protocol):
    """Describes the style of audio or text."""

    identity: str
    negative_style: np.ndarray

    def embed_audio(self, mix_CN: np.ndarray) -> np.ndarray:
        """Style of each crop, float32 [n, 512]; rows of norm 1, or less where a crop is an average."""

    def embed_text(self, text: str) -> np.ndarray:
        """Style of a prompt, float32 [512] of norm 1."""

    def windows(self, mix_CN: np.ndarray) -> np.ndarray:
        """Short-window embeddings for FAD, float32 [W, D]."""


class SpectralStyleEncoder:
    """Balance, movement, width, tempo and pitch of a song, reduced to what tells the toy genres apart.

    The reduction (standardise, whiten within genres, weigh by how much a direction differs between them) is a
    shipped constant, measured on toy songs as they are and after the codec, so that the codec's sound counts
    little. A fixed orthonormal map then spreads it over 512 numbers. `negative_style` is the mean style of
    voices without a band, as in the released model's negative prompt.
    """

    identity = EMBEDDED

    def __init__(self) -> None:
        constants = constants_of("style_encoder")
        self._mean_D = np.asarray(constants["mean_D"])
        self._reduce_DR = np.asarray(constants["reduce_DR"])
        self._spread_RS = spread(self._reduce_DR.shape[1])
        self._tags: dict[str, np.ndarray] = {
            tag: np.asarray(style) for tag, style in constants["tags"].items()
        }
        self._genre_bpm: dict[str, float] = constants["genre_bpm"]
        self._window_mean_D = np.asarray(constants["window_mean_D"])
        self._window_std_D = np.asarray(constants["window_std_D"])
        self.negative_style = self._styles(np.asarray(constants["voice_only"])[None])[0]

    def embed_audio(self, mix_CN: np.ndarray) -> np.ndarray:
        """Style of crops of about 10 s (a shorter song is one crop), float32 [n, 512], rows of norm 1."""
        return self._styles((crop_statistics(mix_CN) - self._mean_D) @ self._reduce_DR)

    def embed_text(self, text: str) -> np.ndarray:
        """Style of a prompt such as ``bright pop, 108 bpm, female voice``, float32 [512] of norm 1.

        Raises:
            ValueError: no known tag in the text; the message lists them.
        """
        tags = [tag for tag in self._tags if re.search(rf"\b{re.escape(tag)}\b", text.lower())]
        main = [tag for tag in tags if tag in self._genre_bpm]
        reduced_R = sum((self._tags[tag] for tag in main), np.zeros(self._reduce_DR.shape[1]))
        side = [self._tags[tag] for tag in tags if tag not in main]
        side += [self._at_tempo(float(bpm)) for bpm in BPM.findall(text.lower()) if float(bpm) > 0]
        if not main and not side:
            raise ValueError(
                f"style text {text!r} names no known tag; known: {', '.join(self._tags)}, '<number> bpm'"
            )
        for style_R in side:
            reduced_R = reduced_R + (SIDE_TAG_WEIGHT if main else 1.0) * style_R
        return self._styles(reduced_R[None])[0]

    def windows(self, mix_CN: np.ndarray) -> np.ndarray:
        """Standardised statistics of 1 s windows every 0.5 s, float32 [W, 36]; a shorter song is one window."""
        return ((window_statistics(mix_CN) - self._window_mean_D) / self._window_std_D).astype(np.float32)

    def _at_tempo(self, bpm: float) -> np.ndarray:
        """Mean style of the genres, weighted by how near their tempo is."""
        away = {genre: np.log(bpm / usual) / BPM_SPREAD for genre, usual in self._genre_bpm.items()}
        nearest = min(abs(steps) for steps in away.values())
        weights = {genre: np.exp(nearest**2 / 2 - steps**2 / 2) for genre, steps in away.items()}
        total = sum(weights.values())
        return sum((self._tags[genre] * (weight / total) for genre, weight in weights.items()), np.zeros(1))

    def _styles(self, reduced_nR: np.ndarray) -> np.ndarray:
        return (unit_rows(reduced_nR) @ self._spread_RS).astype(np.float32)


class WorldTwoStyleEncoder(SpectralStyleEncoder):
    """Genre and voice of toy songs of world two, and beside them the statistics of `SpectralStyleEncoder`, of which no text speaks here.

    The genre is heard by how loud the kick is against the bass, the voice by bands and notes of the separated vocals, each with a readout that was
    fitted to such songs (`python -m tasks.models.training.constants drums_and_bass singer`). Both are a song's, not a crop's. Where one
    cannot be heard, nothing is said of it, and the statistics take its share. A tempo in a text is passed over.
    """

    identity = WORLD_TWO

    def __init__(self) -> None:
        super().__init__()
        band, voice = constants_of("drums_and_bass"), constants_of("singer")
        genres = band["genres"].values()
        self._kick_W, self._spread_nats = np.asarray(band["kick_W"]), band["spread"]
        self._log_ratio_G = np.asarray([genre["log_ratio"] for genre in genres])
        self._genre_of = {word: number for number, genre in enumerate(genres) for word in genre["words"]}
        self._singer_mean_D, self._singer_weight_D = (
            np.asarray(voice["mean_D"]),
            np.asarray(voice["weight_D"]),
        )
        self._separator = MidSidePitchSeparator()
        self._spread_RS = spread(len(genres) + 1 + self._reduce_DR.shape[1])
        voice_only_R = unit_rows(np.asarray(constants_of("style_encoder")["voice_only"])[None])[0]
        self.negative_style = self._styles(self._with_rest(np.zeros(len(genres) + 1), voice_only_R[None]))[0]

    def embed_audio(self, mix_CN: np.ndarray) -> np.ndarray:
        """A row for about every 10 s, float32 [n, 512] of norm 1; genre and voice in it are those of the whole mix."""
        said_H = self._text_part(self.genres(mix_CN), self.voice(mix_CN))
        reduced_nR = (crop_statistics(mix_CN) - self._mean_D) @ self._reduce_DR
        return self._styles(self._with_rest(said_H, unit_rows(reduced_nR)))

    def embed_text(self, text: str) -> np.ndarray:
        """Style of a prompt such as ``bright pop, female voice``, float32 [512] of norm 1.

        Raises:
            ValueError: neither a genre nor a voice is named; the message lists them.
        """
        named = [word for word in (*self._genre_of, *VOICES) if re.search(rf"\b{word}\b", text.lower())]
        if not named:
            known = ", ".join((*self._genre_of, *VOICES))
            raise ValueError(f"style text {text!r} names no known tag; known: {known}")
        share_G = np.zeros(len(self._log_ratio_G))
        for word in named:
            if word in self._genre_of:
                share_G[self._genre_of[word]] = 1
        said_H = self._text_part(share_G, sum(VOICES.get(word, 0.0) for word in named))
        return self._styles(np.concatenate([said_H, np.zeros(self._reduce_DR.shape[1])])[None])[0]

    def genres(self, mix_CN: np.ndarray) -> np.ndarray:
        """The probability of each genre, [G]: all alike where kick and bass are not heard."""
        heard = balance(mix_CN.mean(axis=0), self._kick_W)
        away_G = np.zeros(len(self._log_ratio_G))
        if heard is not None:
            away_G = np.square((heard.log_ratio - self._log_ratio_G) / self._spread_nats)
        likely_G = np.exp((away_G.min() - away_G) / 2)
        return likely_G / likely_G.sum()

    def voice(self, mix_CN: np.ndarray) -> float:
        """From -1, surely a man's, to 1, surely a woman's; 0 where no voice is heard."""
        heard_D = singer.statistics(self._separator.separate(mix_CN))
        if heard_D is None:
            return 0.0
        return float(np.tanh((heard_D - self._singer_mean_D) @ self._singer_weight_D))

    def _text_part(self, share_G: np.ndarray, voice: float) -> np.ndarray:
        """What text can say, [H]: genres as the corners of a simplex, so that none is nearer to another, and the voice."""
        corner_G = (share_G - share_G.mean()) / np.sqrt(1 - 1 / len(share_G))
        return np.concatenate([np.sqrt(GENRE_SHARE) * corner_G, [np.sqrt(VOICE_SHARE) * voice]])

    def _with_rest(self, said_H: np.ndarray, unit_nR: np.ndarray) -> np.ndarray:
        """Rows of norm 1, [n, H + R]: what is said, and as much of the rest as is left."""
        rest_nR = np.sqrt(1 - said_H @ said_H) * unit_nR
        return np.concatenate([np.tile(said_H, (len(unit_nR), 1)), rest_nR], axis=1)


def crop_statistics(mix_CN: np.ndarray) -> np.ndarray:
    """Statistics of each crop of a mix, [n, D]: independent of loudness."""
    analysis = analyse(at_loudness(mix_CN))
    num_frames = len(analysis.onset_F)
    num_crops = max(round(mix_CN.shape[1] / SAMPLE_RATE_HZ / CROP_S), 1)
    bounds = np.linspace(0, num_frames, num_crops + 1).round().astype(int)
    crops = (analysis.between(first, last) for first, last in pairwise(bounds))
    return np.stack([_describe(crop, with_rhythm=True) for crop in crops])


def at_loudness(mix_CN: np.ndarray) -> np.ndarray:
    """The mix at an RMS of 0.1; silence stays silence."""
    rms = float(np.sqrt(np.mean(np.square(mix_CN, dtype=np.float64))))
    return mix_CN * np.float32(LOUDNESS_RMS / rms) if rms > 1e-6 else mix_CN


def window_statistics(mix_CN: np.ndarray) -> np.ndarray:
    """Statistics of each 1 s window, [W, 36], before standardising; loudness counts here."""
    analysis = analyse(mix_CN)
    size, hop = round(WINDOW_S * SHORT_RATE_HZ), round(WINDOW_HOP_S * SHORT_RATE_HZ)
    starts = range(0, max(len(analysis.onset_F) - size, 0) + 1, hop)
    return np.stack([_describe(analysis.between(start, start + size), with_rhythm=False) for start in starts])


def _describe(part: Analysis, with_rhythm: bool) -> np.ndarray:
    """Statistics of some frames: balance and movement of the bands, width, onsets, pitch, clarity."""
    mid_B, side_B = part.mid_FB.mean(axis=0), part.side_FB.mean(axis=0)
    loudness = mid_B[:12].mean()
    clear_F = np.maximum(part.clarity_F - 0.2, 1e-3)
    pitch = float((part.pitch_F * clear_F).sum() / clear_F.sum())
    spread_semitones = float(np.sqrt((((part.pitch_F - pitch) ** 2) * clear_F).sum() / clear_F.sum()))
    width_B = np.maximum(side_B - loudness, -50)
    moments = [np.log(part.onset_F.mean() + 0.1), part.clarity_F.mean(), pitch, spread_semitones]
    if not with_rhythm:
        pairs_B = part.mid_FB.std(axis=0).reshape(-1, 3).mean(axis=1)
        return np.concatenate(
            [mid_B - loudness, pairs_B, width_B, moments, [loudness, part.flatness_F.mean()]]
        )
    movement_B = part.mid_FB.std(axis=0)
    return np.concatenate([mid_B - loudness, movement_B, width_B, moments, rhythm(part.onset_F, LAGS_S)])


def unit_rows(rows_nR: np.ndarray) -> np.ndarray:
    """Rows of norm 1; of zeros where a row is zeros."""
    return rows_nR / np.maximum(np.linalg.norm(rows_nR, axis=1, keepdims=True), 1e-9)


@cache
def spread(reduced_dim: int) -> np.ndarray:
    """A fixed map with orthonormal rows, [R, 512]: cosines before and after it are the same."""
    gaussian_SR = np.random.default_rng(PROJECTION_SEED).standard_normal((STYLE_DIM, reduced_dim))
    orthonormal_SR, triangular_RR = np.linalg.qr(gaussian_SR)
    return (orthonormal_SR * np.sign(np.diag(triangular_RR))).T


def build_style_encoder(params: StyleParams) -> StyleEncoder:
    """The style encoder that `params` choose."""
    if params.settings is not None:
        real: StyleEncoder = params.build_real()
        return real
    return WorldTwoStyleEncoder() if params.model == OF_WORLD_TWO else SpectralStyleEncoder()
