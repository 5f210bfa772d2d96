"""The chunks of a RIFF (WAV) or FORM (AIFF) file, head, body and size, as writers really leave them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Order = Literal["little", "big"]
HEAD_BYTES = 8
MAX_CHUNKS = 10_000


@dataclass(frozen=True)
class Chunk:
    """A chunk's name, where its body begins, and the size it states."""

    name: bytes
    begin: int
    size: int


def chunks_of(data: bytes, at: int, end: int, order: Order) -> Iterator[Chunk]:
    """The chunks from `at` on, up to bytes that are none. A body of odd size is padded, but not by everyone."""
    for _ in range(MAX_CHUNKS):
        if not _is_head(data, at, end):
            return
        chunk = Chunk(
            data[at : at + 4], at + HEAD_BYTES, int.from_bytes(data[at + 4 : at + HEAD_BYTES], order)
        )
        yield chunk
        at = chunk.begin + chunk.size
        if chunk.size & 1 and (_is_head(data, at + 1, end) or not _is_head(data, at, end)):
            at += 1


def end_of_chunks(data: bytes, at: int, end: int, order: Order) -> int:
    """Where the chunks from `at` on end: `at` where none begins; one that goes on behind `end` is none."""
    for chunk in chunks_of(data, at, end, order):
        if chunk.begin + chunk.size > end:
            break
        at = min(end, chunk.begin + chunk.size + (chunk.size & 1))
    return at


def chunk_bytes(name: bytes, body: bytes, order: Order) -> bytes:
    """A chunk as it should be."""
    return name + len(body).to_bytes(4, order) + body + b"\0" * (len(body) & 1)


def _is_head(data: bytes, at: int, end: int) -> bool:
    """Whether a chunk can begin here: four printable letters and a size."""
    return at + HEAD_BYTES <= end and all(0x20 <= byte < 0x7F for byte in data[at : at + 4])
