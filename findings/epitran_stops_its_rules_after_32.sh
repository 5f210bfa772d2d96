#!/usr/bin/env bash
# Packages: epitran 1.35.3
# Seen:     A whole song given as one text: each rewriting rule works 32 times and then no more. The 33rd "ich" or "Licht" of a German song
#           is no longer /lɪçt/ but "liːDxt", later "lIDXt": the capitals are marks that rules leave for rules behind them, and nobody takes
#           them out any more. In French "toujours" becomes "tujuʀs" for "tuʒuʀs" and so has other, real phones, which no table of symbols finds.
#           Nothing is raised, the words are as many as they were, and the same lines one by one are all alike. A chorus gets there soon.
# Guessed:  The documentation gives `transliterate` a text without a bound on its length; a word's phones do not depend on how often it came.
set -euo pipefail
trap 'rm -rf "$place"' EXIT
place=$(mktemp -d)
python3 -m venv "$place"
"$place/bin/pip" install -q --disable-pip-version-check epitran==1.35.3
"$place/bin/python" -W ignore - <<'PYTHON'
from epitran import Epitran


def kinds(language: str, line: str) -> list[tuple[int, str]]:
    """Where a song of forty equal lines begins to be read otherwise, its last line left out."""
    reader = Epitran(language)
    lines = reader.transliterate("\n".join([line] * 40)).split("\n")[:-1]
    alone = {reader.transliterate(line + "\n" + line).split("\n")[0]}
    print(f"{language} {line!r}: in a text of two lines {alone}")
    seen = [(number, said) for number, said in enumerate(lines, 1) if number == 1 or said != lines[number - 2]]
    for number, said in seen:
        print(f"    from line {number} of 40: {said}")
    assert len(lines) == 39 and lines[0] in alone
    return seen


assert kinds("deu-Latn", "ich seh das Licht") == [(1, "ɪç zeː daːs lɪçt"), (17, "iːDx zeː daːs liːDxt"), (33, "IDX seː dAs lIDXt")]
assert kinds("fra-Latn", "toujours") == [(1, "tuʒuʀs"), (33, "tujuʀs")]
PYTHON
