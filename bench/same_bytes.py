"""Two work folders hold the same shards, byte for byte, and reports with the same numbers.

    python bench/same_bytes.py BEFORE AFTER

What proves a change of names alone: `docs/renamed.yaml` says what each thing in a report was called before. Shards are
compared by partition number (a fingerprint in a name covers names of stages), weights by their hash, reports number by
number; what differs from run to run (`run`), and settings, are left out. Prints what differs; ends with 1 if anything does.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

RENAMED = Path(__file__).resolve().parents[1] / "docs" / "renamed.yaml"
LEFT_OUT = ("run", "settings")
PART = re.compile(r"part-(\d+)-[0-9a-f]+\.tar")


def shards(folder: Path) -> dict[str, str]:
    """sha256 of each shard by the number of its partition, and of the id lists."""
    found = {}
    for path in sorted((folder / "shards").iterdir()):
        match = PART.fullmatch(path.name)
        if match or path.suffix == ".jsonl":
            found[match[1] if match else path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def weights(folder: Path) -> list[str]:
    """sha256 of the weights of every training that stands."""
    paths = [*folder.glob("checkpoints/*/*/model.safetensors"), *folder.glob("rounds/**/model.safetensors")]
    return sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in paths)


def numbers(value: Any, names: dict[str, str], path: str = "") -> Iterator[tuple[str, float]]:
    """Every number below a JSON value by its path, with today's names."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return
    if isinstance(value, int | float):
        yield path, float(value)
        return
    for key, below in value.items() if isinstance(value, dict) else _places(value):
        if path or key not in LEFT_OUT:
            today = (names.get(part, part) for part in str(key).split("/"))
            yield from numbers(below, names, "/".join([path, *today]))


def _places(values: list[Any]) -> Iterator[tuple[object, Any]]:
    """The entries of a list by their place; those of a metric by its name, in whatever order they come."""
    for place, value in enumerate(values):
        named = isinstance(value, dict) and {"metric", "against"} <= value.keys()
        yield f"{value['metric']}/{value['against']}" if named else place, value


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """The keys whose values differ, or that only one side has."""
    return [
        f"{key}: {before.get(key)} -> {after.get(key)}"
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]


def main() -> int:
    before, after = Path(sys.argv[1]), Path(sys.argv[2])
    renamed = yaml.safe_load(RENAMED.read_text()) if RENAMED.is_file() else {}
    names = {  # settings, whose names are dotted, are left out of a report's numbers
        old: new
        for kind, table in renamed.items()
        if kind != "settings"
        for old, new in (table or {}).items()
    }
    report = "reports/benchmark/report.json"
    old, new = (json.loads((folder / report).read_text()) for folder in (before, after))
    sides = dict(numbers(old, names)), dict(numbers(new, {}))
    of_shards = differences(shards(before), shards(after))
    of_weights = differences(*({w: True for w in weights(folder)} for folder in (before, after)))
    of_numbers = differences(*sides)
    print(f"shards and id lists: {len(shards(after))}, {len(of_shards)} differ")
    print(f"weights: {len(weights(after))}, {len(of_weights)} differ")
    print(f"numbers of the report: {len(sides[0])} before, {len(sides[1])} after, {len(of_numbers)} differ")
    print(*[*of_shards, *of_weights, *of_numbers[:40]], sep="\n")
    return int(bool(of_shards or of_weights or of_numbers))


if __name__ == "__main__":
    sys.exit(main())
