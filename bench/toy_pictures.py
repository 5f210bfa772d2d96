"""Pictures of a song of world two for docs/toy.md: its lanes over its spectrogram, and one line to the phone.

pip install --target DIR matplotlib==3.11.2
PYTHONPATH=DIR python bench/toy_pictures.py --song 3 --line 1 --out docs

Writes toy_song.png and toy_line.png, of 64 colours each, so that they stay small.
"""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from flows.settings.params import load_params
from tasks.models.embedded.spectra import power, stft
from tasks.toy.composition import song_seed
from tasks.toy.sound.synthesis import SAMPLE_RATE_HZ
from tasks.toy.world_two.composition import compose
from tasks.toy.world_two.performance import perform
from tasks.toy.world_two.truth import Truth

SEED = 7
SIZE, HOP = 2048, 512
HIGHEST_HZ, RANGE_DB = 8000.0, 60.0
COLOURS = 64
INK, FAINT, VOICE, BAND = "#222222", "#bbbbbb", "#c2410c", "#1d4ed8"
PARTS = {"intro": "#e5e7eb", "verse": "#dbeafe", "chorus": "#fde68a", "bridge": "#dcfce7", "outro": "#e5e7eb"}
DRUMS = {"kick": 0.0, "snare": 1.0, "hat": 2.0}


def spectrogram(axes: Axes, mix_CN: np.ndarray, start_s: float, end_s: float, highest_hz: float) -> None:
    """Decibels of the mono downmix, dark where it is loud."""
    level_FK = 10 * np.log10(power(stft(mix_CN.mean(axis=0).astype(np.float32), SIZE, HOP)) + 1e-9)
    bins = int(highest_hz * SIZE / SAMPLE_RATE_HZ)
    frames = slice(int(start_s * SAMPLE_RATE_HZ / HOP), int(end_s * SAMPLE_RATE_HZ / HOP) + 1)
    shown_KF = level_FK[frames, :bins].T
    loudest = float(shown_KF.max())
    axes.imshow(
        shown_KF,
        origin="lower",
        aspect="auto",
        cmap="Greys",
        vmin=loudest - RANGE_DB,
        vmax=loudest,
        extent=(start_s, end_s, 0, highest_hz / 1000),
    )
    axes.set_ylabel("kHz")
    axes.set_xlabel("seconds")


def lane(axes: Axes, name: str) -> None:
    """An empty lane with its name to the left."""
    axes.set_yticks([])
    axes.set_ylabel(name, rotation=0, ha="right", va="center")
    axes.tick_params(bottom=False)
    for side in axes.spines.values():
        side.set_color(FAINT)


def draw_song(truth: Truth, mix_CN: np.ndarray) -> Figure:
    """Parts, chords, words, notes, drums and beats of the whole song, over what it sounds like."""
    figure = Figure(figsize=(11, 6.4), layout="constrained")
    parts, chords, words, notes, drums, sound = figure.subplots(
        6, 1, sharex=True, height_ratios=(0.7, 0.5, 0.9, 1.4, 1.1, 2.2)
    )
    lane(parts, "parts")
    for part in truth.parts:
        parts.axvspan(part.start_s, part.end_s, color=PARTS[part.label], ec=FAINT)
        struck = [name for name, on in (("snare", part.style.snare >= 0), ("hat", part.style.hat)) if on]
        told = f"{part.label}\n{', '.join([f'{part.style.strikes_per_bar} a bar', *struck])}"
        parts.text(part.start_s + 0.05, 0.5, told, va="center", fontsize=7)
    lane(chords, "chords")
    for chord in truth.chords:
        chords.axvline(chord.start_s, color=FAINT, lw=0.8)
        chords.text(chord.start_s + 0.05, 0.5, chord.name, va="center", fontsize=7, clip_on=True)
    lane(words, "words")
    words.set_ylim(0, 2)
    for number, word in enumerate(truth.words):
        words.axvspan(word.start_s, word.end_s, color=VOICE, alpha=0.18)
        words.text(word.start_s, 0.45 + number % 2, word.text, fontsize=7, clip_on=True)
    lane(notes, "voice")
    for note in truth.notes:
        notes.hlines(note.midi, note.start_s, note.end_s, color=VOICE, lw=3)
    lane(drums, "hat\nsnare\nkick\nbeats")
    for strike in truth.strikes:
        drums.plot(strike.time_s, DRUMS[strike.drum], "|", color=BAND, ms=8, mew=1.5)
    for beat in truth.beats:
        drums.plot(beat.time_s, -1, "|", color=INK if beat.position == 1 else FAINT, ms=9, mew=1.5)
    drums.set_ylim(-1.6, 2.6)
    spectrogram(sound, mix_CN, 0.0, truth.duration_s, HIGHEST_HZ)
    sound.set_xlim(0, truth.duration_s)
    return figure


def draw_line(truth: Truth, mix_CN: np.ndarray, number: int) -> Figure:
    """Words, syllables and phones of one line with their bounds, its notes, and the sound below."""
    line = truth.lines[number]
    places = range(line.first_word, line.end_word)
    start_s, end_s = truth.words[places[0]].start_s - 0.1, truth.words[places[-1]].end_s + 0.1
    figure = Figure(figsize=(11, 5), layout="constrained")
    words, syllables, phones, notes, sound = figure.subplots(
        5, 1, sharex=True, height_ratios=(0.5, 0.5, 0.5, 1.2, 2.2)
    )
    of_line = {n for n, syllable in enumerate(truth.syllables) if syllable.word in places}
    spans = {
        "words": (
            words,
            [(truth.words[n].text, truth.words[n].start_s, truth.words[n].end_s) for n in places],
        ),
        "syllables": (
            syllables,
            [(s.text, s.start_s, s.end_s) for n, s in enumerate(truth.syllables) if n in of_line],
        ),
        "phones": (phones, [(p.ipa, p.start_s, p.end_s) for p in truth.phones if p.syllable in of_line]),
    }
    for name, (axes, rows) in spans.items():
        lane(axes, name)
        for text, first_s, last_s in rows:
            axes.axvspan(first_s, last_s, fc="#ffedd5", ec=VOICE, lw=0.8)
            axes.text((first_s + last_s) / 2, 0.5, text, ha="center", va="center", fontsize=8)
    lane(notes, "notes")
    for note in truth.notes:
        if note.syllable in of_line:
            notes.hlines(note.midi, note.start_s, note.end_s, color=VOICE, lw=3)
    for beat in truth.beats:
        notes.axvline(beat.time_s, color=INK if beat.position == 1 else FAINT, lw=0.8)
    spectrogram(sound, mix_CN, start_s, end_s, HIGHEST_HZ / 2)
    sound.set_xlim(start_s, end_s)
    return figure


def save(figure: Figure, path: Path) -> None:
    """The figure as a PNG of few colours."""
    whole = io.BytesIO()
    figure.savefig(whole, format="png", dpi=90)
    Image.open(whole).convert("RGB").quantize(COLOURS).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size // 1024} KB")


def main() -> None:
    """Draw both."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--song", type=int, required=True, help="its number in the set of params/toy2.yaml")
    parser.add_argument("--line", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    params = load_params(Path(__file__).resolve().parents[1] / "params/toy2.yaml")
    song = perform(compose(song_seed(SEED, given.song), params.toy.two))
    save(draw_song(song.truth, song.mix_CN), given.out / "toy_song.png")
    save(draw_line(song.truth, song.mix_CN, given.line), given.out / "toy_line.png")


if __name__ == "__main__":
    main()
