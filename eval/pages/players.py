"""The songs of the page as page.js plays them (rows by system, the worst first): sound embedded within a budget or as a file, peaks of the wave, two word lanes.

Sound goes into the page as base64 until the budget is spent; what does not fit becomes files beside the page.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from eval.metrics.error_rates import normalise
from eval.metrics.metric import Metric
from eval.metrics.word_pairs import Timed, mark_words
from eval.pages.groups import rates_table, strata_tables
from eval.results.plural import counted
from eval.results.report import STAMP, Report
from eval.results.songs import SongRow
from eval.results.wording import unit
from eval.stats.intervals import Estimate

EMBED_BUDGET_BYTES = 25_000_000  # of base64 in the page
MOST_OF_A_NAME = 80  # a system's 24 and a song's 48 fit
NUM_WORST = 10  # as page.js lists
_PEAKS = 600
_PEAKS_PER_S, _MAX_PEAKS = 20, 3000  # on the page of one song
_EXTENSIONS = {"audio/mpeg": "mp3", "audio/ogg": "ogg", "audio/flac": "flac", "audio/wav": "wav"}


@dataclass
class Players:
    """`songs` for page.js, `embedded` base64 by script id, `files` beside the page."""

    songs: list[dict[str, Any]] = field(default_factory=list)
    embedded: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)


def waveform_peaks(mix_CN: np.ndarray, num_peaks: int = _PEAKS) -> list[float]:
    """The largest magnitude in each of `num_peaks` equal parts of the song, in [0, 1]."""
    loudest_N = np.abs(np.atleast_2d(mix_CN)).max(axis=0)
    if not len(loudest_N):
        return []
    edges = np.linspace(0, len(loudest_N), min(num_peaks, len(loudest_N)) + 1).astype(int)
    return [round(float(peak), 3) for peak in np.maximum.reduceat(loudest_N, edges[:-1])]


def song_peaks(mix_CN: np.ndarray, duration_s: float) -> list[float]:
    """The outline of a song on a page of its own: 20 peaks a second, 3000 at most."""
    return waveform_peaks(mix_CN, max(1, min(_MAX_PEAKS, round(_PEAKS_PER_S * duration_s))))


def build_players(report: Report, budget_bytes: int = EMBED_BUDGET_BYTES) -> Players:
    """Group the song rows by song, in the order they come, and place their sound."""
    players = Players()
    order = {system.name: position for position, system in enumerate(report.systems)}
    by_song: dict[str, list[SongRow]] = {}
    for row in report.songs:
        by_song.setdefault(row.song_id, []).append(row)
    spent = 0
    for song_id, rows in by_song.items():
        takes = []
        for row in sorted(rows, key=lambda row: order[row.system]):
            take = _take(row)
            if row.audio:
                size = 4 * ((len(row.audio) + 2) // 3)
                if spent + size <= budget_bytes:
                    spent += size
                    take["script"] = f"audio-{len(players.embedded)}"
                    players.embedded[take["script"]] = base64.b64encode(row.audio).decode("ascii")
                else:
                    take["file"] = _file_name(row)
                    players.files[take["file"]] = row.audio
            takes.append(take)
        players.songs.append({"id": song_id, "title": rows[0].title, "genre": rows[0].genre, "takes": takes})
    return players


def listen_section(report: Report) -> str:
    """Players, the ten worst songs, songs and genres."""
    num_songs = len({row.song_id for row in report.songs})
    num_systems = len({row.system for row in report.songs})
    genres = (
        '<h3 class="songs-title">By genre</h3><p class="caption">Value, and below it the 95 % interval over the '
        'genre\'s songs and their number.</p><div id="genre-table" class="wide"></div>'
        if report.genres
        else ""
    )
    return (
        f'<p class="verdict">{counted(num_songs, "song")} by {counted(num_systems, "system")}, on one time axis. Above each '
        "wave the words that were asked for, below it the words that were transcribed.</p>"
        '<p class="legend"><span class="word hit">sung</span><span class="word missed">missed</span>'
        '<span class="word substituted">transcribed as another word</span><span class="word inserted">never '
        "asked for</span></p>"
        '<noscript><p class="quiet">The players and the tables of songs need the script of this page; '
        "every score is in report.json and songs.csv.</p></noscript>"
        '<div id="player" aria-live="off"></div>'
        '<div id="song-controls" role="group" aria-label="What the tables below show"></div>'
        '<h3 class="songs-title">The ten worst</h3><p class="caption">A number opens its song, plays it and shows '
        'what each stage did.</p><div id="worst-table" class="wide"></div>'
        '<h3 class="songs-title">By song</h3><p class="caption" id="song-count"></p>'
        '<div id="song-table" class="wide"></div>'
        f"{genres}{rates_table(report)}{strata_tables(report)}"
    )


def songs_data(report: Report, players: Players) -> dict[str, Any]:
    """All that page.js reads: systems, metrics, songs with their candidates, genres."""
    used = {name for row in report.songs for name in row.scores}
    return {
        "order": [system.name for system in report.systems],
        "systems": {
            system.name: {
                "title": system.title,
                "stamp": STAMP if system.stand_in and not report.all_stand_ins else "",
            }
            for system in report.systems
        },
        "metrics": [
            {
                "name": metric.name,
                "title": metric.title,
                "unit": unit(metric),
                "scale": 100 if metric.percent else 1,
                "decimals": metric.decimals,
                "worst": {"lower": "highest", "higher": "lowest"}.get(metric.direction, ""),
            }
            for metric in report.metrics
            if metric.name in used
        ],
        "songs": players.songs,
        "genres": [
            {
                "genre": row.genre,
                "system": row.system,
                "scores": {
                    name: _figures(estimate) for name, estimate in row.estimates.items() if name in used
                },
            }
            for row in report.genres
        ],
    }


def _figures(estimate: Estimate) -> list[float | int | None]:
    return [estimate.value, estimate.low, estimate.high, estimate.n, estimate.n_failed]


def worst_songs(rows: Sequence[SongRow], metrics: Sequence[Metric]) -> set[tuple[str, str]]:
    """(system, song id) of the ten worst songs by each metric that has a better side."""
    found: set[tuple[str, str]] = set()
    for metric in metrics:
        sign = {"lower": -1.0, "higher": 1.0}.get(metric.direction)
        scored = [(score, row) for row in rows if (score := row.scores.get(metric.name)) is not None]
        if sign is not None:
            worst = sorted(scored, key=lambda pair: (sign * pair[0], pair[1].system, pair[1].song_id))
            found |= {(row.system, row.song_id) for _, row in worst[:NUM_WORST]}
    return found


def _take(row: SongRow) -> dict[str, Any]:
    reference_marks, hypothesis_marks = mark_words(_keys(row.reference), _keys(row.hypothesis))
    return {
        "system": row.system,
        "duration": row.duration_s,
        "type": row.audio_type,
        "peaks": [round(100 * min(1.0, max(0.0, peak))) for peak in row.peaks],
        "reference": _lane(row.reference, reference_marks),
        "hypothesis": _lane(row.hypothesis, hypothesis_marks),
        "scores": dict(row.scores),
        "reasons": dict(row.reasons),
        "note": row.note,
        "facts": [list(fact) for fact in row.facts],
    }


def _lane(words: Sequence[Any], marks: Sequence[str]) -> list[list[Any]]:
    return [
        [text, round(start_s, 3), round(end_s, 3), mark]
        for (text, start_s, end_s), mark in zip(words, marks, strict=True)
    ]


def _keys(words: Sequence[Any]) -> list[Timed]:
    """One comparable token a shown word, so that marks and words stay one to one."""
    return [Timed("".join(normalise([text])) or "'", start_s, end_s) for text, start_s, end_s in words]


def _file_name(row: SongRow) -> str:
    """A name that is safe in a path and a link, whatever system and song are called; a song id stands whole in it."""
    name = f"{row.system}-{row.song_id}"
    safe = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-")[:MOST_OF_A_NAME]
    extension = _EXTENSIONS.get(row.audio_type)
    if extension is None:
        raise ValueError(
            f"audio_type {row.audio_type!r} of song {row.song_id}: use one of {sorted(_EXTENSIONS)}"
        )
    return f"audio/{safe}-{hashlib.sha256(name.encode()).hexdigest()[:8]}.{extension}"
