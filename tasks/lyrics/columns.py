"""Types of the columns that hold what a lyrics file states beside its words."""

from __future__ import annotations

import pyarrow as pa

NOTE = pa.struct(
    [("word", pa.int32()), ("start_s", pa.float64()), ("end_s", pa.float64()), ("pitch", pa.int16())]
)
"""A row of `tasks.lyrics.lyrics.Note`."""
LABEL = pa.struct([("before", pa.int32()), ("text", pa.string())])
"""A row of `tasks.lyrics.lyrics.Label`."""
REMARK = pa.struct([("kind", pa.string()), ("count", pa.int32()), ("examples", pa.list_(pa.string()))])
"""What was left out, mended or not believed: remarks of one kind."""
