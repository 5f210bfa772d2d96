"""What a song is conditioned on: lyrics on their grid, style, and where the frames lie in the song."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from jam_model.frames import FRAME_RATE_HZ, seconds_of_frames

if TYPE_CHECKING:
    import torch
    from torch import Tensor

# B batch, L lyric slots (4 a frame), S style width, K styles of parts, T frames

LONGEST_S = 500
"""Length in seconds whose `duration_abs` is 1."""


@dataclass(frozen=True)
class Conditions:
    """Conditions of a batch of songs (or crops); every tensor has the batch first.

    Durations stay float32 whatever the model computes in: the padding bias starts at
    floor(max_frames * duration_rel), which low precision would move. `controls` by name, each a value a frame, and
    `controls_given`, boolean [B], which songs have them (`jam_model.controls.known.batched`); None: no song has any. Styles of parts
    stand in place of `style`: in every frame their weights sum to 1; see part_styles/parts.py.
    """

    lyric_tokens_BL: Tensor  # int64, 4 slots a frame
    style_BS: Tensor
    start_time_B: Tensor
    duration_abs_B: Tensor
    duration_rel_B: Tensor
    controls: Mapping[str, Tensor] | None = None
    controls_given: Mapping[str, Tensor] | None = None
    part_styles_BKS: Tensor | None = None
    part_weights_BKT: Tensor | None = None

    def __len__(self) -> int:
        return self.lyric_tokens_BL.shape[0]

    def to(self, device: torch.device | str) -> Conditions:
        return self._mapped(lambda tensor: tensor.to(device))

    def __getitem__(self, rows: slice | Tensor) -> Conditions:
        """The songs of a slice, an index tensor or a boolean mask."""
        return self._mapped(lambda tensor: tensor[rows])

    def styles(self, num_frames: int | None = None) -> tuple[Tensor, Tensor | None]:
        """What `InputFusion.styles` takes: the one style [B, S], or those of parts [B, K, S] and their weights in the first frames."""
        if self.part_styles_BKS is None or self.part_weights_BKT is None:
            return self.style_BS, None
        return self.part_styles_BKS, self.part_weights_BKT[..., :num_frames]

    def part_shapes(self, num_frames: int) -> dict[str, tuple[Tensor, tuple[int, ...]]]:
        """The tensors of parts with the shapes they should have; none where no song has parts.

        Raises:
            ValueError: styles without weights, or weights without styles.
        """
        styles_BKS, weights_BKT = self.part_styles_BKS, self.part_weights_BKT
        if styles_BKS is None and weights_BKT is None:
            return {}
        if styles_BKS is None or weights_BKT is None:
            lacking = "part_styles" if styles_BKS is None else "part_weights"
            raise ValueError(f"{lacking} are not given; give both part_styles and part_weights, or neither")
        (batch, width), count = self.style_BS.shape, styles_BKS.shape[1]
        return {
            "part_styles": (styles_BKS, (batch, count, width)),
            "part_weights": (weights_BKT, (batch, count, num_frames)),
        }

    @staticmethod
    def cat(parts: Sequence[Conditions]) -> Conditions:
        """One batch of the songs of several, in order.

        Raises:
            ValueError: some have a condition that others lack.
        """
        names = [field.name for field in fields(Conditions)]
        return Conditions(*(_joined(name, [getattr(part, name) for part in parts]) for name in names))

    def _mapped(self, change: Callable[[Tensor], Tensor]) -> Conditions:
        """With every tensor changed; what is not given stays so."""
        return Conditions(*(_changed(getattr(self, field.name), change) for field in fields(self)))


def _changed(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(value, Mapping):
        return {name: change(tensor) for name, tensor in value.items()}
    return None if value is None else change(value)


def _joined(name: str, values: Sequence[Any]) -> Any:
    import torch

    first = values[0]
    given = [
        None if value is None else sorted(value) if isinstance(value, Mapping) else True for value in values
    ]
    if any(one != given[0] for one in given):
        raise ValueError(
            f"{name} differ between batches: {given}; join batches that have the same conditions"
        )
    if isinstance(first, Mapping):
        return {key: torch.cat([value[key] for value in values]) for key in first}
    return None if first is None else torch.cat(list(values))


def duration_conditions(
    num_frames: int, max_frames: int, start_frame: int = 0, total_frames: int | None = None
) -> tuple[float, float, float]:
    """(start_time, duration_abs, duration_rel) of `num_frames` frames from `start_frame` of a song.

    start_time = start_frame / total_frames; duration_abs = ln(1 + d) / ln(501) and duration_rel =
    d / seconds of max_frames, with d the seconds of the crop, rounded as the released data set does.
    `total_frames` defaults to a song that ends with the crop.

    Raises:
        ValueError: the frames do not lie in the song or exceed `max_frames`.
    """
    total = start_frame + num_frames if total_frames is None else total_frames
    if start_frame < 0 or num_frames < 1 or start_frame + num_frames > total:
        raise ValueError(
            f"num_frames {num_frames} from start_frame {start_frame} do not lie in a song of {total} frames; "
            "give at least one frame, inside the song"
        )
    if num_frames > max_frames:
        raise ValueError(f"num_frames {num_frames} exceeds max_frames {max_frames}; crop the song")
    seconds = seconds_of_frames(start_frame + num_frames) - seconds_of_frames(start_frame)
    duration_abs = math.log1p(seconds) / math.log1p(LONGEST_S)
    return start_frame / total, duration_abs, seconds / (max_frames / FRAME_RATE_HZ)
