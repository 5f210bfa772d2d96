"""import: foreign .pt shards (jamify's) become safe ones that `jam train` can use; how many samples were taken and how many refused."""

from __future__ import annotations

from pathlib import Path

from flows.run.progress import progress_bar, say
from flows.settings.params import Params
from tasks.models.phonemizer import build_phonemizer
from tasks.shards.convert_foreign import REFUSED_NAME, Importer, import_shards
from tasks.shards.read_foreign import shards_of


def bring_in_shards(params: Params, where: str, out: Path) -> int:
    """Convert the shards of a folder or pattern into `out`; returns how many samples were taken.

    Raises:
        ValueError: no shards, or none of their samples could be taken.
    """
    importer = Importer(
        build_phonemizer(params.models.phonemizer),
        params.phonemize.max_unknown_share,
        params.group,
        params.pack.tensor_format,
    )
    paths = shards_of(where)
    with progress_bar("import", "shards") as show:
        imported = import_shards(paths, out, importer, show)
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
