"""How far off must a start be that is told from lyrics, by somebody who knows every law of world two?

python bench/start_limit.py [--songs 400] [--tests 128] [--draws 4000]

For the songs that bench/durations.py asks. Two who know the world, and of the song its lyrics, tempo, metre, swing, what each line's part
is and in how many bars it ends:

- *laws*: draws everything else as the world does (intro and outro, rests, lengths, fast and syncopated lines, pick-ups, lateness) and
  keeps the songs that end in the right bar.
- *laws and lines*: knows each line as it was sung too, and lacks where it stands: intro, rests and outro.

The guess of each is the median of what is left, which errs least. So no predictor that reads lyrics, tempo and length errs less than the first
but by chance, and how much of a trivial law's error could be won is told by the difference; 95 % intervals over songs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from bench.duration_laws import Song, trivial_laws
from bench.duration_songs import TEST_SEED, sides_of
from bench.durations import ratio_over
from bench.measuring import machine, options_parser, write_result
from flows.settings.params import load_params
from tasks.models.phonemizer import build_phonemizer
from tasks.toy.world_two.composition import _EMPTY_BARS, _REST_BEATS
from tasks.toy.world_two.material import _FAST, _PICK_UP, _SYNCOPATED
from tasks.toy.world_two.rhythm import Clock, draw_lateness, draw_lateness_sd, draw_lengths, place_words
from tasks.toy.world_two.score import SungLine

PICK_UP_BEATS = (0.5, 1.0)
TRIVIAL = ("constant", "per syllable")


@dataclass(frozen=True)
class Placed:
    """A line that waits for its bar: beats that it begins before it, and starts and end of its words from the bar on, in seconds."""

    lead: float
    starts_s: np.ndarray
    end_s: float


def bar_of(line: SungLine, clock: Clock) -> int:
    """The bar that a line was placed from: the next one where it is picked up, or its own. No lateness is half a bar."""
    bar = line.words[0].start_s / (clock.beats_per_bar * clock.beat_s)
    return round(bar) if line.pick_up else int(bar + 0.1)


def as_sung(line: SungLine, clock: Clock) -> Placed:
    """The line as it is in the song."""
    bar_s = bar_of(line, clock) * clock.beats_per_bar * clock.beat_s
    starts_s = np.array([word.start_s for word in line.words]) - bar_s
    late = starts_s[0] / clock.beat_s
    lead = min(PICK_UP_BEATS, key=lambda beats: abs(beats + late)) if line.pick_up else 0.0
    return Placed(lead, starts_s, float(starts_s[-1]) + line.words[-1].length_s)


def drawn_anew(line: SungLine, clock: Clock, sd_s: float, rng: np.random.Generator) -> Placed:
    """The line as the world would sing its words another time (`draw_material`, `_Composer._placed`)."""
    words = [word.lexeme for word in line.words]
    fast, syncopated, pick_up = (bool(rng.random() < share) for share in (_FAST, _SYNCOPATED, _PICK_UP))
    lead = PICK_UP_BEATS[rng.integers(2)] if pick_up else 0.0
    lengths_s = draw_lengths(rng, words, True, fast)
    late_s = draw_lateness(rng, len(words), sd_s)
    fine = clock.fine_step
    step = fine / 2 if fast else fine if syncopated else min(2 * fine, 0.5)
    first = clock.beats_per_bar - lead + (0.5 if syncopated and not pick_up else 0.0)
    starts_s = np.array(place_words(clock, first, lengths_s, late_s, step, fast))
    starts_s -= clock.beats_per_bar * clock.beat_s
    return Placed(lead, starts_s, float(starts_s[-1]) + lengths_s[-1])


def drawn_lines(song: Song, clock: Clock, rng: np.random.Generator) -> list[Placed]:
    """All lines drawn anew; a chorus comes again with its lengths and its rhythm."""
    sd_s = draw_lateness_sd(rng)
    found: dict[object, Placed] = {}
    placed = []
    for number, line in enumerate(song.score.lines):
        is_chorus = song.score.parts[line.part].label == "chorus"
        key = (line.text,) if is_chorus else number
        if key not in found:
            found[key] = drawn_anew(line, clock, sd_s, rng)
        placed.append(found[key])
    return placed


def course(lines: Sequence[Placed], clock: Clock, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """Starts of all words [W], and the bar in which the song ends."""
    beats = clock.beats_per_bar
    free = float(rng.integers(_EMPTY_BARS[0], _EMPTY_BARS[1] + 1) * beats) if rng.random() < 0.5 else 0.0
    starts = []
    for line in lines:
        bar = int(np.ceil((free + (line.lead if free > 0 else 0.0)) / beats - 1e-9))
        bar_s = bar * beats * clock.beat_s
        early_s = line.lead * clock.beat_s if bar == 0 else 0.0  # nothing is picked up before the song
        starts.append(bar_s + early_s + line.starts_s)
        free = (bar_s + early_s + line.end_s) / clock.beat_s + _REST_BEATS[rng.integers(len(_REST_BEATS))]
    end = int(np.ceil(free / beats))
    if rng.random() < 0.5:
        end += int(rng.integers(_EMPTY_BARS[0], _EMPTY_BARS[1] + 1))
    return np.concatenate(starts), end


def kept(
    song: Song, lines_of: Callable[[np.random.Generator], Sequence[Placed]], draws: int, seed: Sequence[int]
) -> np.ndarray:
    """The courses that end in the song's own bar [K, W]."""
    score, rng = song.score, np.random.default_rng(seed)
    clock = Clock(score.tempo_bpm, score.beats_per_bar, score.swing)
    bars = round(song.sheet.duration_s / (clock.beats_per_bar * clock.beat_s))

    def courses() -> Iterator[np.ndarray]:
        for _ in range(draws):
            starts_s, end = course(lines_of(rng), clock, rng)
            if end == bars:
                yield starts_s

    found = [*courses()]
    return np.stack(found) if found else np.empty((0, song.sheet.num_words))


