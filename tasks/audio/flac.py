"""FLAC read as sound (`read_flac`): all frames that are in the file, whatever STREAMINFO says of their number.

Encoders that write to a pipe leave the number of samples 0, which libsndfile takes for 2^63. Only a file whose frames
are as many as it states is libsndfile's to decode; any other is FFmpeg's.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tasks.audio import libsndfile
from tasks.audio.content import end_of_sound
from tasks.audio.flac_frames import FlacWalk, is_frame, stream_info, walk_flac
from tasks.audio.limits import AudioParams, check_claim, gathered
from tasks.audio.sound import EXACT_TOLERANCE_S, Sound, held_against, remark
from tasks.engine.song import Refused


def read_flac(data: bytes, start: int, limits: AudioParams | None) -> Sound:
    """All samples of a FLAC file.

    Raises:
        Refused: ``truncated``, ``not_audio``, or a limit.
    """
    end = end_of_sound(data, start)
    info = stream_info(data, start)
    if info is None:
        raise Refused("not_audio", "a FLAC file without its STREAMINFO")
    check_claim(info.rate, info.channels, info.samples, limits)
    walk = walk_flac(data, start, end)
    check_claim(info.rate, info.channels, walk.samples, limits)
    told = []
    if walk.parts > 1:
        told.append(remark("joined", f"{walk.parts} files joined to one"))
    if not info.samples:
        told.append(remark("length_unstated", f"{walk.samples} samples, counted by their frames"))
    elif walk.parts <= 1:
        told += held_against(info.samples, walk.samples, info.rate, EXACT_TOLERANCE_S)
    if told:
        audio_CN = _by_ffmpeg(data[start:end], walk, limits)
    else:
        audio_CN, _, _ = libsndfile.decoded(data, ("FLAC",), limits)
        told += held_against(info.samples, audio_CN.shape[1], info.rate, EXACT_TOLERANCE_S)
    if not is_frame(data[walk.last : end]):
        told.append(remark("bytes_behind", f"bytes that are no sound are among the last {end - walk.last}"))
    return Sound(audio_CN, info.rate, tuple(told))


def _by_ffmpeg(data: bytes, walk: FlacWalk, limits: AudioParams | None) -> np.ndarray:
    from tasks.audio.ffmpeg import Packets

    num_samples = 0

    def counted() -> Iterator[np.ndarray]:
        nonlocal num_samples
        for block_NC, _ in packets.blocks():
            num_samples += len(block_NC)
            yield block_NC

    with Packets(data, "flac") as packets:
        try:
            return gathered(counted(), packets.rate, packets.channels, limits)
        except Refused as refusal:
            if refusal.reason == "not_audio" and num_samples + walk.last_samples >= walk.samples:
                raise Refused(
                    "truncated",
                    f"the last frame is cut: {num_samples} of {walk.samples} samples could be decoded, and the file "
                    "does not state whether more should follow; get the whole file",
                ) from None
            raise
