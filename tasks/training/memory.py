"""What a training holds in memory at its largest (`Load`), before it runs: parameters, gradients, activations by block; the largest batch, without torch.

A formula over sizes and settings. Weights, gradients, moments and EMA are counted parameter by parameter; activations are
what autograd keeps of each layer, frame by frame (a test counts them on a real model). `bench/plan_memory.py` holds the sum
against the memory of real steps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from jam_model.config import CONV_GROUPS, JamConfig
from jam_model.controls.known import KNOWN
from tasks.trainer.params import EIGHT_BIT, FULL_PRECISION, FitParams
from tasks.training.adapter_params import AdapterParams

GIB = 2**30
CARDS_GIB = (8, 12, 16, 24, 40, 80)
FLOAT = 4
EIGHT_BIT_STATE = 2 * (1 + 4 / 256)  # two moments of a byte, and a float32 scale for every 256 of each
MAX_BATCH = 1 << 16
CONV_KERNEL, TIME_FREQUENCIES, SLOTS = 31, 128, 4
Reference = Literal["none", "copy", "shared"]


@dataclass(frozen=True)
class Load:
    """A training as far as its memory goes: sizes, one micro-batch of `batch` samples, and what settings do to it.

    `reference`: of preference training, whose micro-batch holds `batch` pairs and passes `rows` samples a pair.
    """

    config: JamConfig
    batch: int
    frames: int
    precision: str
    activation_checkpointing: bool
    gathers: bool  # gradients of several micro-batches
    workers: int
    sharding: str
    optimiser: str
    adapter: AdapterParams | None
    reference: Reference = "none"
    rows: int = 1

    @property
    def num_frames(self) -> int:
        """Frames that pass under gradients in a micro-batch."""
        return self.batch * self.rows * self.frames

    @property
    def learned(self) -> int:
        """Parameters that are learned."""
        return adapter_parameters(self.config, self.adapter) if self.adapter else parameters(self.config)

    def targets(self, group: str) -> bool:
        """Whether weights of this group of linears are changed."""
        return self.adapter is None or group in self.adapter.targets


@dataclass(frozen=True)
class Memory:
    """Bytes of one worker. `exchange`: what workers pass on (buckets of gradients, or layers gathered out of parts).
    `activations`: all that a step computes with, `of_blocks` of it freed as gradients come; `update`: copies that an update
    makes; `validated`: further models while it is validated; `host`: of main memory, where weights are offloaded.
    """

    weights: float
    reference: float
    gradients: float
    optimiser: float
    ema: float
    exchange: float
    activations: float
    of_blocks: float
    update: float
    validated: float
    gathers: bool
    host: float

    @property
    def peak(self) -> float:
        """The most that is held at once: within a step, in its update, or while the model is validated."""
        held = self.weights + self.reference + self.optimiser + self.ema + self.exchange
        others = self.activations - self.of_blocks
        step = others + (
            self.of_blocks + self.gradients if self.gathers else max(self.of_blocks, self.gradients)
        )
        return held + max(step, self.gradients + max(self.update, self.validated))


def load_of(
    section: FitParams,
    config: JamConfig,
    adapter: AdapterParams | None,
    reference: Reference = "none",
    rows: int = 1,
) -> Load:
    """The load of a section; `config` has its `max_frames`."""
    return Load(
        config,
        section.batch_size,
        config.max_frames,
        section.precision,
        section.activation_checkpointing,
        section.gradient_accumulation_steps > 1,
        section.num_workers,
        getattr(section, "sharding", "none"),
        section.optimiser,
        adapter,
        reference,
        rows,
    )


def block_parameters(config: JamConfig) -> int:
    """Parameters of one transformer block."""
    dim = config.dim
    return 4 * dim * dim + 3 * dim * dim * config.ff_mult + 2 * dim


def parameters(config: JamConfig) -> int:
    """Parameters of the model."""
    dim, text, channels = config.dim, config.text_dim, config.latent_channels
    lyric_block = 8 * text + 2 * text + (2 * text * text + 2 * text) + 4 * text + (2 * text * text + text)
    return (
        config.depth * block_parameters(config)
        + dim * _fused(config)
        + dim
        + 2 * (dim * (dim // CONV_GROUPS) * CONV_KERNEL + dim)
        + config.depth // 2 * (text * dim + dim)
        + 4 * (2 * TIME_FREQUENCIES * text + text + text * text + text)
        + (config.num_text_embeddings + 1) * text
        + config.text_layers * lyric_block
        + 2 * (4 * text * text + text)
        + 2 * (text * dim + dim)
        + (dim * channels + channels)
        + text * config.use_implicit_duration
        + sum(KNOWN[name].num_parameters(dim) for name in config.controls)
    )


def adapter_parameters(config: JamConfig, adapter: AdapterParams) -> int:
    """Parameters of its adapters."""
    return sum(
        count * (adapter.rank * (out + width) + out * (adapter.kind == "dora"))
        for count, out, width in _targets(config, adapter)
    )


def memory_of(load: Load) -> Memory:
    """The memory of one worker of a training."""
    config, whole = load.config, FLOAT * parameters(load.config)
    added = FLOAT * load.learned if load.adapter else 0
    learned = FLOAT * load.learned
    parts = load.workers if load.sharding != "none" else 1
    moment = EIGHT_BIT_STATE / FLOAT if load.optimiser in EIGHT_BIT else 2
    kept = {
        "weights": (whole + added) / parts,
        "gradients": learned / parts,
        "optimiser": learned * moment / parts,
        "ema": learned / parts,
    }
    host = 0.0
    if load.sharding == "offloaded":
        host, kept = sum(kept.values()), dict.fromkeys(kept, 0.0)
    preference = load.reference != "none"
    inside, outside, passing = _activations(load)
    return Memory(
        **kept,
        reference=whole if load.reference == "copy" else 0.0,
        exchange=_exchange(load),
        activations=inside + outside + passing,
        of_blocks=inside,
        update=learned / parts if preference else 0.0,
        validated=(whole if load.adapter else 0.0)
        + (whole if parts > 1 else 0.0)
        + (whole if preference else 0.0)
        + _passing(load, config.max_frames * load.batch, 2.0),
        gathers=load.gathers,
        host=host,
    )


def largest_batch(load: Load, room: float) -> int:
    """The largest batch whose memory fits into so many bytes; 0: not even one sample."""

    def fits(batch: int) -> bool:
        return memory_of(replace(load, batch=batch)).peak <= room

    low, high = 0, 1
    while high < MAX_BATCH and fits(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def saved_bytes(load: Load) -> float:
    """What autograd keeps between the forward and the backward pass, weights in use among it; see `Memory.activations`."""
    inside, outside, _ = _activations(load)
    return inside + outside


def _activations(load: Load) -> tuple[float, float, float]:
    """(kept of the blocks, kept of all else until the end, passing: what comes and goes in the backward pass)."""
    config, frames = load.config, load.num_frames
    value = _value_bytes(load)
    effective, blocks = _effective_bytes(load), config.depth
    casts = 2.0 if value < FLOAT else 0.0
    linears = casts * block_parameters(config) if not _all_adapted(load) else 0.0
    injected = config.depth // 2 * value * (config.dim + config.text_dim) * load.targets("lyrics")
    of_block = _block_bytes(load)
    passing = _passing(load, frames, 3.0) + FLOAT * config.dim * config.dim * config.ff_mult
    outside = frames * _outside_bytes(load)
    if load.activation_checkpointing:
        kept: float = frames * (blocks * value * config.dim + injected)
        again = frames * of_block + effective / blocks + linears
        return kept, outside, max(passing + again, linears * blocks * (load.adapter is None))
    kept = frames * (blocks * of_block + injected) + effective + linears * blocks
    return kept, outside, passing


def _block_bytes(load: Load) -> float:
    """Kept of one block, a frame: norms in float32, all else in the precision of products."""
    config, value = load.config, _value_bytes(load)
    dim, hidden = config.dim, config.dim * config.ff_mult
    attention, mlp = load.targets("attention"), load.targets("mlp")
    norms = (4 if load.adapter is None else 2) * dim
    others = (4 + 2 * attention + mlp) * dim + (3 + mlp) * hidden
    return FLOAT * (norms + config.heads + 2) + value * others


def _outside_bytes(load: Load) -> float:
    """Kept outside of the blocks, a frame: lyrics, fusion, the last layer and the loss."""
    config, value = load.config, _value_bytes(load)
    dim, text, channels = config.dim, config.text_dim, config.latent_channels
    if load.adapter is None:
        lyrics = config.text_layers * (value * 9 * SLOTS * text + FLOAT * 2 * SLOTS)
        return value * (7 * dim + 7 * text + channels) + FLOAT * (channels + 11) + lyrics
    fusion = load.targets("fusion") * value * (3 * dim + text + channels)
    return value * dim + FLOAT * (channels + 2) + fusion


def _effective_bytes(load: Load) -> float:
    """Weights in use where adapters act: made anew, and kept, in every pass of the model."""
    if load.adapter is None:
        return 0.0
    made = sum(count * out * width for count, out, width in _targets(load.config, load.adapter))
    passes = 1 if load.rows < 3 else 2  # pairs, and the truth
    before = FLOAT if load.adapter.kind == "dora" else 0  # its rows are scaled
    return passes * made * (before + _value_bytes(load))


def _passing(load: Load, frames: int, hidden: float) -> float:
    """Gradients of, or values in, the widest layer: so many times its width."""
    return frames * _value_bytes(load) * hidden * load.config.dim * load.config.ff_mult


def _exchange(load: Load) -> float:
    """What workers pass on: buckets as large as the gradients, or what is gathered out of parts (two blocks in turns and all
    that is in none), with the gradients of it.
    """
    if load.workers == 1:
        return 0.0
    if load.sharding == "none":
        return FLOAT * load.learned
    block, every = block_parameters(load.config), parameters(load.config)
    gathered = 2 * block + every - load.config.depth * block
    return FLOAT * gathered * (2.0 if load.adapter is None else 1.0)


def _targets(config: JamConfig, adapter: AdapterParams) -> list[tuple[int, int, int]]:
    """(how many, out, in) of the linears that are changed."""
    dim, hidden, text = config.dim, config.dim * config.ff_mult, config.text_dim
    known = {
        "attention": [(4 * config.depth, dim, dim)],
        "mlp": [(2 * config.depth, hidden, dim), (config.depth, dim, hidden)],
        "fusion": [(1, dim, _fused(config))],
        "lyrics": [(config.depth // 2, dim, text)],
    }
    return [linears for target in adapter.targets for linears in known[target]]


def _fused(config: JamConfig) -> int:
    return 2 * config.latent_channels + 2 * config.text_dim + config.style_dim


def _all_adapted(load: Load) -> bool:
    return load.adapter is not None and load.targets("attention") and load.targets("mlp")


def _value_bytes(load: Load) -> int:
    return FLOAT if load.precision == FULL_PRECISION else 2
