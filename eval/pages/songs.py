"""The songs of the page: what page.js is given of them, and the places where it puts players and tables."""

from __future__ import annotations

from typing import Any

from eval.pages.players import Players
from eval.results.report import STAMP, Report
from eval.results.wording import unit
from eval.stats.intervals import Estimate


def listen_section(report: Report) -> str:
    """Players, the ten worst songs, songs and genres; empty without songs."""
    if not report.songs:
        return ""
    num_songs = len({row.song_id for row in report.songs})
    num_systems = len({row.system for row in report.songs})
    genres = (
        '<h3 class="songs-title">By genre</h3><p class="caption">Value, and below it the 95 % interval over the '
        'genre\'s songs and their number.</p><div id="genre-table" class="wide"></div>'
        if report.genres
        else ""
    )
    return (
        f'<p class="verdict">{num_songs} songs by {num_systems} systems, on one time axis. Above each '
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
        f"{genres}"
    )


def songs_data(report: Report, players: Players) -> dict[str, Any]:
    """All that page.js reads: systems, metrics, songs with their candidates, genres."""
    used = {name for row in report.songs for name in row.scores}
    return {
        "order": [system.name for system in report.systems],
        "systems": {
            system.name: {"title": system.title, "stamp": STAMP if system.stand_in else ""}
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
