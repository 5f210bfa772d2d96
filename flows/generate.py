"""generate: requests (lyrics or jamify's manifest) become prompts with styles of parts, then songs written into jamify's output folder; what stood and was dropped is told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from eval.results.plural import counted
from flows.pipelines.checkpoints import checkpoint_at
from flows.pipelines.control_makers import hearing_of, makers_of
from flows.pipelines.flow_models import check_models
from flows.pipelines.stages import generate_stage
from flows.run.lazy_flow import flow
from flows.run.prefect_tasks import run_stages
from flows.run.progress import say
from flows.settings.project import Project
from jam_model.checkpoint import load_config, weights_hash
from jam_model.training_facts import read_facts
from tasks.engine.pipeline import Pipeline
from tasks.engine.sources import Partition
from tasks.engine.table import GONE, Table
from tasks.lyrics.part_labels import has_part_texts
from tasks.models.style_encoder import build_style_encoder
from tasks.prompts.asked_controls import check_asked
from tasks.prompts.control_prompts import FIELDS, controls_of
from tasks.prompts.jamify_manifest import RefusedRow, Requests, SongRequest, read_requests, style_of
from tasks.prompts.output_folder import SONG_COLUMNS, WrittenSongs, write_config, write_songs
from tasks.prompts.prompt_words import PromptWords, words_of
from tasks.prompts.prompts import PROMPTED_COLUMNS, Prompt, candidate_sources, policy_system
from tasks.prompts.song_pages import write_pages
from tasks.storage.object_store import place_of
from tasks.times.part_texts import part_texts, styles_of_parts


class NothingGenerated(RuntimeError):
    """Every row that was asked for was refused or dropped."""


class AskedPipeline(Pipeline):
    """The stages over the songs of the last listing alone. What the table has of others, and of these as they were asked for before,
    stays as it is: asked for again, it stands.
    """

    @cached_property
    def partitions(self) -> dict[int, Partition]:
        """Partitions with a song of the last listing, by number."""
        return {
            part.number: part
            for part in self.table.partitions()
            if any(source.facts.get("refused") != GONE for source in part.sources)
        }

    def superseded(self, stage: str, existing: set[str] | None = None) -> list[Path]:
        """None."""
        return []


def run_generate(project: Project, manifest: Path, checkpoint: Path, candidates: int) -> WrittenSongs:
    """Generate every row `candidates` times; what stands already is neither generated nor written again.

    The project's work folder is jamify's output folder. A row that cannot be sung stands in the metadata with its reason.

    Raises:
        ValueError: no row can be sung, or the manifest or the checkpoint is not what it must be.
        NothingGenerated: no song was written and none stood.
    """
    params, work = project.params, project.work
    check_models(project, "generate")
    weights, config = weights_hash(checkpoint), load_config(checkpoint)
    stage = generate_stage(project, {weights: checkpoint})
    requests = read_requests(manifest, params.audio, params.ingest, params.prompt, config.max_frames)
    asked = words_of(
        requests,
        params.models.phonemizer,
        params.rough_times,
        config.own_symbols,
        params.phonemize.max_unknown_share,
        config.filler,
    )
    prompts = prompts_of(project, requests, asked, read_facts(checkpoint).part_styles)
    if not prompts:
        raise ValueError(
            f"manifest: no row of {manifest} can be sung: {'; '.join(map(str, requests.refused))}"
        )
    check_asked({name for prompt in prompts for name in prompt.controls}, checkpoint)
    system = policy_system("generate", "generate", weights, params.sampler, prompts)
    sources = candidate_sources(prompts, system, 0, candidates, params.round.seed)
    Table(work.table, PROMPTED_COLUMNS).admit(sources, partition_size=1)
    pipeline = AskedPipeline(Table(work.table, PROMPTED_COLUMNS), [stage], None, params.engine.pythons())
    run_stages([pipeline], params.engine, work.receipts)
    songs = pipeline.listed_rows(SONG_COLUMNS)
    done = write_songs(work.root, params.output, songs, config.max_frames, asked, requests.refused)
    sections = {
        "sampler": params.sampler,
        "codec": params.models.codec,
        "style": params.models.style_encoder,
        "output": params.output,
    }
    write_config(work.root, weights, params.round.seed, sections)
    tell_end(work.root / "generated", params.output.lyrics, songs, done)
    if params.output.page:
        bpm = {song.title: song.controls.bpm for song in requests.songs}
        pages = write_pages(work.root, done.rows, prompts, asked, bpm, hearing_of(project))
        say(
            f"generate: {counted(len(pages), 'page')} of what was asked and what is heard"
            + (f", {pages[0]}" if pages else "")
        )
    return done


def tell_end(folder: Path, form: str | None, songs: Sequence[Mapping[str, Any]], done: WrittenSongs) -> None:
    """Says what was written into `folder`, what was dropped and why, and what the lyrics' form could not hold.

    Raises:
        NothingGenerated: no song was written and none stood.
    """
    for note in done.notes:
        say(f"generate: {note}")
    for line in done.lost:
        say(f"generate: lyrics as {form} lost {line}")
    drops = dropped(songs)
    if not done.written + done.stood:
        raise NothingGenerated(f"generate: no song was written{drops}")
    say(f"generate: {counted(done.written, 'song')} written to {folder}, {done.stood} stood already{drops}")


def prompts_of(
    project: Project, requests: Requests, asked: Mapping[str, PromptWords], learned_parts: bool = False
) -> list[Prompt]:
    """The songs with their style, and with styles of parts where their lyrics ask for such and `prompt.part_styles` lets them; one
    whose style cannot be read is refused. `learned_parts`: the weights learned styles of parts.
    """
    encoder = build_style_encoder(project.params.models.style_encoder)
    use = project.params.prompt.part_styles
    has_parts = use == "always" or (use == "trained" and learned_parts)
    unused = [one.lyrics for one in asked.values() if not has_parts and has_part_texts(one.lyrics.labels)]
    if unused and use == "trained":
        say(
            f"generate: parts of {counted(len(unused), 'song')} ask for styles, but these weights learned one style a song: not used "
            "(prompt.part_styles: always uses them all the same)"
        )

    def prompt(song: SongRequest) -> Prompt:
        style_NS = style_of(song, encoder, project.params.audio)
        words = asked[song.title]
        controls = controls_of(song.controls, song.duration_s, makers_of(project))
        texts = part_texts(words.lyrics.labels, words.words, song.duration_s) if has_parts else []
        parts = styles_of_parts(texts, style_NS[0], encoder)
        return Prompt(
            song.song_id,
            song.title,
            tuple(words.words),
            style_NS,
            song.duration_s,
            None,
            phones=words.phones,
            controls=controls,
            part_styles=parts,
        )

    prompts = []
    for song in requests.songs:
        try:
            prompts.append(prompt(song))
        except ValueError as error:
            reason = "control_unreadable" if str(error).startswith(FIELDS) else "style_unreadable"
            requests.refused.append(RefusedRow(song.title, reason, str(error)))
            say(f"generate: {requests.refused[-1]}")
    return prompts


def dropped(songs: Sequence[Mapping[str, Any]]) -> str:
    """How many songs were dropped, for which reasons, and their names; empty for none."""
    names: dict[str, list[str]] = defaultdict(list)
    for song in songs:
        if song["drop_reason"]:
            names[song["drop_reason"]].append(song["title"])
    reasons = "; ".join(f"{reason}: {', '.join(dict.fromkeys(found))}" for reason, found in names.items())
    return f", {sum(map(len, names.values()))} dropped ({reasons})" if names else ""


@flow(name="generate", flow_run_name="generate-{out}")
def generate(
    manifest: str,
    checkpoint: str,
    out: str,
    candidates: int = 1,
    params_file: str | None = None,
    overrides: Sequence[str] = (),
) -> str:
    """Generate the rows of a jamify manifest; returns the path of ``generation_metadata.json``.

    Args:
        manifest: JSON list of id, audio_path, lrc_path, duration, prompt_path.
        checkpoint: folder with model.safetensors and config.json, or the one that it lies in.
        out: jamify's output folder.
        candidates: songs a row, each from its own noise.
        params_file: YAML file laid over params.yaml, such as params/real.yaml; none for params.yaml alone.
        overrides: single values over both, each as section.key=value, such as pretrain.steps=200.
    """
    project = Project.at(out, params_file, overrides)
    done = run_generate(project, Path(manifest), checkpoint_at(place_of(checkpoint)), candidates)
    return str(done.metadata)
