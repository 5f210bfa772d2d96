"""The values of jamify's yaml files flat, by their dotted keys: plain YAML within limits of depth and number, references such as ``${max_frames}`` resolved."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flows.settings.core_yaml import parse_yaml

MAX_BYTES, MAX_DEPTH, MAX_VALUES = 1 << 20, 20, 2000
REFERENCE = re.compile(r"\$\{([A-Za-z_][\w.]*)\}")
NAME = re.compile(r"[\w-]{1,60}")


def values_of(path: Path) -> dict[str, Any]:
    """Every value of a yaml file of jamify by its dotted key.

    Raises:
        ValueError: it cannot be read, or is no plain yaml of jamify's.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        text = data.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"yaml: cannot read {path}: {error}") from None
    if len(data) > MAX_BYTES:
        raise ValueError(f"yaml: {path} has more than {MAX_BYTES} bytes; give a file of settings")
    found = parse_yaml(text, str(path))
    if not isinstance(found, Mapping) or not {"training", "evaluation"} & set(map(str, found)):
        raise ValueError(f"yaml: {path} has neither `training` nor `evaluation`; give a yaml file of jamify")
    flat = dict(_flat(found))
    if len(flat) > MAX_VALUES:
        raise ValueError(f"yaml: {path} holds {len(flat)} values; jamify's have {MAX_VALUES} at the most")
    return {key: _resolved(key, value, flat) for key, value in flat.items()}


def _flat(value: Any, above: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Every value by its dotted key."""
    if depth > MAX_DEPTH:
        raise ValueError(f"yaml: {above[:60]} lies more than {MAX_DEPTH} deep")
    if not isinstance(value, Mapping):
        yield above, value
        return
    for key, below in value.items():
        if not isinstance(key, str) or not NAME.fullmatch(key):
            raise ValueError(f"yaml: the key {str(key)[:40]!r} is no plain name")
        yield from _flat(below, f"{above}.{key}" if above else key, depth + 1)


def _resolved(key: str, value: Any, flat: Mapping[str, Any], depth: int = 0) -> Any:
    """A value, or what it refers to as ``${other.key}``."""
    if not isinstance(value, str) or "${" not in value:
        return value
    named = REFERENCE.fullmatch(value.strip())
    if named is None or named[1] not in flat or depth > MAX_DEPTH:
        raise ValueError(f"yaml: {key} is {value[:60]!r}, which names no value of this file; write it out")
    return _resolved(key, flat[named[1]], flat, depth + 1)
