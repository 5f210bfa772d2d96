"""Sketches of songs that are yet to be compared, on the disk: memory holds those of two songs."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from types import TracebackType

import numpy as np


class SketchSpool:
    """int64 arrays by a song's place, in a file under TMPDIR that goes with the context."""

    def __enter__(self) -> SketchSpool:
        self._file = tempfile.TemporaryFile(prefix="jam-")
        self._found: dict[int, list[tuple[int, int] | None]] = {}
        self._end = 0
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def put(self, place: int, sketches: Sequence[np.ndarray | None]) -> None:
        """Keep the sketches of a song, one of each kind; None: it has none of that kind."""
        spans: list[tuple[int, int] | None] = []
        for sketch in sketches:
            if sketch is None:
                spans.append(None)
                continue
            spans.append((self._end, len(sketch)))
            self._end += self._file.write(np.ascontiguousarray(sketch, np.int64).tobytes())
        self._found[place] = spans

    def get(self, place: int) -> tuple[np.ndarray | None, ...]:
        """The sketches of a song as they were put."""
        self._file.flush()
        number = self._file.fileno()
        return tuple(
            None if span is None else np.frombuffer(os.pread(number, 8 * span[1], span[0]), np.int64)
            for span in self._found[place]
        )
