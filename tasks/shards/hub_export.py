"""A folder as model and data hubs take it: shards with their card, weights with theirs (README, license, base model). Nothing is uploaded.

``dataset/`` holds the shards, their index and ``README.md``; ``model/`` the weights, their facts and ``README.md``.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from eval.report.card import methods_paragraph
from eval.results.plural import counted
from eval.results.rounds import raters_line
from jam_model.training_facts import BegunFrom, read_facts
from tasks.models.released_weights import Card
from tasks.shards.data_card import CARD_JSON, CARD_TEXT, UNKNOWN, in_cell
from tasks.storage.file_hashes import sha256_of_file
from tasks.storage.files import atomic_path, write_bytes

INDEX = "index.json"
IDS = "ids*.jsonl"
WEIGHTS = ("model.safetensors", "config.json", "training.json")
ROUNDS_SYSTEM = "dpo"
"""The system of a report whose weights the rounds made."""
DATA_TERMS = (
    "The songs keep the licences of their owners, as listed; the shards hold what was made from them."
)


@dataclass(frozen=True)
class BaseModel:
    """A model that had a part in data or weights, and the terms it came with."""

    kind: str
    name: str
    place: str  # a hub id, a file, or where it ships
    licence: str
    released_at: str

    @classmethod
    def of(cls, kind: str, card: Card, place: str) -> BaseModel:
        """From the card of a chosen model's weights."""
        return cls(kind, card.name, place, card.licence, card.released_at)


def export_data(shards: Path, out: Path, bases: Sequence[BaseModel]) -> int:
    """Lay out the shards of a work folder in ``out/dataset``; returns how many there are.

    Raises:
        ValueError: nothing is packed there, or a shard is not what its index says.
    """
    for name in (INDEX, CARD_JSON, CARD_TEXT):
        if not (shards / name).is_file():
            raise ValueError(f"export: {shards} has no {name}; run `jam prepare` first")
    index = json.loads((shards / INDEX).read_text())
    card = json.loads((shards / CARD_JSON).read_text())
    for shard in index["shards"]:
        if _copied(shards / shard["name"], out / "dataset" / shard["name"]) != shard["sha256"]:
            raise ValueError(f"export: {shard['name']} is not what its index says; run `jam verify`")
    for path in [shards / INDEX, shards / CARD_JSON, *sorted(shards.glob(IDS))]:
        write_bytes(out / "dataset" / path.name, path.read_bytes())
    text = data_readme(card, (shards / CARD_TEXT).read_text(), bases)
    write_bytes(out / "dataset" / "README.md", text.encode())
    return len(index["shards"])


def export_model(
    checkpoint: Path,
    out: Path,
    record: Mapping[str, Any],
    system: str,
    card: Mapping[str, Any],
    bases: Sequence[BaseModel],
) -> None:
    """Lay out a checkpoint in ``out/model``, its card filled from report.json; `card` is the data's."""
    for name in WEIGHTS:
        if (checkpoint / name).is_file():
            _copied(checkpoint / name, out / "model" / name)
    begun = read_facts(checkpoint).begun_from
    write_bytes(out / "model" / "README.md", model_readme(record, system, card, bases, begun).encode())


def data_readme(card: Mapping[str, Any], text: str, bases: Sequence[BaseModel]) -> str:
    """The data card with a hub's front matter, the licences carried and what is not known said first."""
    front = {
        "pretty_name": "Songs packed for JAM",
        **_licence(card),
        "language": [name for name in card.get("languages_read") or card["languages"] if name != UNKNOWN],
        "task_categories": ["text-to-audio"],
        "tags": ["music", "lyrics-to-song", "webdataset", *(["stand-in"] if card["stamp"] else [])],
        "size_categories": [_size(card["songs"])],
        "configs": [{"config_name": "default", "data_files": "*.tar"}],
    }
    return f"{_front_matter(front)}\n{text.rstrip()}\n\n## Terms\n\n{_unknown(card)}{DATA_TERMS}\n\n{_base_table(bases)}"


def model_readme(
    record: Mapping[str, Any],
    system: str,
    card: Mapping[str, Any],
    bases: Sequence[BaseModel],
    begun: BegunFrom | None = None,
) -> str:
    """The model card: metrics with their intervals, methods, data, the weights it began with, base models, their terms."""
    row = record["systems"][system]
    stamp = f"\n**{row['stamp']}**: small embedded models made or scored it.\n" if row["stamp"] else ""
    measured = [name for name in record["metric_order"] if row["metrics"][name]["value"] is not None]
    front = {
        "license": "other",
        "license_name": "see-terms-below",
        "pipeline_tag": "text-to-audio",
        "tags": ["music", "lyrics-to-song", "flow-matching", *(["stand-in"] if row["stamp"] else [])],
        "base_model": sorted({base.place for base in bases if _is_hub_id(base.place)}),
        "model-index": [_results(record, system, measured)],
    }
    licences = ", ".join(f"{in_cell(name)} {one['songs']}" for name, one in card["licenses"].items())
    lines = [
        f"# {row['title']}",
        stamp,
        "## Measured",
        "",
        "| metric | value | 95 % interval | n | failed | better |",
        "|---|---|---|---|---|---|",
        *(_metric_row(record, row, name) for name in measured),
        "",
        methods_paragraph(record, system),
        "",
        *_copy_lines(record, system),
        *_rater_lines(record, system),
        "## Trained on",
        "",
        f"{counted(card['songs'], 'song')}, {card['hours']:.2f} hours; licences: {licences}.",
        "",
        *([f"It began with {in_cell(begun.sentence)}: those terms hold for it too.", ""] if begun else []),
        "## Terms",
        "",
        f"{_unknown(card)}Whoever publishes these weights answers for the songs' licences and for the terms of "
        "every model below.",
        "",
        _base_table(bases),
    ]
    return f"{_front_matter(front)}\n" + "\n".join(lines)


