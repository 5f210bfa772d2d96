"""The stage law, for every stage: the same songs, in the same order, with only `writes` changed, twice the same."""

from __future__ import annotations

import copy
import hashlib
import json
import pickle
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from flows.settings.params import load_params
from tasks.audio.read import AudioParams, flac_bytes, npy_bytes
from tasks.engine.columns import Column
from tasks.engine.song import Song
from tasks.engine.stage import Stage, stages_in
from tasks.prompts.prompts import PROMPTED_COLUMNS
from tasks.quality.checked_song import CheckParams
from tasks.quality.detected import DETECTED_VALUES
from tasks.quality.limits import FilterParams
from tasks.quality.measures import QUALITY
from tasks.songs.columns import ASKED_RHYTHM, CONTROL_COLUMNS, SONG_COLUMNS
from tasks.stages.align import Align, AlignParams
from tasks.stages.beats import Beats
from tasks.stages.check import Check
from tasks.stages.chords import Chords
from tasks.stages.coarse import Drums, Sketch
from tasks.stages.dedup_features import DedupFeatures, DedupFeaturesParams
from tasks.stages.description.caption import Caption
from tasks.stages.description.describe import Describe
from tasks.stages.description.part_caption import PartCaption
from tasks.stages.description.part_style import PartStyle
from tasks.stages.description.sections import Sections
from tasks.stages.encode import Encode
from tasks.stages.filter import Filter
from tasks.stages.generated.adherence import Adherence, AdherenceParams
from tasks.stages.generated.align_transcript import AlignTranscript
from tasks.stages.generated.generate import Generate
from tasks.stages.generated.load_external import LoadExternal
from tasks.stages.generated.measure_levels import MeasureLevels
from tasks.stages.generated.phrasing import Phrasing
from tasks.stages.generated.reward import Reward
from tasks.stages.generated.score import Score
from tasks.stages.given_phones import GivenPhones
from tasks.stages.graded.aesthetics import Aesthetics, AestheticsParams
from tasks.stages.graded.detect import Detect
from tasks.stages.graded.tier import Tier
from tasks.stages.group import Group
from tasks.stages.ingest import Ingest, IngestParams
from tasks.stages.melody import Melody
from tasks.stages.pack import Pack, PackParams
from tasks.stages.phonemize import Phonemize, PhonemizeParams
from tasks.stages.phones import Phones, PhonesParams
from tasks.stages.separate import Separate
from tasks.stages.style import Style
from tasks.stages.transcribe import Transcribe, TranscribeParams
from tasks.stages.voice import Voice
from tests.every import every
from tests.tasks.dedup.test_near_duplicates import PARAMS as GROUP
from tests.tasks.stages.generated.test_generate import SAMPLER, tiny_checkpoint
from tests.tasks.tiny import timed, tones_CN, write_song

PARAMS = load_params()
NAMES = ("b-second", "a-first", "c-third")  # in an order that sorting would change
PHONEMIZER = PARAMS.models.phonemizer
WRITERS = (SONG_COLUMNS, PROMPTED_COLUMNS, *(stage.writes for stage in stages_in("tasks.stages").values()))
COLUMNS = {name: column for part in WRITERS for name, column in part.items()}
SECTION = ("label", "text", "start_s", "end_s", "source")
COLUMNS.setdefault(
    "sections",
    Column(
        pa.list_(pa.struct([(n, pa.float64() if n.endswith("_s") else pa.string()) for n in SECTION])), ""
    ),
)


