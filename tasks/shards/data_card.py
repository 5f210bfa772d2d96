"""The data card of a packed data set: hours kept, masked and dropped with how many for which reason, languages, edits, from whom, on which terms, and what made it.

Written beside the shards as ``data_card.json`` and ``data_card.md``; equal tables give equal cards.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from eval.results.data_set import LanguageFate
from eval.results.plural import counted
from eval.results.report import STAMP, is_stand_in
from tasks.engine.pipeline import Pipeline
from tasks.quality.by_language import LANGUAGE_COLUMNS, fates_by_language
from tasks.quality.remarks import KINDS, REMARK_COLUMNS, all_remark_counts
from tasks.shards.described_songs import (
    caption_counts,
    caption_lines,
    parts_of,
    section_counts,
    section_lines,
)
from tasks.shards.edited_songs import edited_lines, edited_songs
from tasks.shards.grades import GRADE_COLUMNS, grade_lines, grades, tier_of
from tasks.shards.write import MARK, packed_shard, write_index
from tasks.storage.files import write_bytes, write_json

CARD_COLUMNS = (
    *("split", "license", "source", "artist", "language"),
    *("unchecked", "own_symbols", *LANGUAGE_COLUMNS),
    *("masked", "flags", "unstated_delay_s", "sections", "captions", "part_captions", *REMARK_COLUMNS),
    *GRADE_COLUMNS,
)
"""What `data_card` reads of a song, besides its drop and what made it."""
UNKNOWN = "unknown"
LEFT_OUT = "masked_left_out"
"""The reason `pack` drops a song for whose masked seconds its sample has no place."""
CARD_JSON, CARD_TEXT = "data_card.json", "data_card.md"


def data_card(
    rows: Iterable[Mapping[str, Any]], mark: str | None = None, edited: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """Facts of the kept songs, and the fates of all, from rows of the prepared table with `CARD_COLUMNS`; `mark`: what is to be
    said of them all, if anything is; `edited`: songs that people changed by hand, if there are any.
    """
    rows = list(rows)
    kept = [row for row in rows if not row["drop_reason"]]
    made_by = sorted({made for row in kept for made in row["made_by"]})
    fates = fates_by_language(rows)
    return {
        "songs": len(kept),
        "hours": _hours(kept),
        "splits": _shares(kept, "split"),
        "licenses": _shares(kept, "license"),
        "sources": _shares(kept, "source"),
        "languages": _shares(kept, "language"),
        **({"languages_read": _shares(kept, "song_language")} if _any(kept, "song_language") else {}),
        **({"unchecked": sum(bool(row.get("unchecked")) for row in kept)} if _any(kept, "unchecked") else {}),
        **({"by_language": [asdict(fate) for fate in fates]} if fates else {}),
        "artists": len({row["artist"] for row in kept if row["artist"]}),
        "songs_without_artist": sum(not row["artist"] for row in kept),
        "masked_s": round(sum(masked_s(row.get("masked")) for row in kept), 2),
        "left_out_for_masks_s": round(
            sum(row["duration_s"] for row in rows if row["drop_reason"] == LEFT_OUT), 2
        ),
        **grades(kept),
        "songs_in": len(rows),
        "drops": dict(sorted(Counter(row["drop_reason"] for row in rows if row["drop_reason"]).items())),
        **all_remark_counts(kept),
        "unstated_delays_ms": _unstated_delays(kept),
        "made_by": made_by,
        "stamp": STAMP if is_stand_in(made_by) else None,
        **({"sections": section_counts(kept)} if _any(kept, "sections") else {}),
        **({"captions": caption_counts(kept)} if _any(kept, "captions") else {}),
        **({"part_captions": caption_counts(parts_of(kept), "part")} if _any(kept, "part_captions") else {}),
        **({"edited": dict(edited)} if edited else {}),
        **({MARK: mark} if mark else {}),
    }


def write_data_card(
    shards: Path,
    rows: Iterable[Mapping[str, Any]],
    mark: str | None = None,
    edited: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """Writes both forms of the card into a folder of shards; returns it."""
    card = data_card(rows, mark, edited)
    write_json(shards / CARD_JSON, card)
    write_bytes(shards / CARD_TEXT, card_text(card).encode())
    return card


def finish_shards(
    pipeline: Pipeline, stage: str, mark: str | None = None, weights: Mapping[str, float] | None = None
) -> dict[str, Any]:
    """The index, the id lists and the data card of the shards of `stage`, from the songs of the table, both with the `mark`;
    returns what DVC compares. `weights`: of the tiers, where songs have some.
    """
    rows = pipeline.rows(CARD_COLUMNS)
    symbols = {symbol for row in rows if not row["drop_reason"] for symbol in row.get("own_symbols") or ""}
    kept = [
        {"id": row["song_id"], "duration": row["duration_s"], "split": row["split"], **tier_of(row, weights)}
        for row in rows
        if not row["drop_reason"]
    ]
    if pipeline.shards is not None:
        packed = [
            packed_shard(pipeline.path(stage, n), f"{pipeline.name(stage, n)}.tar")
            for n in pipeline.partitions
        ]
        write_index(pipeline.shards, packed, kept, mark, "".join(sorted(symbols)))
        write_data_card(pipeline.shards, rows, mark, edited_songs(pipeline, rows))
    return {
        "songs_in": len(rows),
        "songs_kept": len(kept),
        "kept_hours": sum(row["duration"] for row in kept) / 3600,
        **all_remark_counts(rows),
        "dropped": dict(Counter(row["drop_reason"] for row in rows if row["drop_reason"])),
    }


def card_text(card: Mapping[str, Any]) -> str:
    """The card for people, as Markdown."""
    stamp = f"\n**{card['stamp']}**: small embedded models had a part in it.\n" if card["stamp"] else ""
    dropped = _reasons(card["drops"])
    lines = [
        "# Data card",
        stamp,
        *([f"**Not judged**: {card[MARK]}.", ""] if card.get(MARK) else []),
        f"{counted(card['songs'], 'song')}, {card['hours']:.2f} hours, by {counted(card['artists'], 'named artist')}",
        f"({counted(card['songs_without_artist'], 'song')} without one). {counted(card['songs_in'], 'song')} went in; "
        f"dropped: {dropped}.",
        *_masks(card),
        "",
        *edited_lines(card.get("edited", {})),
        *_table("split", card["splits"]),
        *_table("license", card["licenses"]),
        *_table("source", card["sources"]),
        *_table("language heard", card["languages"]),
        *_languages(card),
        *_unchecked(card),
        *grade_lines(card),
        *_remark_lines(card),
        *_delay_lines(card),
        *section_lines(card.get("sections", {})),
        *caption_lines(card.get("captions", {})),
        *caption_lines(card.get("part_captions", {}), "part"),
        "## Made by",
        "",
        *(f"- `{made}`" for made in card["made_by"]),
        "",
    ]
    return "\n".join(lines)


def masked_s(spans: Sequence[Mapping[str, float]] | None) -> float:
    """How many seconds these spans are."""
    return sum(span["end_s"] - span["start_s"] for span in spans or ())


def _languages(card: Mapping[str, Any]) -> list[str]:
    """The languages that words are read in; where there are several, with what was dropped of each."""
    if "by_language" not in card:
        return _table("language read", card["languages_read"]) if "languages_read" in card else []
    fates = [LanguageFate(**fate) for fate in card["by_language"]]
    rows = [
        f"| {in_cell(fate.language)} | {fate.songs_in} | {fate.kept} | {fate.hours:.2f} | {_reasons(fate.drops)} |"
        for fate in fates
    ]
    return ["| language read | in | kept | hours | dropped |", "|---|---|---|---|---|", *rows, ""]


def _reasons(drops: Mapping[str, int]) -> str:
    return ", ".join(f"`{reason}` {count}" for reason, count in drops.items()) or "none"


def _any(rows: Iterable[Mapping[str, Any]], column: str) -> bool:
    return any(row.get(column) for row in rows)


def _unchecked(card: Mapping[str, Any]) -> list[str]:
    """What is said of songs whose times nobody could check, where there are any."""
    if not card.get("unchecked"):
        return []
    return [
        f"{counted(card['unchecked'], 'kept song')} on given times, unchecked: no aligner heard the language.",
        "",
    ]


def _masks(card: Mapping[str, Any]) -> list[str]:
    """What is said of masked seconds, where there are any."""
    said = []
    if card["masked_s"]:
        said.append(
            f"{card['masked_s']} s of the kept songs are masked (`masked.json`): train on none of them."
        )
    if card["left_out_for_masks_s"]:
        said.append(f"{card['left_out_for_masks_s']} s are left out with songs that have masked seconds.")
    return said


def _unstated_delays(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Songs by the delay that their encoder put first and did not state, in ms."""
    delays = (row.get("unstated_delay_s") for row in rows)
    return dict(sorted(Counter(f"{1000 * delay:.2f}" for delay in delays if delay is not None).items()))


