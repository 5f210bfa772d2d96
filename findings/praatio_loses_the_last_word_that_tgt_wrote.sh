#!/usr/bin/env bash
# Packages: tgt 1.5, praatio 6.2.2, textgrid 1.6.1, numpy 2.4.6 (tgt imports it and does not ask for it)
# Seen:     tgt ends a TextGrid without a line break. praatio, given the short form of such a file, leaves out the last interval of the
#           last tier: the last phone of a song is gone, and so is its last word where the tier of words comes last. Nothing is
#           raised, the tier's end is right, and the same intervals in the long form, or with one line break more, are read whole. textgrid
#           and tgt itself read all of them in every form.
# Guessed:  Both document long and short TextGrids as equal in content; a missing line break ends a file as well as any.
set -euo pipefail
trap 'rm -rf "$place"' EXIT
place=$(mktemp -d)
python3 -m venv "$place"
"$place/bin/pip" install -q --disable-pip-version-check tgt==1.5 praatio==6.2.2 TextGrid==1.6.1 numpy==2.4.6
"$place/bin/python" -W ignore - "$place/song.TextGrid" <<'PYTHON'
import sys
from pathlib import Path

import textgrid
import tgt
from praatio import textgrid as praat

file = Path(sys.argv[1])
song = tgt.core.TextGrid()
for name, labels in (("words", ("hold", "me", "now")), ("phones", ("h", "m", "n"))):
    tier = tgt.core.IntervalTier(0, 6, name)
    for at, label in enumerate(labels):
        tier.add_interval(tgt.core.Interval(2 * at + 1, 2 * at + 2, label))
    song.add_tier(tier)

seen = {}
for form, tail in (("long", ""), ("short", ""), ("short", "\n")):
    tgt.io.write_to_file(song, str(file), format=form)
    file.write_text(file.read_text() + tail)
    opened = praat.openTextgrid(str(file), includeEmptyIntervals=False)
    by_praatio = [[entry.label for entry in tier.entries] for tier in opened.tiers]
    by_textgrid = [[one.mark for one in tier if one.mark] for tier in textgrid.TextGrid.fromFile(str(file))]
    by_tgt = [[one.text for one in tier] for tier in tgt.io.read_textgrid(str(file)).tiers]
    seen[form, tail] = by_praatio
    print(f"{form} form, then {tail!r}: praatio {by_praatio}, to {opened.tiers[1].maxTimestamp} s; textgrid {by_textgrid}; tgt {by_tgt}")
    assert by_textgrid == by_tgt == [["hold", "me", "now"], ["h", "m", "n"]] and opened.tiers[1].maxTimestamp == 6
assert seen["long", ""] == seen["short", "\n"] == [["hold", "me", "now"], ["h", "m", "n"]]
assert seen["short", ""] == [["hold", "me", "now"], ["h", "m"]]
PYTHON
