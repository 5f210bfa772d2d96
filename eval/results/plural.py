"""Numbers with their noun, as they are said everywhere."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """``1 song``, ``2 songs``."""
    return f"{number} {noun}" + ("" if number == 1 else "s")
