#!/usr/bin/env bash
# Packages: pysubs2 1.8.1
# Seen:     Word times that subtitles carry do not pass through. ASS karaoke (\k) is gone in the WebVTT and TTML that pysubs2
#           writes, though both formats can say it; the timed <span>s of TTML are read as one line of text; WebVTT's
#           <00:00:02.000> stays in `plaintext` as part of a word, and so does the entity in "rock &amp; roll", while its voice
#           tag <v Anna> is removed.
# Guessed:  A converter of subtitles keeps what both sides can express, and `plaintext` holds the words that are read.
set -euo pipefail
trap 'rm -rf "$place"' EXIT
place=$(mktemp -d)
python3 -m venv "$place"
"$place/bin/pip" install -q --disable-pip-version-check pysubs2==1.8.1
"$place/bin/python" - <<'PYTHON'
from pysubs2 import SSAFile

ASS = """[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize
Style: Default,Arial,20

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:01.00,0:00:03.00,Default,,0,0,0,,{\\k50}hold {\\k50}the {\\k100}line
"""
SPANS = '<span begin="00:00:01.000" end="00:00:02.000">hold the</span> <span begin="00:00:02.000" end="00:00:03.000">line</span>'
VTT = "WEBVTT\n\n00:00:01.000 --> 00:00:03.000\n<v Anna>rock &amp; <00:00:02.000>roll\n"

karaoke = SSAFile.from_string(ASS)
written = {form: karaoke.to_string(form) for form in ("vtt", "ttml")}
lines = {form: next(line.strip() for line in text.splitlines() if "line" in line) for form, text in written.items()}
print("karaoke as WebVTT:", lines["vtt"], "| as TTML:", lines["ttml"])
timed = written["ttml"].replace("hold the line", SPANS)
spans = [(event.start, event.end, event.text) for event in SSAFile.from_string(timed)]
print("timed spans:", spans)
plain = SSAFile.from_string(VTT)[0].plaintext
print("WebVTT's plaintext:", plain)
assert lines["vtt"] == "hold the line" and "<span" not in written["ttml"]
assert spans == [(1000, 3000, "hold the line")] and SPANS in timed
assert plain == "rock &amp; <00:00:02.000>roll"
PYTHON
