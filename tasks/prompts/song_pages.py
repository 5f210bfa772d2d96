"""A page beside each generated song that was asked to follow something: what was asked, what is heard in it, its words, its sound.

Chords are heard in the song less its vocals, the melody in its vocals, beats in all of it, by who `models` chooses and where nobody is chosen by what needs no weights; the page
says by whom. It is a picture of one song and scores nothing, so that it may hear with what made a condition.

Shapes: C 2 channels, N samples.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from eval.pages.lanes import Played
from eval.pages.players import song_peaks
from eval.pages.song import SongPage, Sound, song_html
from jam_model.frames import SAMPLE_RATE_HZ, seconds_of_frames
from tasks.audio.limits import AudioParams
from tasks.audio.mix import mp3_bytes
from tasks.audio.read import read_audio
from tasks.models.base import EMBEDDED, ModelChoice
from tasks.models.beats import LIBROSA, BeatsParams, build_beats
from tasks.models.chords import TEMPLATES, ChordsParams, build_chords
from tasks.models.melody import NONE, MelodyParams, build_melody
from tasks.models.separator import SeparatorParams, build_separator
from tasks.prompts.prompt_words import PromptWords
from tasks.prompts.prompts import Prompt
from tasks.prompts.standing_songs import AUDIO
from tasks.shards.played import pitches_of, played_by
from tasks.storage.files import write_bytes

Choice = TypeVar("Choice", bound=ModelChoice)


@dataclass(frozen=True)
class HearersParams:
    """The settings of those that hear a generated song again."""

    separator: SeparatorParams
    chords: ChordsParams
    melody: MelodyParams
    beats: BeatsParams
    audio: AudioParams


class Hearers:
    """Who hears: the chosen, or the one that needs no weights where none is."""

    def __init__(self, params: HearersParams) -> None:
        self.separator = build_separator(params.separator)
        self.chords = build_chords(_chosen(params.chords, TEMPLATES))
        self.melody = build_melody(_chosen(params.melody, EMBEDDED))
        self.beats = build_beats(_chosen(params.beats, LIBROSA))
        self.audio = params.audio

    def played_in(self, mix_CN: np.ndarray) -> Played:
        """The lanes of what is heard in a mix [2, N]."""
        vocals_N = self.separator.separate(mix_CN)
        melody = self.melody.track(vocals_N)
        return Played(
            by=", ".join((self.chords.identity, self.melody.identity, self.beats.identity)),
            chords=[(one.start_s, one.end_s, one.label) for one in self.chords.recognise(mix_CN - vocals_N)],
            pitches=pitches_of(melody.as_column()[:, 0]),
            frame_s=seconds_of_frames(1),
            beats_s=self.beats.track(mix_CN).times_s,
        )


def write_pages(
    root: Path,
    rows: Iterable[Mapping[str, Any]],
    prompts: Iterable[Prompt],
    asked: Mapping[str, PromptWords],
    bpm: Mapping[str, float | None],
    hearing: HearersParams,
) -> list[Path]:
    """Writes ``generated/<name>.html`` for each written song that was asked to follow something.

    Args:
        rows: of the metadata, songs without a reason to be dropped.
        prompts: what was asked for, by their title.
        asked, bpm: the words and the tempo of each song by its title.
    """
    prompt_of = {prompt.title: prompt for prompt in prompts if prompt.controls}
    songs = [row for row in rows if row["sample_id"] in prompt_of]
    if not songs:
        return []
    hearers, pages = Hearers(hearing), []
    for row in songs:
        title, path = row["sample_id"], root / row[AUDIO]
        mix_CN, _ = read_audio(path, hearing.audio)
        page = page_of(row, prompt_of[title], asked[title], bpm.get(title), mix_CN, hearers)
        pages.append(path.with_suffix(".html"))
        write_bytes(pages[-1], song_html(page).encode())
    return pages


def page_of(
    row: Mapping[str, Any],
    prompt: Prompt,
    words: PromptWords,
    bpm: float | None,
    mix_CN: np.ndarray,
    hearers: Hearers,
) -> SongPage:
    """What the page of one song shows."""
    duration_s = mix_CN.shape[1] / SAMPLE_RATE_HZ
    peaks = song_peaks(mix_CN, duration_s)
    lane = [astuple(word) for word in words.words if word.start_s < min(word.end_s, duration_s)]
    return SongPage(
        song_id=prompt.song_id,
        title=prompt.title,
        subtitle=f"{duration_s:.1f} s · seed {row['seed']}",
        duration_s=duration_s,
        verdict=f"by weights {str(row['weights_sha256'])[:12]}",
        dropped=False,
        words=lane,
        lanes={"asked": lane} if lane else {},
        sounds=[Sound("mix", mp3_bytes(mix_CN), peaks)],
        asked=played_by(prompt.controls, bpm, duration_s),
        heard=hearers.played_in(mix_CN),
        state="generated",
    )


def _chosen(params: Choice, otherwise: str) -> Choice:
    """The settings, of `otherwise` where they choose nobody."""
    return params.model_copy(update={"model": otherwise}) if params.model == NONE else params
