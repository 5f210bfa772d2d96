"""What is chosen about a JAM model, as plain values: its sizes (`JamConfig`), dropouts, guidance branches and formulas, and the ODE solver.

A released checkpoint and a toy differ only here. Nothing is computed here, so torch is imported only by the methods
that make tensors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from jam_model.controls.known import MEMBERS, check_names
from jam_model.lyric_grid import FILLERS, FIRST_OWN, RELEASED_FILLER, SUNG, SYMBOLS, Filler, vocabulary_of
from jam_model.solvers.tolerances import Tolerances
from jam_model.words import PHONES

if TYPE_CHECKING:
    import torch
    from torch import Tensor

CONV_GROUPS = 16  # of the convolutional position embedding (modules.py): `dim` must be a multiple
MAX_SIZE, MAX_LAYERS = 1 << 20, 1024  # what a config may ask for before its weights are looked at
UNSIZED: Mapping[str, Any] = {"own_symbols": "", "filler": RELEASED_FILLER, "controls": ()}
"""Fields of a config that are no sizes, as released models have them."""
Formula = Literal["dual", "dual_fixed", "none", "sets"]
Solver = Literal["euler", "ab2", "midpoint", "heun", "dopri5"]
Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True)
class JamConfig:
    """Sizes of the JAM DiT.

    `text_dim` is also the width of the time and duration embeddings, as in the released model, and
    `max_frames` both the longest sequence and the unit of `duration_rel`. `own_symbols`: what it can be asked to sing beyond
    the released symbols, a token each; the released models have none. `filler`: how it was taught that phonemes lie in a word
    (`lyric_grid`), and so how it must be asked. `controls`: those it can be asked to follow (`jam_model.controls.known`).

    Raises:
        ValueError: a number is not positive or beyond reason, sizes do not divide, or symbols have no token.
    """

    dim: int
    depth: int
    heads: int
    ff_mult: int
    text_dim: int
    text_layers: int
    style_dim: int
    latent_channels: int
    max_frames: int
    num_text_embeddings: int
    use_implicit_duration: bool
    own_symbols: str = ""
    filler: Filler = RELEASED_FILLER
    controls: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in UNSIZED:
                continue
            if field.name == "use_implicit_duration":
                if not isinstance(value, bool):
                    raise ValueError(f"use_implicit_duration is {value!r}; give true or false")
                continue
            limit = MAX_LAYERS if field.name in ("depth", "text_layers") else MAX_SIZE
            if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= limit:
                raise ValueError(f"{field.name} is {str(value)[:20]}; give a whole number from 1 to {limit}")
        if self.dim % (2 * self.heads):
            raise ValueError(
                f"dim {self.dim} does not split into {self.heads} heads of even width; "
                f"give a multiple of {2 * self.heads}, or other heads"
            )
        if self.dim % CONV_GROUPS:
            raise ValueError(f"dim {self.dim} is not a multiple of {CONV_GROUPS}; give one that is")
        if self.text_dim % 2:
            raise ValueError(f"text_dim {self.text_dim} is odd; give an even number")
        self._check_symbols()
        if self.filler not in FILLERS:
            raise ValueError(f"filler is {str(self.filler)[:40]!r}; give one of {', '.join(FILLERS)}")
        check_names(self.controls, "controls")

    def _check_symbols(self) -> None:
        own, room = self.own_symbols, self.num_text_embeddings + 1 - FIRST_OWN
        if not isinstance(own, str) or len(set(own)) != len(own) or set(own) & SYMBOLS.keys():
            raise ValueError(
                f"own_symbols is {str(own)[:60]!r}; give symbols that the released table lacks, each once"
            )
        if len(own) > max(room, 0):
            raise ValueError(
                f"own_symbols has {len(own)} symbols, num_text_embeddings {self.num_text_embeddings} has room for {room}; "
                f"give {FIRST_OWN - 1 + len(own)} or more"
            )

    @property
    def vocabulary(self) -> Mapping[str, int]:
        """The token of every symbol it can be asked to sing."""
        return vocabulary_of(self.own_symbols)

    @property
    def extras(self) -> tuple[str, ...]:
        """What it learns from beside words, style and latents: members of a sample (`jam_model.shard_index.EXTRAS`)."""
        return ((PHONES,) if self.filler == SUNG else ()) + tuple(
            name for name in self.controls if name in MEMBERS
        )

    @property
    def head_dim(self) -> int:
        return self.dim // self.heads

    def to_dict(self) -> dict[str, Any]:
        """Without what released models do not have: the form of theirs."""
        return {name: value for name, value in asdict(self).items() if UNSIZED.get(name) != value}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> JamConfig:
        """The config of `to_dict`.

        Raises:
            ValueError: a field is missing or unknown; the message names it.
        """
        names = {field.name for field in fields(cls)}
        missing, unknown = sorted(names - set(values) - UNSIZED.keys()), sorted(set(values) - names)
        if missing or unknown:
            raise ValueError(
                f"model config: missing fields {missing}, unknown fields {unknown}; give {sorted(names)}"
            )
        return cls(**{**values, "controls": tuple(check_names(values.get("controls", ()), "controls"))})


JAM_0_5 = JamConfig(
    dim=1408,
    depth=16,
    heads=32,
    ff_mult=4,
    text_dim=512,
    text_layers=4,
    style_dim=512,
    latent_channels=64,
    max_frames=5000,
    num_text_embeddings=256,
    use_implicit_duration=True,
)
"""The released 530M model, `jam-0_5.safetensors` (532,934,592 parameters)."""


@dataclass(frozen=True)
class UpdateRule:
    """AdamW with a warmed-up, then constant, then linearly falling learning rate.

    Rises over `warmup_steps`, stays, falls over the last `decay_fraction` of `steps` to `min_lr_ratio` of
    the top at the last one. `ema_decay` is approached from below, so that early averages are young.
    """

    steps: int
    learning_rate: float
    warmup_steps: int
    decay_fraction: float
    min_lr_ratio: float
    betas: tuple[float, float]
    weight_decay: float
    max_grad_norm: float
    ema_decay: float

    def learning_rate_at(self, step: int) -> float:
        """Of the update that follows `step` finished ones."""
        warm = min(1.0, (step + 1) / max(1, self.warmup_steps))
        start = 1 - self.decay_fraction
        left = (1 - step / self.steps) / max(1e-9, 1 - start)
        return self.learning_rate * warm * max(self.min_lr_ratio, min(1.0, left))


@dataclass(frozen=True)
class Dropout:
    """Shares of samples that lose a condition.

    `jam`: style with probability `style`, and then lyrics with probability `lyrics` (so never lyrics
    alone). `independent`: each by its own probability.
    """

    style: float
    lyrics: float
    rule: Literal["jam", "independent"]

    def __post_init__(self) -> None:
        for name, share in (("style", self.style), ("lyrics", self.lyrics)):
            if not 0 <= share <= 1:
                raise ValueError(f"dropout of {name} is {share}; give a share from 0 to 1")
        if self.rule not in ("jam", "independent"):
            raise ValueError(f"dropout rule is {self.rule!r}; give jam or independent")

    def draw(self, batch: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """(keep_lyrics_B, keep_style_B), boolean; every call takes 2 * batch numbers of the generator."""
        import torch

        style_B, lyrics_B = torch.rand(2, batch, generator=generator, device=generator.device)
        drop_style_B, drop_lyrics_B = style_B < self.style, lyrics_B < self.lyrics
        if self.rule == "jam":
            drop_lyrics_B = drop_lyrics_B & drop_style_B
        return ~drop_lyrics_B, ~drop_style_B


class GuidanceBranch(NamedTuple):
    """One call of the model: with or without lyrics, with the asked or the negative style, with or without controls."""

    lyrics: bool
    style: bool
    controls: bool = True


CONDITIONED = GuidanceBranch(lyrics=True, style=True)
UNCONDITIONED = GuidanceBranch(lyrics=False, style=False, controls=False)


@dataclass(frozen=True)
class Guidance:
    """How far the conditions are pushed, and at which times.

    v(lyrics, style) with s- the negative style:
    `dual`        v(-, s-) + lyrics_guidance_scale [v(l, s-) - v(-, s-)] + style_guidance_scale [v(l, s) - v(l, s-)]
    `dual_fixed`  v(-, s-) + style_guidance_scale [v(-, s) - v(-, s-)] + lyrics_guidance_scale [v(l, s) - v(-, s)]
    `none`        v(l, s)
    `sets`        (1 - sum of weights) v(-, s-, no controls) + weight v(what it names) for each of `sets` ("lyrics+style", 0.5)
    Outside `interval` (closed, in times 0..1) always v(l, s). Controls are left out of branches of `sets` alone.
    """

    style_guidance_scale: float
    lyrics_guidance_scale: float
    interval: tuple[float, float]
    formula: Formula
    sets: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        if self.formula not in get_args(Formula):
            raise ValueError(f"guidance formula is {self.formula!r}; give dual, dual_fixed, none or sets")
        if (self.formula == "sets") != bool(self.sets):
            raise ValueError(f"guidance: {self.formula!r} with sets {dict(self.sets)}; give both or neither")
        for names, _ in self.sets:
            if not {*names.split("+")} <= {*GuidanceBranch._fields}:
                raise ValueError(f"guidance sets has {names!r}; join some of lyrics, style, controls by +")

    def branches(self, controls: bool = True) -> dict[GuidanceBranch, float]:
        """The branches and their weights in the velocity, the asked one first, those with lyrics before
        those without; a branch of weight 0 is left out. Not `controls`: no song has any, and so no branch is without.
        """
        weights = {CONDITIONED: 1.0}
        if self.formula == "dual":
            weights = {
                CONDITIONED: self.style_guidance_scale,
                GuidanceBranch(lyrics=True, style=False): self.lyrics_guidance_scale
                - self.style_guidance_scale,
                GuidanceBranch(lyrics=False, style=False): 1 - self.lyrics_guidance_scale,
            }
        elif self.formula == "dual_fixed":
            weights = {
                CONDITIONED: self.lyrics_guidance_scale,
                GuidanceBranch(lyrics=False, style=True): self.style_guidance_scale
                - self.lyrics_guidance_scale,
                GuidanceBranch(lyrics=False, style=False): 1 - self.style_guidance_scale,
            }
        elif self.formula == "sets":
            weights = self._weights_of_sets(controls)
        return {branch: weight for branch, weight in weights.items() if weight or branch == CONDITIONED}

    def _weights_of_sets(self, controls: bool) -> dict[GuidanceBranch, float]:
        fields = GuidanceBranch._fields
        named = [(GuidanceBranch(*(one in names.split("+") for one in fields)), w) for names, w in self.sets]
        rest = 1 - sum(weight for _, weight in named)
        weights = {CONDITIONED: 0.0}
        for branch, weight in (*named, (UNCONDITIONED, rest)):
            branch = branch if controls else branch._replace(controls=True)
            weights[branch] = weights.get(branch, 0.0) + weight
        return dict(sorted(weights.items(), key=lambda item: (item[0] != CONDITIONED, not item[0].lyrics)))


@dataclass(frozen=True)
class ODESolver:
    """How velocities become latents; `sampler.py` computes it.

    `num_steps` equal updates from time 0 to 1; the released 50 grid points are 49 of them. `euler` and `ab2` (Adams-Bashforth, of second
    order) evaluate the velocity once an update, `midpoint` and `heun` (of second order) twice; `dopri5` chooses its steps by `tolerances`.
    `bfloat16` is autocast: weights and the sum over the steps stay as they are. `compiled`: by torch.compile, on CUDA as a graph.
    """

    num_steps: int
    solver: Solver = "euler"
    precision: Precision = "float32"
    compiled: bool = False
    tolerances: Tolerances | None = None

    def __post_init__(self) -> None:
        if (self.solver == "dopri5") != (self.tolerances is not None):
            raise ValueError(f"solver {self.solver}: tolerances are of dopri5 alone, which needs them")
        if self.num_steps < 1:
            raise ValueError(f"num_steps is {self.num_steps}; give 1 or more")
        for name, known in (("solver", Solver), ("precision", Precision)):
            if getattr(self, name) not in get_args(known):
                raise ValueError(f"{name} is {getattr(self, name)!r}; give {' or '.join(get_args(known))}")
