"""What a toy song is on disk: its name, its files (sound, stems, .lrc or .txt, truth), an entry of the manifest, and how each is written.

In ``songs/``: the song, its lyrics (``.json`` jamify words with true times, ``.lrc`` timed lines, ``.txt``
untimed) and its style text. In ``truth/``: ``<name>.json`` and, if asked for, the two stems as FLAC, 16 bits
like the song, so that vocals (in both channels) plus band is the song to the bit (wav, flac). Times in JSON
files are seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jam_model.words import Word
from tasks.toy.sheets import Sheet
from tasks.toy.sound.synthesis import SAMPLE_RATE_HZ
from tasks.toy.to_json import to_json

LYRICS: dict[str, tuple[str, ...]] = {
    "json": ("json",),
    "phones": ("json",),
    "lrc": ("lrc",),
    "txt": ("txt",),
    "none": (),
    "all": ("json", "lrc", "txt"),
}
"""The `lyrics` argument to the endings it writes; the first is the manifest's `lrc_path`. ``phones``: words that hold theirs."""

FORMATS: dict[str, str] = {"wav": "PCM_16", "flac": "PCM_16", "mp3": "MPEG_LAYER_III", "ogg": "VORBIS"}
"""Audio endings and the libsndfile subtype each is written with."""

_FULL_SCALE = 32767
_BLOCK = 65536  # frames; libsndfile's Vorbis encoder keeps a whole block on the stack


def song_files(name: str, audio_format: str, lyrics: str, stems: bool) -> list[str]:
    """Every file of a song, relative to the set's folder."""
    endings = (audio_format, *LYRICS[lyrics], "style.txt")
    files = [f"songs/{name}.{ending}" for ending in endings] + [f"truth/{name}.json"]
    return files + ([f"truth/{name}.vocals.flac", f"truth/{name}.band.flac"] if stems else [])


def manifest_entry(sheet: Sheet, audio_format: str, lyrics: str) -> dict[str, Any]:
    """The song in jamify's input form; paths are relative to the manifest."""
    lyrics_endings = LYRICS[lyrics]
    return {
        "id": sheet.name,
        "audio_path": f"songs/{sheet.name}.{audio_format}",
        "lrc_path": f"songs/{sheet.name}.{lyrics_endings[0]}" if lyrics_endings else None,
        "duration": round(sheet.duration_s, 6),
        "prompt_path": f"songs/{sheet.name}.style.txt",
    }


def write_song(out: Path, sheet: Sheet, audio_format: str, lyrics: str, stems: bool) -> None:
    """Perform the song and write all its files into ``out/songs`` and ``out/truth``."""
    song, name = sheet.perform(), sheet.name
    vocals_N = np.rint(song.vocals_N * _FULL_SCALE).astype(np.int16)
    band_NC = np.rint(song.band_CN.T * _FULL_SCALE).astype(np.int16)
    _write_audio(out / f"songs/{name}.{audio_format}", vocals_N[:, None] + band_NC)
    if stems:
        _write_audio(out / f"truth/{name}.vocals.flac", vocals_N)
        _write_audio(out / f"truth/{name}.band.flac", band_NC)
    texts = {
        "json": to_json(
            [_entry(word, song.phones, lyrics == "phones") for line in song.lines for word in line]
        ),
        "lrc": "".join(_stamp(line[0].start_s) + _text(line) for line in song.lines),
        "txt": "".join(map(_text, song.lines)),
    }
    for ending in LYRICS[lyrics]:
        (out / f"songs/{name}.{ending}").write_text(texts[ending], encoding="utf-8")
    (out / f"songs/{name}.style.txt").write_text(song.style_text + "\n", encoding="utf-8")
    (out / f"truth/{name}.json").write_text(song.truth, encoding="utf-8")


def _entry(word: Word, phones: Mapping[Word, Sequence[Word]], has_phones: bool) -> dict[str, Any]:
    """A word in jamify's form, with its phones in time where they are asked for and true."""
    its = [phone.rounded(6) for phone in phones.get(word, ())] if has_phones else []
    rows = [{"phone": phone.text, "start": phone.start_s, "end": phone.end_s} for phone in its]
    return word.rounded(6).to_json() | ({"phones": rows} if rows else {})


def _write_audio(path: Path, samples: np.ndarray) -> None:
    """Write int16 samples [N] or [N, 2]; the file's ending names the format.

    Lossy encoders get them as floats: libsndfile (to 1.2.2 at least, its pull request 1106) writes int16
    stereo to MP3 half from memory that it never filled.
    """
    import soundfile

    num_channels = 1 if samples.ndim == 1 else samples.shape[1]
    subtype = FORMATS[path.suffix[1:]]
    if subtype != "PCM_16":
        samples = samples.astype(np.float32) / (_FULL_SCALE + 1)
    with soundfile.SoundFile(path, "w", SAMPLE_RATE_HZ, num_channels, subtype=subtype) as file:
        for first in range(0, len(samples), _BLOCK):
            file.write(samples[first : first + _BLOCK])


def _text(line: Sequence[Word]) -> str:
    return " ".join(word.text for word in line) + "\n"


def _stamp(start_s: float) -> str:
    """``[mm:ss.xx]``."""
    minutes, hundredths = divmod(round(start_s * 100), 6000)
    return f"[{minutes:02d}:{hundredths // 100:02d}.{hundredths % 100:02d}]"