def _copy_lines(record: Mapping[str, Any], system: str) -> list[str]:
    """Whether its songs are near those it learned from, where the report says so."""
    row = (record.get("copies") or {}).get("systems", {}).get(system)
    if row is None or row["of_training"]["value"] is None:
        return []
    shares = [
        f"{row[name]['value']:.3g}" for name in ("of_training", "of_drawn", "of_held_out") if row[name]["n"]
    ]
    told = (
        f"Share of its {row['of_training']['n']} generated songs near one of the training songs: {shares[0]}"
        f"{_beside(record, shares)}."
    )
    return ["## Does it copy?", "", told, ""]


def _rater_lines(record: Mapping[str, Any], system: str) -> list[str]:
    """Who chose the pairs of the rounds that these weights come from, and how surely, where anybody did."""
    rounds = record.get("rounds")
    if system != ROUNDS_SYSTEM or not rounds:
        return []
    shown = rounds["kept"] or rounds["rows"][-1]["number"]
    told = [
        f"- round {row['number']}: {row.get('num_by_people', 0)} of {counted(row['num_pairs'], 'pair')} by people, "
        f"{in_cell(raters_line(row['raters']))}"
        for row in rounds["rows"]
        if row.get("raters") and row["number"] <= shown
    ]
    return ["## Preferred by", "", *told, ""] if told else []


def _beside(record: Mapping[str, Any], shares: Sequence[str]) -> str:
    drawn = record["copies"]["num_drawn"]
    return (
        f"; near one of {drawn} of them {shares[1]}, of as many held-out ones {shares[2]}"
        if len(shares) > 2
        else ""
    )


def _results(record: Mapping[str, Any], system: str, measured: Sequence[str]) -> dict[str, Any]:
    row = record["systems"][system]
    stamp = f" ({row['stamp']})" if row["stamp"] else ""
    return {
        "name": row["title"],
        "results": [
            {
                "task": {"type": "text-to-audio", "name": "lyrics to song"},
                "dataset": {"name": record["title"], "type": "benchmark songs"},
                "metrics": [
                    {
                        "type": name,
                        "name": f"{record['metrics'][name]['title']}{stamp}",
                        "value": row["metrics"][name]["value"],
                    }
                    for name in measured
                ],
            }
        ],
    }


def _metric_row(record: Mapping[str, Any], row: Mapping[str, Any], name: str) -> str:
    metric, one = record["metrics"][name], row["metrics"][name]
    interval = "" if one["low"] is None else f"[{one['low']:.4g}, {one['high']:.4g}]"
    cells = (metric["title"], f"{one['value']:.4g}", interval, one["n"], one["n_failed"], metric["direction"])
    return f"| {' | '.join(in_cell(str(cell)) for cell in cells)} |"


def _base_table(bases: Sequence[BaseModel]) -> str:
    rows = [
        f"| {base.kind} | {in_cell(base.name)} | `{in_cell(base.place)}` | {in_cell(base.licence)} | {in_cell(base.released_at)} |"
        for base in bases
    ]
    return "\n".join(
        ["| model for | name | weights | licence | released at |", "|---|---|---|---|---|", *rows, ""]
    )


def _unknown(card: Mapping[str, Any]) -> str:
    unknown = card["licenses"].get(UNKNOWN, {"songs": 0})["songs"]
    return (
        f"**{unknown} of {card['songs']} songs name no licence: find out before you publish.** "
        if unknown
        else ""
    )


def _licence(card: Mapping[str, Any]) -> dict[str, str]:
    """One licence for all songs, or `other` with the table below."""
    names = list(card["licenses"])
    if len(names) == 1 and names[0] != UNKNOWN:
        return {"license": names[0].lower()}
    return {"license": "other", "license_name": "see-terms-below"}


def _size(songs: int) -> str:
    steps = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
    return next((name for limit, name in steps if songs < limit), "1M<n<10M")


def _is_hub_id(place: str) -> bool:
    return place.count("/") == 1 and not place.startswith((".", "/", "data/"))


def _front_matter(values: Mapping[str, Any]) -> str:
    kept = {key: value for key, value in values.items() if value}
    return f"---\n{yaml.safe_dump(kept, sort_keys=False, allow_unicode=True)}---\n"


def _copied(source: Path, target: Path) -> str:
    """Copies a file whole or not at all; the sha256 of the copy."""
    with source.open("rb") as stream, atomic_path(target) as unfinished, unfinished.open("wb") as copy:
        shutil.copyfileobj(stream, copy)
    return sha256_of_file(target)
