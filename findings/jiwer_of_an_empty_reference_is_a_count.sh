#!/usr/bin/env bash
# Packages: jiwer 4.0.0
# Seen:     Of a song without words (an instrumental, a reference that normalises to nothing) jiwer's word error rate is the
#           number of invented words: "" against 7 words gives 7, not an error and not infinity, and 0 against "". In a mean over
#           songs one instrumental on which a recogniser hallucinates 30 words weighs as 30 songs that are wholly wrong. Pooled,
#           the same words are divided by all references' words.
# Guessed:  ValueError, as jiwer 3.1.0 raises for an empty reference.
set -euo pipefail
trap 'rm -rf "$place"' EXIT
place=$(mktemp -d)
python3 -m venv "$place"
"$place/bin/pip" install -q --disable-pip-version-check jiwer==4.0.0
"$place/bin/python" - <<'PYTHON'
import jiwer

heard = "thank you for watching this video today"
alone, silent = jiwer.wer("", heard), jiwer.wer("", "")
songs = ["we sing along tonight"] * 9 + [""]
read = ["we sing along tonight"] * 9 + [heard]
mean = sum(map(jiwer.wer, songs, read)) / len(songs)
pooled = jiwer.wer(songs, read)
print(f"an instrumental, 7 words read: {alone}; none read: {silent}")
print(f"nine perfect songs and this one: mean of songs {mean:.3f}, pooled {pooled:.3f}")
assert alone == 7 and silent == 0 and mean == 0.7 and round(pooled, 3) == 0.194
PYTHON
