"""``jam doctor``: this machine, and for every kind which models are here, which would be used, what is the trouble and the hint; downloads (``--download``)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from flows.console.doctor_table import WIDTH, Model, Weights, hints, machine_grid, models_grid
from flows.pipelines.checkpoints import START
from flows.run.progress import console, print_error, say
from flows.settings.params import Params
from flows.settings.project import Project
from tasks.engine.fingerprint import installed
from tasks.engine.stage import BadModel
from tasks.models import chosen
from tasks.models.aligner import AlignerParams
from tasks.models.base import ModelChoice
from tasks.models.packaged_weights import PACKAGED, PREFIX
from tasks.models.phonemizer import PhonemizerParams
from tasks.models.real.common import device_of
from tasks.models.released_weights import HUB_ID, Card, download, reason_of, weights_bytes, weights_revision
from tasks.models.transcriber import TranscriberParams
from tasks.preference.pairing import check_guard
from tasks.quality.limits import is_calibrated
from tasks.training.start import CARD, StartParams
from tasks.upkeep.machine import machine

SECTIONS = "sections"
KINDS = (*chosen.KINDS, SECTIONS)
"""Each kind of model; who hears parts is chosen in a section of its own."""


def print_doctor(project: Project, kinds: Sequence[str], as_json: bool, song: Path | None = None) -> int:
    """Shows machine and models; 0 when every chosen model can be used, else 1. `song`: each model that is here is measured on
    30 s of it.
    """
    params = project.params
    named = _named(params, kinds)
    models = [model for kind, name in named for model in _models(params, kind) if name in ("", model.name)]
    if not kinds or START in kinds:
        models.append(_start(params.start))
    models = models if song is None else _measured(params, models, song)
    fit = not any(model.chosen and model.trouble for model in models)
    facts = machine(project.work.root)
    if as_json:
        shown = {"fit": fit, "machine": facts, "models": [asdict(model) for model in models]}
        say(json.dumps(shown, indent=2, ensure_ascii=False))
        return 0 if fit else 1
    console(WIDTH).print(machine_grid(facts), models_grid(models))
    for line in hints(models):
        say(line)
    if not kinds and fit:
        say(limits_line(params))
    for model in models:
        if model.chosen and model.trouble:
            say(f"chosen, but cannot be used: {model.trouble}")
    if not kinds:
        try:
            check_guard(params.pair, params.models.guard_transcriber)
        except BadModel as error:
            say(str(error))
            return 1
    if fit:
        say("every chosen model can be used")
    return 0 if fit else 1


def download_models(params: Params, kinds: Sequence[str]) -> int:
    """Gets the hub weights of the chosen models, or of those named; says the commit to pin. 2 when one failed."""
    failed = False
    wanted = [
        (choice, name)
        for kind, only in _named(params, kinds)
        for choice in [_choice(params, kind)]
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
    say(
        f"{card.setting}: {place} is in {path} ({card.licence}); pin it: --set {card.revision_setting}={commit}"
    )
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
    for named in kinds or KINDS:
        if named == START:
            continue
        kind, _, name = named.partition(".")
        if kind not in KINDS:
            known_kinds = ", ".join([*KINDS, START])
            raise ValueError(f"doctor: {kind!r} is no kind of model; name one of {known_kinds}")
        known = _choice(params, kind).real
        if name and name not in known:
            raise ValueError(
                f"doctor: {kind} has no model {name!r}; it has {', '.join(known) or 'none but embedded'}"
            )
        found.append((kind, name))
    return found


def _choice(params: Params, kind: str) -> ModelChoice:
    choice: ModelChoice = params.sections if kind == SECTIONS else getattr(params.models, kind)
    return choice


def _models(params: Params, kind: str) -> list[Model]:
    choice = _choice(params, kind)
    known = [*choice.embedded, *choice.real]
    names = known if choice.model in known else [*known, choice.model]
    return [_model(choice, kind, name) for name in names]


def _model(choice: ModelChoice, kind: str, name: str) -> Model:
    identity, device, trouble = None, None, None
    known = (*choice.embedded, *choice.real)
    try:
        identity = choice.model_copy(update={"model": name}).identity()
        if name in choice.real:
            device = str(device_of(f"{choice.section}.{name}", getattr(choice, name).device))
    except ValueError as error:
        trouble = str(error)
    cards = choice.cards_of(name) if name in choice.real else ()
    packages = {package: installed(package) for card in cards for package in card.packages}
    weights = tuple(_weights(kind, card, *getattr(choice, name).place(card)) for card in cards)
    languages = _languages(choice.model_copy(update={"model": name})) if name in known else ""
    return Model(kind, name, name == choice.model, identity, device, packages, weights, trouble, languages)


def _languages(choice: ModelChoice) -> str:
    """What the chosen model hears or reads, as codes."""
    if isinstance(choice, AlignerParams | TranscriberParams):
        return choice.languages
    if isinstance(choice, PhonemizerParams):
        several = choice.song_languages
        return " ".join(several.known) if several else choice.chosen_language
    return ""


def _measured(params: Params, models: Sequence[Model], song: Path) -> list[Model]:
    """The models, those that are here with how fast they are; one that cannot take the song is told."""
    from tasks.upkeep.model_speed import excerpt, minutes_a_minute

    mix_CN, threads = excerpt(song, params.audio), params.engine.threads_per_worker
    found = []
    for model in models:
        if model.identity is not None:
            choice = _choice(params, model.kind).model_copy(update={"model": model.name})
            try:
                speed = minutes_a_minute(model.kind, choice, mix_CN, threads)
            except (ValueError, RuntimeError) as error:
                print_error(f"{model.kind}.{model.name} was not measured: {reason_of(error)}")
            else:
                model = replace(model, minutes_a_minute=speed and float(f"{speed:.3g}"))
        found.append(model)
    return found


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
