"""Decoded audio of the songs that a worker has at hand: one decode a song for all the stages that it takes it through.

It lies in the memory of one process, is keyed by the hash of the encoded bytes and goes with the process. What is taken
from it is what decoding anew would give, sample for sample, and cannot be written to.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


class AudioCache:
    """Mixes up to a number of bytes; those of the partition that is worked on stay, others make room for them.

    A partition that does not fit is kept in part: with the oldest gone first, none of its songs would be there when the
    next stage comes to it. `decodes` and `reads` count what was decoded and fetched in this process, cached or not.
    """

    def __init__(self, max_bytes: int = 0) -> None:
        self.max_bytes = max_bytes
        self.num_bytes = self.decodes = self.reads = 0
        self._partition: Hashable = None
        self._kept: dict[str, tuple[Hashable, np.ndarray]] = {}  # the oldest first
        self._lock = threading.Lock()

    def work_on(self, partition: Hashable) -> None:
        """What is decoded from now on belongs to this partition."""
        self._partition = partition

    def get(self, content_hash: str) -> np.ndarray | None:
        """The mix decoded from these bytes; None where it is not at hand."""
        with self._lock:
            found = self._kept.pop(content_hash, None)
            if found is None:
                return None
            self._kept[content_hash] = self._partition, found[1]
            return found[1]

    def keep(self, content_hash: str, mix_CN: np.ndarray) -> None:
        """Keep a mix where there is room for it; it cannot be written to from now on."""
        with self._lock:
            if content_hash in self._kept or mix_CN.nbytes > self.max_bytes:
                return
            others = [key for key, (partition, _) in self._kept.items() if partition != self._partition]
            while self.num_bytes + mix_CN.nbytes > self.max_bytes:
                if not others:
                    return
                self.num_bytes -= self._kept.pop(others.pop(0))[1].nbytes
            mix_CN.flags.writeable = False
            self._kept[content_hash] = self._partition, mix_CN
            self.num_bytes += mix_CN.nbytes


CACHE = AudioCache()
"""This process's; it keeps nothing until it is given room."""


def give_room(max_bytes: int) -> None:
    """Let this process keep so many bytes, as a worker that several stages share does."""
    CACHE.max_bytes = max_bytes
