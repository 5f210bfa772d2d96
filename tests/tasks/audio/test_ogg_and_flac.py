"""Ogg and FLAC files that are chained, joined, cut, or do not state how long they are."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from tasks.audio.ogg_pages import walk_ogg
from tasks.audio.read import read_bytes
from tasks.engine.song import Refused
from tests.every import every
from tests.tasks.audio.forms import (
    RATE_HZ,
    SECONDS,
    flac_of_unknown_length,
    late_s,
    muxed,
    plain,
    song,
)
from tests.tasks.audio.test_mpeg import words
from tests.tasks.audio.test_read import reason

NUM_SAMPLES = round(SECONDS * RATE_HZ)


def page_starts(ogg: bytes) -> list[int]:
    return [at for at in range(len(ogg)) if ogg.startswith(b"OggS", at)]


@every("kind", ["OGG", "FLAC", "WAV"])
def test_a_whole_file_is_what_libsndfile_reads_of_it_to_the_bit(kind: str) -> None:
    data = plain(kind)
    expected_NC, _ = soundfile.read(io.BytesIO(data), dtype="float32")
    assert np.array_equal(read_bytes(data)[0], expected_NC.T) and words(data) == []


@every(
    ("link", "rate"),
    [
        (plain("OGG", "VORBIS"), RATE_HZ),
        (muxed("ogg", "libopus", 48_000), 48_000),
        (muxed("ogg", "flac"), RATE_HZ),
    ],
)
def test_every_link_of_a_chain_is_read_and_begins_where_the_one_before_ended(link: bytes, rate: int) -> None:
    alone_CN, _ = read_bytes(link)
    chained_CN, _ = read_bytes(link + link + link)
    assert np.array_equal(chained_CN, np.concatenate([alone_CN] * 3, axis=1))
    assert late_s(chained_CN[:, 2 * alone_CN.shape[1] :], rate) == 0
    assert words(link + link) == ["chained"]


def test_links_of_two_rates_are_refused_by_name() -> None:
    with pytest.raises(Refused, match="change between its links"):
        read_bytes(plain("OGG", "VORBIS") + plain("OGG", "VORBIS", 22_050))


def test_a_chain_is_as_long_as_its_links_together() -> None:
    assert reason(plain("OGG", "VORBIS") * 4) == "too_long"


@every("ogg", [plain("OGG", "VORBIS"), muxed("ogg", "libopus", 48_000), plain("OGG", "VORBIS") * 2])
@every("share", [0.45, 0.6, 0.95])
def test_a_file_that_ends_inside_a_page_is_truncated(ogg: bytes, share: float) -> None:
    assert reason(ogg[: int(len(ogg) * share)]) == "truncated"


def test_a_file_that_ends_before_its_last_page_is_told() -> None:
    ogg = muxed("ogg", "flac")
    cut = ogg[: page_starts(ogg)[-1]]
    assert read_bytes(cut)[0].shape[1] < NUM_SAMPLES and words(cut) == ["no_end_mark"]


def test_what_missing_pages_held_is_silence_and_told() -> None:
    ogg = muxed("ogg", "libopus", 48_000, audio_CN=np.tile(song(48_000), 3))
    starts = page_starts(ogg)
    holed = ogg[: starts[3]] + ogg[starts[4] :]
    assert walk_ogg(holed, 0, len(holed)).links[0].holes == 1
    whole_CN, holed_CN = read_bytes(ogg)[0], read_bytes(holed)[0]
    assert abs(holed_CN.shape[1] - whole_CN.shape[1]) <= 48
    assert np.abs(holed_CN[:, -20_000:] - whole_CN[:, -20_000:]).max() < 0.05, "what follows keeps its place"
    assert set(words(holed)) == {"holes_in_stamps", "pages_missing"}


@every("ogg", [plain("OGG", "VORBIS"), muxed("ogg", "libopus", 48_000), muxed("ogg", "flac")])
def test_a_damaged_page_is_never_left_out_in_silence(ogg: bytes) -> None:
    for at in range(len(ogg) // 3, len(ogg), len(ogg) // 9):
        damaged = ogg[:at] + bytes([ogg[at] ^ 0x10]) + ogg[at + 1 :]
        try:
            told = words(damaged)
        except Refused as refusal:
            assert refusal.reason in ("truncated", "not_audio")
        else:
            assert told


@every("behind", [b"no sound" * 99, b"TAG" + bytes(125)])
def test_bytes_behind_the_last_page_or_frame_are_a_tag_or_told(behind: bytes) -> None:
    told = [] if behind.startswith(b"TAG") else ["bytes_behind"]
    for whole in (plain("OGG", "VORBIS"), plain("FLAC")):
        assert words(whole + behind) == told
        assert read_bytes(whole + behind)[0].shape[1] == NUM_SAMPLES


def test_a_flac_length_that_is_not_stated_is_counted() -> None:
    data = flac_of_unknown_length()
    assert np.array_equal(read_bytes(data)[0], read_bytes(plain("FLAC"))[0])
    assert words(data) == ["length_unstated"]


@every("share", [0.3, 0.6, 0.97])
def test_half_a_flac_of_unknown_length_is_truncated(share: float) -> None:
    data = flac_of_unknown_length()
    with pytest.raises(Refused, match=r"truncated: the last frame is cut: .* of .* samples"):
        read_bytes(data[: int(len(data) * share)])


@every(("stated", "outcome"), [(30_000, "samples_unstated"), (NUM_SAMPLES + 99, "samples_missing")])
def test_a_flac_length_that_is_wrong_is_told(stated: int, outcome: str) -> None:
    data = bytearray(plain("FLAC"))
    data[22:26] = stated.to_bytes(4, "big")
    assert read_bytes(bytes(data))[0].shape[1] == NUM_SAMPLES and words(bytes(data)) == [outcome]


def test_a_flac_that_states_far_more_is_truncated_with_both_lengths() -> None:
    data = bytearray(plain("FLAC"))
    data[22:26] = (200_000).to_bytes(4, "big")
    with pytest.raises(Refused, match="truncated: 66150 of 200000 samples"):
        read_bytes(bytes(data))


def test_joined_flac_files_are_read_to_the_end() -> None:
    joined_CN, _ = read_bytes(plain("FLAC") * 2)
    assert joined_CN.shape[1] == 2 * NUM_SAMPLES and words(plain("FLAC") * 2) == ["joined"]


@every("kind", ["FLAC", "WAV"])
def test_an_id3_tag_before_other_kinds_than_mp3_moves_nothing(kind: str) -> None:
    tag = b"ID3\x03\0\0\0\0\x02\x01" + bytes(257)
    assert np.array_equal(read_bytes(tag + plain(kind))[0], read_bytes(plain(kind))[0])
