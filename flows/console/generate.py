"""`jam generate` before anything starts (`check_request`): paths, lengths, title and manifest are checked, then it is told what of the words will be lost."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from eval.results.plural import counted
from flows.pipelines.checkpoints import any_checkpoint, kept_checkpoint, whole_or_nothing
from flows.pipelines.control_makers import makers_of
from flows.pipelines.predictor import predictor_of
from flows.run.progress import say
from flows.settings.project import Project, WorkFolder
from jam_model.checkpoint import load_config
from jam_model.frames import frames_of_seconds
from jam_model.lyric_grid import SUNG
from jam_model.training_facts import read_facts
from tasks.lyrics.part_labels import has_part_texts, name_and_text
from tasks.models.style_encoder import build_style_encoder
from tasks.prompts.asked_controls import check_asked
from tasks.prompts.control_prompts import check_files
from tasks.prompts.jamify_manifest import SongRequest, read_requests
from tasks.prompts.kept_seconds import kept_words
from tasks.prompts.one_song import OneSong, write_request, write_times
from tasks.prompts.prompt_words import PromptWords, told, words_of
from tasks.times.part_texts import part_texts

TIMES = "request"
"""The folder below the output folder for word times that can be edited."""


@dataclass(frozen=True)
class Asked:
    """The manifest and the checkpoint to generate with; no row may be left that can be sung. `has_candidates`: each candidate is
    a row of its own.
    """

    manifest: Path
    checkpoint: Path
    num_songs: int
    has_candidates: bool = False


def check_request(
    project: Project, manifest: Path | None, song: OneSong | None, checkpoint: Path | None, work: Path
) -> Asked:
    """Looks at all that was given, writes word times where there are none, and tells what of the words will be lost.

    `song` is written as a manifest of its own under ``<out>/request``; without a `checkpoint` the kept one of `work` is meant.

    Raises:
        ValueError: neither or both of manifest and song are given, a path is not what it must be, or see `write_request`.
    """
    with whole_or_nothing(WorkFolder.at(work)):
        return _checked(project, manifest, song, checkpoint, work)


def _checked(
    project: Project, manifest: Path | None, song: OneSong | None, checkpoint: Path | None, work: Path
) -> Asked:
    if (manifest is None) == (song is None):
        raise ValueError("generate: give --manifest, or --lyrics with --style; one of the two")
    _check_out(project.work.root)
    if manifest is not None and not manifest.is_file():
        raise ValueError(f"manifest: {manifest} is no file; give jamify's input.json")
    of_work = WorkFolder.at(work)
    given = checkpoint and any_checkpoint(checkpoint, project.params, of_work)
    found = given or kept_checkpoint(of_work)
    config = load_config(found)
    max_frames = config.max_frames
    params, remarks, rows = project.params, [], 1
    made = None
    if song is not None:
        check_asked(song.request().names, found)
        check_files(song.request(), max_frames, makers_of(project))
        made = write_request(
            song,
            params.models.phonemizer,
            params.rough_times,
            params.ingest,
            max_frames,
            project.work.root / TIMES,
            predictor_of(project, of_work, config.filler == SUNG),
        )
        manifest, remarks, rows = made.manifest, made.remarks, made.rows
    assert manifest is not None, "one of the two is given"
    requests = read_requests(manifest, params.audio, params.ingest, params.prompt, max_frames)
    check_asked([name for one in requests.songs for name in one.controls.names], found)
    if song is not None and requests.songs:
        _check_melody(project, song, max(requests.songs, key=lambda one: one.duration_s))
    words = words_of(
        requests,
        params.models.phonemizer,
        params.rough_times,
        config.own_symbols,
        params.phonemize.max_unknown_share,
        config.filler,
    )
    for one in requests.songs if song is not None else ():
        _check_part_texts(project, words[one.title], one.duration_s, found)
    if made is not None and made.how:
        again = f"--lyrics {made.timed} --duration {made.duration_s:g}"
        again += f" --melody {song.lyrics}" if song is not None and song.is_score else ""
        say(f"word times: {made.how}, in {made.timed} (edit them, then generate with {again})")
        if rows > 1:
            say(f"word times: each of {rows} candidates has its own, beside it")
    for row in requests.refused:
        say(f"generate: left out: {row}")
    songs = [(title, [*remarks, *one.remarks]) for title, one in words.items()]
    for line in told(songs):
        say(f"lyrics: {line}")
    for one in requests.songs:
        if one.controls.keep is not None:
            title = f"{one.title}: " if len(requests.songs) > 1 else ""
            say(f"keep: {title}{kept_words(words[one.title].words, one.controls.keep)}")
    _write_rough(words, project.work.root / TIMES)
    return Asked(manifest, found, len(requests.songs), rows > 1)


def _check_melody(project: Project, song: OneSong, asked: SongRequest) -> None:
    """Whether the melody of a song, its score's if it has no other, can be asked for now that its length is known."""
    melody = replace(asked.controls, drums=None, like=None)
    try:
        check_files(melody, frames_of_seconds(asked.duration_s), makers_of(project))
    except ValueError as error:
        if not song.is_score or "melody" in song.controls:
            raise
        raise ValueError(str(error).replace("melody:", "score:", 1)) from error


def _check_part_texts(project: Project, words: PromptWords, duration_s: float, checkpoint: Path) -> None:
    """Looks at the parts of a song where the model is to use them. An encoder that has to be loaded first reads their texts later.

    Raises:
        ValueError: a part that says how it shall sound has no time or lies past the end, or its text cannot be read.
    """
    use, labels = project.params.prompt.part_styles, words.lyrics.labels
    is_used = use == "always" or (use == "trained" and read_facts(checkpoint).part_styles)
    if not is_used or not has_part_texts(labels):
        return
    part_texts(labels, words.words, duration_s)
    section = project.params.models.style_encoder
    if section.settings is not None:
        return
    encoder = build_style_encoder(section)
    for name, text in filter(None, (name_and_text(label.text) for label in labels)):
        if text:
            try:
                encoder.embed_text(text)
            except ValueError as error:
                raise ValueError(f"part [{name}: {text}]: {error}") from error


def _check_out(out: Path) -> None:
    """A folder that is there, or can be made."""
    above = next(path for path in (out, *out.absolute().parents) if path.exists())
    if not above.is_dir():
        raise ValueError(f"out: {above} is no folder; give one to write songs into")
    if not os.access(above, os.W_OK | os.X_OK):
        raise ValueError(f"out: {above} cannot be written to; give a folder of your own")


def _write_rough(words: Mapping[str, PromptWords], folder: Path) -> None:
    """The times of a manifest's rows that stated none."""
    rough = {title: one.rough for title, one in words.items() if one.is_rough}
    for title, times in rough.items():
        timed = folder / f"{title}.json"
        write_times(times, timed, repr(title), f"name it as lrc_path of {title!r} in the manifest")
    if rough:
        say(
            f"word times: rough ones for {counted(len(rough), 'song')} in {folder} (edit them, then name each as its row's lrc_path)"
        )
