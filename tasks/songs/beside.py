"""Which files beside an audio file belong to it (lyrics, stems, accompaniment), by the names and endings that people and their tools give them.

Lyrics and styles carry the audio's own stem, or that with a mark behind it (``song_lyrics.txt``, ``song.mp3.lrc``,
``song.en.srt``, ``song_prompt.txt``). A karaoke library holds a song's vocals and its accompaniment as files of their own
(``song [VOC].mp3``, ``song [INSTR].mp3``): these are stems of a song, not songs.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from tasks.lyrics.read import LYRICS_ENDINGS

AUDIO_ENDINGS = (
    *(
        ".wav",
        ".wave",
        ".w64",
        ".aif",
        ".aiff",
        ".aifc",
        ".caf",
        ".flac",
        ".mp3",
        ".mp2",
        ".ogg",
        ".oga",
        ".opus",
    ),
    *(".m4a", ".m4b", ".mp4", ".mov", ".aac", ".mka", ".mkv", ".webm", ".wma"),
)
"""Which files are looked at. What is in them is seen from their bytes."""
STYLE_ENDING = ".style.txt"
STYLE_ENDINGS = (STYLE_ENDING, "_style.txt", "_prompt.txt", ".prompt.txt", "_caption.txt", ".caption.txt")
LYRICS_MARK = re.compile(
    r"(?:[ ._-]+lyrics?|\.[a-z]{2,3}(?:[-_][a-zA-Z]{2,4})?|\.synced|\.words|\.sections)$", re.IGNORECASE
)
STEM_MARK = re.compile(
    r"[ ._-]*[\[(](?:voc|vocals?|instr|instrumental|karaoke|acc|accompaniment|no[ _]vocals?|drums|bass|other)[\])]$"
    r"|[ ._-](?:vocals|instrumental|accompaniment|no_vocals)$",
    re.IGNORECASE,
)


def key_of(stem: str) -> str:
    """What names are compared by: NFC."""
    return unicodedata.normalize("NFC", stem)


def kind_of(name: str) -> tuple[str, str] | None:
    """Whether a file's name is that of a ``style`` or of ``lyrics``, and its ending; None: of neither."""
    lower = name.lower()
    for kind, endings in (("style", STYLE_ENDINGS), ("lyrics", LYRICS_ENDINGS)):
        if ending := next((ending for ending in endings if lower.endswith(ending)), None):
            return kind, ending
    return None


def songs_named(name: str, ending: str) -> Iterator[str]:
    """The stems of audio files that a side file may belong to, the likeliest first."""
    stem = name[: -len(ending)]
    yield stem
    if marked := LYRICS_MARK.search(stem):
        yield stem[: marked.start()]
    for audio_ending in AUDIO_ENDINGS:
        if stem.lower().endswith(audio_ending):
            yield stem[: -len(audio_ending)]


def stems_among(audio: Iterable[Path]) -> set[Path]:
    """Those of one folder's audio files that are stems of another one in it."""
    files = list(audio)
    names = {key_of(path.stem) for path in files}
    return {
        path
        for path in files
        if (mark := STEM_MARK.search(path.stem)) and key_of(path.stem[: mark.start()]) in names
    }
