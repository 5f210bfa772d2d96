"""Containers whose stamps begin late, leave holes or go back: the sound keeps its place on the player's clock."""

from __future__ import annotations

import io
from fractions import Fraction

import av
import numpy as np
import pytest

from tasks.audio.read import read_audio, read_bytes
from tasks.audio.stamps import Clock
from tasks.engine.song import Refused
from tests.every import every
from tests.tasks.audio.forms import RATE_HZ, late_s, muxed, song
from tests.tasks.audio.test_mpeg import words
from tests.tasks.audio.test_read import LIMITS, reason

KINDS = [
    ("matroska", "aac", RATE_HZ),
    ("matroska", "pcm_s16le", RATE_HZ),
    ("webm", "libopus", 48_000),
    ("mp4", "alac", RATE_HZ),
    ("mp4", "aac", RATE_HZ),
]


@every(("muxer", "codec", "rate"), KINDS)
def test_a_late_first_stamp_is_silence(muxer: str, codec: str, rate: int) -> None:
    data = muxed(muxer, codec, rate, starts_s=0.5)
    mix_CN, _ = read_audio(io.BytesIO(data), LIMITS)
    assert late_s(mix_CN) == pytest.approx(0.5, abs=0.001)
    assert np.abs(mix_CN[:, :15_000]).max() < 1e-3 and words(data) == ["starts_late"]


@pytest.mark.parametrize(("muxer", "codec", "rate"), KINDS[:3])
def test_a_hole_in_the_stamps_is_silence_and_what_follows_keeps_its_place(
    muxer: str, codec: str, rate: int
) -> None:
    data = muxed(muxer, codec, rate, hole=(0.7, 0.4))
    holed_CN, whole_CN = read_bytes(data)[0], read_bytes(muxed(muxer, codec, rate))[0]
    moved = round(0.4 * rate)
    assert holed_CN.shape[1] == pytest.approx(whole_CN.shape[1] + moved, abs=rate / 1000)
    behind_CN = np.concatenate(
        [np.zeros((2, round(0.8 * rate)), np.float32), whole_CN[:, round(0.8 * rate) :]], axis=1
    )
    heard_CN = holed_CN.copy()
    heard_CN[:, : round(1.2 * rate)] = 0
    match = np.fft.irfft(np.fft.rfft(heard_CN[0], 1 << 18) * np.conj(np.fft.rfft(behind_CN[0], 1 << 18)))
    assert int(match.argmax()) == pytest.approx(moved, abs=rate / 1000)
    assert words(data) == ["holes_in_stamps"]


def laid(
    *blocks: tuple[int, float | None], origin_s: Fraction | None = Fraction(0)
) -> tuple[list[int], list[str]]:
    """Lengths of what a clock of 1000 Hz gives for blocks of (samples, stamp in s), and its remarks."""
    clock = Clock(1000, origin_s)
    given = (
        (np.ones((n, 1), np.float32), None if s is None else Fraction(s).limit_denominator(1000))
        for n, s in blocks
    )
    lengths = [len(block_NC) if block_NC.any() else -len(block_NC) for block_NC in clock.laid(given)]
    return lengths, [told.partition(":")[0] for told in clock.remarks()]


def test_jitter_moves_nothing_and_never_adds_up() -> None:
    assert laid((100, 0.003), (100, 0.109), (100, 0.194), (100, 0.307)) == ([100] * 4, [])
    slow = [(100, 0.104 * number) for number in range(10)]
    lengths, _ = laid(*slow)
    assert abs(sum(map(abs, lengths)) - 1036) <= 10


def test_stamps_that_go_back_lose_no_sound_and_later_holes_count_from_there() -> None:
    assert laid((1000, 0.0), (1000, 0.0), (100, 1.5)) == (
        [1000, 1000, -500, 100],
        ["holes_in_stamps", "stamps_go_back"],
    )
    assert laid((1000, 0.0), (100, 0.9)) == ([1000, 100], [])


def test_blocks_without_stamps_follow_one_another_and_a_clock_may_begin_anywhere() -> None:
    assert laid((100, None), (100, None)) == ([100, 100], [])
    assert laid((100, 3600.0), (100, 3600.3), origin_s=None) == ([100, -200, 100], ["holes_in_stamps"])


@pytest.mark.parametrize("stamps", [(61.0,), (0.0, 602.0)])
def test_silence_beyond_reason_is_refused_and_never_made(stamps: tuple[float, ...]) -> None:
    with pytest.raises(Refused, match="hole_in_stamps"):
        laid(*((100, stamp) for stamp in stamps))


def test_silence_counts_to_the_length_of_a_song() -> None:
    assert reason(muxed("matroska", "aac", hole=(0.7, 30.0))) == "too_long"
    assert song().shape[1] < LIMITS.max_seconds * RATE_HZ


@pytest.mark.parametrize(("muxer", "codec"), [("mp4", "aac"), ("matroska", "aac")])
def test_a_damaged_packet_costs_its_own_sound_and_moves_nothing(muxer: str, codec: str) -> None:
    whole = muxed(muxer, codec)
    with av.open(io.BytesIO(whole)) as container:
        packet = [packet for packet in container.demux(audio=0) if packet.size][20]
        assert packet.pos is not None
    damaged = bytearray(whole)
    damaged[packet.pos + 20 : packet.pos + packet.size - 20] = b"\xff" * (packet.size - 40)
    mix_CN, _ = read_bytes(bytes(damaged))
    assert late_s(mix_CN) == pytest.approx(0, abs=0.001)
    assert mix_CN.shape[1] == pytest.approx(read_bytes(whole)[0].shape[1], abs=50)
    assert words(bytes(damaged)) == ["holes_in_stamps", "frames_damaged"]
