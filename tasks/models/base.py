"""Choosing a model (`ModelChoice`, `RealModel`): one section of params names the kind's model, a sub-section sets up each real one, its revision and card."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Literal

from pydantic import Field

from tasks.engine.stage import BadModel, Section
from tasks.models.released_weights import Card, find_weights, loading, require_packages, weights_revision

EMBEDDED = "embedded"
ENGLISH = "en"
CONSTANTS = Path(__file__).parent / "embedded" / "constants"  # a file a model


def constants_of(model: str) -> dict[str, Any]:
    """The measured constants that an embedded model is shipped with."""
    return json.loads((CONSTANTS / f"{model}.json").read_text())


class RealModel(Section):
    """What every real model is told.

    `weights`: a file, a folder, a hub id (``OpenMuQ/MuQ-MuLan-large``) or what a package holds
    (``package:whisper-tiny.en``); `revision`: commit, tag or branch of
    a hub id, null for files. A model of several parts has a pair of fields for each (``muq_weights``,
    ``muq_revision``). `device`: auto, cpu, cuda or cuda:N. `batch_size`: segments, clips or chunks of a song in
    one forward pass. Neither paths, device nor batch size are part of a fingerprint: the weights are, by
    content, and so is the precision.
    """

    weights: str
    revision: str | None
    device: str
    precision: Literal["float32", "bfloat16", "float16"]
    batch_size: int = Field(ge=1)

    def place(self, card: Card) -> tuple[str, str | None]:
        """Where the weights of a card lie, and their revision: the settings it names (a plain file has none)."""
        revision = card.field.replace("weights", "revision")
        return getattr(self, card.field), None if revision == card.field else getattr(self, revision)

    def loading(self, card: Card) -> AbstractContextManager[Path]:
        """Where the weights of a card lie, for a body that loads them: what it raises becomes a BadModel."""
        return loading(card, find_weights(card, *self.place(card)))

    def needs(self, card: Card) -> bool:
        """Whether a model set up like this uses the weights of a card."""
        return True

    def decides(self) -> dict[str, Any]:
        """The settings that decide values."""
        settings = self.model_dump(mode="json", exclude={"device", "batch_size"})
        return {key: value for key, value in settings.items() if not key.endswith(("weights", "revision"))}


class WhisperModel(RealModel):
    """`weights`: a folder in CTranslate2's form, a hub id of one, or ``package:whisper-tiny.en``. `language`: the code of the language to
    write (``en``); null: the one it hears. `beam_size`: readings kept at every step. `vad`: listen only where a
    voice is, by the Silero net that comes with faster-whisper; else to all, in windows of 30 s.
    """

    language: str | None
    beam_size: int = Field(ge=1)
    vad: bool

    @property
    def languages(self) -> str:
        """The one that it writes, as a code, or ``many``."""
        return self.language or ("many" if self.hears("") else ENGLISH)

    def hears(self, language: str) -> bool:
        """Whether it can write the words of a language; weights for English alone end so (``.en``)."""
        if self.language is not None:
            return language == self.language
        return language == ENGLISH or not self.weights.rstrip("/").endswith(f".{ENGLISH}")


class ModelChoice(Section):
    """`model`: an embedded one, or the name of a real one, whose settings stand in the sub-section of that name.

    A subclass says of which `section` of params it is, which models are `embedded` (with the identity of each) and in which module each `real` model lives. That module
    offers `CARDS` (its weights), `VERSION` (raised when our code around the model changes what comes out), a `NAME` where another kind
    has a model of the same one, and `build(settings, identity)`; it imports the model's packages only when it builds.
    """

    section: ClassVar[str]
    embedded: ClassVar[Mapping[str, str]] = {EMBEDDED: EMBEDDED}
    real: ClassVar[dict[str, str]]

    model: str

    @property
    def settings(self) -> RealModel | None:
        """Settings of the chosen real model; None for an embedded one.

        Raises:
            ValueError: there is no model of that name.
        """
        if self.model in self.embedded:
            return None
        if self.model not in self.real:
            known = ", ".join([*self.embedded, *self.real])
            raise ValueError(f"{self.section}.model is {self.model!r}; choose one of: {known}")
        return getattr(self, self.model)

    @property
    def cards(self) -> tuple[Card, ...]:
        """The weights the chosen real model uses; none for the embedded one."""
        return () if self.settings is None else self.cards_of(self.model)

    def cards_of(self, name: str) -> tuple[Card, ...]:
        """The weights one of the real models would use, chosen or not."""
        settings: RealModel = getattr(self, name)
        return tuple(card for card in self._all_cards_of(name) if settings.needs(card))

    @property
    def packages(self) -> tuple[str, ...]:
        """Distributions whose versions may change what the chosen real model computes."""
        return tuple(dict.fromkeys(name for card in self.cards for name in card.packages))

    def shipped_identity(self) -> str:
        """Name and revision of the chosen embedded model."""
        return self.embedded[self.model]

    def identity(self) -> str:
        """Name and revision of the chosen model, without building it.

        A revision stands for every card of the model, ``none`` for one that these settings do without.

        Raises:
            ValueError: its packages or weights are not there; the message names all that is missing and says what to do.
        """
        settings = self.settings
        if settings is None:
            return self.shipped_identity()
        revisions: list[str] = []
        troubles: dict[str, None] = {}
        cards = self._all_cards_of(self.model)
        with _kept_in(troubles):
            require_packages(replace(cards[0], packages=self.packages))
        for card in cards:
            if not settings.needs(card):
                revisions.append("none")
                continue
            with _kept_in(troubles):
                revisions.append(weights_revision(card, *settings.place(card)))
        if troubles:
            raise BadModel("; ".join(troubles))
        module = self._module()
        name = getattr(module, "NAME", self.model.replace("_", "-"))
        return f"{name}-v{module.VERSION}@{'+'.join(revisions)}"

    def build_real(self, **shared: Any) -> Any:
        """The chosen real model, with its weights in memory and the identity the params state; `shared` are
        settings of the section that every model of the kind obeys.
        """
        return self._module().build(self.settings, ModelChoice.identity(self), **shared)

    def decides(self) -> dict[str, Any]:
        """The choice, and what decides the values of the chosen model: never the settings of another."""
        decided = self.model_dump(mode="json", exclude={*self.real, "weights"})
        settings = self.settings
        return decided if settings is None else {**decided, self.model: settings.decides()}

    def _all_cards_of(self, name: str) -> tuple[Card, ...]:
        """The weights of a model, whatever its settings; two sections may choose among the same models."""
        cards = importlib.import_module(self.real[name]).CARDS
        return tuple(replace(card, section=f"{self.section}.{name}") for card in cards)

    def _module(self) -> ModuleType:
        return importlib.import_module(self.real[self.model])


@contextmanager
def _kept_in(troubles: dict[str, None]) -> Iterator[None]:
    """Keeps the line with which a model is refused, once, and lets the next look be taken."""
    try:
        yield
    except BadModel as error:
        troubles[str(error)] = None
