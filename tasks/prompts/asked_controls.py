"""Controls that prompts ask for, as columns of the table that songs are generated in, and whether a checkpoint knows them.

A column ``control_<name>`` holds the array of that control as npy (`jam_model.controls.known`), null where it is not asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jam_model.checkpoint import load_config
from jam_model.controls.known import Rows, check_names, checked
from tasks.audio.read import npy_bytes
from tasks.songs.columns import CONTROL_COLUMNS

GIVEN_AS = {"audio": "audio (like)", "painting": "painting (keep)"}
"""Controls whose field has another name."""
REVISIONS = {"control_painting": b"2"}
"""Of what the sampler makes of a control, where that changed; the other songs keep their names. 2: kept frames go straight."""


def control_facts(controls: Rows) -> dict[str, bytes]:
    """The columns of the controls that one prompt asks for.

    Raises:
        ValueError: a control nobody knows, or an array that is none of its control's.
    """
    check_names([*controls], "controls of a prompt")
    arrays = {name: np.asarray(array) for name, array in controls.items()}
    return {
        f"control_{name}": npy_bytes(checked(name, array, None, f"control {name}"))
        for name, array in arrays.items()
    }


def identity_of(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts with the arrays of controls, and their revisions, by their hash."""
    return {
        key: hashlib.sha256(REVISIONS.get(key, b"") + value).hexdigest() if key in CONTROL_COLUMNS else value
        for key, value in facts.items()
    }


def check_asked(controls: Iterable[str], checkpoint: Path) -> None:
    """Raises a ValueError in one line where a control is asked of a checkpoint that lacks it."""
    known = load_config(checkpoint).controls
    lacking = sorted(GIVEN_AS.get(name, name) for name in {*controls} - {*known})
    if lacking:
        raise ValueError(
            f"controls: {', '.join(lacking)} asked of {checkpoint}, which knows {', '.join(known) or 'none'}; leave it out, or tune "
            "with jam.controls"
        )
