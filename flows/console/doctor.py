"""``jam doctor``: this machine, and for every kind which models are here, which would be used, what gets the rest."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table as Grid
from rich.text import Text

from flows.pipelines.checkpoints import START
from flows.run.progress import console, print_error, say
from flows.settings.params import Params
from flows.settings.project import Project
from tasks.engine.fingerprint import installed
from tasks.engine.stage import BadModel
from tasks.models.base import ModelChoice
from tasks.models.chosen import IDENTITY
from tasks.models.packaged_weights import PACKAGED, PREFIX
from tasks.models.real.common import device_of
from tasks.models.released_weights import HUB_ID, Card, download, weights_bytes, weights_revision
from tasks.quality.limits import is_calibrated
from tasks.training.start import CARD, StartParams
from tasks.upkeep.machine import PACKAGES, machine

REAL_EXTRA = "pip install 'jam-lifecycle[real]'"
WIDTH = 118


@dataclass(frozen=True)
class Weights:
    """One set of weights: where the params say it lies and who gave it, the revision and size found there, or why there
    is none.
    """

    name: str
    setting: str
    place: str
    source: str
    revision: str | None
    bytes: int | None
    licence: str
    trouble: str | None
    hint: str | None


@dataclass(frozen=True)
class Model:
    """One model of a kind. `packages` with their versions, None where not installed; `trouble`: why it cannot run."""

    kind: str
    name: str
    chosen: bool
    identity: str | None
    device: str | None
    packages: dict[str, str | None]
    weights: tuple[Weights, ...]
    trouble: str | None


def print_doctor(project: Project, kinds: Sequence[str], as_json: bool) -> int:
    """Shows machine and models; 0 when every chosen model can be used, else 1."""
    params = project.params
    named = _named(params, kinds)
    models = [model for kind, name in named for model in _models(params, kind) if name in ("", model.name)]
    if not kinds or START in kinds:
        models.append(_start(params.start))
    fit = not any(model.chosen and model.trouble for model in models)
    facts = machine(project.work.root)
    if as_json:
        shown = {"fit": fit, "machine": facts, "models": [asdict(model) for model in models]}
        say(json.dumps(shown, indent=2, ensure_ascii=False))
        return 0 if fit else 1
    console(WIDTH).print(_machine_grid(facts), _models_grid(models))
    for line in _hints(models):
        say(line)
    if not kinds and fit:
        say(limits_line(params))
    for model in models:
        if model.chosen and model.trouble:
            say(f"chosen, but cannot be used: {model.trouble}")
    if fit:
        say("every chosen model can be used")
    return 0 if fit else 1


def download_models(params: Params, kinds: Sequence[str]) -> int:
    """Gets the hub weights of the chosen models, or of those named; says the commit to pin. 2 when one failed."""
    failed = False
    wanted = [
        (choice, name)
        for kind, only in _named(params, kinds)
        for choice in [getattr(params.models, kind)]
        for name in choice.real
        if name == only or (not only and (kinds or name == choice.model))
    ]
    if START in kinds or params.start.hub_id[1]:
        failed = not _downloaded(CARD, params.start.hub_id[0], params.start.revision)
    elif not wanted:
        say(
            "doctor: nothing to download, every chosen model is embedded; name one: jam doctor --download separator"
        )
    for choice, name in wanted:
        for card in choice.cards_of(name):
            failed |= not _downloaded(card, *getattr(choice, name).place(card))
    return 2 if failed else 0


def _downloaded(card: Card, place: str, revision: str | None) -> bool:
    """Whether the weights of a hub id could be got; says where they are, or why not."""
    try:
        path = download(card, place, revision)
    except BadModel as error:
        print_error(str(error))
        return False
    commit = path.parts[path.parts.index("snapshots") + 1]
    pin = f"{card.section}.{card.field.replace('weights', 'revision') if card is not CARD else 'revision'}"
    say(f"{card.setting}: {place} is in {path} ({card.licence}); pin it: --set {pin}={commit}")
    return True


def limits_line(params: Params) -> str:
    """Whether the gate's limits were chosen for the models in use."""
    models = params.models.measuring()
    if is_calibrated(params.filter, models):
        return f"the limits of `filter` were chosen for {' and '.join(models)}"
    return f"the limits of `filter` are uncalibrated for {' and '.join(models)}; `jam calibrate` chooses them"


def _named(params: Params, kinds: Sequence[str]) -> list[tuple[str, str]]:
    """Kinds, and the one model of each that was named, "" for all: ``separator``, ``separator.demucs``."""
    found = []
    for named in kinds or IDENTITY:
        if named == START:
            continue
        kind, _, name = named.partition(".")
        if kind not in IDENTITY:
            known_kinds = ", ".join([*IDENTITY, START])
            raise ValueError(f"doctor: {kind!r} is no kind of model; name one of {known_kinds}")
        known = getattr(params.models, kind).real
        if name and name not in known:
            raise ValueError(
                f"doctor: {kind} has no model {name!r}; it has {', '.join(known) or 'none but embedded'}"
            )
        found.append((kind, name))
    return found


