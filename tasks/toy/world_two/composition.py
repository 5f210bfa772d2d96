"""Composes songs of world two: a form, lines placed bar by bar, and a band under them; all from one seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.toy.languages.all import SINGABLE
from tasks.toy.languages.language import Language, Voice
from tasks.toy.sound.synthesis import SAMPLE_RATE_HZ
from tasks.toy.world_two.features import Features, stream
from tasks.toy.world_two.harmony import SCALES, draw_degrees, spell
from tasks.toy.world_two.material import LINES, Material, draw_form, draw_material, varied
from tasks.toy.world_two.rhythm import Clock, draw_lateness, draw_lateness_sd, place_words
from tasks.toy.world_two.score import GENRES, Score, SungLine, SungWord
from tasks.toy.world_two.styles import draw_style, strike_drums
from tasks.toy.world_two.truth import BassNote, Beat, Key, Part, PartStyle
from tasks.toy.world_two.voices import all_voices

_TEMPOS, _PLAIN_TEMPO = (60.0, 160.0), 100.0
_SWINGS, _STRAIGHT = (0.6, 0.67), 0.5
_WALTZ, _SWUNG, _MINOR = 0.3, 0.4, 0.4  # how often
_REST_BEATS = (0.5, 1.0, 2.0)  # least rest behind a line
_EMPTY_BARS = (1, 2)  # of an intro or an outro
_VOCALS_OVER_BAND_DB = (3.0, 6.0)
_BASS_MIDI = 36
_MODULATION = 2  # semitones
_LINE_S = 4.5  # about what a line takes with its rest
_TRIES = 400


def compose(seed: int, features: Features, foreign: str | None = None) -> Score:
    """The song of this seed. foreign: another language, in which the first verse is sung.

    Raises:
        ValueError: no song within the bounds of length was found, or a language is unknown.
    """
    asked = (*features.languages, *([foreign] if foreign else []))
    unknown = [code for code in asked if code not in SINGABLE]
    if unknown or not features.languages:
        raise ValueError(f"languages is {asked}; give one or more of {', '.join(SINGABLE)}")
    lengths_s = []
    for attempt in range(_TRIES):
        score = _Composer(seed, features, stream(seed, "form", attempt), foreign).compose()
        if features.min_duration_s <= score.duration_s <= features.max_duration_s:
            return score
        lengths_s.append(score.duration_s)
    raise ValueError(
        f"toy.two.min_duration_s is {features.min_duration_s:g} and toy.two.max_duration_s {features.max_duration_s:g}; none of the "
        f"{_TRIES} forms that were drawn for one song is so long, they last {min(lengths_s):.1f} to {max(lengths_s):.1f} s; set "
        "them further apart"
    )


@dataclass(frozen=True)
class _Bars:
    """A part on paper: where it is in bars."""

    label: str
    first: int
    end: int


@dataclass(frozen=True)
class _Placed:
    """A line with the starts of its words, the number of its part, and whether it begins before its bar."""

    material: Material
    starts_s: list[float]
    part: int
    picked_up: bool


class _Composer:
    """One attempt at a song: only the form differs between attempts."""

    def __init__(self, seed: int, features: Features, form: np.random.Generator, foreign: str | None) -> None:
        self.seed, self.features, self.form, self.foreign = seed, features, form, foreign
        song = stream(seed, "song")
        self.genre = GENRES[list(GENRES)[song.integers(len(GENRES))]]
        tempo = float(np.exp(song.uniform(*np.log(_TEMPOS))))
        waltz, swung, swing = song.random() < _WALTZ, song.random() < _SWUNG, float(song.uniform(*_SWINGS))
        self.clock = Clock(
            tempo if features.tempos else _PLAIN_TEMPO,
            3 if waltz and features.metres else 4,
            swing if swung and features.swing else _STRAIGHT,
        )
        self.over_band_db = float(song.uniform(*_VOCALS_OVER_BAND_DB))
        harmony = stream(seed, "key")
        self.tonic = int(harmony.integers(12))
        minor = bool(harmony.random() < _MINOR) and features.minor
        self.mode = "minor" if minor else "major"
        voices = stream(seed, "voices")
        codes = [features.languages[int(i)] for i in voices.permutation(len(features.languages))]
        languages = [SINGABLE[code] for code in codes]
        self.verse_language = languages[0]
        self.chorus_language = languages[-1] if features.two_languages else languages[0]
        self.singer = int(voices.integers(len(self.verse_language.voices)))
        self.late_sd_s = draw_lateness_sd(voices)

    def compose(self) -> Score:
        """The song, however long it becomes."""
        bars, lines = self._parts_with_lines()
        keys = self._keys(bars)
        parts = self._styled(bars)
        sung = tuple(self._sung(number, line, keys, parts) for number, line in enumerate(lines))
        sung = all_voices(self.seed, sung, parts, self.features)
        beats = self.clock.beats_per_bar
        num_samples = int(self._bar_s(bars[-1].end) * SAMPLE_RATE_HZ)
        chords, bass = [], []
        for number, part in enumerate(bars):
            rng = stream(self.seed, "chords", number)
            degrees = draw_degrees(rng, keys[0].mode, part.end - part.first)
            bars_s = [self._bar_s(bar) for bar in range(part.first, part.end + 1)]
            key = [key for key in keys if key.start_s <= bars_s[0]][-1]
            chords += spell(rng, key, degrees, bars_s, self.features.sevenths, self.features.inversions)
        for beat in range(bars[-1].end * beats):
            bass.append(BassNote(self.clock.time_s(beat), _BASS_MIDI + chords[beat // beats].bass))
        return Score(
            seed=self.seed,
            genre=self.genre.name,
            tempo_bpm=self.clock.tempo_bpm,
            beats_per_bar=beats,
            swing=self.clock.swing,
            num_samples=num_samples,
            vocals_over_band_db=self.over_band_db,
            keys=keys,
            parts=parts,
            lines=sung,
            chords=tuple(chords),
            beats=tuple(Beat(note.time_s, place % beats + 1) for place, note in enumerate(bass)),
            strikes=tuple(
                strike
                for part, style in zip(bars, parts, strict=True)
                for strike in strike_drums(style.style, self.clock, part.first, part.end)
            ),
            bass=tuple(bass),
        )

    def _bar_s(self, bar: int) -> float:
        return self.clock.time_s(bar * self.clock.beats_per_bar)

    def _parts_with_lines(self) -> tuple[list[_Bars], list[_Placed]]:
        """Parts in bars; lines with the starts of their words and the number of their part."""
        least, most = self.features.min_duration_s, self.features.max_duration_s
        lines_wanted = self.form.uniform(least, most) / _LINE_S
        counts = {label: int(self.form.integers(low, high + 1)) for label, (low, high) in LINES.items()}
        about = (counts["verse"] + counts["chorus"]) / 2
        labels = draw_form(self.form, max(2, round(lines_wanted / about)))
        bars: list[_Bars] = []
        lines: list[_Placed] = []
        free, first, drawn = 0.0, 0, 0  # the first free position, the part's first bar, lines drawn so far
        chorus: list[Material] = []
        beats = self.clock.beats_per_bar
        for number, label in enumerate(labels):
            if label in ("intro", "outro"):
                first = int(np.ceil(free / beats))
                free = (first + int(self.form.integers(_EMPTY_BARS[0], _EMPTY_BARS[1] + 1))) * beats
                bars.append(_Bars(label, first, int(free // beats)))
                continue
            repeats = label == "chorus" and bool(chorus)
            language = self.chorus_language if label == "chorus" else self.verse_language
            if self.foreign and label == "verse" and not drawn:
                language = SINGABLE[self.foreign]
            if repeats:
                rng = stream(self.seed, "variation", number)
                materials = [varied(material, rng) for material in chorus]
            else:
                materials = [
                    draw_material(self.seed, drawn + place, language, self.features)
                    for place in range(counts[label])
                ]
                drawn += len(materials)
            if label == "chorus" and not chorus:
                chorus = materials
            for place, material in enumerate(materials):
                lead = material.pick_up if free > 0 else 0.0
                bar = int(np.ceil((free + lead) / beats - 1e-9))
                if place == 0:
                    first = bar
                starts_s, end = self._placed(material, bar * beats - lead, len(lines))
                lines.append(_Placed(material, starts_s, number, lead > 0))
                free = end + _REST_BEATS[self.form.integers(len(_REST_BEATS))]
            bars.append(_Bars(label, first, int(np.ceil(free / beats))))
        ends = [part.first for part in bars[1:]] + [bars[-1].end]
        return [_Bars(part.label, part.first, end) for part, end in zip(bars, ends, strict=True)], lines

    def _placed(self, material: Material, position: float, number: int) -> tuple[list[float], float]:
        """Starts of a line's words, and the position where the last one ends."""
        late_s = draw_lateness(stream(self.seed, "lateness", number), len(material.words), self.late_sd_s)
        if not self.features.microtiming:
            late_s = [0.0] * len(late_s)
        if position == 0:
            late_s[0] = abs(late_s[0])
        fine = self.clock.fine_step
        step = fine / 2 if material.fast else fine if material.syncopated else min(2 * fine, 0.5)
        first = position + (0.5 if material.syncopated and not material.pick_up else 0.0)
        starts_s = place_words(self.clock, first, material.lengths_s, late_s, step, material.fast)
        return starts_s, (starts_s[-1] + material.lengths_s[-1]) / self.clock.beat_s

    def _keys(self, bars: list[_Bars]) -> tuple[Key, ...]:
        """The key, and the one from the last chorus on where the song modulates."""
        mode = "minor" if self.mode == "minor" else "major"
        keys = [Key(0.0, self.tonic, mode)]  # type: ignore[arg-type]
        choruses = [part for part in bars if part.label == "chorus"]
        if self.features.modulation and len(choruses) > 1:
            start_s = self._bar_s(choruses[-1].first)
            keys.append(Key(start_s, (self.tonic + _MODULATION) % 12, keys[0].mode))
        return tuple(keys)

    def _styled(self, bars: list[_Bars]) -> tuple[Part, ...]:
        """Parts with their styles: one a part, all choruses alike; or one a song."""
        of_label: dict[str, PartStyle] = {}
        parts = []
        for number, part in enumerate(bars):
            draw = draw_style(stream(self.seed, "style", number), self.clock.beats_per_bar)
            style = of_label.setdefault("all" if not self.features.part_styles else part.label, draw)
            if self.features.part_styles and part.label != "chorus":
                style = draw
            parts.append(Part(part.label, self._bar_s(part.first), self._bar_s(part.end), style))  # type: ignore[arg-type]
        return tuple(parts)

    def _sung(
        self,
        number: int,
        placed: _Placed,
        keys: tuple[Key, ...],
        parts: tuple[Part, ...],
    ) -> SungLine:
        """A line in its singer's range, raised as its part has it."""
        material, part = placed.material, placed.part
        language: Language = SINGABLE[material.language]
        voice: Voice = language.voices[self.singer % len(language.voices)]
        key = [key for key in keys if key.start_s <= parts[part].start_s][-1]
        lift = parts[part].style.melody_lift
        scale = [
            midi
            for midi in range(voice.low_midi + lift, voice.high_midi + lift + 1)
            if (midi - key.tonic) % 12 in SCALES[key.mode]
        ]
        words = tuple(
            SungWord(
                lexeme,
                start_s,
                length_s,
                tuple(tuple(float(scale[len(scale) // 2 + step]) for step in notes) for notes in steps),
            )
            for lexeme, start_s, length_s, steps in zip(
                material.words, placed.starts_s, material.lengths_s, material.steps, strict=True
            )
        )
        return SungLine(
            number=number,
            words=words,
            part=part,
            language=material.language,
            voice=voice,
            manner="sung",
            fast=material.fast,
            syncopated=material.syncopated,
            pick_up=placed.picked_up,
            in_lyrics=True,
        )
