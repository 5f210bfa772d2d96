"""What a toy song is on disk: its name, its files, and how each is written.

In ``songs/``: the song, its lyrics (``.json`` jamify words with true times, ``.lrc`` timed lines, ``.txt``
untimed) and its style text. In ``truth/``: ``<name>.json`` and, if asked for, the two stems as FLAC, 16 bits
like the song, so that vocals (in both channels) plus band is the song to the bit (wav, flac). Times in JSON
files are seconds.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jam_model.words import Word
from tasks.toy.composition import BEATS_PER_BAR, GENRES, SAMPLE_RATE_HZ, Score
from tasks.toy.performance import perform

LYRICS: dict[str, tuple[str, ...]] = {
    "json": ("json",),
    "lrc": ("lrc",),
    "txt": ("txt",),
    "none": (),
    "all": ("json", "lrc", "txt"),
}
"""The `lyrics` argument to the endings it writes; the first is the manifest's `lrc_path`."""

FORMATS: dict[str, str] = {"wav": "PCM_16", "flac": "PCM_16", "mp3": "MPEG_LAYER_III", "ogg": "VORBIS"}
"""Audio endings and the libsndfile subtype each is written with."""

_FULL_SCALE = 32767
_BLOCK = 65536  # frames; libsndfile's Vorbis encoder keeps a whole block on the stack


def song_name(index: int, score: Score) -> str:
    """``pop-0007-golden-river``."""
    return f"{score.genre}-{index:04d}-{'-'.join(score.title)}"


def song_files(name: str, audio_format: str, lyrics: str, stems: bool) -> list[str]:
    """Every file of a song, relative to the set's folder."""
    endings = (audio_format, *LYRICS[lyrics], "style.txt")
    files = [f"songs/{name}.{ending}" for ending in endings] + [f"truth/{name}.json"]
    return files + ([f"truth/{name}.vocals.flac", f"truth/{name}.band.flac"] if stems else [])


def manifest_entry(name: str, score: Score, audio_format: str, lyrics: str) -> dict[str, Any]:
    """The song in jamify's input form; paths are relative to the manifest."""
    lyrics_endings = LYRICS[lyrics]
    return {
        "id": name,
        "audio_path": f"songs/{name}.{audio_format}",
        "lrc_path": f"songs/{name}.{lyrics_endings[0]}" if lyrics_endings else None,
        "duration": round(score.duration_s, 6),
        "prompt_path": f"songs/{name}.style.txt",
    }


def write_song(out: Path, name: str, score: Score, audio_format: str, lyrics: str, stems: bool) -> None:
    """Perform the score and write all its files into ``out/songs`` and ``out/truth``."""
    performance = perform(score)
    vocals_N = np.rint(performance.vocals_N * _FULL_SCALE).astype(np.int16)
    band_NC = np.rint(performance.band_CN.T * _FULL_SCALE).astype(np.int16)
    _write_audio(out / f"songs/{name}.{audio_format}", vocals_N[:, None] + band_NC)
    if stems:
        _write_audio(out / f"truth/{name}.vocals.flac", vocals_N)
        _write_audio(out / f"truth/{name}.band.flac", band_NC)
    words = [word.rounded(6).to_json() for word in performance.words]
    texts = {
        "json": to_json(words),
        "lrc": _lrc(score, performance.words),
        "txt": "".join(f"{line}\n" for line in score.text_lines),
    }
    for ending in LYRICS[lyrics]:
        (out / f"songs/{name}.{ending}").write_text(texts[ending], encoding="utf-8")
    (out / f"songs/{name}.style.txt").write_text(score.style_text + "\n", encoding="utf-8")
    phones = [
        {"phoneme": ipa, "start": round(start_s, 6), "end": round(end_s, 6), "word": word}
        for ipa, start_s, end_s, word in performance.phones
    ]
    truth = _truth(name, score) | {"words": words, "phonemes": phones}
    (out / f"truth/{name}.json").write_text(to_json(truth), encoding="utf-8")


def to_json(value: Any) -> str:
    """JSON as every file here has it."""
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


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


def _lrc(score: Score, words: Sequence[Word]) -> str:
    """``[mm:ss.xx]line``, a line of the song each, timed by its first word."""
    rows = []
    for (first, _), text in zip(score.lines, score.text_lines, strict=True):
        minutes, hundredths = divmod(round(words[first].start_s * 100), 6000)
        rows.append(f"[{minutes:02d}:{hundredths // 100:02d}.{hundredths % 100:02d}]{text}\n")
    return "".join(rows)


def _truth(name: str, score: Score) -> dict[str, Any]:
    """What the score alone knows."""
    return {
        "name": name,
        "seed": score.seed,
        "genre": score.genre,
        "mono_band": GENRES[score.genre].mono_band,
        "voice": score.voice,
        "style": score.style_text,
        "bpm": round(score.bpm, 6),
        "duration": round(score.duration_s, 6),
        "vocals_over_band_db": round(score.vocals_over_band_db, 6),
        "lines": list(score.text_lines),
        "notes": [
            {
                "word": note.word,
                "start": round(note.start_s, 6),
                "end": round(note.start_s + note.duration_s, 6),
                "midi": note.midi,
            }
            for note in score.notes
        ],
        "chords": [
            {"chord": chord.name, "start": round(chord.start_s, 6), "end": round(chord.end_s, 6)}
            for chord in score.chords
        ],
        "beats": [
            {"time": round(beat_s, 6), "position": beat % BEATS_PER_BAR + 1}
            for beat, beat_s in enumerate(score.beats_s)
        ],
    }
