"""Songs of the study of long form: generated whole, cut short and outpainted window by window, then cut into windows to be heard."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from flows.pipelines.stages import generate_stage
from flows.run.prefect_tasks import run_stages
from flows.settings.project import Project
from jam_model.checkpoint import load_config
from jam_model.frames import SAMPLE_RATE_HZ, frames_of_seconds
from tasks.audio.mix import mix_of
from tasks.audio.read import array_of, flac_bytes
from tasks.benchmark.report_inputs import Mixes
from tasks.engine.fingerprint import fingerprint
from tasks.engine.pipeline import Pipeline
from tasks.engine.song import SongError
from tasks.engine.table import Source
from tasks.prompts.kept_seconds import painting_of
from tasks.prompts.prompts import Prompt, policy_system, system_sources
from tasks.storage.files import write_bytes
from tasks.studies.long_form import (
    CUT,
    PAINTED,
    PAINTING,
    TRUE,
    WHOLE,
    cut_short,
    edges_of,
    num_places,
    pieces,
)
from tasks.studies.study import Run, Study, sources_of

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
        return [self._window(source, hashes) for source in sources_of(study, self.runs)]

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
                        _kept(
                            more,
                            less.duration_s or 0.0,
                            array_of(latents[f"{kind}-{run.name}", more.song_id]),
                        )
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
                kind, _, run = row["system"].partition("-")
                if not row["drop_reason"]:
                    yield from self._write(
                        row["parent"], kind, run, mixes(row["song_id"]), edges[row["parent"]]
                    )
        for one in self.prompts:
            try:
                mix_CN = mix_of(one.song_id, {"path": one.audio_path, "bytes": None}, self.songs_root)
            except SongError:
                continue
            for run in self.runs:
                yield from self._write(one.song_id, TRUE, run.name, mix_CN, edges[one.song_id])

    def _write(
        self, song_id: str, kind: str, run: str, mix_CN: np.ndarray, edges_s: Sequence[float]
    ) -> Iterator[tuple[str, str]]:
        for place, piece_CN in enumerate(pieces(mix_CN, edges_s, SAMPLE_RATE_HZ)):
            if piece_CN.shape[1]:
                name, data = f"{song_id}-{kind}-{place}-{run}.flac", flac_bytes(piece_CN, SAMPLE_RATE_HZ)
                write_bytes(self.windows_root / name, data)
                yield name, hashlib.sha256(data).hexdigest()

    def _window(self, source: Source, hashes: dict[str, str]) -> Source:
        name = f"{source.song_id}.flac"
        path = name if name in hashes else f"not-made/{name}"
        facts = {**source.facts, "parent_audio": {"path": path, "bytes": None}}
        return replace(source, identity=fingerprint([source.identity, hashes.get(name)]), facts=facts)


def _kept(prompt: Prompt, kept_s: float, latents_TC: np.ndarray) -> Prompt:
    """The prompt that keeps a song's first seconds."""
    painting = painting_of(((0.0, kept_s),), latents_TC, frames_of_seconds(prompt.duration_s or 0.0))
    return replace(prompt, controls={**prompt.controls, PAINTING: painting})
