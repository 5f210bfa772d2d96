#!/usr/bin/env bash
# Packages: music21 10.5.1, mido 1.3.3 (reads the MIDI)
# Seen:     Two verses under a repeated bar, as hymns and songs are engraved. `expandRepeats` doubles the notes, and each pass keeps
#           both verses: the lyrics read off the unfolded score are verse one twice, and verse two is nowhere sung. Its MIDI
#           carries both verses in a single lyric event, with a line break between ("the\na"), in every pass. In ABC the words
#           below the tune (`w:`) are not read at all, though the notes and the tempo are.
# Guessed:  It documents expandRepeats as the score as it is played: the second pass has the second verse, one word a note.
set -euo pipefail
trap 'rm -rf "$place"' EXIT
place=$(mktemp -d)
python3 -m venv "$place"
"$place/bin/pip" install -q --disable-pip-version-check music21==10.5.1 mido==1.3.3
"$place/bin/python" -W ignore - "$place" <<'PYTHON'
import sys
from pathlib import Path

import mido
import music21

place = Path(sys.argv[1])
notes = "".join(
    f"<note><pitch><step>{step}</step><octave>4</octave></pitch><duration>1</duration><type>quarter</type>"
    f'<lyric number="1"><text>{one}</text></lyric><lyric number="2"><text>{two}</text></lyric></note>'
    for step, one, two in (("C", "the", "a"), ("D", "sun", "star"), ("E", "goes", "comes"), ("F", "down", "out"))
)
(place / "song.musicxml").write_text(
    '<score-partwise version="4.0"><part-list><score-part id="P1"><part-name>Voice</part-name></score-part></part-list>'
    '<part id="P1"><measure number="1"><attributes><divisions>1</divisions><time><beats>4</beats><beat-type>4</beat-type></time>'
    f'</attributes>{notes}<barline location="right"><repeat direction="backward"/></barline></measure></part></score-partwise>'
)
score = music21.converter.parse(place / "song.musicxml")
played = score.expandRepeats()
sung = [note.lyrics[0].text for note in played.recurse().notes]
assembled = music21.text.assembleLyrics(played)
print("unfolded:", assembled)
played.write("midi", str(place / "song.mid"))
events = [event.text for track in mido.MidiFile(place / "song.mid").tracks for event in track if event.type == "lyrics"]
print("lyric events of its MIDI:", events)
tune = music21.converter.parse("X:1\nT:Song\nM:4/4\nL:1/4\nQ:1/4=90\nK:C\nC D E F|\nw: the sun goes down\n", format="abc")
words = [note.lyric for note in tune.recurse().notes]
tempo = [mark.number for mark in tune.recurse().getElementsByClass("MetronomeMark")]
print("ABC:", words, "tempo", tempo)
assert len(sung) == 8 and assembled == "the sun goes down the sun goes down"
assert events == ["the\na", "sun\nstar", "goes\ncomes", "down\nout"] * 2
assert words == [None] * 4 and tempo == [90]
PYTHON
