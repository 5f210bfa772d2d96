"""Toy songs written in every form of lyrics and read back: are the words the same, and how far do their times move?

python bench/round_trips.py [--songs 1000]

Words, in lower case as readers give them, and lines with their true times, no audio. Told are, a form: songs whose words or form came back otherwise, and the
largest difference of a word's start (of a line's, where the form has no times of words). A form's own grid is the
least that can be asked for: 10 ms in ASS and UltraStar, 1 ms in most, none in others.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.measuring import RESULTS, options_parser, write_result
from jam_model.words import Word
from tasks.lyrics.convert import convert
from tasks.lyrics.lyrics import Lyrics
from tasks.lyrics.parts.written import Form
from tasks.lyrics.read import FORMS, read_lyrics
from tasks.toy.composition import compose, song_seed

SEED = 4242
LOST = float("inf")


def lyrics_of(number: int) -> Lyrics:
    """The lyrics of a toy song, with times of words and lines."""
    song = compose(song_seed(SEED, number))
    words = [
        Word(note.word.lower(), round(note.start_s, 6), round(note.start_s + note.duration_s, 6))
        for note in song.notes
    ]
    lines = [
        Word(" ".join(word.text for word in words[first:end]), words[first].start_s, words[end - 1].end_s)
        for first, end in song.lines
    ]
    return Lyrics([word.text for word in words], list(words), lines, [first for first, _ in song.lines])


def moved_s(lyrics: Lyrics, form: Form) -> float | None:
    """The largest difference of a start after the way through a form; None without times, inf where words were changed."""
    back = read_lyrics(convert(lyrics, form).data, 10**6, 10**4)
    if back.form != form.name or back.words != lyrics.words:
        return LOST
    pairs = list(zip(back.times or back.lines or (), lyrics.times or (), strict=False))
    if back.times is None and back.lines is not None:
        pairs = list(zip(back.lines, lyrics.lines or (), strict=True))
    return max((abs(a.start_s - b.start_s) if a and b else LOST for a, b in pairs), default=None)


def main() -> None:
    """Measure every form and write the result."""
    parser = options_parser(__doc__)
    parser.add_argument("--songs", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    forms = [form for form in FORMS if form.write]
    most: dict[str, float] = defaultdict(float)
    changed: Counter[str] = Counter()
    for number in range(options.songs):
        lyrics = lyrics_of(number)
        for form in forms:
            found = moved_s(lyrics, form)
            changed[form.name] += found == LOST
            if found is not None and found != LOST:
                most[form.name] = max(most[form.name], found)
    told = {
        form.name: {
            "changed": changed[form.name],
            "start_most_ms": round(1e3 * most[form.name], 3) if form.name in most else None,
        }
        for form in forms
    }
    write_result("round_trips", {"songs": options.songs, "seed": SEED, "forms": told}, options.out)


if __name__ == "__main__":
    main()
