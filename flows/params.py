"""All settings of the project: one section of params.yaml is one class, in the file that uses it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from flows.load import load
from tasks.align import AlignParams
from tasks.audio import AudioParams
from tasks.benchmark import BenchmarkParams
from tasks.blind import ListenParams
from tasks.calibrate import CalibrateParams
from tasks.check import CheckParams
from tasks.engine.params import EngineParams
from tasks.engine.stage import Section
from tasks.filter import FilterParams
from tasks.gate import GateParams
from tasks.generate import SamplerParams
from tasks.ingest import IngestParams
from tasks.models.aligner import AlignerParams
from tasks.models.codec import CodecParams
from tasks.models.judge import JudgeParams
from tasks.models.phonemizer import PhonemizerParams
from tasks.models.separator import SeparatorParams
from tasks.models.style_encoder import StyleParams
from tasks.models.transcriber import GuardTranscriberParams, TranscriberParams
from tasks.neighbours import GroupParams
from tasks.pack import PackParams
from tasks.pair import PairParams
from tasks.phonemize import PhonemizeParams
from tasks.prefer import PreferParams
from tasks.probe import ProbeParams
from tasks.reward import RewardParams
from tasks.rough_times import RoughTimesParams
from tasks.round import RoundParams
from tasks.sketch import SketchParams
from tasks.songs_out import OutputParams
from tasks.sweep import SweepParams
from tasks.toy.params import ToyParams
from tasks.train import JamParams, TrainParams
from tasks.transcribe import TranscribeParams


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
