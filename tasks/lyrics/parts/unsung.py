"""What stands in lyrics and is not sung, by patterns: labels of parts, credits, singers' names, marks of pages and repeats, chords, tablature.

A label is kept, with the words it stands before; all else is told and left out. What could be sung stays: words in
round brackets are backing vocals unless they are a label, a part's name alone on a line is a label only where nobody
would sing it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable

PART = (
    # English, Spanish, Portuguese, Italian, French
    r"verse|pre[- ]?chorus|chorus|post[- ]?chorus|refrain|pre[- ]?hook|bridge|interlude|intro|outro|instrumental"
    r"|verso|estrofa|estribillo|pre[- ]?coro|puente|refr[aã]o|pr[eé][- ]?refr[aã]o|estrofe|strofa|ritornello"
    r"|couplet|pr[eé][- ]?refrain|post[- ]?refrain|interm[eè]de"
    # German, Dutch, the North, Polish, Turkish
    r"|strophe|br[uü]cke|zwischenspiel|vorspiel|nachspiel|refrein|refr[aä]ng|brygga|omkv[aæ]d|zwrotka|refren|nakarat"
    # Russian, Chinese, Japanese, Korean
    r"|куплет|припев|предприпев|бридж|проигрыш|вступление|主歌|副歌|预副歌|導歌|桥段|橋段|前奏|间奏|間奏|尾奏|尾声"
    r"|サビ|大サビ|[AaBbCcＡＢＣ]メロ|イントロ|アウトロ|間奏|벌스|후렴|프리코러스|브릿지|브리지|간주|인트로|아웃트로"
)
WORD_TOO = r"hook|break|breakdown|drop|solo|coda|tag|vamp|ending|coro|pont|ponte|vers|vorrefrain|stick|brug|most|final|music|musik"
"""Parts whose names are words of songs too: a label with a number, a colon or brackets alone."""
BEFORE = r"final|last|first|second|third|fourth|1st|2nd|3rd|4th|repeat|double|half|short|long|instrumental|guitar|piano|drum|sax|rap|spoken|vocal|old|new|beat"
AFTER = r"\d{1,2}|[ivx]{1,4}|[a-d]|one|two|three|four|repeat|reprise|break|solo|[x×]\s*\d+|\d+\s*[x×]"
LABEL_TEXT = re.compile(
    rf"(?:(?:{BEFORE})[ -]+)*(?P<part>{PART}|(?P<word_too>{WORD_TOO}))(?P<after>(?:[ -]*(?:{AFTER})\b[.)]?)*)",
    re.IGNORECASE,
)
WHOLE = re.compile(
    r"instrumental|music(?: playing)?|applause|cheering|laugh(?:s|ter)|humming|whistl(?:es|ing)|silence|guitar solo"
    r"|piano solo|drum solo|sax solo|solo|musical interlude|end|fin|spoken|no vocals?",
    re.IGNORECASE,
)
SQUARE = re.compile(r"\[[^\]\n]*\]|【[^】\n]*】|〔[^〕\n]*〕|「[A-ZＡ-Ｚ]メロ」")
WRAPPED = re.compile(
    r"^\s*(?:\((?P<a>[^()]*)\)|（(?P<b>[^（）]*)）|\{(?P<c>[^{}]*)\}|<(?P<d>[^<>]*)>|[*_#=~\-–—♪♫\s]+(?P<e>[^*_#=~♪♫]*?)[*_#=~\-–—♪♫\s]*)\s*$"
)
DIRECTIVE = re.compile(r"^\s*\{\s*[a-z_]+\s*(?::[^{}]*)?\}\s*$", re.IGNORECASE)
REPEAT = re.compile(
    r"(?:[(\[]?\s*(?:repeat(?:\s+chorus|\s+verse)?\s*)?(?:[x×]\s*\d{1,2}|\d{1,2}\s*[x×])\s*[)\]]?"
    r"|[(\[]\s*(?:repeat[^)\]\n]{0,30}|bis|ter|\d{1,2}\s*(?:times|veces|fois|mal|volte|vezes|раза?))\s*[)\]])[\s.,!]*$",
    re.IGNORECASE,
)
CREDIT = re.compile(
    r"^\s*(?:(?:lyrics?|words|written|music|composed|produced|arranged|performed|vocals?|mixed|mastered|recorded|translated"
    r"|transcribed|synced|subtitles?|guitars?|bass|drums?|keyboards?|piano|strings|programm(?:ed|ing)|engineered|publish(?:er|ed)"
    r"|backing vocals?|harmony|label|isrc|copyright)(?:\s*(?:&|and|/)\s*\w+)?\s*(?:by\s*[:：]?|[:：])\s*\S"
    r"|(?:lyricist|composer|arranger|producer|songwriters?|writers?|author|artist|album|title|track)\s*[:：]"
    r"|(?:letra|m[uú]sica|autor(?:es)?|compositor(?:es)?|paroles|musique|auteur|compositeur|text|musik|komponist|testo"
    r"|автор|слова|музыка|текст)(?:\s+(?:de|von|di|y\s+m[uú]sica))?\s*[:：]"
    r"|(?:作?[词詞]|作?曲|编曲|編曲|制作人|製作人|演唱|原唱|混音|母带|录音|出品|监制|吉他|和声|歌手|作詞|作曲|編曲|歌|작사|작곡|편곡)"
    r"\s*[:：]"
    r"|[(\[]?(?:©|℗|\(c\)\s*\d{4}|copyright\b|all rights reserved|lyrics (?:provided|licensed|powered) by|rentanadviser)"
    r"|\S*(?:https?://|www\.)\S+|\S+@\S+\.\w{2,4}\s*$)",
    re.IGNORECASE,
)
PAGE = (
    (re.compile(r"^\s*\d*\s*Contributors?.*?Lyrics(?=\W|$|[A-Z])"), " "),
    (re.compile(r"You might also like(?=\s*$|\[|[A-Z])"), " "),
    (re.compile(r"^\s*See .{1,60} LiveGet .{1,12} as low as \$\d+"), " "),
    (re.compile(r"\d+(?:\.\d+)?K?Embed\s*$"), " "),
    (re.compile(r"^\s*(?:Embed|Read More|Translations?|Share|URL Copied)\s*$"), " "),
)
CHORD = r"[A-G][#b♯♭]?(?:maj|min|m|M|dim|aug|sus|add|ø|°|\+|-)?\d{0,2}(?:sus[24]|add\d{1,2}|[#b]\d{1,2}|maj7)*(?:/[A-G][#b♯♭]?)?"
INLINE_CHORD = re.compile(rf"\[\s*{CHORD}\s*\*?\]")
CHORD_LINE = re.compile(
    rf"^[\s|/\-.%]*(?:{CHORD}|N\.?C\.?)(?:[\s|/\-.%,]+(?:{CHORD}|N\.?C\.?|[x×]\d))*[\s|/\-.%]*$"
)
TABLATURE = re.compile(r"^\s*[eEBGDAd]\s*\|[-\d|hpbx/\\~^\s]{6,}$")
NOT_A_WORD_ALONE = re.compile(r"^\s*(?:A|Am|E|Em|D|G|C|F|B|N\.?C\.?)\s*$")
VOICE = re.compile(
    r"^\s*[(\[]?(?P<name>[fmdb]|v\d|both|all|duet|male|female|man|woman|boy|girl|choir|chorus|group|backing|lead|bg|合|男|女|both singers"
    r"|(?:[A-Z][\w.'’&-]*)(?:\s(?:and|feat\.?|[A-Z&][\w.'’&-]*)){0,3})[)\]]?\s*[:：](?=\s*\S)",
)
SURE_VOICES = frozenset(
    [
        "f",
        "m",
        "d",
        "b",
        "v1",
        "v2",
        "v3",
        "both",
        "all",
        "duet",
        "male",
        "female",
        "man",
        "woman",
        "boy",
        "girl",
        "choir",
        "backing",
        "lead",
        "bg",
        "合",
        "男",
        "女",
    ]
)


def is_label(text: str, marked: bool) -> bool:
    """Whether a whole line names a part of a song. `marked`: it stands in brackets."""
    bare = text.strip(" \t:：.-–—*_#")
    has_colon = text.rstrip(" *_#")[-1:] in (":", "：")
    if match := LABEL_TEXT.fullmatch(bare):
        return marked or has_colon or match["word_too"] is None or bool(match["after"].strip())
    if marked and WHOLE.fullmatch(bare):
        return True
    head = bare.split(":", 1)[0].strip()  # "Verse 1: Ann"
    return marked and bool(LABEL_TEXT.fullmatch(head))


def label_of(text: str) -> str | None:
    """The label that a whole line is, without its brackets; None where its words are sung."""
    wrapped = WRAPPED.match(text)
    inner = next((part for part in wrapped.groups() if part is not None), None) if wrapped else None
    if inner is not None and is_label(inner, marked=True):
        return inner.strip(" :：")
    return text.strip(" :：") if is_label(text, marked=False) else None


def is_credit(text: str, names: Collection[str]) -> bool:
    """Whether a whole line tells who made the song, or is its title as the file states it (`names`)."""
    if CREDIT.match(text) or DIRECTIVE.match(text):
        return True
    said = re.sub(r"\W+", " ", text).strip().lower()
    known = [re.sub(r"\W+", " ", name).strip().lower() for name in names if name.strip()]
    together = {f"{a} {b}" for a in known for b in known if a != b}
    return bool(said) and (said in together or any(said == f"{name} lyrics" for name in known))


def chord_lines(texts: Iterable[str]) -> set[int]:
    """The numbers of lines that hold chords or tablature and no word.

    A line of one letter that is a word too (A) counts only where other lines are surely chords.
    """
    rows = list(texts)
    found = {place for place, text in enumerate(rows) if CHORD_LINE.match(text) or TABLATURE.match(text)}
    sure = {place for place in found if not NOT_A_WORD_ALONE.match(rows[place])}
    return found if sure else set()


def voice_names(texts: Iterable[str]) -> set[str]:
    """Names before a colon that are marks of the singer: known ones, and those that begin two lines or more."""
    names = Counter(match["name"] for text in texts if (match := VOICE.match(text)))
    return {name for name, count in names.items() if count > 1 or name.lower() in SURE_VOICES}
