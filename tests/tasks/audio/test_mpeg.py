"""MP3 files with headers that are wrong, missing or many, and with bytes around and among their frames."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from tasks.audio.content import begin_of_sound, form_of
from tasks.audio.read import read_audio, read_bytes
from tasks.engine.song import Refused
from tests.every import every
from tests.tasks.audio.forms import (
    RATE_HZ,
    SECONDS,
    id3,
    late_s,
    muxed,
    plain,
    song,
    vbr,
    with_frames,
    without_header,
)
from tests.tasks.audio.test_read import LIMITS, reason

FRAME = 1152


def words(data: bytes) -> list[str]:
    return [told.partition(":")[0] for told in read_audio(io.BytesIO(data), LIMITS)[1].remarks]


@pytest.mark.parametrize("kind", [plain("MP3"), vbr(), muxed("mp3", "libmp3lame", 48_000)])
def test_a_whole_file_is_what_libsndfile_reads_of_it_to_the_bit(kind: bytes) -> None:
    mix_CN, rate = read_bytes(kind)
    expected_NC, expected_rate = soundfile.read(io.BytesIO(kind), dtype="float32")
    assert rate == expected_rate and np.array_equal(mix_CN, expected_NC.T)
    assert words(kind) == []


def test_frames_beyond_the_stated_ones_are_read_and_told() -> None:
    for stated in (0, 20):
        data = with_frames(vbr(), stated)
        mix_CN, _ = read_bytes(data)
        assert mix_CN.shape[1] >= SECONDS * RATE_HZ and late_s(mix_CN) == 0
        assert words(data) == ["samples_unstated"]


def test_frames_that_are_stated_and_not_there_are_told_or_truncated_with_both_lengths() -> None:
    whole = with_frames(vbr(), 300)
    with pytest.raises(
        Refused, match=r"truncated: \d+ of 345600 samples could be decoded \(1\.\d+ of 7\.84 s\)"
    ):
        read_bytes(whole)
    num_frames = (len(read_bytes(without_header(vbr()))[0][0])) // FRAME
    assert words(with_frames(vbr(), num_frames + 2)) == ["samples_missing"]


def test_joined_files_are_read_to_the_end() -> None:
    joined_CN, _ = read_bytes(vbr() + id3(200) + vbr())
    assert joined_CN.shape[1] >= 2 * SECONDS * RATE_HZ
    second_CN = joined_CN[:, round(SECONDS * RATE_HZ) :]
    header_and_delay_s = (FRAME + 1105) / RATE_HZ  # what players on FFmpeg's libraries do not skip there
    assert late_s(joined_CN[:, : round(SECONDS * RATE_HZ)]) == 0
    assert header_and_delay_s <= late_s(second_CN) < header_and_delay_s + 0.03
    assert words(vbr() + vbr()) == ["joined"]


def test_joined_files_of_two_rates_are_refused_by_name() -> None:
    with pytest.raises(Refused, match="the rate changes inside the file"):
        read_bytes(vbr() + muxed("mp3", "libmp3lame", 48_000))


@every(
    ("before", "behind", "told"),
    [
        (b"", b"TAG" + bytes(125), []),
        (b"", b"APETAGEX" + bytes(4) + (32).to_bytes(4, "little") + bytes(16), []),
        (b"", b"x" * 20 + b"000020LYRICS200" + b"TAG" + bytes(125), []),
        (id3(90_000) + id3(10), b"", []),
        (bytes(3000), b"", ["bytes_between"]),
        (b"", np.random.default_rng(0).bytes(5000), ["bytes_behind"]),
        (b"", bytes(4096), ["bytes_behind"]),
    ],
)
def test_bytes_around_the_frames_are_tags_or_told_and_move_nothing(
    before: bytes, behind: bytes, told: list[str]
) -> None:
    mix_CN, _ = read_bytes(before + vbr() + behind)
    assert mix_CN.shape[1] == SECONDS * RATE_HZ and late_s(mix_CN) == 0
    assert words(before + vbr() + behind) == told


def test_bytes_among_the_frames_are_skipped_and_told() -> None:
    whole = plain("MP3")
    mix_CN, _ = read_bytes(whole[:6270] + bytes(3000) + whole[6270:])
    assert abs(mix_CN.shape[1] - SECONDS * RATE_HZ) <= 2 * FRAME
    assert words(whole[:6270] + bytes(3000) + whole[6270:]) == ["bytes_between"]


def test_a_cut_last_frame_without_a_stated_length_is_told() -> None:
    data = without_header(vbr())[:-100]
    assert words(data) == ["last_frame_cut"]
    assert read_bytes(data)[0].shape[1] % FRAME == 0


def test_a_lying_header_cannot_fill_the_memory() -> None:
    assert reason(without_header(vbr()) * 5) == "too_long"
    assert reason(vbr() * 5) == "too_long"


def test_noise_and_text_are_no_mpeg_though_syncs_lie_in_them() -> None:
    noise = np.random.default_rng(1).bytes(200_000)
    for data in (noise, b"\xff" * 200_000, b"\xff\xfb" * 100_000, b"\xff\xfb\x90\x64" + bytes(5000)):
        assert form_of(data, begin_of_sound(data)) is None
        assert reason(data) == "not_audio"


def test_more_than_songs_have_between_frames_is_refused_and_not_searched_for_ever() -> None:
    large = LIMITS.model_copy(update={"max_bytes": 20_000_000})
    assert reason(vbr() + b"\xff" * 5_000_000, large) == "not_audio"


def test_layer_two_is_read_to_its_end() -> None:
    data = muxed("mp2", "mp2")
    mix_CN, _ = read_bytes(data)
    assert mix_CN.shape[1] >= SECONDS * RATE_HZ and np.abs(song()).max() - np.abs(mix_CN).max() < 0.1
