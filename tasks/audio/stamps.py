"""Blocks on a player's clock (`Clock`): a container stamps its packets, and where stamps leave a hole or restart there is silence.

Stamps are rounded (Matroska's to a millisecond) and jitter, so that a block is only moved where it is off by more than
`TOLERANCE_S`; an error never adds up. Nothing is cut: where stamps go back, sound follows sound.
Shapes: C channels, N samples.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

import numpy as np

from tasks.audio.sound import remark
from tasks.engine.song import Refused

TOLERANCE_S = 0.01
MAX_LEAD_S = 60.0  # before the first sample: what begins later was cut out of something
MAX_SILENCE_S = 600.0
RESTART_S = 0.5
TOLD_LEAD_S = 0.1  # decoders swallow a frame or two


class Clock:
    """Lays stamped blocks one behind the other, with the silence that their stamps ask for."""

    def __init__(self, rate: int, origin_s: Fraction | None) -> None:
        """`origin_s`: the stamp that is 0 on the player's clock; None: that of the first block."""
        self.rate, self.origin_s = rate, origin_s
        self.num_samples = 0
        self.first_hole_s = self.lead_s = self.filled_s = 0.0
        self.num_holes = self.num_restarts = 0

    def laid(self, blocks: Iterable[tuple[np.ndarray, Fraction | None]]) -> Iterator[np.ndarray]:
        """The blocks [n, C] and the silence between them, from blocks with the stamps of their first samples in s.

        Raises:
            Refused: ``hole_in_stamps``: silence beyond `MAX_LEAD_S` or, in all, `MAX_SILENCE_S`.
        """
        for block_NC, stamp_s in blocks:
            missing = 0 if stamp_s is None else self._missing(stamp_s)
            if missing:
                yield np.zeros((missing, block_NC.shape[1]), np.float32)
            self.num_samples += missing + len(block_NC)
            yield block_NC

    def _missing(self, stamp_s: Fraction) -> int:
        """Samples of silence before a block, from where the last one ended."""
        if self.origin_s is None:
            self.origin_s = stamp_s
        missing = round((stamp_s - self.origin_s) * self.rate) - self.num_samples
        if (
            missing < -RESTART_S * self.rate
        ):  # another recording behind the first: its clock goes on from here
            self.origin_s, self.num_restarts = (
                stamp_s - Fraction(self.num_samples, self.rate),
                self.num_restarts + 1,
            )
        if missing <= TOLERANCE_S * self.rate:
            return 0
        hole_s, at_s = missing / self.rate, self.num_samples / self.rate
        most_s = MAX_SILENCE_S - self.filled_s if self.num_samples else MAX_LEAD_S
        if hole_s > most_s:
            raise Refused(
                "hole_in_stamps",
                f"stamps go from {at_s:.3f} s to {at_s + hole_s:.3f} s, at most {most_s:.0f} s more are filled with "
                "silence; write the container again (ffmpeg -i IN -af aresample=async=1:first_pts=0 OUT.flac)",
            )
        if self.num_samples == 0:
            self.lead_s = hole_s
        else:
            self.first_hole_s = self.first_hole_s or at_s
            self.num_holes, self.filled_s = self.num_holes + 1, self.filled_s + hole_s
        return missing

    def remarks(self) -> list[str]:
        """What was filled."""
        told = []
        if self.lead_s > TOLD_LEAD_S:
            told.append(remark("starts_late", f"its first stamp is {self.lead_s:.3f} s: silence before it"))
        if self.num_holes:
            told.append(
                remark(
                    "holes_in_stamps",
                    f"{self.num_holes} holes, {self.filled_s:.3f} s of silence, the first at {self.first_hole_s:.3f} s",
                )
            )
        if self.num_restarts:
            told.append(remark("stamps_go_back", f"{self.num_restarts} times; sound follows sound"))
        return told
