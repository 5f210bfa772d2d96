"""What a command works on: its settings and its work folder, read once and passed on together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from flows.run.progress import say
from flows.settings.params import Params, load_params
from flows.settings.work_folder import WorkFolder
from tasks.engine.columns import Column
from tasks.engine.pipeline import Pipeline
from tasks.engine.stage import Stage
from tasks.engine.table import Source, Table
from tasks.prompts.columns import PROMPTED_COLUMNS
from tasks.storage.lease import hold
from tasks.upkeep.checksums import record_checksums

Result = TypeVar("Result")
More = ParamSpec("More")


@dataclass(frozen=True)
class Project:
    """The settings of a command and the work folder it reads and writes."""

    params: Params
    work: WorkFolder

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
        return cls(load_params(overlay, overrides), WorkFolder.at(work_dir))

    def pipeline(
        self,
        table_folder: Path,
        stages: Sequence[Stage],
        sources: Sequence[Source] | None = None,
        shards: Path | None = None,
        columns: Mapping[str, Column] = PROMPTED_COLUMNS,
        songs_root: str = "",
        references: Mapping[str, Pipeline] | None = None,
    ) -> Pipeline:
        """The stages over the song table in `table_folder`, which takes in `sources` first, where there is a new listing.

        `columns`: what is known of a song before any stage; `songs_root`: where relative paths in them start; `references`: what fits
        compare the table with.
        """
        table = Table(table_folder, columns, songs_root)
        if sources is not None:
            table.admit(sources, self.params.engine.partition_size)
        return Pipeline(table, stages, shards, self.params.engine.pythons(), references)


Writing = Callable[Concatenate[Project, More], Result]


def writes_work(command: str) -> Callable[[Writing[More, Result]], Writing[More, Result]]:
    """A flow (project ...) that holds the work folder while it runs, and records what it wrote at its end."""

    def held(flow: Writing[More, Result]) -> Writing[More, Result]:
        @wraps(flow)
        def run(project: Project, *args: More.args, **more: More.kwargs) -> Result:
            with hold(project.work.root, command, say) as lease:
                try:
                    return flow(project, *args, **more)
                finally:
                    record_checksums(lease)

        return run

    return held
