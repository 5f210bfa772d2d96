"""The controls a model may know, what their arrays are, and how arrays become the tensors of a batch.

An array has one row a latent frame: an index (float32 [T], whole numbers), or the latents of a stem (float32 [T, 64]), which are blurred
in time by whoever makes them; of `painting` the song itself and a mask. After JASCO (arXiv 2406.10970), whose narrow widths these are: they are the bottleneck that keeps a
control from carrying more than it should. Frames behind the end of an array, in the silence after the song, are 0.

Shapes: B batch, T frames, C 64 latent channels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Control:
    """`size`: indices there are, or numbers a frame; `width`: of its narrow projection, which there is none of as wide as that."""

    size: int
    width: int
    is_index: bool

    def num_parameters(self, dim: int) -> int:
        """Of its narrow layer, whose table has no bias, and its wide one, in a model of this width."""
        narrow = 0 if self.width == self.size else self.size * self.width + (not self.is_index) * self.width
        return narrow + self.width * dim + dim


KNOWN: Mapping[str, Control] = {
    "chords": Control(133, 16, is_index=True),
    "melody": Control(54, 16, is_index=True),
    "drums": Control(64, 2, is_index=False),
    "audio": Control(64, 1, is_index=False),
    "painting": Control(65, 65, is_index=False),
}
PAINTING = "painting"
"""What of a song is kept while the rest is made (`jam_model.controls.painting`)."""
MEMBERS = {name: f"{name}.npy" for name in KNOWN if name != PAINTING}
"""The member of a sample that holds the array of each."""


def check_names(names: Sequence[str], where: str) -> Sequence[str]:
    """`names`, or a ValueError where they are not known controls, each once; `where` names the field."""
    if not isinstance(names, list | tuple):
        raise ValueError(f"{where} is {str(names)[:40]!r}; give a list of names")
    unknown = [str(name)[:40] for name in names if not isinstance(name, str) or name not in KNOWN]
    if unknown or len({*names}) != len(names):
        said = f"{unknown[0]!r} in it" if unknown else "a name twice in it"
        raise ValueError(f"{where} has {said}; give some of {', '.join(KNOWN)}, each once, or []")
    return names


def checked(name: str, array: np.ndarray, num_frames: int | None, where: str) -> np.ndarray:
    """The array of a control as float32.

    Args:
        num_frames: how many rows it must have; None: any number.
        where: what it is called in an error.

    Raises:
        ValueError: another shape, a number that is not finite, or one that is no index.
    """
    control = KNOWN[name]
    frames = len(array) if num_frames is None and array.ndim else num_frames
    wanted = (frames,) if control.is_index else (frames, control.size)
    if array.shape != wanted or array.dtype.kind not in "fiu":
        raise ValueError(
            f"{where} has shape {array.shape} of {array.dtype}; give numbers of shape {wanted}, a row a latent frame"
        )
    if not np.isfinite(array).all():
        raise ValueError(f"{where} has numbers that are not finite; make it again")
    if control.is_index and not ((array >= 0) & (array < control.size) & (array == np.rint(array))).all():
        raise ValueError(
            f"{where} has numbers that are no index; give whole ones from 0 to {control.size - 1}"
        )
    return array.astype(np.float32, copy=False)


Rows = Mapping[str, np.ndarray]
"""The arrays of one song that it is asked to follow, by name of the control."""


def batched(
    songs: Sequence[tuple[Rows, int]], names: Iterable[str], num_frames: int
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The controls `names` of songs and which songs have them: tensors [B, T] or [B, T, C] and boolean [B], by name.

    Args:
        songs: the arrays of each song, and the frame that it is read from.
    """
    import torch

    values: dict[str, Tensor] = {}
    given: dict[str, Tensor] = {}
    for name in names:
        control = KNOWN[name]
        shape = (len(songs), num_frames) if control.is_index else (len(songs), num_frames, control.size)
        padded = np.zeros(shape, np.int64 if control.is_index else np.float32)
        for row, (arrays, first) in zip(padded, songs, strict=True):
            if name in arrays:
                part = arrays[name][first : first + num_frames]
                row[: len(part)] = part
        values[name] = torch.from_numpy(padded)
        given[name] = torch.tensor([name in arrays for arrays, _ in songs])
    return values, given