def errors_of(song: Song, number: int, draws: int) -> dict[str, float]:
    """Absolute errors of starts summed over words, of both; and how many courses each kept."""
    clock = Clock(song.score.tempo_bpm, song.score.beats_per_bar, song.score.swing)
    sung = [as_sung(line, clock) for line in song.score.lines]
    told = {
        "laws": kept(song, lambda rng: drawn_lines(song, clock, rng), draws, (TEST_SEED, number, 0)),
        "laws and lines": kept(song, lambda _: sung, draws, (TEST_SEED, number, 1)),
    }
    found = {}
    for name, starts_KW in told.items():
        found[f"{name}: kept"] = float(len(starts_KW))
        guess_s = np.median(starts_KW, axis=0) if len(starts_KW) else np.full(song.sheet.num_words, np.nan)
        found[name] = float(np.abs(guess_s - song.timing.starts_s).sum())
    return found


def main() -> None:
    """Draw, compare, write."""
    parser = options_parser(__doc__)
    parser.add_argument("--songs", type=int, default=400)
    parser.add_argument("--tests", type=int, default=128)
    parser.add_argument("--draws", type=int, default=4000)
    given = parser.parse_args()
    params = load_params(Path(__file__).resolve().parents[1] / "params/toy2.yaml")
    train, _, tests = sides_of(given.songs, given.tests, params, build_phonemizer(params.models.phonemizer))
    words_N = np.array([song.sheet.num_words for song in tests], float)
    rows = [errors_of(song, number, given.draws) for number, song in enumerate(tests)]
    sums = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    laws = trivial_laws(train, params.durations.slot_s)
    for name in TRIVIAL:
        times = [laws[name].times(song, np.random.default_rng(0)) for song in tests]  # these draw nothing
        sums[name] = np.array(
            [
                np.abs(one.starts_s - song.timing.starts_s).sum()
                for one, song in zip(times, tests, strict=True)
            ]
        )
    limits = ("laws", "laws and lines")
    write_result(
        "start_limit",
        {
            "tests": len(tests),
            "words": int(words_N.sum()),
            "draws": given.draws,
            "least_kept": {name: int(sums[f"{name}: kept"].min()) for name in limits},
            "columns": ["value", "95 % low", "95 % high"],
            "start_s": {name: ratio_over(sums[name][None], words_N) for name in (*limits, *TRIVIAL)},
            "over": {
                f"{law} over {name}": ratio_over((sums[law] - sums[name])[None], words_N)
                for name in limits
                for law in TRIVIAL
            },
            "machine": machine("numpy"),
        },
    )


if __name__ == "__main__":
    main()