def law(root: Path) -> dict[str, Stage]:
    """One of every stage, with embedded models; `voice` has a real one alone."""
    checkpoint = root / "checkpoint"
    weights = tiny_checkpoint(checkpoint)
    ingest = IngestParams(
        max_lyrics_bytes=10_000,
        max_lyrics_words=100,
        max_lyrics_overrun_s=1.0,
        max_style_bytes=1_000,
    )
    audio = AudioParams(
        max_seconds=60, max_bytes=10_000_000, max_channels=2, min_rate_hz=8_000, max_rate_hz=96_000
    )
    limits = FilterParams(
        **{
            **dict.fromkeys(FilterParams.model_fields),
            "calibrated_for": (),
            "uncalibrated": "apply",
            "mask": False,
        }
    )
    codec, style = PARAMS.models.codec, PARAMS.models.style_encoder
    made: list[Stage] = [
        Ingest(ingest, audio),
        Separate(PARAMS.separate, PARAMS.models.separator),
        Transcribe(TranscribeParams(when="always", min_confidence=0.0), PARAMS.models.transcriber),
        Voice(PARAMS.models.voice_activity.model_copy(update={"model": "silero"})),
        Beats(PARAMS.models.beats.model_copy(update={"model": "librosa"})),
        Chords(PARAMS.models.chords.model_copy(update={"model": "templates"})),
        Melody(PARAMS.models.melody.model_copy(update={"model": "embedded"}), PARAMS.models.voice_activity),
        Drums(PARAMS.drums.model_copy(update={"model": "percussive"}), PARAMS.models.separator, codec),
        Sketch(PARAMS.sketch.model_copy(update={"model": "band"}), PARAMS.models.separator, codec),
        Align(
            AlignParams(times="align", max_offset_s=0.04, times_grid=None),
            PARAMS.models.aligner,
            PHONEMIZER,
        ),
        Phonemize(PhonemizeParams(max_unknown_share=0.1), PHONEMIZER),
        Phones(PhonesParams(times="aligner"), PARAMS.models.aligner),
        GivenPhones(PhonesParams(times="given"), ingest),
        Sections(PARAMS.sections.model_copy(update={"model": "embedded"}), ingest),
        Describe(PARAMS.describe),
        Caption(PARAMS.caption.model_copy(update={"model": "facts"}), style, has_facts=True),
        PartCaption(PARAMS.caption.model_copy(update={"model": "facts"}), style, PARAMS.describe),
        Style(style),
        PartStyle(style),
        Encode(codec),
        DedupFeatures(DedupFeaturesParams(shingle_words=3, max_shingles=64, max_landmarks=64)),
        Check(CheckParams(plausible_score=0.3, min_phone_s=0.03, silence_db=-60.0)),
        Aesthetics(AestheticsParams(judges=("embedded",)), PARAMS.models.judge),
        Detect(PARAMS.check),
        Group(GROUP, 64),
        Filter(
            limits,
            detect=PARAMS.detect.model_copy(update={"max_loop_s": 0.5}),
            mine=PARAMS.mine.model_copy(update={"min_left_s": 0.0}),
        ),
        Tier(PARAMS.tiers.model_copy(update={"b": {"max_loop_s": 0.5, "min_embedded.clarity": 3.0}})),
        Pack(PackParams(tensor_format="pt", extras=())),
        Generate(codec, style, {weights: str(checkpoint)}),
        Score(PARAMS.models.judge),
        Reward(PARAMS.reward, PARAMS.models.judge),
        LoadExternal(audio, {"a": str(root / "songs")}),
        AlignTranscript(PARAMS.models.aligner, PHONEMIZER),
        MeasureLevels(PARAMS.check),
        Phrasing(PARAMS.phrasing),
        Adherence(
            AdherenceParams(chords="templates", melody="embedded", beats="librosa", onsets="librosa"),
            PARAMS.models.chords,
            PARAMS.models.melody,
            PARAMS.models.beats,
        ),
    ]
    return {stage.name: stage for stage in made}


def row(root: Path, number: int, weights: str) -> dict[str, Any]:
    """Every column a stage may read, for song `number`; types as a table gives them back."""
    path = write_song(root / "songs" / f"{number}.wav", 1.0, seed=number)
    (root / "songs" / f"{number}.lrc").write_text("[00:00.10]hello moon")
    noise = np.random.default_rng(number)
    words = timed(("hello", 0.1, 0.5, "hɛlˈoʊ"), ("moon", 0.5, 0.9, "mˈuːn"))
    style_NS = noise.standard_normal((2, 512)).astype(np.float32).tolist()
    recipe = {"kind": "generate", "weights": weights, "sampler": SAMPLER, "padding_bias": True}
    return {
        "audio": {"path": path.name, "bytes": None},
        "lyrics_path": f"{number}.lrc",
        "lyrics_text": None,
        "title": f"song {number}",
        "style_path": None,
        "content_hash": hashlib.sha256(path.read_bytes()).hexdigest(),
        "stated_duration_s": 1.0,
        **{"stated_language": None, "lyrics_language": None, "song_language": None},
        "artist": f"artist {number}",
        "license": None,
        "source": None,
        "duration_s": 1.0,
        "lyrics": ["hello", "moon"],
        "lyrics_times": None,
        "lyrics_lines": timed(("hello moon", 0.1, 1.0)),
        **{"lyrics_hash": None, "lyrics_labels": None, "sections_path": None, "style_text": None},
        "facts": [{"name": "key", "text": "C major", "number": None, "source": "heard", "certainty": 1.0}],
        "num_lines": 1,
        "split": "train",
        "duplicate_of": None,
        "near_benchmark": None,
        "vocals": flac_bytes(tones_CN(1.0, number).mean(axis=0), 44_100),
        "transcript": ["hello"],
        "voice_s": 0.5,
        "voice_heard_by": ["net"],
        "transcript_phones": ["h", "ɛ", "l", "oʊ"],
        "language": "en",
        "timed_words": words,
        "words": words,
        "aligned_words": None,
        "alignment_score": 1.0,
        "unheard_runs": [],
        "hurried_words": [],
        "masked": [],
        "quality": {name: None for name in QUALITY.names},
        "detected": {name: None for name in DETECTED_VALUES.names},
        "aesthetics": [{"judge": "embedded", "axis": "clarity", "score": 3.5}],
        **{"line_fits": [], "sound_loops": [], "unwritten_stretches": [], "transcript_times": None},
        "style_embedding": style_NS,
        "sections": [{"label": "verse", "text": None, "start_s": 0.0, "end_s": 1.0, "source": "times"}],
        "latent": npy_bytes(noise.standard_normal((21, 128)).astype(np.float32)),
        "num_frames": 21,
        "kept": True,
        "recipe": json.dumps(recipe if number < 2 else {"kind": "codec"}),
        "scores": [1.0, 2.0, 3.0, 4.0, 4.5],
        "parent": f"p{number}",
        "system": "a",
        "parent_audio": {"path": path.name, "bytes": None},
        "seed": 3,
        "candidate": number,
        "reference_words": words,
        **{"phones_path": None, "reference_phones": None, "unchecked": False},
        **{"reference_part_styles": None, "reference_parts": None},
        "reference_style": style_NS,
        "reference_duration_s": 1.0,
        **{name: None for name in (*CONTROL_COLUMNS, *ASKED_RHYTHM)},
    }


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Stage], list[Song]]:
    root = tmp_path_factory.mktemp("law")
    made = law(root)
    (weights,) = made["generate"].checkpoints  # type: ignore[attr-defined]
    return made, [
        Song(name, row(root, number, weights), root=str(root / "songs")) for number, name in enumerate(NAMES)
    ]


