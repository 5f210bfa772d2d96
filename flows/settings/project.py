"""What a command works on (`Project`): its settings (overlay, overrides) and its work folder (`WorkFolder`: where tables, shards, runs and reports lie), held while written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from flows.run.progress import say
from flows.settings.last_runs import (
    FOLDER,
    in_one_line,
    keep_settings,
    kept_layers,
    kept_songs_path,
    unlike_defaults,
)
from flows.settings.params import Params, load_params
from flows.settings.params_files import given_layers, laid
from tasks.edits.store import EDITS
from tasks.engine.columns import Column
from tasks.engine.pipeline import Pipeline
from tasks.engine.sources import Edits
from tasks.engine.stage import Stage
from tasks.engine.table import Source, Table
from tasks.prompts.prompts import PROMPTED_COLUMNS
from tasks.songs.listing import SongsParams
from tasks.storage.object_store import place_of
from tasks.upkeep.checksums import recording

Result = TypeVar("Result")
More = ParamSpec("More")


@dataclass(frozen=True)
class Project:
    """The settings of a command and the work folder it reads and writes; `given`: those that the command was given."""

    params: Params
    work: WorkFolder
    given: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def at(
        cls,
        work_dir: str | Path,
        params_file: str | Path | None = None,
        overrides: Sequence[str] = (),
    ) -> Project:
        """A work folder (or its URL) with params.yaml, `params_file` laid over it, then each ``section.key=value``.

        Raises:
            ValueError: a file or a value is wrong, or the URL names no store.
        """
        overlay = Path(params_file) if params_file else None
        given = laid(given_layers(overlay, overrides))
        return cls(load_params(overlay, overrides), WorkFolder.at(work_dir), given)

    @classmethod
    def as_run(
        cls, work_dir: str | Path, params_file: str | Path | None = None, overrides: Sequence[str] = ()
    ) -> Project:
        """A work folder with the settings of its last runs, which are told where they are not the defaults, and over them
        what is given; for what looks, never for what runs.

        Raises:
            ValueError: settings that are kept there do not fit this code, or as `at`.
        """
        work, overlay = WorkFolder.at(work_dir), Path(params_file) if params_file else None
        load_params(overlay, overrides)  # what is given is wrong by itself, or what is kept there is
        try:
            kept = kept_layers(work.root)
            params = load_params(overlay, overrides, kept)
        except ValueError as error:
            other = "" if overlay or overrides else "give --params or --set, or "
            raise ValueError(
                f"{error}; a run of other code kept it: {other}remove {work.root / FOLDER} for the defaults"
            ) from None
        if told := in_one_line(unlike_defaults(kept)):
            say(f"settings of the last run: {told}")
        return cls(params, work, laid(given_layers(overlay, overrides)))

    @property
    def songs_root(self) -> str:
        """Where relative paths of the prepared songs start: at the songs that the command is given, else where they lay
        when `prepare` last took them in.
        """
        if (self.given.get("songs") or {}).get("path") is None and (path := kept_songs_path(self.work.root)):
            return SongsParams(path=path).root
        return self.params.songs.root

    def keep_settings(self, flow: str) -> None:
        """Say in the work folder that `flow` runs with these settings, for what looks at it later; call it when they are
        known to be good.
        """
        keep_settings(self.work.root, flow, self.given)

    def pipeline(
        self,
        table_folder: Path,
        stages: Sequence[Stage],
        sources: Sequence[Source] | None = None,
        shards: Path | None = None,
        columns: Mapping[str, Column] = PROMPTED_COLUMNS,
        songs_root: str = "",
        references: Mapping[str, Pipeline] | None = None,
        edits: Edits | None = None,
    ) -> Pipeline:
        """The stages over the song table in `table_folder`, which takes in `sources` first, where there is a new listing.

        `columns`: what is known of a song before any stage; `songs_root`: where relative paths in them start; `references`: what fits
        compare the table with; `edits`: what people say by hand.
        """
        table = Table(table_folder, columns, songs_root)
        if sources is not None:
            table.admit(sources, self.params.engine.partition_size)
        return Pipeline(table, stages, shards, self.params.engine.pythons(), references, edits)


Writing = Callable[Concatenate[Project, More], Result]


def writes_work(command: str) -> Callable[[Writing[More, Result]], Writing[More, Result]]:
    """A flow (project ...) that holds the work folder while it runs, and records what it wrote at its end."""

    def held(flow: Writing[More, Result]) -> Writing[More, Result]:
        @wraps(flow)
        def run(project: Project, *args: More.args, **more: More.kwargs) -> Result:
            with recording(project.work.root, command, say):
                return flow(project, *args, **more)

        return run

    return held


@dataclass(frozen=True)
class WorkFolder:
    """``--work W``: the table, shards, checkpoints, rounds and reports of one data set."""

    root: Path

    @classmethod
    def at(cls, work: str | Path) -> WorkFolder:
        """A folder, or a URL such as ``s3://bucket/prefix``."""
        return cls(place_of(work))

    @property
    def table(self) -> Path:
        """The song table: ``table/<stage>/part-*.parquet``."""
        return self.root / "table"

    @property
    def guarded(self) -> Path:
        """The table of a given benchmark's songs, which must not be trained on."""
        return self.table / "group" / "guarded"

    @property
    def shards(self) -> Path:
        """WebDataset shards with their index and id list."""
        return self.root / "shards"

    @property
    def receipts(self) -> Path:
        """Times, memory and details of every partition that ran."""
        return self.root / "receipts"

    @property
    def hashes(self) -> Path:
        """Hashes of the songs' files as they were listed last."""
        return self.receipts / "hashes.parquet"

    @property
    def listing(self) -> Path:
        """A table of the songs' files while workers hash them; gone when their hashes are kept."""
        return self.root / "listing"

    @property
    def refused(self) -> Path:
        """JSON lines of what ingest did not take as a song, with the reason."""
        return self.root / "ingest.jsonl"

    @property
    def edits(self) -> Path:
        """What people changed by hand: a folder a song, which no run writes."""
        return self.root / EDITS

    @property
    def likeness(self) -> Path:
        """How unlike toy songs the songs are that were heard before `prepare` ran."""
        return self.root / "likeness.json"

    def checkpoint(self, name: str) -> Path:
        """A training run: ``pretrain``, ``sft`` ..."""
        return self.root / "checkpoints" / name

    @property
    def rounds(self) -> Path:
        """Every DPO round, and which one was kept."""
        return self.root / "rounds"

    def round(self, number: int) -> Path:
        """One DPO round: its candidates' table, its pairs, its training runs and its gate; 0 has a gate alone."""
        return self.rounds / str(number)

    @property
    def benchmark(self) -> Path:
        """The table of every system's songs."""
        return self.root / "benchmark"

    def report(self, name: str) -> Path:
        """``reports/<name>/report.json`` and ``report.html``."""
        return self.root / "reports" / name
