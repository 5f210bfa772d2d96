"""What a real model says when it cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.engine.stage import BadModel


def refusal(call: Callable[[], object]) -> str:
    """The one line with which `call` refuses."""
    with pytest.raises(BadModel) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message and ";" in message, message
    return message


def cut_short(path: Path, num_bytes: int = 100) -> None:
    """Takes the end off a file, as a download that stopped does."""
    path.write_bytes(path.read_bytes()[:-num_bytes])
