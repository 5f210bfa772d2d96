"""All settings of the project: one section of params.yaml is one class, in the file that uses it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from flows.settings.params_files import load
from tasks.audio.read import AudioParams
from tasks.benchmark.listening_test import ListenParams
from tasks.benchmark.sensitivity import ProbeParams
from tasks.benchmark.systems import BenchmarkParams
from tasks.dedup.near_duplicates import GroupParams
from tasks.engine.params import EngineParams
from tasks.engine.stage import Section
from tasks.models.aligner import AlignerParams
from tasks.models.codec import CodecParams
from tasks.models.judge import JudgeParams
from tasks.models.phonemizer import PhonemizerParams
from tasks.models.separator import SeparatorParams
from tasks.models.style_encoder import StyleParams
from tasks.models.transcriber import GuardTranscriberParams, TranscriberParams
from tasks.preference.dpo import PreferParams
from tasks.preference.gate import GateParams
from tasks.preference.pairing import PairParams
from tasks.preference.round import RoundParams
from tasks.preference.sweep import SweepParams
from tasks.prompts.output_folder import OutputParams
from tasks.prompts.rough_times import RoughTimesParams
from tasks.quality.calibrate import CalibrateParams
from tasks.quality.checked_song import CheckParams
from tasks.quality.limits import FilterParams
from tasks.stages.align import AlignParams
from tasks.stages.dedup_features import SketchParams
from tasks.stages.generate import SamplerParams
from tasks.stages.ingest import IngestParams
from tasks.stages.pack import PackParams
from tasks.stages.phonemize import PhonemizeParams
from tasks.stages.reward import RewardParams
from tasks.stages.transcribe import TranscribeParams
from tasks.toy.params import ToyParams
from tasks.training.train import JamParams, TrainParams


class SongsParams(Section):
    """Where the songs are: a folder, a prefix in a store (``s3://bucket/prefix``), or a manifest."""

    path: str


class Params(Section):
    """params.yaml. Each stage's fingerprint covers its own sections and no other."""

    songs: SongsParams
    toy: ToyParams
    engine: EngineParams
    audio: AudioParams
    ingest: IngestParams
    separate: SeparatorParams
    transcriber: TranscriberParams
    transcribe: TranscribeParams
    aligner: AlignerParams
    align: AlignParams
    phonemizer: PhonemizerParams
    phonemize: PhonemizeParams
    style: StyleParams
    codec: CodecParams
    check: CheckParams
    sketch: SketchParams
    group: GroupParams
    filter: FilterParams
    calibrate: CalibrateParams
    pack: PackParams
    judge: JudgeParams
    jam: JamParams
    pretrain: TrainParams
    sft: TrainParams
    sampler: SamplerParams
    rough_times: RoughTimesParams
    output: OutputParams
    round: RoundParams
    reward: RewardParams
    guard_transcriber: GuardTranscriberParams
    pair: PairParams
    gate: GateParams
    dpo: PreferParams
    sweep: SweepParams
    benchmark: BenchmarkParams
    probe: ProbeParams
    listen: ListenParams


def load_params(overlay: Path | None = None, settings: Sequence[str] = ()) -> Params:
    """params.yaml, then the overlay file, then each ``section.key=value``.

    Raises:
        ValueError: a file or a value is wrong; the message is one line that names it.
    """
    return load(Params, overlay, settings)