def given_to(stage: Stage, songs: list[Song]) -> list[Song]:
    """The songs with the columns the stage reads, through Arrow as the runner passes them."""
    columns = {name: arrow(name, [song[name] for song in songs]) for name in stage.reads}
    return [
        replace(song, columns={name: columns[name][i] for name in columns}) for i, song in enumerate(songs)
    ]


def arrow(column: str, values: list[Any]) -> list[Any]:
    return pa.array(values, type=COLUMNS[column].type).to_pylist()


def test_every_stage_is_held_to_the_law(world: tuple[dict[str, Stage], list[Song]]) -> None:
    assert world[0].keys() == stages_in("tasks.stages").keys()


def test_a_column_is_the_same_whoever_writes_it_and_says_what_it_means() -> None:
    for part in WRITERS:
        for name, column in part.items():
            assert column.meaning and column.type == COLUMNS[name].type, name
            assert column.large == COLUMNS[name].large, name


@pytest.mark.parametrize("name", sorted(stages_in("tasks.stages")))
def test_stage_law(world: tuple[dict[str, Stage], list[Song]], name: str) -> None:
    stage = world[0][name]
    songs = given_to(stage, world[1])
    before = copy.deepcopy(songs)
    unbuilt = pickle.dumps(stage)

    out = stage(songs)

    assert [song.song_id for song in out] == list(NAMES), "length, order and ids are kept"
    assert songs == before, "inputs are untouched"
    for song, given in zip(out, songs, strict=True):
        assert song.columns.keys() == stage.reads | stage.writes.keys(), "exactly `writes` is added"
        untouched = stage.reads - stage.writes.keys()
        assert {c: song[c] for c in untouched} == {c: given[c] for c in untouched}, "only `writes` change"
    assert stage.reads <= COLUMNS.keys(), "every column it reads is declared by who writes it"
    for column in stage.writes:
        values = [song[column] for song in out]
        assert arrow(column, values) == values, f"{column} fits its Arrow type and comes back equal"
    assert stage.sink is None or stage.sink in stage.writes

    travelled = pickle.dumps(stage)
    assert travelled == unbuilt, "a used stage travels without its model"
    other: Stage = pickle.loads(travelled)
    built = [name for name in dir(type(stage)) if isinstance(getattr(type(stage), name), cached_property)]
    assert not set(built) & set(vars(other))
    assert other(songs[::-1])[::-1] == out, "the same bytes again, in another order, after pickling"
    assert [other.one(song) for song in songs] == out, "and alone"


@every("name", sorted(stages_in("tasks.stages")))
def test_what_a_stage_is_made_of_is_known_without_building_it(
    world: tuple[dict[str, Stage], list[Song]], name: str
) -> None:
    stage: Stage = pickle.loads(pickle.dumps(world[0][name]))
    before = dict(vars(stage))
    facts = json.dumps(
        [stage.name, stage.version, stage.params.model_dump(mode="json"), stage.facts, stage.models]
    )
    assert vars(stage) == before, "nothing was built"
    assert all(identity.startswith(("embedded/", "librosa/", "silero-v")) for identity in stage.models)
    assert "/tmp" not in facts and "root" not in facts, "no path is part of it"
    assert stage.made_by(stage.models).startswith(f"{name}-v{stage.version}")
