"""Labels of parts that ask for a sound, split into name and text: ``[Verse: soft piano]`` is a name and, behind the colon, a style."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tasks.lyrics.lyrics import Label
from tasks.lyrics.parts.unsung import is_label

COLON = re.compile(r"\s*[:：]\s*")


def name_and_text(label: str) -> tuple[str, str | None] | None:
    """The name of a part and what stands behind its colon; None of a label that names no part."""
    name, *behind = COLON.split(label.strip(), maxsplit=1)
    if not is_label(name, marked=True):
        return None
    return name, (behind[0].strip() or None) if behind else None


def has_part_texts(labels: Sequence[Label]) -> bool:
    """Whether a part says how it shall sound."""
    return any(found is not None and found[1] for found in (name_and_text(one.text) for one in labels))
