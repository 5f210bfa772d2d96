"""Fingerprints: what a column file was made from, as JSON and as a short hash in its name.

A cache key covers the stage and its version, its section of params.yaml, its models, the versions of the
packages that compute, and the fingerprints of the columns it reads (down to the songs' content hashes).
It never covers paths, times, hosts or the number of workers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from tasks.engine.stage import Stage

FINGERPRINT_CHARS = 12
CacheKey = dict[str, Any]


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def fingerprint(value: Any) -> str:
    """First 12 hex digits of the sha256 of `value` as canonical JSON."""
    return _short_hash(canonical(value))


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:FINGERPRINT_CHARS]


class KeyTemplate:
    """A stage's cache key as canonical JSON, in which only the inputs' fingerprints differ from partition to partition.

    A million songs have 140,000 cache keys, and every run looks at all of them.
    """

    def __init__(self, base: CacheKey, inputs: Collection[str]) -> None:
        """`base`: the cache key without its inputs; `inputs`: the stages it reads, in the order of `fingerprint`."""
        before = canonical({key: value for key, value in base.items() if key < "inputs"})[:-1]
        behind = canonical({key: value for key, value in base.items() if key > "inputs"})[1:]
        names = sorted(inputs)
        self._order = [list(inputs).index(name) for name in names]
        starts = [f'"{name}":"' for name in names]
        between = [f'",{start}' for start in starts[1:]]
        end = f"}},{behind}"
        self._first = f'{before},"inputs":{{' + (starts[0] if starts else end)
        self._pieces = [*between, f'"{end}'] if starts else []

    def fingerprint(self, inputs: Sequence[str]) -> str:
        """`fingerprint` of the cache key with these fingerprints as its inputs."""
        text = self._first
        for place, piece in zip(self._order, self._pieces, strict=True):
            text += inputs[place] + piece
        return _short_hash(text)


@cache
def installed(distribution: str) -> str | None:
    """The version of a distribution; None where it is not installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def package_version(distribution: str) -> str:
    """Installed version of a distribution, or ``missing``."""
    return installed(distribution) or "missing"


def stage_cache_key(stage: Stage) -> CacheKey:
    """What decides a stage's values, before its inputs are known, as this interpreter sees it.

    Raises:
        BadModel: a model's packages or weights are not there.
    """
    return {
        "stage": stage.name,
        "version": stage.version,
        "params": stage.params.decides(),
        "models": list(stage.models),
        "facts": stage.facts,
        "packages": {name: package_version(name) for name in sorted(_packages(stage))},
    }


def _packages(stage: Stage) -> set[str]:
    """Of the stage's own code, and of the models its sections of params choose."""
    return {*stage.packages, *(name for section in stage.sections for name in section.packages)}


def differences(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> list[str]:
    """The keys in which two cache keys differ, as readable lines ``params.min_words: 2 -> 3``."""
    lines = []
    for key in sorted(old.keys() | new.keys()):
        before, after = old.get(key), new.get(key)
        if before == after:
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            lines += differences(before, after, f"{prefix}{key}.")
        else:
            lines.append(f"{prefix}{key}: {_short(before)} -> {_short(after)}")
    return lines


def _short(value: Any, limit: int = 60) -> str:
    text = canonical(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
