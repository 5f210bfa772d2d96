"""WAV files as writers leave them: the data chunk is what counts."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from tasks.audio.read import read_bytes
from tasks.engine.song import Refused
from tests.every import every
from tests.tasks.audio.forms import RATE_HZ, SECONDS, chunk, muxed, pcm, plain, wav, wav64
from tests.tasks.audio.test_mpeg import words
from tests.tasks.audio.test_read import reason

NUM_SAMPLES = round(SECONDS * RATE_HZ)
NUM_BYTES = 4 * NUM_SAMPLES
ODD_LIST = b"LIST" + struct.pack("<I", 9) + b"INFOa title"[:9]


@every(
    ("data", "told"),
    [
        (wav(riff=NUM_BYTES + 36 + 8), ["size_misstated"]),
        (wav(riff=0), []),
        (wav(riff=NUM_BYTES // 2), []),
        *(
            (wav(size=size), ["length_unstated"])
            for size in (0, 0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
        ),
        (wav(size=NUM_BYTES + 44), ["samples_missing"]),
        (wav64(b"RF64"), []),
        (wav64(b"BW64"), []),
        (wav(before=chunk(b"LIST", b"INFOISFT\x04\0\0\0Lavf")), []),
        (wav(before=ODD_LIST + b"\0"), []),
        (wav(before=ODD_LIST), []),
        (wav(before=chunk(b"bext", bytes(602)) + chunk(b"junk", bytes(4000))), []),
        (wav(behind=chunk(b"id3 ", b"ID3\x04" + bytes(40))), []),
        (wav(behind=b"TAG" + bytes(125)), []),
        (wav(behind=b"\x00\x01" * 300), ["bytes_behind"]),
        (wav(extensible=True), []),
    ],
)
def test_every_sample_of_the_data_chunk_is_read(data: bytes, told: list[str]) -> None:
    assert np.array_equal(read_bytes(data)[0], read_bytes(wav())[0])
    assert words(data) == told


def test_a_big_endian_file_is_read() -> None:
    form = struct.pack(">HHIIHH", 1, 2, RATE_HZ, 4 * RATE_HZ, 4, 16)
    sound = np.frombuffer(pcm(), "<i2").astype(">i2").tobytes()
    body = b"WAVEfmt " + struct.pack(">I", 16) + form + b"data" + struct.pack(">I", len(sound)) + sound
    assert np.array_equal(read_bytes(b"RIFX" + struct.pack(">I", len(body)) + body)[0], read_bytes(wav())[0])


def test_a_data_chunk_cut_short_is_truncated_with_both_lengths() -> None:
    with pytest.raises(Refused, match=r"truncated: 33075 of 66150 samples .*\(0\.75 of 1\.50 s\)"):
        read_bytes(wav()[: 44 + NUM_BYTES // 2])
    assert reason(wav64(b"BW64")[: NUM_BYTES // 2]) == "truncated"
    assert reason(plain("WAV", "MS_ADPCM")[:20_000]) == "truncated"
    assert reason(muxed("aiff", "pcm_s16le")[: NUM_BYTES // 2]) == "truncated"


@every(
    "data",
    [
        b"RIFF\x10\0\0\0WAVE",
        wav()[:36],
        b"RIFF\x24\0\0\0WAVEfmt \x02\0\0\0\x01\0data\x04\0\0\0abcd",
        b"FORM\0\0\0\x04AIFF",
    ],
)
def test_a_file_without_its_chunks_is_no_audio(data: bytes) -> None:
    assert reason(data) == "not_audio"


def test_a_claim_of_hours_and_a_rate_of_zero_are_refused() -> None:
    assert reason(wav64(b"RF64").replace(struct.pack("<Q", NUM_BYTES), struct.pack("<Q", 1 << 50), 1)) in (
        "truncated",
        "too_long",
    )
    assert reason(wav()[:24] + bytes(4) + wav()[28:]) == "bad_rate"
