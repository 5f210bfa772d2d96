"""The runs of the study of long form: songs generated whole, cut short and outpainted (painted) window by window, then cut into windows to be heard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.pipelines.stages import generate_stage
from flows.run.prefect_tasks import run_stages
from flows.settings.project import Project
from jam_model.checkpoint import load_config
from jam_model.controls.known import PAINTING
from tasks.audio.mix import mix_of
from tasks.benchmark.report_inputs import Mixes
from tasks.engine.pipeline import Pipeline
from tasks.engine.song import SongError
from tasks.engine.table import Source
from tasks.prompts.prompts import Prompt, policy_system, system_sources
from tasks.studies.long_form import (
    CUT,
    PAINTED,
    TRUE,
    WHOLE,
    cut_short,
    edges_of,
    num_places,
)
from tasks.studies.study import Run, Study, sources_of
from tasks.studies.windows import outpainted, window_source, write_windows

RECEIPTS = "study-long-form-songs"


def paints(runs: Sequence[Run]) -> bool:
    """Whether every model can keep some seconds of a song and make the rest."""
    return all(PAINTING in load_config(run.checkpoint).controls for run in runs)


@dataclass(frozen=True)
class LongForm:
    """The study's songs: `prompts` whole, `folder` for their tables and windows, the root of the songs themselves."""

    project: Project
    prompts: Sequence[Prompt]
    runs: Sequence[Run]
    folder: Path
    songs_root: str
    paints: bool

    @property
    def _window_s(self) -> float:
        return self.project.params.study.window_s

    @property
    def _places(self) -> int:
        return num_places(self.prompts, self._window_s)

    @property
    def windows_root(self) -> Path:
        """Where the windows' files lie."""
        return self.folder / "windows"

    def windows(self, study: Study) -> list[Source]:
        """Generates all songs and cuts them; the rows of the windows. The window of a song that could not be made has no file, and is
        counted as failed.
        """
        asked: dict[str, Sequence[Prompt]] = {WHOLE: self.prompts, CUT: self._cut(1)}
        tables = [self._table("songs", {run.name: asked for run in self.runs})]
        if self.paints:
            tables.append(self._outpainted(tables[0]))
        hashes = dict(self._cut_all(tables))
        return [window_source(source, hashes) for source in sources_of(study, self.runs)]

    def _cut(self, windows: int) -> list[Prompt]:
        return cut_short(self.prompts, self._window_s, windows)

    def _table(self, name: str, asked: Mapping[str, Mapping[str, Sequence[Prompt]]]) -> Pipeline:
        """Generates songs: of each run by its name, by the names of their kinds."""
        project, sampler = self.project, self.project.params.sampler
        sources = [
            source
            for run in self.runs
            for kind, prompts in asked[run.name].items()
            for source in system_sources(
                [policy_system(f"{kind}-{run.name}", kind, run.weights, sampler, prompts)], run.seed
            )
        ]
        checkpoints = {run.weights: run.checkpoint for run in self.runs}
        pipeline = project.pipeline(
            self.folder / name / "table",
            [generate_stage(project, checkpoints)],
            sources,
            songs_root=self.songs_root,
        )
        run_stages([pipeline], project.params.engine, project.work.receipts / RECEIPTS / name)
        return pipeline

    def _outpainted(self, songs: Pipeline) -> Pipeline:
        """The songs whose last window was made while all before it were kept, one window after the other."""
        before, kind = songs, CUT
        for windows in range(2, self._places + 1):
            latents = {
                (row["system"], row["parent"]): row["generated_latent"]
                for row in before.listed_rows(["system", "parent", "generated_latent"])
                if not row["drop_reason"]
            }
            asked = {
                run.name: {
                    PAINTED: [
                        outpainted(more, less.duration_s or 0.0, latents[f"{kind}-{run.name}", more.song_id])
                        for more, less in zip(self._cut(windows), self._cut(windows - 1), strict=True)
                        if (f"{kind}-{run.name}", more.song_id) in latents
                    ]
                }
                for run in self.runs
            }
            before, kind = self._table(f"painted-{windows}", asked), PAINTED
        return before

    def _cut_all(self, tables: Sequence[Pipeline]) -> Iterator[tuple[str, str]]:
        """Writes every window; its file's name and the hash of its bytes."""
        edges = {one.song_id: edges_of(one, self._window_s, self._places) for one in self.prompts}
        for table in tables:
            mixes = Mixes([table])
            for row in table.listed_rows(["system", "parent"]):
                if not row["drop_reason"]:
                    song_id, mix_CN = row["parent"], mixes(row["song_id"])
                    yield from write_windows(
                        self.windows_root, song_id, row["system"], mix_CN, edges[song_id]
                    )
        for one in self.prompts:
            try:
                mix_CN = mix_of(one.song_id, {"path": one.audio_path, "bytes": None}, self.songs_root)
            except SongError:
                continue
            for run in self.runs:
                system = f"{TRUE}-{run.name}"
                yield from write_windows(self.windows_root, one.song_id, system, mix_CN, edges[one.song_id])
