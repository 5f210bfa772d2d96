"""``jam lyrics convert``: a file of lyrics in another form, with what was found in it and what the way costs."""

from __future__ import annotations

from pathlib import Path

from flows.run.progress import say
from tasks.lyrics.convert import convert, form_named
from tasks.lyrics.lyrics import summed
from tasks.lyrics.read import read_lyrics
from tasks.storage.files import atomic_path

MAX_BYTES, MAX_WORDS = 10_000_000, 20_000


def convert_lyrics(source: Path, out: Path, to: str | None) -> None:
    """Reads `source` by its content and writes `out` in the form of its ending, or of `to`.

    Raises:
        ValueError: lyrics that cannot be read, or a form that cannot hold them.
    """
    if not source.is_file():
        raise ValueError(f"IN: {source} is no file; give the lyrics to read")
    form = form_named(out.name, to)
    if out.exists() and out.samefile(source):
        raise ValueError(f"OUT: {out} is the file to read; name another")
    with source.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    try:
        lyrics = read_lyrics(data, MAX_BYTES, MAX_WORDS)
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from error
    done = convert(lyrics, form)
    with atomic_path(out) as path:
        path.write_bytes(done.data)
    lines = "" if lyrics.num_lines is None else f" in {lyrics.num_lines} lines"
    say(
        f"{out}: {len(lyrics.words)} words{lines}, {form.name} from {lyrics.form}; lost: {_listed(done.lost)}"
    )
    if done.added:
        say(f"  added: {_listed(done.added)}")
    for row in summed(lyrics.remarks):
        say(f"  {row['kind']} {row['count']}: {'; '.join(row['examples'])}")


def _listed(parts: list[str]) -> str:
    return ", ".join(parts) or "nothing"
