"""What a checkpoint was trained for, beside its weights: dropouts and so the branches guidance may ask of it, its encoders, what it was begun from."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from jam_model.config import CONDITIONED, Dropout, Guidance, GuidanceBranch

TRAINING_FILE = "training.json"
BOTH, STYLE, LYRICS, CONTROLS = "both", "style", "lyrics", "controls"


@dataclass(frozen=True)
class BegunFrom:
    """Weights that were not trained here, with which training began: what they were taken from, the sha256 of that file, and
    what their owner was told of: licence and training songs. None where nobody said.
    """

    name: str
    sha256: str
    licence: str | None
    trained_on: str | None

    @property
    def sentence(self) -> str:
        """For reports and cards."""
        licence = f"licence {self.licence}" if self.licence else "a licence that nobody stated"
        songs = self.trained_on or "songs that nobody stated"
        return f"{self.name} (sha256 {self.sha256[:12]}), under {licence}, trained on {songs}"


@dataclass(frozen=True)
class TrainingFacts:
    """`dropped`: which conditions were ever left out in training (both, style, lyrics: the last two alone; controls: all of them at once).
    `style_encoder`: identity of what made the styles. None where nobody said. `begun_from`: foreign weights it began with.
    `part_styles`: whether it learned styles that change from part to part.
    """

    dropped: tuple[str, ...] | None
    style_encoder: str | None
    begun_from: BegunFrom | None = None
    part_styles: bool = False

    def joined(self, earlier: TrainingFacts) -> TrainingFacts:
        """Of a run that went on from weights trained earlier: what those left out unknown stays unknown."""
        known = self.dropped is not None and earlier.dropped is not None
        both = {*(self.dropped or ()), *(earlier.dropped or ())}
        return TrainingFacts(
            tuple(sorted(both)) if known else None,
            self.style_encoder or earlier.style_encoder,
            self.begun_from or earlier.begun_from,
            self.part_styles or earlier.part_styles,
        )

    def write(self, checkpoint: Path) -> None:
        """Beside the weights, in a folder of `save_model`."""
        unsaid = ("begun_from", "part_styles")
        said = {name: value for name, value in asdict(self).items() if name not in unsaid or value}
        (checkpoint / TRAINING_FILE).write_text(json.dumps(said, indent=1, sort_keys=True) + "\n")


UNKNOWN = TrainingFacts(None, None)


def read_facts(checkpoint: Path) -> TrainingFacts:
    """The facts of a checkpoint folder; unknown where there are none (released weights)."""
    path = checkpoint / TRAINING_FILE
    if not path.is_file():
        return UNKNOWN
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        dropped = values["dropped"]
        known = None if dropped is None else tuple(str(name) for name in dropped)
        begun = values.get("begun_from")
        return TrainingFacts(
            known,
            values["style_encoder"],
            BegunFrom(**begun) if begun else None,
            values.get("part_styles") is True,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is not what training wrote ({error}); remove it or train again") from error


def dropped_by(dropout: Dropout) -> tuple[str, ...]:
    """The conditions this dropout leaves out at times."""
    alone = {STYLE: dropout.style * (1 - dropout.lyrics), LYRICS: dropout.lyrics * (1 - dropout.style)}
    if dropout.rule == "jam":
        alone[LYRICS] = 0.0
    return tuple(sorted(n for n, p in {**alone, BOTH: dropout.style * dropout.lyrics}.items() if p > 0))


def check_guidance(
    facts: TrainingFacts, guidance: Guidance, style_encoder: str, controls: bool = False
) -> None:
    """Refuses guidance that asks for a branch never trained, or leads away from a style of another encoder. `controls`: the
    model has some.

    Raises:
        ValueError: names the formula, the branch and the hint.
    """
    for branch in guidance.branches(controls):
        if branch == CONDITIONED or facts.dropped is None:
            continue
        for name in _left_out(branch):
            if name in facts.dropped:
                continue
            what = {BOTH: "lyrics and style", CONTROLS: "controls"}.get(name, f"{name} alone")
            raise ValueError(
                f"sampler.formula {guidance.formula!r} asks the model without {what}, which it was never "
                f"trained for (it left out: {', '.join(facts.dropped) or 'nothing'}); choose another formula"
            )
    if facts.style_encoder is not None and facts.style_encoder != style_encoder:
        raise ValueError(
            f"models.style_encoder.model: the checkpoint was trained on styles of {facts.style_encoder}, not of "
            f"{style_encoder}; give params with its style encoder"
        )


def _left_out(branch: GuidanceBranch) -> list[str]:
    words = {(False, False): [BOTH], (False, True): [LYRICS], (True, False): [STYLE], (True, True): []}
    return words[branch.lyrics, branch.style] + ([] if branch.controls else [CONTROLS])
