"""Models of a stage: each is chosen by its section, built when it is first used, and left behind when the stage travels."""

from __future__ import annotations

import pickle

import pytest

from tasks.engine.song import Song
from tasks.engine.stage import Model, Section, Stage
from tests.tasks.engine.probes import Factor

BUILT: list[float] = []


class Voice(Section):
    pitch: float

    def identity(self) -> str:
        return f"voice@{self.pitch:g}"


def build(params: Voice) -> float:
    BUILT.append(params.pitch)
    return params.pitch


class Sing(Stage):
    """Two models; the first section may be its own, or the first model's."""

    name = "sing"
    version = 1
    reads = frozenset()
    writes = {}
    high = Model(build)
    low = Model(build)

    def one(self, song: Song) -> Song:
        return song


class SingAgain(Sing):
    """Another stage of the same models."""

    name = "sing_again"


@pytest.mark.parametrize("kind", [Sing, SingAgain])
def test_the_last_sections_choose_the_models_in_their_order(kind: type[Sing]) -> None:
    high, low = Voice(pitch=2.0), Voice(pitch=1.0)
    for stage in (kind(Factor(factor=3.0), high, low), kind(high, low)):
        assert stage.models == ("voice@2", "voice@1")
        assert stage.choices == {"high": high, "low": low}
    assert kind(Factor(factor=3.0), high, low).facts == {"high": {"pitch": 2.0}, "low": {"pitch": 1.0}}
    assert kind(high, low).facts == {"low": {"pitch": 1.0}}, "the first stands in the params already"


def test_a_model_is_built_when_it_is_used_and_once_in_a_worker() -> None:
    BUILT.clear()
    stage = Sing(Voice(pitch=2.0), Voice(pitch=1.0))
    assert stage.models and BUILT == []
    assert (stage.low, stage.low, BUILT) == (1.0, 1.0, [1.0])
    travelled: Sing = pickle.loads(pickle.dumps(stage))
    assert "low" not in vars(travelled) and (travelled.high, BUILT) == (2.0, [1.0, 2.0])


def test_a_stage_without_the_section_of_a_model_says_so() -> None:
    with pytest.raises(ValueError, match="shorter"):
        Sing(Voice(pitch=2.0)).models  # noqa: B018
