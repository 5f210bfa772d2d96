"""Korean toy lyrics, in the voices ko of espeak, which has no sandhi: words are chosen that need none."""

from __future__ import annotations

from tasks.toy.languages.language import language

KOREAN = language(
    "ko",
    {
        "who": "나-는 너-는 우-리-는",
        "noun": "'나-무 '노-래 '바-다 '사-랑 '마-음 '소-리 '시-간 '도-시 '비",
        "of": "내 네",
        "place": "에-서 에",
        "verb": "'노-래-해 '기-다-려 '보-네 '가-네 '사-랑-해 '부-르-네",
        "adjective": "'파-란 '하-얀 '고-운 '새-로-운",
        "time": "'다-시 '오-래 '언-제-나",
    },
    (
        "who of noun verb",
        "time who adjective noun verb",
        "of adjective noun place verb",
        "adjective noun place who verb",
        "time of noun verb",
    ),
    "아 오",
    ("ko+f4", "ko+f1", "ko+m3", "ko"),
)
