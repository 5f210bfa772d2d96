#!/usr/bin/env bash
# Packages: music21 10.5.1, pychord 1.4.1
# Seen:     Chord names as lead sheets print them. music21 writes flats as "-" and refuses "Bb", "Bbm7" and "Ebmaj7"; but a flat and a
#           digit pass as another root: "Bb7" is B D# F# A, "Eb7" E G# B D, "Ab13" stands on A. A dominant chord of a flat key is
#           half a tone high and only its plain neighbours are missed. pychord takes what follows a slash for a number of inversions:
#           "C6/9" is a C6 on E without its ninth D, while "C69" has it.
# Guessed:  The documentations name "-" for flats and "/1" for an inversion; a name that cannot be read is refused in every form.
set -euo pipefail
trap 'rm -rf "$place"' EXIT
place=$(mktemp -d)
python3 -m venv "$place"
"$place/bin/pip" install -q --disable-pip-version-check music21==10.5.1 pychord==1.4.1
"$place/bin/python" -W ignore - <<'PYTHON'
import music21
import pychord


def by_music21(name: str) -> list[str]:
    try:
        return [pitch.name for pitch in music21.harmony.ChordSymbol(name).pitches]
    except ValueError:
        return ["refused"]


seen = {name: (by_music21(name), pychord.Chord(name).components()) for name in ("Bb", "Bbm7", "Ebmaj7", "Bb7", "Eb7", "Db7", "Ab13")}
for name, (music, chord) in seen.items():
    print(f"{name}: music21 {' '.join(music)}; pychord {' '.join(chord)}")
ninths = {name: pychord.Chord(name).components() for name in ("C69", "C6/9", "F6/9")}
print("pychord:", {name: " ".join(notes) for name, notes in ninths.items()})
assert all(seen[name][0] == ["refused"] for name in ("Bb", "Bbm7", "Ebmaj7"))
assert seen["Bb7"] == (["B", "D#", "F#", "A"], ["Bb", "D", "F", "Ab"]) and seen["Eb7"][0] == ["E", "G#", "B", "D"]
assert seen["Ab13"][0][0] == "A" and seen["Ab13"][1][0] == "Ab"
assert ninths["C69"] == ["C", "E", "G", "A", "D"] and ninths["C6/9"] == ["E", "G", "A", "C"] and "G" not in ninths["F6/9"]
PYTHON
