"""Where the head of a container (Matroska, MP4, ASF, ADTS) says it ends: beyond the last byte for a file cut short."""

from __future__ import annotations

from tasks.audio.content import ASF, EBML, Form, begin_of_sound, is_adts

MAX_PARTS = 100_000  # of a file in fragments, looked at to see whether it is whole
BOXES = (
    b"ftyp",
    b"moov",
    b"mdat",
    b"moof",
    b"free",
    b"skip",
    b"wide",
    b"sidx",
    b"styp",
    b"mfra",
    b"uuid",
    b"pnot",
)
SEGMENT, CLUSTER = bytes.fromhex("18538067"), bytes.fromhex("1f43b675")
ELEMENTS = {  # of Matroska, on the levels that are walked: files and their parts, clusters and their blocks
    *(EBML, SEGMENT, CLUSTER, b"\xec", b"\xbf", b"\xa3", b"\xa0", b"\xe7", b"\xa7", b"\xab"),
    *map(bytes.fromhex, ("114d9b74", "1549a966", "1654ae6b", "1c53bb6b", "1941a469", "1043a770", "1254c367")),
}
ASF_DATA = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")


def stated_end(data: bytes, form: Form) -> int:
    """The place behind the last part that is stated, in bytes; 0 where nothing is."""
    if form == "matroska":
        return _end_of_matroska(data)
    if form not in PARTS:
        return 0
    end = begin_of_sound(data) if form == "aac" else 0
    for _ in range(MAX_PARTS):
        size = PARTS[form](data[end : end + 24])
        if not size or end >= len(data):
            break
        end += size
    return end


def _box_bytes(head: bytes) -> int:
    """Size of a box of an m4a file; 0 for one that goes on to the end or is none of those that matter."""
    if len(head) < 8 or head[4:8] not in BOXES:
        return 0
    size = int.from_bytes(head[:4], "big")
    return int.from_bytes(head[8:16], "big") if size == 1 else size


def _adts_bytes(head: bytes) -> int:
    """Size of a frame of raw AAC; 0 behind the last one."""
    if len(head) < 7 or not is_adts(head):
        return 0
    return (head[3] & 0x03) << 11 | head[4] << 3 | head[5] >> 5


def _object_bytes(head: bytes) -> int:
    """Size of one of the first two objects of a WMA file, which hold all sound; 0 behind them."""
    if len(head) < 24 or head[:16] not in (ASF, ASF_DATA):
        return 0
    return int.from_bytes(head[16:24], "little")


def _end_of_matroska(data: bytes) -> int:
    """Behind its outermost elements; where they have no size (a live recording), behind those inside them."""
    at = 0
    for _ in range(MAX_PARTS):
        head = data[at : at + 12]
        if len(head) < 12 or not head[0]:
            break
        name_bytes = 9 - head[0].bit_length()
        name = head[:name_bytes]
        if name not in ELEMENTS or not head[name_bytes]:
            break
        size_bytes = 9 - head[name_bytes].bit_length()
        unknown = (1 << 7 * size_bytes) - 1
        size = int.from_bytes(head[name_bytes : name_bytes + size_bytes], "big") & unknown
        is_open = size == unknown
        if is_open and name not in (SEGMENT, CLUSTER):
            break
        at += name_bytes + size_bytes + (0 if is_open else size)
    return at


PARTS = {"mov": _box_bytes, "aac": _adts_bytes, "asf": _object_bytes}
