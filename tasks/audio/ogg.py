"""Ogg read as sound (`read_ogg`): every link of a chained file, and every page that is there.

libsndfile reads the first link alone, so that each is handed to it by itself and begins where the one before it ended.
What it does not read (FLAC in Ogg, a film's sound, a link with missing pages) is FFmpeg's.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tasks.audio import libsndfile
from tasks.audio.content import end_of_sound
from tasks.audio.limits import AudioParams, check_claim
from tasks.audio.ogg_pages import Link, OggWalk, walk_ogg
from tasks.audio.sound import FRAMES_TOLERANCE_S, Sound, bytes_behind, held_against, remark
from tasks.engine.song import Refused

BY_LIBSNDFILE = ("vorbis", "opus")


def read_ogg(data: bytes, start: int, limits: AudioParams | None) -> Sound:
    """All samples of an Ogg file.

    Raises:
        Refused: ``truncated``, ``not_audio``, or a limit.
    """
    walk = walk_ogg(data, start, end_of_sound(data, start))
    if walk.cut_bytes:
        reached = sum(link.ends_at / link.rate for link in walk.links if link.rate)
        raise Refused(
            "truncated",
            f"{len(data)} bytes, {reached:.2f} s, and the last page lacks {walk.cut_bytes} more; get the whole file",
        )
    sounds: list[Sound] = []
    left = limits
    for link in walk.links:
        link_data = data if len(walk.links) == 1 else data[link.start : link.end]
        sounds.append(_read_link(link_data, link, left))
        if left is not None:
            used_s = sounds[-1].audio_CN.shape[1] / sounds[-1].rate
            left = left.model_copy(update={"max_seconds": left.max_seconds - used_s})
    if len({(sound.rate, len(sound.audio_CN)) for sound in sounds}) > 1:
        raise Refused("not_audio", "rate or channels change between its links; encode it again as one")
    told = [text for sound in sounds for text in sound.remarks] + _remarks(walk)
    return Sound(np.concatenate([sound.audio_CN for sound in sounds], axis=1), sounds[0].rate, tuple(told))


def _read_link(data: bytes, link: Link, limits: AudioParams | None) -> Sound:
    """Samples of one link, by libsndfile where it finds as many as its pages hold."""
    from tasks.audio.ffmpeg import read_container

    if link.rate:
        check_claim(link.rate, 1, link.samples, limits)
    if link.codec in BY_LIBSNDFILE and len(link.numbers) == 1 and not link.holes:
        audio_CN = _by_libsndfile(data, link, limits)
        if audio_CN is not None:
            return Sound(audio_CN, link.rate)
    sound = read_container(data, "ogg", limits)
    told, found = list(sound.remarks), sound.audio_CN.shape[1]
    if found < link.samples:
        told += held_against(link.samples, found, sound.rate, FRAMES_TOLERANCE_S)
    if link.holes:
        told.append(remark("pages_missing", f"at {link.holes} places; what they held is silence"))
    return replace(sound, remarks=tuple(told))


def _by_libsndfile(data: bytes, link: Link, limits: AudioParams | None) -> np.ndarray | None:
    """Samples [C, N]; None where they are not all. It leaves out a page that is damaged, and says nothing."""
    found = libsndfile.tried(data, ("OGG",), limits)
    return found[0] if found and found[1] == link.rate and found[0].shape[1] >= link.samples else None


def _remarks(walk: OggWalk) -> list[str]:
    told = []
    if len(walk.links) > 1:
        told.append(remark("chained", f"{len(walk.links)} files joined to one"))
    if walk.between:
        told.append(remark("bytes_between", f"{walk.between} bytes between pages are no sound"))
    if not walk.links[-1].has_end:
        told.append(remark("no_end_mark", "its last page is not marked as the last: more may have followed"))
    return told + bytes_behind(walk.behind)
