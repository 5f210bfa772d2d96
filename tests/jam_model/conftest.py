"""A JAM model small enough to check by hand, every weight of it awake, and conditions to match."""

from __future__ import annotations

import pytest
import torch

from jam_model.conditions import Conditions
from jam_model.config import JamConfig
from jam_model.dit import Jam

TINY = JamConfig(
    dim=32,
    depth=2,
    heads=2,
    ff_mult=2,
    text_dim=16,
    text_layers=1,
    style_dim=8,
    latent_channels=4,
    max_frames=12,
    num_text_embeddings=64,
    use_implicit_duration=True,
)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def tiny() -> JamConfig:
    return TINY


@pytest.fixture
def make_jam():
    """Models whose zero-initialised parts are random too, so that nothing hides."""

    def make(seed: int = 0, config: JamConfig = TINY, dtype: torch.dtype = torch.float32) -> Jam:
        with torch.random.fork_rng(), torch.no_grad():
            torch.manual_seed(seed)
            jam = Jam(config)
            for parameter in jam.parameters():
                parameter += 0.2 * torch.randn(parameter.shape)
        return jam.to(dtype)

    return make


@pytest.fixture
def make_conditions():
    def make(batch: int, seed: int = 0, frames: int = TINY.max_frames) -> Conditions:
        generator = torch.Generator().manual_seed(seed)
        return Conditions(
            torch.randint(0, 64, (batch, 4 * frames), generator=generator),
            torch.randn(batch, TINY.style_dim, generator=generator),
            torch.rand(batch, generator=generator),
            torch.rand(batch, generator=generator),
            torch.linspace(0.3, 1.0, batch),
        )

    return make


@pytest.fixture
def normal():
    """Seeded normal numbers of a shape."""

    def draw(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)

    return draw
