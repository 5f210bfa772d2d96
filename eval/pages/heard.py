"""Validation songs heard while a model trained, placed side by side over its steps, with their scores; the sound lies as files beside the page, named by training, step and place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from eval.results.report import HeardSong, Report
from eval.results.wording import number

Placed = tuple[int, HeardSong]
"""A song and its place among all, which names its file."""


def heard_files(report: Report) -> dict[str, bytes]:
    """The sound of every song, by its path beside the page."""
    return {_file((place, song)): song.audio for place, song in enumerate(report.heard) if song.audio}


def heard_section(report: Report) -> str:
    """A table a training: a row a song, a column a step; nothing where no song was generated."""
    places = list(enumerate(report.heard))
    return "".join(
        _table(report, training, [placed for placed in places if placed[1].training == training])
        for training in dict.fromkeys(song.training for song in report.heard)
    )


def _table(report: Report, training: str, songs: Sequence[Placed]) -> str:
    steps = sorted({song.step for _, song in songs})
    at = {(song.song_id, song.step): (place, song) for place, song in songs}
    heads = "".join(f'<th scope="col">step {step}</th>' for step in steps)
    rows = ""
    for name in dict.fromkeys(song.song_id for _, song in songs):
        cells = "".join(_cell(report, at.get((name, step))) for step in steps)
        rows += f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>'
    return (
        f'<h3 class="songs-title">Heard while {escape(training)} went on</h3><p class="caption">Validation songs, each from '
        "the same noise at every step; they decided nothing.</p>"
        f'<div class="wide"><table><thead><tr><th scope="col">Song</th>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _cell(report: Report, placed: Placed | None) -> str:
    if placed is None:
        return '<td><span class="note">not generated</span></td>'
    song = placed[1]
    if not song.audio:
        return '<td><span class="note">not finite</span></td>'
    scores = ", ".join(_score(report, name, score) for name, score in song.scores.items())
    sound = f'<audio controls preload="none" src="{_file(placed)}"></audio>'
    return f'<td>{sound}<span class="note">{escape(scores)}</span></td>'


def _score(report: Report, name: str, score: float | None) -> str:
    metric = next((one for one in report.metrics if one.name == name), None)
    if score is None:
        return f"{metric.title if metric else name}: none"
    return f"{metric.title} {number(metric, score)}" if metric else f"{name} {score:.3g}"


def _file(placed: Placed) -> str:
    place, song = placed
    training = re.sub("[^a-z0-9]+", "-", song.training.lower())[:40].strip("-")
    return f"audio/heard-{training}-{song.step:06d}-{place:03d}.mp3"
