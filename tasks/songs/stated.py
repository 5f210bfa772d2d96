"""What a song's files state beside its words, read once more for what `ingest` left in them: phones, parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tasks.engine.song import Song, SongError
from tasks.songs.files import bytes_of, song_file

Stated = TypeVar("Stated")


def stated_in(
    song: Song, beside: str, read: Callable[[bytes], tuple[Stated, ...]], max_bytes: int
) -> tuple[Stated, ...]:
    """What `read` finds in the lyrics, else in the file beside them that the column `beside` names; empty where neither says.

    Raises:
        SongError: ``source_gone``, ``unreadable`` or ``lyrics_too_long``: a file that was listed.
    """
    text = song["lyrics_text"]
    if text is not None and (stated := read(text.encode())):
        return stated
    for column in ("lyrics_path", beside):
        path = song.columns.get(column)
        if path is not None and (stated := read(_read(song, path, max_bytes))):
            return stated
    return ()


def _read(song: Song, relative: str, max_bytes: int) -> bytes:
    try:
        data = bytes_of(song_file(song.root, relative), max_bytes)
    except (FileNotFoundError, ValueError) as error:
        raise SongError(song.song_id, "source_gone", relative) from error
    except OSError as error:
        raise SongError(song.song_id, "unreadable", f"{relative}: {error.strerror}") from error
    if len(data) > max_bytes:
        raise SongError(song.song_id, "lyrics_too_long", f"{relative} has more than {max_bytes} bytes")
    return data
