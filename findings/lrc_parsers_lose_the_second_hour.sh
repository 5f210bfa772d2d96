#!/usr/bin/env bash
# Packages: pylrc 0.1.2, lrcparser 0.2.0
# Seen:     LRC has two habits for lines past the first hour, [62:04.00] and [01:02:03.00]. pylrc leaves out both: its minutes end at 59.
#           lrcparser reads the first and makes of the second a tag named "01" whose value is "02:03.00". No line is told of,
#           nothing is raised: a long mix ends in silence.
# Guessed:  Minutes count on past 59, as players have them; what is not understood is refused with its number.
set -euo pipefail
trap 'rm -rf "$place"' EXIT
place=$(mktemp -d)
python3 -m venv "$place"
"$place/bin/pip" install -q --disable-pip-version-check pylrc==0.1.2 lrcparser==0.2.0
"$place/bin/python" - <<'PYTHON'
import pylrc
from lrcparser import LrcParser

SONG = "[00:01.00]one\n[01:02:03.00]two\n[62:04.00]three\n"
by_pylrc = [(line.text, line.time) for line in pylrc.parse(SONG)]
parsed = LrcParser.parse(SONG)
by_lrcparser = [str(line.text) for line in parsed["lrc_lines"]]
print("pylrc:", by_pylrc)
print("lrcparser:", by_lrcparser, "and the attributes", parsed["attributes"])
assert [text for text, _ in by_pylrc] == ["one"] and by_lrcparser == ["one", "three"]
assert parsed["attributes"] == {"01": "02:03.00"}
PYTHON
