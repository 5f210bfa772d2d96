#!/usr/bin/env bash
# Packages: pypinyin 0.55.0
# Seen:     Characters of several readings are told apart by a table of phrases, most of which are in simplified script. The same words
#           in traditional script, as songs from Taiwan and Hong Kong are written, fall back to each character's first reading:
#           music (yue) is le, sleep (jiao) is jue, a bank (hang) is xing, and the particle of "listening" (zhe) is a full zhu. Every
#           pair here is the same word, said in one way. No character is unknown, so nothing is raised and no share of misses tells of it.
# Guessed:  Its documentation promises the best reading by phrases and simple support of traditional script: one table for both.
set -euo pipefail
trap 'rm -rf "$place"' EXIT
place=$(mktemp -d)
python3 -m venv "$place"
"$place/bin/pip" install -q --disable-pip-version-check pypinyin==0.55.0
"$place/bin/python" - <<'PYTHON'
from pypinyin import Style, lazy_pinyin

PAIRS = (
    "音乐 音樂  银行 銀行  睡觉 睡覺  听着 聽著  着迷 著迷  重复 重複  自传 自傳  沉没 沉沒  "
    "宝藏 寶藏  爱好 愛好  种下 種下  还给你 還給你  长大 長大  传说 傳說  更好 更好  什么 什麼  "
    "头发 頭髮  中间 中間  投降 投降  难过 難過  没有 沒有  快乐 快樂"
)
pairs = [pair.split() for pair in PAIRS.split("  ")]
differing = {}
for simplified, traditional in pairs:
    right, read = (" ".join(lazy_pinyin(word, style=Style.TONE3)) for word in (simplified, traditional))
    if right != read:
        differing[traditional] = (right, read)
        print(f"{traditional}: {read}; as {simplified}: {right}")
print(f"{len(differing)} of {len(pairs)} words are read otherwise in traditional script")
assert differing["音樂"] == ("yin1 yue4", "yin1 le4") and differing["睡覺"] == ("shui4 jiao4", "shui4 jue2")
assert differing["聽著"] == ("ting1 zhe", "ting1 zhu4") and len(differing) == 12
PYTHON
