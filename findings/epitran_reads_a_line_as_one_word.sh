#!/usr/bin/env bash
# Packages: epitran 1.35.3
# Seen:     Given a line of lyrics, it takes the whole line for one word: what its rules say of a word's end happens at the line's end alone.
#           German "Sonne" ends in /ə/ as the last word and in a long "ɛː" before any other, "Tag" in /k/ and in "ɡ"; French "amis" and
#           "mots" lose their s as the last word and are sung with it before. So the phones of many words differ from those
#           of the same word alone, one song holds both forms, and a test with single words or last words finds nothing.
# Guessed:  `transliterate` is documented for text, keeps the spaces, and the mark # of its rules for a word boundary.
set -euo pipefail
trap 'rm -rf "$place"' EXIT
place=$(mktemp -d)
python3 -m venv "$place"
"$place/bin/pip" install -q --disable-pip-version-check epitran==1.35.3
"$place/bin/python" -W ignore - <<'PYTHON'
from epitran import Epitran

SONGS = {
    "deu-Latn": ("die Sonne scheint", "der Tag ist lang", "meine Liebe bleibt", "das Lied klingt"),
    "fra-Latn": ("mes amis chantent une chanson", "toujours les mots doux sous la nuit"),
}
seen = {}
for language, lines in SONGS.items():
    reader = Epitran(language)
    for line in lines:
        words = line.split()
        in_line, alone = reader.transliterate(line).split(), [reader.transliterate(word) for word in words]
        other = {word: (there, here) for word, there, here in zip(words, in_line, alone, strict=True) if there != here}
        print(f"{language} {line!r}: {', '.join(f'{word} {there}, alone {here}' for word, (there, here) in other.items())}")
        assert words[-1] not in other
        seen |= other
    for word in ("Sonne", "Tag") if language == "deu-Latn" else ("amis", "mots"):
        last = reader.transliterate(f"la {word}").split()[-1]
        print(f"    {word} as a line's last word: {last}")
        assert last == seen[word][1]
assert seen["Sonne"] == ("zɔnɛː", "zɔnə") and seen["Tag"] == ("taːɡ", "taːk") and seen["Lied"] == ("liːd", "liːt")
assert seen["amis"] == ("amis", "ami") and seen["mots"] == ("mɔts", "mɔ") and seen["toujours"] == ("tuʒuʀs", "tuʒuʀ")
PYTHON
