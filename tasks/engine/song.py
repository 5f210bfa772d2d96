"""The thing every stage takes and gives: a song with the columns it was given, or its reason (`Refused`, `SongError`) why it goes no further."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any


class Refused(ValueError):
    """What was given cannot be taken, for `reason`, a word as of `SongError`; `detail` says it in words."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else self.reason


class SongError(Exception):
    """This song cannot go on, for `reason`. The only exception a runner turns into a drop.

    `reason` is a short snake_case word that counts well in a table (``no_transcript``); `detail` is
    for the log and the receipt, never for the table.
    """

    def __init__(self, song_id: str, reason: str, detail: str = "") -> None:
        super().__init__(song_id, reason, detail)
        self.song_id = song_id
        self.reason = reason
        self.detail = detail

    @classmethod
    def of(cls, song_id: str, error: ValueError) -> SongError:
        """The song cannot go on because of something that was refused; ``unreadable`` where nobody foresaw it."""
        if isinstance(error, Refused):
            return cls(song_id, error.reason, error.detail)
        return cls(song_id, "unreadable", str(error))

    def __str__(self) -> str:
        return f"{self.song_id}: {self.reason}" + (f" ({self.detail})" if self.detail else "")


@dataclass(frozen=True, slots=True)
class Song:
    """A row of the song table: an id and the columns a stage asked for (`Stage.reads`).

    `opened`: what `Stage.open` gave, where the runner called it ahead. `fitted`: what the stage's fit says of
    this song; None: nothing. `edited`: what a person says to this stage of the song; None: nothing. None of them is a
    column: they are never written.
    `root`: where relative paths in its columns start. `content_hash`: of its audio file, as it was listed; empty where
    nothing was.
    """

    song_id: str
    columns: Mapping[str, Any] = field(default_factory=dict)
    opened: Any = field(default=None, compare=False, repr=False)
    root: str = field(default="", compare=False, repr=False)
    fitted: Any = field(default=None, compare=False, repr=False)
    edited: Any = field(default=None, compare=False, repr=False)
    content_hash: str = field(default="", compare=False, repr=False)

    def __getitem__(self, column: str) -> Any:
        return self.columns[column]

    def with_columns(self, **written: Any) -> Song:
        """A new song with these columns written (or overwritten); this one is not touched."""
        return replace(self, columns={**self.columns, **written}, opened=None)

    def with_opened(self, opened: Any) -> Song:
        """The same song with what a stage opened of it."""
        return replace(self, opened=opened)
