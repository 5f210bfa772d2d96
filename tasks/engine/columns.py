"""What is said of a column: its Arrow type, what it means, and whether its values are large.

Each is declared where it is written: a stage's in its `writes`, what is known before any stage runs by whoever lists
the songs.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class Column:
    """Type and meaning of a column. `heavy` ones are bytes of a known format, one song a row group, so that
    memory is bounded by a few songs, not by a partition.
    """

    type: pa.DataType
    meaning: str
    large: bool = False
