"""Mandarin toy lyrics, in the voices cmn of espeak, which holds the note where the tone would move."""

from __future__ import annotations

from tasks.toy.languages.language import language

MANDARIN = language(
    "cmn",
    {
        "pronoun": "我 你 他",
        "verb": "'爱: '听 '找: '等 '想 '看 '记-得",
        "owner": "我-的 你-的 这",
        "noun": "'月-亮: '春-天 '风 '河 '星-星 '夜-晚 '花 '梦 '大-海: '城-市 '时-间",
        "adjective": "'美-丽 '安-静 '温-柔: '新 '老:",
        "place": "在: 从",
        "time": "'今-天 '永-远 '明-天 '慢-慢",
        "link": "跟 但",
    },
    (
        "pronoun verb owner noun",
        "time pronoun verb owner noun",
        "place owner noun pronoun verb",
        "owner adjective noun verb pronoun",
        "link pronoun verb owner adjective noun",
    ),
    "啊 哦",
    ("cmn+f4", "cmn+f1", "cmn+m3", "cmn"),
)