def _models(params: Params, kind: str) -> list[Model]:
    choice: ModelChoice = getattr(params.models, kind)
    known = [*choice.embedded, *choice.real]
    names = known if choice.model in known else [*known, choice.model]
    return [_model(choice, kind, name) for name in names]


def _model(choice: ModelChoice, kind: str, name: str) -> Model:
    identity, device, trouble = None, None, None
    try:
        identity = IDENTITY[kind](choice.model_copy(update={"model": name}))
        if name in choice.real:
            device = str(device_of(f"models.{kind}.{name}", getattr(choice, name).device))
    except ValueError as error:
        trouble = str(error)
    cards = choice.cards_of(name) if name in choice.real else ()
    packages = {package: installed(package) for card in cards for package in card.packages}
    weights = tuple(_weights(kind, card, *getattr(choice, name).place(card)) for card in cards)
    return Model(kind, name, name == choice.model, identity, device, packages, weights, trouble)


def _start(params: StartParams) -> Model:
    """Released weights of the song model itself, to begin with."""
    place, chosen = params.hub_id
    weights = _weights(START, CARD, place, params.revision)
    packages = {package: installed(package) for package in CARD.packages}
    return Model(START, CARD.name, chosen, None, None, packages, (weights,), weights.trouble)


def _weights(kind: str, card: Card, place: str, revision: str | None) -> Weights:
    found, size, trouble, hint = None, None, None, None
    packaged = PACKAGED.get(place.removeprefix(PREFIX)) if place.startswith(PREFIX) else None
    try:
        found = weights_revision(card, place, revision)
        size = weights_bytes(card, place, revision)
    except BadModel as error:
        trouble = str(error)
        missing = not Path(place).expanduser().exists()
        if packaged:
            hint = packaged.command
        elif missing and HUB_ID.fullmatch(place):
            hint = f"jam doctor --download {card.section.removeprefix('models.')}"
        elif missing and card.released_at.endswith(f"/{Path(place).name}"):
            hint = f"curl -L --create-dirs -o {place} {card.released_at}"
        else:
            hint = f"get it again from {card.released_at}"
    source = f"{packaged.package} {packaged.version}: {packaged.copy_of}" if packaged else card.released_at
    licence = packaged.licence if packaged else card.licence
    return Weights(card.name, card.setting, place, source, found, size, licence, trouble, hint)


def _machine_grid(facts: dict[str, Any]) -> Grid:
    versions = ", ".join(f"{name} {facts[name] or 'not installed'}" for name in PACKAGES)
    rows = {
        "software": f"python {facts['python']}, {versions}",
        "machine": f"{facts['cpus']} CPUs, {facts['memory_gb']} GB memory, {', '.join(facts['gpus']) or 'no GPU'}",
        "disk": f"{facts['free_disk_gb']} GB free for the work folder",
        "WDS_SECURE": f"{'1: webdataset runs no' if facts['wds_secure'] else 'not 1: webdataset may run'} pickles",
        "ffmpeg": "not needed: audio is read by bundled libraries",
    }
    grid = Grid(box=None, show_header=False, pad_edge=False)
    for row in rows.items():
        grid.add_row(*row)
    return grid


def _models_grid(models: Sequence[Model]) -> Grid:
    """A line for each set of weights; a model's package stands under its name."""
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("", "kind", "model"):
        grid.add_column(heading, no_wrap=True)
    grid.add_column("weights", overflow="fold", max_width=42)
    grid.add_column("revision", no_wrap=True)
    grid.add_column("licence", max_width=18)
    last = None
    for model in models:
        mark = ("●" if not model.trouble else "✗") if model.chosen else ""
        left = [(mark, "" if model.kind == last else model.kind, model.name)]
        left += [("", "", f"  {packages}") for packages in _packages(model)]
        right = [(_place(one), one.revision or "not here", one.licence) for one in model.weights]
        right = right or [
            (model.identity, "with the code", "stand-in") if model.identity else ("none", "", "")
        ]
        for row in zip_longest(left, right, fillvalue=("", "", "")):
            grid.add_row(*(Text(cell) for cells in row for cell in cells))
        last = model.kind
    return grid


def _place(weights: Weights) -> str:
    """Where the weights lie and how large they are; under it, what package holds them, if one does."""
    size = "" if weights.bytes is None else f", {weights.bytes / 1e6:.0f} MB"
    return weights.place + size + (f"\n{weights.source}" if weights.place.startswith(PREFIX) else "")


def _packages(model: Model) -> list[str]:
    """The first package with its version, which is the model's own, unless some are missing."""
    missing = [name for name, version in model.packages.items() if version is None]
    there = [f"{name} {version}" for name, version in model.packages.items() if version is not None]
    return [f"no {name}" for name in missing] or there[:1]


def _hints(models: Sequence[Model]) -> list[str]:
    """A line for each thing that is missing: what it is and the command that gets it."""
    missing = sorted(
        {name for model in models for name, version in model.packages.items() if version is None}
    )
    lines = [f"to install {', '.join(missing)}: {REAL_EXTRA}"] if missing else []
    for model in models:
        hints = dict.fromkeys(weights.hint for weights in model.weights if weights.hint)
        lines += [f"for {model.kind}.{model.name}: {hint}" for hint in hints]
    return lines
