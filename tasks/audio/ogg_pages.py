"""The pages of an Ogg file walked: its links (files joined to one), packets and streams (Vorbis, Opus, FLAC) of each, and where each is said to end.

A page states its length, its stream, its number and the position it ends at, so that a file can be measured without
decoding it. Sources: RFC 3533; RFC 7845 for Opus.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tasks.engine.song import Refused

HEAD_BYTES = 27
FIRST, LAST = 2, 4  # flags
NO_POSITION = (1 << 64) - 1
MAX_PAGES = 2_000_000  # of 27 bytes at least; a song has some thousand
OPUS_RATE_HZ = 48_000
RECORDED_S = 10.0  # a first page that ends later is none of a file from its beginning


@dataclass
class Link:
    """Pages from a first one to the next file's, of one stream or several side by side.

    `codec`: ``vorbis``, ``opus``, ``flac`` or the first bytes of another; `rate`: 0 for that one. `skipped`: samples to
    skip at the beginning. `begins_at` and `ends_at`: the granule positions of the first and the last page with sound, in
    samples at `rate`. `holes`: places where pages are missing by their numbers.
    """

    start: int
    end: int
    codec: str
    rate: int
    skipped: int = 0
    begins_at: int = 0
    ends_at: int = 0
    holes: int = 0
    has_end: bool = False
    has_begun: bool = False
    numbers: dict[int, int] = field(default_factory=dict)

    @property
    def samples(self) -> int:
        """Samples a channel that its pages hold, 0 where they do not say. A recorded radio begins at any position: those
        of its first page are not counted.
        """
        if not self.rate or len(self.numbers) > 1:
            return 0
        is_recorded = self.begins_at > RECORDED_S * self.rate
        return max(0, self.ends_at - (self.begins_at if is_recorded else self.skipped))

    def take(self, data: bytes, at: int, size: int) -> None:
        """Counts the page that begins at `at`."""
        position, serial, number = (_number(data, at + a, at + b) for a, b in ((6, 14), (14, 18), (18, 22)))
        self.end = at + size
        self.has_begun |= not data[at + 5] & FIRST
        self.has_end |= bool(data[at + 5] & LAST)
        self.holes += serial in self.numbers and number != self.numbers[serial] + 1
        self.numbers[serial] = number
        if position not in (0, NO_POSITION):
            self.begins_at = self.begins_at or position
            self.ends_at = max(self.ends_at, position)


@dataclass
class OggWalk:
    """The links of a file. `between`, `behind`: bytes that are no page; `cut_bytes`: what the last page lacks."""

    links: list[Link] = field(default_factory=list)
    between: int = 0
    behind: int = 0
    cut_bytes: int = 0


def walk_ogg(data: bytes, start: int, end: int) -> OggWalk:
    """All pages.

    Raises:
        Refused: ``not_audio``: more pages than a song can have, or none that begins a stream.
    """
    walk, at, pages = OggWalk(), start, 0
    while at < end:
        size = _page_bytes(data, at)
        if size == 0:
            following = data.find(b"OggS", at + 1, end)
            if following < 0:
                walk.behind = end - at
                break
            walk.between, at = walk.between + following - at, following
            continue
        if at + size > end:
            walk.cut_bytes = at + size - end
            break
        if data[at + 5] & FIRST and (not walk.links or walk.links[-1].has_begun):
            walk.links.append(_link(data, at))
        if walk.links:
            walk.links[-1].take(data, at, size)
        at, pages = at + size, pages + 1
        if pages > MAX_PAGES:
            raise Refused("not_audio", f"over {MAX_PAGES} pages in an Ogg file; encode it again")
    if not walk.links:
        raise Refused("not_audio", "an Ogg file without the first page of a stream")
    return walk


def _page_bytes(data: bytes, at: int) -> int:
    """The length of the page that begins here; 0 where none does. One whose head is cut is longer than what is there."""
    if data[at : at + 4] != b"OggS":
        return 0
    if len(data) < at + HEAD_BYTES:
        return HEAD_BYTES
    count = data[at + 26]
    return HEAD_BYTES + count + sum(data[at + HEAD_BYTES : at + HEAD_BYTES + count])


def _link(data: bytes, at: int) -> Link:
    """A link by the first packet of its first stream."""
    begin = at + HEAD_BYTES + data[at + 26]
    packet = data[begin : begin + 32]
    if packet.startswith(b"OpusHead"):
        return Link(at, at, "opus", OPUS_RATE_HZ, _number(packet, 10, 12))
    if packet.startswith(b"\x01vorbis"):
        return Link(at, at, "vorbis", _number(packet, 12, 16))
    if packet.startswith(b"\x7fFLAC"):
        return Link(at, at, "flac", int.from_bytes(packet[27:30], "big") >> 4)
    return Link(at, at, packet[:8].decode("latin-1"), 0)


def _number(data: bytes, begin: int, end: int) -> int:
    return int.from_bytes(data[begin:end], "little")
