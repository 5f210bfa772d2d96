"""What a file is by its bytes (`form_of`), never by its name: its form, and where the sound lies between the tags around it (ID3, APE)."""

from __future__ import annotations

from typing import Literal

from tasks.audio.mpeg_frames import first_frame

Form = Literal["riff", "aiff", "flac", "ogg", "mpeg", "aac", "mov", "matroska", "asf", "caf", "w64"]
"""The last six are also the names of FFmpeg's demuxers."""

ATOMS = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"styp")
EBML = b"\x1a\x45\xdf\xa3"
ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
W64 = b"riff" + bytes.fromhex("2e91cf11a5d628db04c10000")
ID3V1_BYTES, ID3V1_MORE_BYTES, APE_BYTES, LYRICS3_BYTES = 128, 227, 32, 15


def form_of(data: bytes, start: int) -> Form | None:
    """The form of the sound at `start` (see `begin_of_sound`), or None for what is no audio that is read."""
    head = data[start : start + 16]
    if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return "riff"
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "aiff"
    if head[:4] in (b"fLaC", b"OggS"):
        return "flac" if head[:4] == b"fLaC" else "ogg"
    if head[:4] == b"caff" or head == W64:
        return "caf" if head[:4] == b"caff" else "w64"
    if head[4:8] in ATOMS:
        return "mov"
    if head[:4] == EBML:
        return "matroska"
    if head == ASF:
        return "asf"
    if is_adts(head):
        return "aac"
    return "mpeg" if first_frame(data, start, end_of_sound(data, start)) is not None else None


def is_adts(head: bytes) -> bool:
    """Whether a frame of raw AAC begins here; MP3 has the same first bits but another layer than 00."""
    return len(head) >= 2 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0


def begin_of_sound(data: bytes) -> int:
    """Where the file begins behind its ID3v2 tags, which stand before MP3, at times before AAC, FLAC and WAV."""
    start = 0
    while size := id3v2_bytes(data, start):
        start += size
    return start


def id3v2_bytes(data: bytes, at: int) -> int:
    """The length of the ID3v2 tag that begins here, 0 where none does."""
    head = data[at : at + 10]
    if len(head) < 10 or head[:3] != b"ID3" or head[3] > 9 or max(head[6:]) > 0x7F:
        return 0
    size = sum(byte << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True))
    return 10 + size + (10 if head[5] & 0x10 else 0)  # version 2.4 may have a footer


def end_of_sound(data: bytes, start: int) -> int:
    """Where the file ends before the tags behind it: ID3v1 and its extension, APE and Lyrics3."""
    end = len(data)
    while (before := _before_tag(data, end)) < end and before >= start:
        end = before
    return end


def _before_tag(data: bytes, end: int) -> int:
    if data[max(0, end - ID3V1_BYTES) : end].startswith(b"TAG") and end >= ID3V1_BYTES:
        return end - ID3V1_BYTES
    if data[max(0, end - ID3V1_MORE_BYTES) : end].startswith(b"TAG+"):
        return end - ID3V1_MORE_BYTES
    foot = data[max(0, end - APE_BYTES) : end]
    if foot.startswith(b"APETAGEX"):
        size, flags = (int.from_bytes(foot[at : at + 4], "little") for at in (12, 20))
        return end - max(size, APE_BYTES) - (APE_BYTES if flags >> 31 else 0)
    foot = data[max(0, end - LYRICS3_BYTES) : end]
    if foot.endswith(b"LYRICS200") and foot[:6].isdigit():
        return end - LYRICS3_BYTES - int(foot[:6])
    return end
