"""The numbers that shape a JAM model. One dataclass; a released checkpoint and a toy differ only here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

CONV_GROUPS = 16
"""Groups of the convolutional position embedding (modules.py): `dim` must be a multiple."""
MAX_SIZE, MAX_LAYERS = 1 << 20, 1024  # what a config may ask for before its weights are looked at


@dataclass(frozen=True)
class JamConfig:
    """Sizes of the JAM DiT.

    `text_dim` is also the width of the time and duration embeddings, as in the released model, and
    `max_frames` both the longest sequence and the unit of `duration_rel`.

    Raises:
        ValueError: a number is not positive or beyond reason, or sizes do not divide.
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

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
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

    @property
    def head_dim(self) -> int:
        return self.dim // self.heads

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> JamConfig:
        """The config of `to_dict`.

        Raises:
            ValueError: a field is missing or unknown; the message names it.
        """
        names = {field.name for field in fields(cls)}
        missing, unknown = sorted(names - set(values)), sorted(set(values) - names)
        if missing or unknown:
            raise ValueError(
                f"model config: missing fields {missing}, unknown fields {unknown}; give {sorted(names)}"
            )
        return cls(**values)


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
