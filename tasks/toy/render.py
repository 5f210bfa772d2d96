"""Renders a set of toy songs into a folder, several at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tasks.toy.files import FORMATS, LYRICS, manifest_entry, song_files, write_song
from tasks.toy.sheets import sheets
from tasks.toy.to_json import to_json
from tasks.toy.world_two.features import Features


def render_songs(
    out: Path,
    num_songs: int,
    seed: int,
    lyrics: str,
    formats: Sequence[str],
    num_workers: int,
    *,
    stems: bool = True,
    features: Features | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Render songs 0 to num_songs - 1 of the set `seed` to ``out``: songs/, truth/ and manifest.json.

    A song depends on the seed and its number alone, so a shorter set is the beginning of a longer one. wav
    and flac repeat to the byte, mp3 and ogg to the decoded sample. The manifest is written last: where there
    is one, the set is whole.

    Args:
        out: made if missing; may hold an earlier rendering of the same songs, and nothing else.
        lyrics: ``json``, ``phones`` (JSON whose words hold their true phones), ``lrc``, ``txt``, ``none`` or ``all``.
        formats: endings (wav, flac, mp3, ogg) given to the songs in turn.
        num_workers: threads; the work is done by espeak processes and by C code that frees the interpreter.
        stems: also write the vocals and band of every song.
        features: of world two; None: the songs are of world one.
        progress: called with (songs done, songs in all) after each song.

    Raises:
        ValueError: an argument is out of range, or `out` holds songs this call would not write.
    """
    _check(num_songs, seed, lyrics, formats, num_workers)
    out = Path(out)
    composed = sheets(num_songs, seed, features)
    jobs = [(sheet, formats[index % len(formats)]) for index, sheet in enumerate(composed)]
    _check_folder(
        out, [file for sheet, ending in jobs for file in song_files(sheet.name, ending, lyrics, stems)]
    )
    for folder in ("songs", "truth"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    manifest = out / "manifest.json"
    manifest.unlink(missing_ok=True)
    with ThreadPoolExecutor(num_workers) as workers:
        running = [workers.submit(write_song, out, sheet, ending, lyrics, stems) for sheet, ending in jobs]
        try:
            for done, song in enumerate(as_completed(running), start=1):
                song.result()
                if progress is not None:
                    progress(done, num_songs)
        except BaseException:  # an interrupt too: drop what has not begun, then pass it on
            workers.shutdown(wait=False, cancel_futures=True)
            raise
    entries = [manifest_entry(sheet, ending, lyrics) for sheet, ending in jobs]
    manifest.write_text(to_json(entries), encoding="utf-8")


def _check(num_songs: int, seed: int, lyrics: str, formats: Sequence[str], num_workers: int) -> None:
    for field, value, limit in (
        ("num_songs", num_songs, 1),
        ("seed", seed, 0),
        ("num_workers", num_workers, 1),
    ):
        if value < limit:
            raise ValueError(f"{field} is {value}, must be at least {limit}; give a larger {field}")
    if lyrics not in LYRICS:
        raise ValueError(f"lyrics is {lyrics!r}; give one of {', '.join(LYRICS)}")
    if not formats or any(ending not in FORMATS for ending in formats):
        raise ValueError(f"formats is {tuple(formats)}; give one or more of {', '.join(FORMATS)}")


def _check_folder(out: Path, files: list[str]) -> None:
    """Refuse a folder whose songs/ or truth/ holds files that this rendering does not replace."""
    present = [path for folder in ("songs", "truth") for path in sorted((out / folder).glob("*"))]
    strangers = sorted({path.relative_to(out).as_posix() for path in present} - set(files))
    if strangers:
        raise ValueError(
            f"out is {out} and holds {len(strangers)} files of another set ({strangers[0]} ...); "
            "give an empty folder or remove them"
        )
