"""A checkpoint is not asked for what it was never trained for."""

from __future__ import annotations

from pathlib import Path

import pytest

from jam_model.config import Dropout, Guidance
from jam_model.training_facts import UNKNOWN, TrainingFacts, check_guidance, dropped_by, read_facts

DUAL = Guidance(4.7, 2.6, (0.05, 1.0), "dual")
FIXED = Guidance(4.7, 2.6, (0.05, 1.0), "dual_fixed")
NONE = Guidance(1.0, 1.0, (0.0, 1.0), "none")
ENCODER = "muq-mulan-v1@abc"


def test_jams_rule_never_leaves_out_lyrics_alone() -> None:
    assert dropped_by(Dropout(0.1, 0.5, "jam")) == ("both", "style")
    assert dropped_by(Dropout(0.1, 0.5, "independent")) == ("both", "lyrics", "style")
    assert dropped_by(Dropout(0.1, 0.0, "independent")) == ("style",)
    assert dropped_by(Dropout(0.0, 0.0, "jam")) == ()


def test_a_formula_that_needs_a_branch_never_trained_is_refused() -> None:
    facts = TrainingFacts(dropped_by(Dropout(0.1, 0.5, "jam")), ENCODER)
    check_guidance(facts, DUAL, ENCODER)
    check_guidance(facts, NONE, ENCODER)
    with pytest.raises(ValueError, match=r"'dual_fixed' asks the model without lyrics alone.*both, style"):
        check_guidance(facts, FIXED, ENCODER)
    with pytest.raises(ValueError, match=r"without style alone, .*it left out: nothing"):
        check_guidance(TrainingFacts((), ENCODER), DUAL, ENCODER)


def test_styles_of_another_encoder_are_refused() -> None:
    facts = TrainingFacts(("both", "style"), ENCODER)
    with pytest.raises(ValueError, match=r"trained on styles of muq-mulan-v1@abc, not of embedded/x@1"):
        check_guidance(facts, DUAL, "embedded/x@1")
    check_guidance(TrainingFacts(("both", "style"), None), DUAL, "embedded/x@1")


def test_released_weights_without_facts_are_trusted_also_after_they_learned_more(tmp_path: Path) -> None:
    released = read_facts(tmp_path)
    check_guidance(released, FIXED, ENCODER)
    assert released == UNKNOWN
    TrainingFacts(dropped_by(Dropout(0.0, 0.0, "jam")), None).joined(released).write(tmp_path)
    aligned = read_facts(tmp_path)
    check_guidance(aligned, DUAL, ENCODER)
    assert aligned.dropped is None
    with pytest.raises(ValueError, match="trained on styles of"):
        check_guidance(TrainingFacts((), "embedded/x@1").joined(released), DUAL, ENCODER)


def test_a_run_from_earlier_weights_keeps_what_those_learned(tmp_path: Path) -> None:
    earlier = TrainingFacts(("both", "style"), ENCODER)
    facts = TrainingFacts((), None).joined(earlier)
    assert facts == earlier
    facts.write(tmp_path)
    assert read_facts(tmp_path) == earlier
    (tmp_path / "training.json").write_text("[]")
    with pytest.raises(ValueError, match="not what training wrote"):
        read_facts(tmp_path)
