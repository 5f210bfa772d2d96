"""Songs of `spoilt_captions.py`: their true captions, what is wrong of a spoilt one, their styles by an encoder, and the facts that are heard in them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eval.metrics.style_similarity import style_similarity
from flows.settings.params import load_params
from jam_model.frames import SAMPLE_RATE_HZ
from tasks.models.description.describer import tempo_fact, voice_facts
from tasks.models.embedded.beat_times import track_beats
from tasks.models.melody import VoicePitch
from tasks.models.separator import build_separator
from tasks.models.style_encoder import build_style_encoder
from tasks.toy.composition import compose as compose_one
from tasks.toy.composition import song_seed
from tasks.toy.performance import perform as perform_one
from tasks.toy.world_two.composition import compose
from tasks.toy.world_two.performance import perform
from tasks.toy.world_two.score import GENRES

PARAMS = load_params()
ENCODERS = {
    name: build_style_encoder(PARAMS.models.style_encoder.model_copy(update={"model": name}))
    for name in PARAMS.models.style_encoder.embedded
}
HEARS = {"one": ("embedded",), "two": ("embedded", "world_two")}
"""By world, the style encoders that hear its songs."""
SEPARATOR, TRACKER = build_separator(PARAMS.models.separator), VoicePitch()
TEMPOS = (0.75, 0.8, 1.25, 1.33)
LEAST_PART_S = 3.0


@dataclass(frozen=True)
class Heard:
    """A song: its true caption and tempo, its styles [N, 512] and those of each part, and facts as rows of the column."""

    number: int
    encoder: str
    caption: str
    bpm: float
    style_NS: np.ndarray
    parts: list[np.ndarray]
    facts: list[dict[str, Any]]

    def similarity(self, text: str, style_NS: np.ndarray | None = None) -> float:
        """Of the song or of one part, as the stage `caption` measures it."""
        heard_NS = self.style_NS if style_NS is None else style_NS
        return style_similarity(heard_NS, ENCODERS[self.encoder].embed_text(text))

    def spoilt(self, kind: str) -> str:
        """The caption with one thing wrong, by the song's number; `part`: what is said of one part."""
        if kind in ("genre", "part"):
            own = self.caption.split(",")[0]
            others = [genre.description for genre in GENRES.values() if genre.description != own]
            return self.caption.replace(own, others[self.number % len(others)])
        if kind == "tempo":
            said = f"{round(self.bpm)} bpm"
            return self.caption.replace(said, f"{round(self.bpm * TEMPOS[self.number % 4])} bpm")
        other = "male voice" if "female voice" in self.caption else "female voice"
        return self.caption.replace("male voice" if other[0] == "f" else "female voice", other)


def heard_songs(world: str, encoder: str, seed: int, count: int, scratch: Path) -> list[Heard]:
    """The first songs of a set that can be; what was heard in an earlier run is read from `scratch`."""
    found: list[Heard] = []
    index = -1
    while len(found) < count:
        index += 1
        path = scratch / f"{world}-{seed}-{index}.npz"
        facts = path.with_suffix(".facts.json")
        if not (path.is_file() and facts.is_file()):
            _make(path, facts, world, song_seed(seed, index))
        with np.load(path) as file:
            if file.files:
                caption, bpm = json.loads(str(file["facts"]))
                styles = file[f"style {encoder}"], [*file[f"parts {encoder}"]]
                found.append(Heard(len(found), encoder, caption, bpm, *styles, json.loads(facts.read_text())))
    return found


def _make(path: Path, facts_path: Path, world: str, seed: int) -> None:
    """Writes what is heard of a song; an empty file where it has no form of the wanted length."""
    spans: list[tuple[int, int]] = []
    if world == "one":
        one = compose_one(seed)
        song = perform_one(one)
        mix_CN = song.vocals_N + song.band_CN
        facts = [one.style_text, one.bpm]
    else:
        try:
            score = compose(seed, PARAMS.toy.two)
        except ValueError:
            np.savez(path)
            facts_path.write_text("[]")
            return
        sung = perform(score)
        mix_CN = sung.mix_CN.astype(np.float32)
        spans = [
            (round(part.start_s * SAMPLE_RATE_HZ), round(part.end_s * SAMPLE_RATE_HZ))
            for part in sung.truth.parts
            if part.end_s - part.start_s >= LEAST_PART_S
        ]
        facts = [score.style_text, sung.truth.tempo_bpm]
    styles = {}
    for name in HEARS[world]:
        styles[f"style {name}"] = ENCODERS[name].embed_audio(mix_CN)
        parts = [np.mean(ENCODERS[name].embed_audio(mix_CN[:, a:b]), axis=0) for a, b in spans]
        styles[f"parts {name}"] = np.array(parts, np.float32).reshape(-1, 512)
    facts_path.write_text(json.dumps(_heard_facts(mix_CN)))
    whole = path.with_suffix(".whole.npz")
    np.savez(whole, facts=json.dumps(facts), **styles)
    whole.replace(path)


def _heard_facts(mix_CN: np.ndarray) -> list[dict[str, Any]]:
    """The tempo, and the voice by the melody of the separated vocals, as `describe` says them with its settings as they stand."""
    melody = TRACKER.track(SEPARATOR.separate(mix_CN)).as_column()
    found = [tempo_fact(None, track_beats(mix_CN)), *voice_facts(melody)]
    least = PARAMS.describe.min_certainty
    return [asdict(fact.held(least)) for fact in found if fact is not None]
