"""JSON as every toy file has it."""

from __future__ import annotations

import json
from typing import Any


def to_json(value: Any) -> str:
    """A space an indent, a line at the end, letters as they are."""
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
