#!/usr/bin/env bash
# Packages: jams 0.3.5, pandas 3.1.1
# Seen:     Lines of words with their times, as .lab files hold them, imported as lyrics: of the longest line the last word is
#           kept, and every shorter line is NaN, as is a line that says "None" or "NA". A file of lines of one word each
#           is right, so a test with toy words passes. Nothing is raised, and the annotation's times are right.
# Guessed:  The documentation says that of more columns the last non-empty one is taken: at the worst each line's own last
#           word, and a tab between times and text keeps the text whole. It does not either: words are columns too.
set -euo pipefail
trap 'rm -rf "$place"' EXIT
place=$(mktemp -d)
python3 -m venv "$place"
"$place/bin/pip" install -q --disable-pip-version-check jams==0.3.5 pandas==3.1.1
"$place/bin/python" -W ignore - "$place/song.lab" <<'PYTHON'
import sys
from pathlib import Path

import jams

file = Path(sys.argv[1])


def imported(lines: list[str]) -> list:
    file.write_text("".join(f"{start}.0\t{start + 1}.0\t{line}\n" for start, line in enumerate(lines)))
    values = [one.value for one in jams.util.import_lab("lyrics", str(file)).data]
    return ["NaN" if value != value else value for value in values]


song = ["hold the line", "love", "isn't always", "not on time"]
seen = imported(song)
print(song, "->", seen)
words = ["hold", "None", "NA", "line"]
single = imported(words)
print(words, "->", single)
assert seen == ["line", "NaN", "NaN", "time"] and single == ["hold", "NaN", "NaN", "line"]
PYTHON
