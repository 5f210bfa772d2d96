"""A folder of songs: which audio files it holds, and which lyrics and style files belong to each."""

from __future__ import annotations

import os
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

AUDIO_ENDINGS = (".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".webm")
LYRICS_ENDINGS = (".json", ".lrc", ".txt")
"""In order of precedence."""
STYLE_ENDING = ".style.txt"
MANIFEST_FACTS = ("artist", "license", "source")
Refused = dict[str, str]
"""What is not a song: `path`, `reason`, and `detail` where a word is not enough."""


@dataclass(frozen=True)
class Entry:
    """An audio file with the files and facts that belong to it, not yet opened."""

    audio: Path
    title: str
    lyrics: Path | None
    style: Path | None
    facts: dict[str, str | None] = field(default_factory=lambda: dict.fromkeys(MANIFEST_FACTS))
    claimed_duration_s: float | None = None


def entries_of_folder(root: Path) -> tuple[list[Entry], list[Refused]]:
    """All audio files under `root` in path order, and what else lies there. Links to folders are not followed."""
    refused: list[Refused] = []
    entries: list[Entry] = []

    def unreadable(error: OSError) -> None:
        refused.append(refusal_row(Path(error.filename), root, "unreadable"))

    for folder, directories, names in os.walk(root, onerror=unreadable):
        directories.sort()
        for name in directories:
            if os.path.islink(os.path.join(folder, name)):
                refused.append(refusal_row(Path(folder, name), root, "link_to_directory"))
            elif name.lower().endswith(AUDIO_ENDINGS):
                refused.append(refusal_row(Path(folder, name), root, "directory"))
        found, left_over = entries_of_names(Path(folder), sorted(names))
        entries += found
        refused += [refusal_row(path, root, reason) for path, reason in left_over]
    return sorted(entries, key=lambda entry: entry.audio.as_posix()), refused


def entries_of_names(folder: Path, names: list[str]) -> tuple[list[Entry], list[tuple[Path, str]]]:
    """Matches the files of one folder by stem, compared after Unicode normalisation (NFC)."""
    audio: list[str] = []
    sides: dict[tuple[str, str], str] = {}  # (stem, ending) -> name
    left_over: list[tuple[Path, str]] = []
    for name in names:
        lower = name.lower()
        if name.startswith("."):
            left_over.append((folder / name, "hidden"))
        elif lower.endswith(AUDIO_ENDINGS):
            audio.append(name)
        elif ending := next((e for e in (STYLE_ENDING, *LYRICS_ENDINGS) if lower.endswith(e)), None):
            key = (_key(name[: -len(ending)]), ending)
            if key in sides:
                left_over.append((folder / name, "name_clash"))
            sides.setdefault(key, name)
        else:
            left_over.append((folder / name, "unsupported_ending"))
    stems = {_key(Path(name).stem) for name in audio}
    for (stem, ending), name in sides.items():
        if stem not in stems:
            kind = "style" if ending == STYLE_ENDING else "lyrics"
            left_over.append((folder / name, f"{kind}_without_audio"))

    def side(stem: str, *endings: str) -> Path | None:
        return next((folder / sides[stem, e] for e in endings if (stem, e) in sides), None)

    entries = []
    for name in audio:
        stem = Path(name).stem
        lyrics, style = side(_key(stem), *LYRICS_ENDINGS), side(_key(stem), STYLE_ENDING)
        entries.append(Entry(folder / name, stem, lyrics, style))
    return entries, left_over


def refusal_row(path: Path, root: Path, reason: str) -> Refused:
    """A line of the refused list; a name that is no UTF-8 is shown with escapes."""
    shown = os.path.relpath(path, root).encode("utf-8", "backslashreplace").decode()
    return {"path": shown, "reason": reason}


def _key(stem: str) -> str:
    return unicodedata.normalize("NFC", stem)