def _remark_lines(card: Mapping[str, Any]) -> list[str]:
    """What was seen in the songs' files, though they are in; `jam look SONG` has the sentences."""
    lines: list[str] = []
    for kind, title in KINDS.items():
        rows = [f"| {in_cell(word)} | {songs} |" for word, songs in card.get(kind, {}).items()]
        lines += [f"| {title} | songs |", "|---|---|", *rows, ""] if rows else []
    return lines


def _delay_lines(card: Mapping[str, Any]) -> list[str]:
    """Which songs are late by a delay that their files do not state."""
    delays = ", ".join(
        f"{counted(songs, 'song')} {ms} ms" for ms, songs in card["unstated_delays_ms"].items()
    )
    late = f"{delays}: the encoder's delay is not stated in the file, so that its sound, and times taken from it, stand "
    return [late + "as late as in a player that skips none.", ""] if delays else []


def _table(title: str, shares: Mapping[str, Mapping[str, float]]) -> list[str]:
    rows = [
        f"| {in_cell(name)} | {share['songs']} | {share['hours']:.2f} |" for name, share in shares.items()
    ]
    return [f"| {title} | songs | hours |", "|---|---|---|", *rows, ""]


def in_cell(text: str) -> str:
    """Text from outside, kept inside its cell of a Markdown table."""
    return " ".join(text.replace("|", "\\|").split())


def _shares(rows: Sequence[Mapping[str, Any]], column: str) -> dict[str, dict[str, float]]:
    """Songs and hours by a column's value, the largest first; what nobody said is `unknown`."""
    groups: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row[column] or UNKNOWN].append(row)
    ordered = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    return {name: {"songs": len(group), "hours": _hours(group)} for name, group in ordered}


def _hours(rows: Iterable[Mapping[str, Any]]) -> float:
    return round(sum(row["duration_s"] for row in rows) / 3600, 4)
