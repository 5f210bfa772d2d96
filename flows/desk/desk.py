"""What the desk works on (`Desk`): a work folder's index opened with what is wanted (where, sort, offset), its songs, files and sounds, and edits."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.desk.answers import fields_of
from flows.pipelines.stages import prepared_pipeline
from flows.settings.project import Project
from tasks.desk.existing import column_files
from tasks.desk.index import SongIndex
from tasks.desk.mend import mend
from tasks.desk.query import CHOICES, Wanted, count_songs, counts_of, histogram, songs_page
from tasks.desk.song import song_facts
from tasks.desk.sounds import sound_file, sound_names
from tasks.edits.store import Edit
from tasks.quality.limits import FilterParams
from tasks.quality.measures import MEASURES
from tasks.storage.object_store import StorePath
from tasks.upkeep.takedown import VIEWED


@dataclass(frozen=True)
class Desk:
    """A work folder as the desk has it. `stages`: sources first; `large`: columns that are read one at a time."""

    root: Path
    stages: tuple[str, ...]
    large: frozenset[str]
    limits: FilterParams
    receipts: Path
    songs_root: str
    index: SongIndex
    reading: threading.Lock

    @classmethod
    def of(cls, project: Project) -> Desk:
        """The desk of a project.

        Raises:
            ValueError: nothing has been prepared there, or it is not on this machine.
        """
        work = project.work
        if isinstance(work.root, StorePath):
            raise ValueError("work: the desk opens a folder on this machine; copy the work folder here first")
        pipeline = prepared_pipeline(project)
        return cls(
            work.root,
            tuple(pipeline.order),
            frozenset(name for name, column in pipeline.columns.items() if column.large),
            project.params.filter,
            work.receipts / "prepare",
            project.songs_root,
            SongIndex(work.table, pipeline.order, work.root / VIEWED / "index.sqlite"),
            threading.Lock(),
        )

    @property
    def kept_sounds(self) -> Path:
        """Where sounds made to be heard are kept."""
        return self.root / VIEWED / "sounds"

    def songs(self, where: Any, sort: str, descending: bool, offset: int, limit: int) -> dict[str, Any]:
        """A page of the list."""
        wanted, reading = Wanted.from_json(where), self._read_in_background()
        with self.index.open() as rows:
            page = songs_page(rows, wanted, sort, descending, offset, limit)
            found = {"total": count_songs(rows, wanted), "offset": offset, "songs": page, "reading": reading}
            return {**found, "unread": self.index.unread}

    def counts(self, where: Any) -> dict[str, Any]:
        """How many songs have each value of each column to choose from, and the measures there are."""
        wanted = Wanted.from_json(where)
        with self.index.open() as rows:
            counts = {name: counts_of(rows, wanted, name) for name in CHOICES}
        measures = [{"name": one.name, "label": one.label, "unit": one.unit} for one in MEASURES]
        return {"counts": counts, "measures": measures}

    def histogram(self, where: Any, measure: str) -> dict[str, Any]:
        """How a measure is spread."""
        with self.index.open() as rows:
            return histogram(rows, Wanted.from_json(where), measure)

    def song(self, song_id: str) -> dict[str, Any]:
        """Everything of a song.

        Raises:
            KeyError: there is no such song.
        """
        files = self._files(song_id)
        facts = song_facts(self.root, song_id, files, sorted(self.large), self.limits, self.receipts)
        return {**facts, "sounds": sound_names(files, song_id)}

    def sound(self, song_id: str, name: str) -> Path:
        """A FLAC file of the song's mix or of one of its stems.

        Raises:
            KeyError: there is no such song.
        """
        files = self._files(song_id)
        with self.index.open() as rows:
            found = rows.execute("SELECT content_hash FROM songs WHERE song_id = ?", [song_id]).fetchone()
        content_hash = (found[0] if found else None) or ""
        return sound_file(self.kept_sounds, files, song_id, content_hash, self.songs_root, name)

    def edit(self, asked: Any) -> Edit:
        """Write an edit.

        Raises:
            KeyError: there is no such song.
            Conflict: somebody else edited it.
            ValueError: it cannot take this.
        """
        sent = fields_of("edit", asked, {"id": str, "before": str, "kind": str, "value": dict})
        return mend(self.root, self.song(sent["id"]), sent["before"], sent["kind"], sent["value"])

    def _files(self, song_id: str) -> Mapping[str, Path]:
        with self.index.open() as rows:
            found = rows.execute("SELECT partition FROM songs WHERE song_id = ?", [song_id]).fetchone()
        if found is None:
            raise KeyError(song_id)
        return column_files(self.index.table, self.stages, found[0]).get(found[0], {})

    def _read_in_background(self) -> bool:
        """Start to read what changed, unless that is under way; whether it is."""
        if not self.index.is_stale():
            return False
        if self.reading.acquire(blocking=False):
            threading.Thread(target=self._read, name="desk-index", daemon=True).start()
        return True

    def _read(self) -> None:
        try:
            self.index.refresh()
        finally:
            self.reading.release()
