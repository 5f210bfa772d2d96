#!/usr/bin/env bash
# Packages: symusic 0.6.0, mido 1.3.3 (writes the MIDI), miditoolkit 1.0.1
# Seen:     A sung MIDI track, its lyric events between its notes: symusic makes two tracks of it, both with its name. One has the notes and
#           no lyrics, the other, always of program 0, all lyrics and no notes. Whoever asks the voice for its words gets [], and leaving
#           out tracks without notes, as cleaning does, leaves out every word. Written again, the file has two tracks. The `w:` line of an
#           ABC tune is lost altogether, and its first note begins at tick 1. miditoolkit keeps words beside its tracks, all of them.
# Guessed:  `lyrics` is documented as a field of a track beside `notes`: the words of the track that they came in.
set -euo pipefail
trap 'rm -rf "$place"' EXIT
place=$(mktemp -d)
python3 -m venv "$place"
"$place/bin/pip" install -q --disable-pip-version-check symusic==0.6.0 mido==1.3.3 miditoolkit==1.0.1
"$place/bin/python" -W ignore - "$place/song.mid" <<'PYTHON'
import sys

import miditoolkit
import symusic
from mido import Message, MetaMessage, MidiFile, MidiTrack

WORDS = ["three", "blind", "mice", "run"]
song = MidiFile(type=1, ticks_per_beat=480)
voice = MidiTrack([MetaMessage("track_name", name="Voice", time=0), Message("program_change", program=52, channel=2, time=0)])
for number, word in enumerate(WORDS):
    voice.append(MetaMessage("lyrics", text=word, time=0))
    voice.append(Message("note_on", note=60 + number, velocity=80, channel=2, time=0))
    voice.append(Message("note_off", note=60 + number, velocity=0, channel=2, time=480))
song.tracks += [MidiTrack([MetaMessage("set_tempo", tempo=500_000, time=0)]), voice]
song.save(sys.argv[1])


def tracks(score) -> list[tuple[str, int, int, list[str]]]:
    return [(track.name, track.program, len(track.notes), [word.text for word in track.lyrics]) for track in score.tracks]


read = symusic.Score(sys.argv[1])
seen = tracks(read)
print("symusic (name, program, notes, words):", seen)
read.dump_midi(sys.argv[1])
named = sum(any(event.type == "track_name" and event.name == "Voice" for event in track) for track in MidiFile(sys.argv[1]).tracks)
kept = [word.text for word in miditoolkit.MidiFile(sys.argv[1]).lyrics]
print(f"written again: {named} tracks named Voice; miditoolkit reads {kept}")
tune = symusic.Score.from_abc("X:1\nT:Song\nM:4/4\nL:1/4\nQ:1/4=90\nK:C\nC D E F|\nw: three blind mice run\n")
print("ABC:", tracks(tune), "starts", [note.start for note in tune.tracks[0].notes])
assert seen == [("Voice", 52, 4, []), ("Voice", 0, 0, WORDS)] and named == 2 and kept == WORDS
assert [track[2:] for track in tracks(tune)] == [(4, [])] and tune.tracks[0].notes[0].start == 1
PYTHON
