"""The page of one song in HTML (`SongPage`): its words with phonemes, score and claimed start, in lanes over its voice, every stage it went through, every measure."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from eval.pages.frame import Section, html_page
from eval.pages.lanes import Played, lanes_html

LOW_SCORE = 0.5


PageWord = tuple[str, float, float, str | None, float | None]
"""A word: its text, its start and end in seconds, its phonemes and its score in [0, 1], null where there is none."""


@dataclass(frozen=True)
class Sound:
    """Something to play: an MP3 file, empty where there is none, and its outline as shares of full scale."""

    name: str
    mp3: bytes
    peaks: Sequence[float]
    note: str = ""


@dataclass(frozen=True)
class StageLine:
    """What one stage did: the code and models that ran, the columns it wrote as (name, shown value, meaning),
    why it dropped the song, and a note where that says too little.
    """

    stage: str
    made_by: str
    columns: Sequence[tuple[str, str, str]] = ()
    dropped: str = ""
    note: str = ""


@dataclass(frozen=True)
class MeasureLine:
    """A measure of the song, its value and the limit it is held by (empty: none) in words."""

    name: str
    unit: str
    value: float
    limit: str
    is_broken: bool


@dataclass(frozen=True)
class SongPage:
    """All that the page shows. `lanes`: words by the name of their lane, the song's own first; `claimed_s`: where the
    lyrics said that each of the song's words starts, None or empty where they did not; `verdict`: why it was dropped,
    the whole sentence. `asked`, `heard`: what the song was to play, and what is heard in it; `state`: what it is, None for kept or dropped.
    """

    song_id: str
    title: str
    subtitle: str
    duration_s: float
    verdict: str
    dropped: bool
    words: Sequence[PageWord]
    claimed_s: Sequence[float | None] = ()
    lanes: dict[str, Sequence[PageWord]] = field(default_factory=dict)
    sounds: Sequence[Sound] = ()
    measures: Sequence[MeasureLine] = ()
    stages: Sequence[StageLine] = ()
    asked: Played | None = None
    heard: Played | None = None
    state: str | None = None


def song_html(page: SongPage) -> str:
    """The whole page as text; equal songs give equal text."""
    played = "Chords, melody, beats" if page.asked is None else "What was asked, what is heard"
    peaks = page.sounds[0].peaks if page.sounds else ()
    sections = [
        ("time", "In time", _timeline(page)),
        ("played", played, lanes_html(page.duration_s, page.asked, page.heard, peaks)),
        ("measures", "Measured, and its limits", _measures(page.measures)),
        ("words", "Word by word", _words(page.words, page.claimed_s)),
        ("stages", "Stage by stage", _stages(page.stages)),
    ]
    shown = [section for section in sections if section[2]]
    sounds = [sound for sound in page.sounds if sound.mp3]
    embedded = {f"audio-{i}": base64.b64encode(sound.mp3).decode("ascii") for i, sound in enumerate(sounds)}
    scripts = {sound.name: name for sound, name in zip(sounds, embedded, strict=True)}
    return html_page(
        page.title,
        ["page.css", "song.css"],
        ["player.js", "song.js"],
        _header(page, shown),
        shown,
        _data(page, scripts),
        embedded,
    )


def _data(page: SongPage, scripts: dict[str, str]) -> dict[str, Any]:
    return {
        "duration": page.duration_s,
        "lanes": [
            {
                "name": name,
                "words": [
                    [text, round(start_s, 3), round(end_s, 3), phonemes or "", score]
                    for text, start_s, end_s, phonemes, score in words
                ],
            }
            for name, words in page.lanes.items()
        ],
        "sounds": [
            {
                "name": sound.name,
                "script": scripts.get(sound.name),
                "peaks": [round(100 * min(1.0, max(0.0, peak))) for peak in sound.peaks],
                "note": sound.note,
            }
            for sound in page.sounds
        ],
        "low": LOW_SCORE,
    }


def _header(page: SongPage, sections: Sequence[Section]) -> str:
    links = "".join(f'<li><a href="#{key}">{escape(title)}</a></li>' for key, title, _ in sections)
    css = "dropped" if page.dropped else "kept"
    state = css if page.state is None else page.state
    return (
        f'<header><p class="kicker">One song</p><h1>{escape(page.title)}</h1>'
        f'<p class="subtitle">{escape(page.subtitle)}</p>'
        f'<p class="banner"><b class="state {css}">{escape(state)}</b> {escape(page.verdict)} '
        f"<code>{escape(page.song_id)}</code></p></header>\n"
        f'<nav aria-label="Sections"><ul>{links}</ul></nav>'
    )


def _timeline(page: SongPage) -> str:
    if not page.duration_s:
        return ""
    red = f"Red: the aligner gave it less than {LOW_SCORE:g}. " if _are_scored(page.words) else ""
    return (
        '<div id="song"></div><p class="caption">A word is as wide as it is long; its phonemes stand under it. '
        f"{red}Click a word to hear it.</p>"
    )


def _measures(measures: Sequence[MeasureLine]) -> str:
    if not measures:
        return ""
    rows = "".join(
        f'<tr{" class=broken" if line.is_broken else ""}><th scope="row">{escape(line.name)} '
        f"<small>{escape(line.unit)}</small></th>"
        f"{_figure(f'{line.value:.4g}'.replace('-', '−'), 'failed' if line.is_broken else '')}"
        f"<td>{escape(line.limit).replace('-', '−') or '–'}</td></tr>"
        for line in measures
    )
    head = '<th scope="col">Measure</th><th scope="col" class="figure">Value</th><th scope="col">Limit</th>'
    return (
        f'<div class="wide measures"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _words(words: Sequence[PageWord], claimed_s: Sequence[float | None]) -> str:
    if not words:
        return ""
    are_scored = _are_scored(words)
    heads = [("Word", ""), ("Phonemes", ""), ("Start", "s"), ("End", "s"), ("Length", "s")]
    heads += [("Score", "")] if are_scored else []
    heads += [("Claimed", "s"), ("Moved by", "s")] if claimed_s else []
    head = "".join(
        f'<th scope="col"{" class=figure" if i > 1 else ""}>{name}<small>{unit}</small></th>'
        for i, (name, unit) in enumerate(heads)
    )
    claims: Sequence[float | None] = claimed_s or [None] * len(words)
    rows = "".join(_word_row(word, claim_s, are_scored) for word, claim_s in zip(words, claims, strict=True))
    return f'<div class="wide words"><table><thead><tr>{head}</tr></thead><tbody id="word-rows">{rows}</tbody></table></div>'


def _are_scored(words: Sequence[PageWord]) -> bool:
    """Whether somebody aligned them; words that were only asked for have no score."""
    return any(score is not None for *_, score in words)


def _word_row(word: PageWord, claimed_s: float | None, are_scored: bool) -> str:
    text, start_s, end_s, phonemes, score = word
    cells = [
        f'<th scope="row">{escape(text)}</th>',
        f'<td class="ipa">{escape(phonemes or "")}</td>',
        _figure(f"{start_s:.2f}"),
        _figure(f"{end_s:.2f}"),
        _figure(f"{end_s - start_s:.2f}"),
    ]
    if are_scored:
        is_low = score is not None and score < LOW_SCORE
        cells.append(_figure("–" if score is None else f"{score:.2f}", "failed" if is_low else ""))
    if claimed_s is not None:
        cells += [_figure(f"{claimed_s:.2f}"), _figure(f"{start_s - claimed_s:+.2f}".replace("-", "−"))]
    return f"<tr>{''.join(cells)}</tr>"


def _figure(text: str, css: str = "") -> str:
    return f'<td class="figure {css}">{text}</td>'


def _stages(stages: Sequence[StageLine]) -> str:
    return "".join(
        f'<article class="stage"><div><h3>{escape(line.stage)}</h3>{_makers(line)}</div>'
        f"<dl>{''.join(_column(*column) for column in line.columns)}</dl></article>"
        for line in stages
    )


def _makers(line: StageLine) -> str:
    made = "<br>".join(f"<code>{escape(part)}</code>" for part in line.made_by.split())
    parts = [("quiet", made), ("quiet", escape(line.note)), ("failed", escape(line.dropped))]
    return "".join(f'<p class="{css}">{text}</p>' for css, text in parts if text)


def _column(name: str, value: str, meaning: str) -> str:
    return f'<div><dt title="{escape(meaning, quote=True)}">{escape(name)}</dt><dd>{escape(value)}</dd></div>'
