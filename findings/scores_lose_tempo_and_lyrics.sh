#!/usr/bin/env bash
# Packages: music21 10.5.1, partitura 1.9.0
# Seen:     One MusicXML of three sung notes at <sound tempo="90">, whose print says "ca. 120", as engravers write it. music21 makes a
#           tempo mark without a number (neither 90 nor 120): seconds cannot be had, and its lyrics are right. partitura
#           reads 90 and drops all lyrics, for which its notes have no place, without a warning. No one of the two gives
#           the times of the words.
# Guessed:  <sound tempo> is for playback, so readers take it; lyrics of a sung part are read by every reader of scores.
set -euo pipefail
trap 'rm -rf "$place"' EXIT
place=$(mktemp -d)
python3 -m venv "$place"
"$place/bin/pip" install -q --disable-pip-version-check music21==10.5.1 partitura==1.9.0
cat > "$place/song.musicxml" <<'XML'
<?xml version="1.0" encoding="UTF-8"?>
<score-partwise version="4.0"><part-list><score-part id="P1"><part-name>Voice</part-name></score-part></part-list>
<part id="P1"><measure number="1">
<attributes><divisions>1</divisions><time><beats>3</beats><beat-type>4</beat-type></time></attributes>
<direction><direction-type><metronome><beat-unit>quarter</beat-unit><per-minute>ca. 120</per-minute></metronome></direction-type>
<sound tempo="90"/></direction>
<note><pitch><step>C</step><octave>4</octave></pitch><duration>1</duration><type>quarter</type>
<lyric><syllabic>single</syllabic><text>three</text></lyric></note>
<note><pitch><step>D</step><octave>4</octave></pitch><duration>1</duration><type>quarter</type>
<lyric><syllabic>single</syllabic><text>blind</text></lyric></note>
<note><pitch><step>E</step><octave>4</octave></pitch><duration>1</duration><type>quarter</type>
<lyric><syllabic>single</syllabic><text>mice</text></lyric></note>
</measure></part></score-partwise>
XML
"$place/bin/python" -W ignore - "$place/song.musicxml" <<'PYTHON'
import sys

import music21
import partitura

score = music21.converter.parse(sys.argv[1])
marks = [mark.number for mark in score.recurse().getElementsByClass("MetronomeMark")]
lyrics = [note.lyric for note in score.recurse().notes]
print("music21: tempo", marks, "lyrics", lyrics)
part = partitura.load_musicxml(sys.argv[1])[0]
tempi = [tempo.bpm for tempo in part.iter_all(partitura.score.Tempo)]
kept = [name for note in part.notes for name in vars(note) if "lyric" in name.lower()]
words = [str(item) for item in part.iter_all(partitura.score.Words)]
print("partitura: tempo", tempi, "lyrics", kept + words)
assert marks == [None] and lyrics == ["three", "blind", "mice"]
assert tempi == [90.0] and kept + words == []
PYTHON
