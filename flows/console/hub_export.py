"""``jam export hub``: shards and one system's weights laid out with their cards, ready to upload."""

from __future__ import annotations

import json
from pathlib import Path

from flows.console.card import last_report
from flows.pipelines.runs import checkpoint_with
from flows.run.progress import say
from flows.settings.check_models import IDENTITY
from flows.settings.params import Params
from flows.settings.project import Project
from tasks.shards.data_card import CARD_JSON
from tasks.shards.hub_export import BaseModel, export_data, export_model

MADE_HERE = "ships with the project"


def export_hub(project: Project, out: Path, system: str) -> None:
    """Write ``dataset/`` and ``model/`` into `out`.

    Raises:
        ValueError: nothing is packed or reported, the system is no checkpoint of the report, or `out` is not empty.
    """
    work = project.work
    if out.is_dir() and any(out.iterdir()):
        raise ValueError(f"export: {out} is not empty; name a new folder")
    record = last_report(work.root)
    hashes = record["settings"].get("weights", {})
    if system not in hashes:
        known = ", ".join(hashes) or "none"
        raise ValueError(f"system: the report has no weights by {system!r}; it has {known}")
    checkpoint = checkpoint_with(work, hashes[system])
    bases = base_models(project.params)
    num_shards = export_data(work.shards, out, bases)
    card = json.loads((work.shards / CARD_JSON).read_text())
    export_model(checkpoint, out, record, system, card, bases)
    say(
        f"export: {num_shards} shards in {out / 'dataset'}, {system} in {out / 'model'}; nothing was uploaded"
    )


def base_models(params: Params) -> list[BaseModel]:
    """Every model the params choose, with the licence of its weights."""
    found = []
    for kind in IDENTITY:
        choice = getattr(params.models, kind)
        if choice.settings is None:
            identity = IDENTITY[kind](choice)
            found.append(BaseModel(kind, identity, MADE_HERE, "as the project", MADE_HERE))
        else:
            found += [BaseModel.of(kind, card, choice.settings.place(card)[0]) for card in choice.cards]
    return found
