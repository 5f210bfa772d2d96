"""YAML as settings are written in it (`parse_yaml`): a loader of YAML 1.2's core schema without aliases, no deeper than anyone writes.

PyYAML follows YAML 1.1, where ``1:30`` is 90, ``no`` is false, ``010`` is 8 and ``1e-5`` is text. Here the first three
are text, which no number or truth is read from, and the last is a number. Tags, aliases and merge keys are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import yaml

PREFIX = "tag:yaml.org,2002:"
SCALARS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "null": (r"|~|null", lambda text: None),
    "bool": (r"true|false", lambda text: text == "true"),
    "int": (r"[-+]?(0|[1-9][0-9]*)", int),
    "float": (r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?", float),
}
"""Which texts a type takes, and how they are read (https://yaml.org/spec/1.2.2, section 10.3; here without octal and
hexadecimal integers, leading zeros, infinity and NaN)."""


MAX_DEPTH = 50
"""How deep values may lie in one another; the deepest setting lies five deep."""


class CoreLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Reads what the core schema has, by libyaml where PyYAML was built with it."""


CoreLoader.yaml_implicit_resolvers = {}
CoreLoader.yaml_constructors = {
    tag: yaml.SafeLoader.yaml_constructors[tag]
    for tag in (None, *(PREFIX + kind for kind in ("str", "seq", "map")))
}
for _name, (_pattern, _read) in SCALARS.items():
    CoreLoader.add_implicit_resolver(PREFIX + _name, re.compile(f"(?:{_pattern})$"), None)
    CoreLoader.add_constructor(
        PREFIX + _name, partial(lambda read, loader, node: read(loader.construct_scalar(node)), _read)
    )


def parse_yaml(text: str, where: str) -> Any:
    """The value that `text` says; `where` it stands, for messages.

    Raises:
        ValueError: it is not YAML, or uses more than the core schema.
    """
    try:
        _check_events(text)
        return CoreLoader(text).get_single_data()
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ValueError(f"params: {where} is not plain YAML: {' '.join(str(error).split())}") from None


def _check_events(text: str) -> None:
    """Looks through `text` before anything is built of it.

    Raises:
        yaml.YAMLError: it is not YAML, lies too deep, or has an alias, of which a few lines may stand for more than a
            memory holds.
    """
    depth = 0
    for event in yaml.parse(text, Loader=CoreLoader):
        if isinstance(event, yaml.AliasEvent):
            raise yaml.YAMLError(f"an alias, *{event.anchor}; write the values out")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise yaml.YAMLError(f"values lie deeper than {MAX_DEPTH} in one another")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
