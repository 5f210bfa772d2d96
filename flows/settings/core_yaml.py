"""YAML as settings are written in it: mappings, lists and scalars of YAML 1.2's core schema, and nothing else.

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


class CoreLoader(yaml.SafeLoader):
    """Reads what the core schema has."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """A node; an alias is refused, since a few lines of them may stand for more than a memory holds."""
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            raise yaml.composer.ComposerError(
                None, None, f"an alias, *{event.anchor}; write the values out", event.start_mark
            )
        return super().compose_node(parent, index)


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
        return CoreLoader(text).get_single_data()
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ValueError(f"params: {where} is not plain YAML: {' '.join(str(error).split())}") from None
