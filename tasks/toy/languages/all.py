"""Every language of toy lyrics, by its code, and what can be sung beside them; the words of those that are not English."""

from __future__ import annotations

from tasks.toy.languages.english import ENGLISH
from tasks.toy.languages.english_drawn import ENGLISH_DRAWN
from tasks.toy.languages.language import Language, language

GERMAN = language(
    "de",
    {
        "pronoun": "ich du: wir: sie:",
        "verb": "'fin-de 'kau-fe 'su:-che 'tra:-ge 'hö:-re 'ru:-fe 'träu:-me 'wa-che 'sin-ge",
        "article": "die: das mei:-ne dei:-ne",
        "adjective": "'lei:-se 'war-me 'stil-le 'frem-de 'gol-de-ne 'o:-fe-ne 'wil-de",
        "noun": (
            "'Nacht 'Son-ne 'Lie:-be 'Stadt 'Blu:-me 'See:-le 'Hoff-nung 'Rei:-se 'Welt 'Stim-me 'Stra:-ße 'Me-lo-die:"
        ),
        "place": "in an ne:-ben un-ter",
        "time": "'heu:-te 'im-mer 'mor-gen 'wie:-der 'spä:-ter",
        "link": "und wenn doch",
    },
    (
        "pronoun verb article noun",
        "pronoun verb article adjective noun time",
        "link pronoun verb article noun",
        "place article adjective noun pronoun verb",
        "time pronoun verb article noun",
    ),
    "oh: ja: na:",
    ("de+f4", "de+f1", "de+m3", "de"),
)
"""German toy lyrics, in the voices de of espeak."""

SPANISH = language(
    "es",
    {
        "pronoun": "yo tú",
        "verb": "'can-to 'bus-co 'mi-ro 'sue:-ño 'vi-vo 'es-pe-ro re-'cuer:-do 'lla-mo",
        "article": "la mi u-na",
        "noun": "'no-che ma-'ña-na 'luz 'vi-da 'ca-sa 'lu-na 'voz es-'tre-lla 'al-ma 'ca-lle go-lon-'dri-na",
        "adjective": "'cla-ra se-'re-na 'nue:-va 'so-la per-'di-da 'lar-ga",
        "place": "en so-bre con",
        "time": "'hoy: 'siem:-pre 'tar-de 'nun-ca des-'pa-cio",
        "link": "y pe-ro si",
    },
    (
        "pronoun verb article noun adjective",
        "time verb article noun",
        "link pronoun verb place article noun",
        "place article noun adjective pronoun verb",
        "article noun adjective time",
    ),
    "oh la",
    ("es+f4", "es+f1", "es+m3", "es"),
)
"""Spanish toy lyrics, in the voices es of espeak."""

FRENCH = language(
    "fr",
    {
        "pronoun": "je tu nous vous",
        "verb": "'chante 'rêve 'cherche 'garde 'mar-chons 'cou-rez 'laisse",
        "article": "la ma ta une",
        "noun": "lu-'mière 'rue mai-'son 'lune chan-'son 'ville ri-'vière fo-'rêt 'mer mé-lo-'die",
        "adjective": "'douce 'calme per-'due lé-'gère 'seule nou-'velle",
        "place": "dans sous vers",
        "time": "tou-'jours de-'main ja-'mais long-'temps",
        "link": "et quand mais",
    },
    (
        "pronoun verb article noun adjective",
        "link pronoun verb article noun",
        "place article noun pronoun verb time",
        "time pronoun verb article noun",
        "article noun adjective place article noun",
    ),
    "oh la",
    ("fr+f4", "fr+f1", "fr+m3", "fr"),
)
"""French toy lyrics, in the voices fr of espeak; words are said one by one, so there is no liaison."""

ITALIAN = language(
    "it",
    {
        "pronoun": "tu lo-ro e-gli",
        "verb": "'can-to 'cer-co 'so:-gno 'guar-do 'vi:-vo ri-'cor-do 'chia:-mo",
        "article": "la u-na",
        "noun": "'not-te 'lu:-na 'lu:-ce 'vi:-ta mat-'ti:-na 'stel-la 'vo:-ce cit-'tà fi-'ne-stra pri-ma-'ve:-ra",
        "adjective": "'dol-ce se-'re:-na 'du-ra 'so:-la lon-'ta:-na 'bel-la",
        "place": "in con ver-so",
        "time": "'sem-pre do-'ma:-ni an-'co:-ra 'o-ra",
        "link": "e ma se",
    },
    (
        "pronoun verb article noun adjective",
        "link verb article noun place article noun",
        "time verb article noun",
        "place article noun adjective verb time",
        "article noun adjective time verb",
    ),
    "oh la",
    ("it+f4", "it+f1", "it+m3", "it"),
)
"""Italian toy lyrics, in the voices it of espeak."""

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
"""Mandarin toy lyrics, in the voices cmn of espeak, which holds the note where the tone would move."""

JAPANESE = language(
    "ja",
    {
        "noun": "'さ-く-ら 'ゆ-め 'そ-ら 'か-ぜ 'ほ-し 'よ-る 'こ-こ-ろ 'は-な 'う-み 'ひ-か-り 'な-み-だ",
        "who": "わ-た-し き-み ぼ-く",
        "of": "の",
        "object": "を",
        "subject": "が も",
        "place": "に で",
        "verb": "'う-た-う 'み-る 'さ-が-す 'わ-す-れ-る 'お-も-う 'よ-ぶ",
        "adjective": "'あ-か-い 'し-ろ-い",
        "time": "'い-ま 'い-つ-も 'ま-た",
    },
    (
        "who subject noun object verb",
        "noun of noun object verb",
        "time who subject noun place verb",
        "adjective noun of noun subject verb",
        "time adjective noun object verb",
    ),
    "ら あ",
    ("ja+f4", "ja+f1", "ja+m3", "ja"),
)
"""Japanese toy lyrics in kana, in the voices ja of espeak, which cannot read kanji; a syllable is a mora here."""

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
"""Korean toy lyrics, in the voices ko of espeak, which has no sandhi: words are chosen that need none."""

LANGUAGES: dict[str, Language] = {
    one.code: one for one in (ENGLISH, GERMAN, SPANISH, FRENCH, ITALIAN, MANDARIN, JAPANESE, KOREAN)
}

SINGABLE: dict[str, Language] = {**LANGUAGES, ENGLISH_DRAWN.code: ENGLISH_DRAWN}
"""Languages, and words without a grammar."""
