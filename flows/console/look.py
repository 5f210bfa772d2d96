"""`jam look`: one song through every stage on a screen (remarks, masked spans, facts, words, measures beside their limits), and the path of its page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table as Grid

from eval.pages.song import SongPage
from eval.results.plural import counted
from flows.pipelines.stages import prepared_pipeline
from flows.run.progress import console, say
from flows.settings.project import Project
from tasks.edits.kinds import effective
from tasks.edits.store import edits_of
from tasks.engine.pipeline import Pipeline
from tasks.engine.table import SOURCES
from tasks.quality.limits import Measured
from tasks.storage.object_store import StorePath
from tasks.upkeep.drops import drops_of
from tasks.upkeep.find_song import not_found, songs_called
from tasks.upkeep.song_page import measured_of, shown_column, write_song_page

MAX_SONGS, WIDTH = 20, 100
MAX_WORD_LINES = 3
BOOKKEEPING = ("song_id", "partition", "made_by", "drop_reason", "dropped_by")


def print_song(project: Project, name: str, every_column: bool) -> None:
    """``jam look SONG``: what people ask of a song on one screen (or every light column of it), and the path of its
    page; a list where several songs are called so.

    Raises:
        ValueError: no song is called so.
    """
    pipeline, songs_root = prepared_pipeline(project), project.songs_root
    listed = pipeline.rows(["title"], until=SOURCES)
    found = songs_called(listed, name)
    if not found:
        raise ValueError(not_found(listed, name))
    if len(found) > 1:
        _say_several(pipeline, found, name)
        return
    light = [column for column, about in pipeline.columns.items() if not about.large]
    rows = pipeline.rows(light, numbers=[found[0]["partition"]])
    (row,) = [row for row in rows if row["song_id"] == found[0]["song_id"]]
    drop = next(iter(drops_of(pipeline, [row], project.work.receipts / "prepare")), None)
    path = project.work.report("songs") / f"{row['song_id']}.html"
    page = write_song_page(pipeline, row, drop, songs_root, path)
    screen = console(WIDTH)
    for line in (*_head(page), *_edits(project, row)):
        say(line)
    if every_column:
        for column, value in row.items():
            if column not in BOOKKEEPING and value is not None:
                say(f"  {column}: {shown_column(column, value)}")
        for line in row["made_by"]:
            say(f"  made by {line}")
    else:
        for line in (*_remarks(row), *_described(row), *_words(page, row, screen.width)):
            say(line)
        if measured := [one for one in measured_of(pipeline, row) if one.limit]:
            screen.print(_beside_limits(measured))
    say(f"page: {path}" + ("" if every_column else " (--all: every column here)"))


def _say_several(pipeline: Pipeline, found: list[dict[str, Any]], name: str) -> None:
    """A line a song, the first `MAX_SONGS` of them."""
    shown = {row["song_id"]: row for row in found[:MAX_SONGS]}
    say(f"{len(found)} songs are called {name!r} or begin so; give the id of one")
    for row in pipeline.rows(["title"], numbers=sorted({row["partition"] for row in shown.values()})):
        if row["song_id"] in shown:
            say(f"  {row['song_id']} ({row.get('title')}): {row['drop_reason'] or 'kept'}")
    if len(found) > MAX_SONGS:
        say(f"  and {len(found) - MAX_SONGS} more")


def _head(page: SongPage) -> Iterator[str]:
    yield "  ".join(filter(None, (page.song_id, page.title, page.subtitle)))
    yield f"{'dropped' if page.dropped else 'kept'} {page.verdict}"


def _edits(project: Project, row: Mapping[str, Any]) -> Iterator[str]:
    """How many edits of the song stand, of which kinds."""
    root, content_hash = project.work.root, row.get("content_hash")
    if (
        content_hash
        and not isinstance(root, StorePath)
        and (standing := effective(edits_of(root, content_hash)))
    ):
        yield f"{counted(len(standing), 'edit')} by hand: {', '.join(edit.kind for edit in standing)}"


def _remarks(row: Mapping[str, Any]) -> Iterator[str]:
    """What was found in the song's files, nothing left out."""
    for remark in row.get("audio_remarks") or ():
        yield f"audio file: {remark}"
    for remark in row.get("lyrics_remarks") or ():
        yield f"lyrics: {remark['kind']} {remark['count']}: {'; '.join(remark['examples'])}"
    if labels := row.get("lyrics_labels"):
        named = ", ".join(f"{label['text']} before word {label['before']}" for label in labels)
        yield f"labels in the lyrics: {named}"
    if row.get("claim_remark"):
        yield f"given times: {row['claim_remark']}"
    for span in row.get("masked") or ():
        yield f"masked: {span['start_s']:.1f} to {span['end_s']:.1f} s"


def _described(row: Mapping[str, Any]) -> Iterator[str]:
    """Parts, facts and tier, as far as stages wrote them; a fact that is too unsure has no value and is left out."""
    if parts := row.get("sections"):
        named = (f"{part['label']} {part['start_s']:.1f}-{part['end_s']:.1f}" for part in parts)
        yield f"parts, s ({', '.join(sorted({part['source'] for part in parts}))}): {', '.join(named)}"
    known = [(fact["name"], _fact_value(fact)) for fact in row.get("facts") or ()]
    if told := [f"{name} {value}" for name, value in known if value]:
        yield f"facts: {', '.join(told)}"
    if row.get("tier"):
        yield f"tier: {row['tier']}"


def _fact_value(fact: Mapping[str, Any]) -> str | None:
    """Its text, else its number; None: too unsure."""
    if fact["text"] is not None:
        return str(fact["text"])
    return None if fact["number"] is None else f"{fact['number']:.4g}"


def _words(page: SongPage, row: Mapping[str, Any], width: int) -> Iterator[str]:
    """The words and what the transcriber read, each on a few lines; the page has all."""
    written = [word[0] for word in page.words] or row.get("lyrics") or []
    form = row.get("lyrics_form") or ("transcribed" if written else "")
    for what, words in ((f"{form} words".strip(), written), ("transcript", row.get("transcript") or [])):
        text = f"{what}, {len(words)}: {' '.join(words)}"
        most = MAX_WORD_LINES * width
        if words:
            yield text if len(text) <= most else f"{text[: most - 1]}…"


def _beside_limits(measured: list[Measured]) -> Grid:
    """Measures with their limits in two columns; those beyond one come first and are marked."""
    broken_first = sorted(measured, key=lambda one: not one.is_broken)
    cells = [
        f"{'! ' if one.is_broken else ''}{one.measure.name} {one.value:.3g} ({one.limit})"
        for one in broken_first
    ]
    grid = Grid.grid(padding=(0, 2))
    half = (len(cells) + 1) // 2
    for left, right in zip(cells[:half], [*cells[half:], ""], strict=False):
        grid.add_row(left, right)
    return grid
