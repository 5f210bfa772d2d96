"""jamify's data, brought in: foreign shards become safe ones that `jam train` can use."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from flows.params import load_params
from flows.view import progress_bar, say
from tasks.exchange_shards import REFUSED_NAME, Importer, import_shards
from tasks.exchange_tar import shards_of
from tasks.models.phonemizer import build_phonemizer


def bring_in_shards(where: str, out: Path, overlay: Path | None, settings: Sequence[str]) -> int:
    """Convert the shards of a folder or pattern into `out`; returns how many samples were taken.

    Raises:
        ValueError: no shards, or none of their samples could be taken.
    """
    params = load_params(overlay, list(settings))
    importer = Importer(
        build_phonemizer(params.phonemizer),
        params.phonemize.max_unknown_share,
        params.group,
        params.pack.tensor_format,
    )
    paths = shards_of(where)
    with progress_bar("import", "shards") as step:
        imported = import_shards(paths, out, importer, step)
    reasons = ", ".join(f"{reason} {count}" for reason, count in imported.reasons.items())
    if not imported.num_samples:
        raise ValueError(
            f"import: no sample of {where} could be taken ({reasons or 'there is none'}); see {out / REFUSED_NAME}"
        )
    refused = (
        f"; refused {len(imported.refused)} ({reasons}), listed in {out / REFUSED_NAME}" if reasons else ""
    )
    say(f"import: {imported.num_samples} samples of {len(paths)} shards in {out}{refused}")
    return imported.num_samples
