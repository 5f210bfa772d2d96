"""Reads a lyrics file of any form (`read_lyrics`): its content decides which, never its name; the list of forms."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from jam_model.words import Word
from tasks.engine.song import Refused
from tasks.lyrics.forms import (
    ass,
    chordpro,
    diffsinger,
    krc,
    labels,
    lrc,
    midi,
    musicxml,
    plain,
    sidecars,
    songprep,
    subtitles,
    textgrid,
    ttml,
    ultrastar,
    word_json,
)
from tasks.lyrics.lyrics import Lyrics
from tasks.lyrics.parts.decode import decode_text
from tasks.lyrics.parts.json_value import parsed
from tasks.lyrics.parts.stated_parts import parts_of_json
from tasks.lyrics.parts.written import Form, Written
from tasks.lyrics.sung import sung

FORMS: tuple[Form, ...] = (
    *(midi.FORM, musicxml.ZIPPED),
    *(diffsinger.FORM, word_json.FORM, sidecars.MESSAGES, sidecars.FORM),
    *(ttml.FORM, musicxml.FORM, textgrid.FORM, ass.FORM, subtitles.VTT, subtitles.SRT),
    *(labels.CTM, labels.TABLE, labels.HTK, labels.AUDACITY),
    *(ultrastar.FORM, songprep.FORM, krc.FORM, chordpro.FORM, lrc.FORM, plain.FORM),
)
"""In the order in which they are asked; plain text, which everything fits, is the last."""
_ENDINGS = dict.fromkeys(ending for form in FORMS for ending in form.endings)
LYRICS_ENDINGS = (*(ending for ending in _ENDINGS if ending not in plain.FORM.endings), *plain.FORM.endings)
"""Of files that may be lyrics, in the order of `FORMS`: what states more comes first, plain text last."""


def read_lyrics(data: bytes, max_bytes: int, max_words: int, names: Collection[str] = ()) -> Lyrics:
    """The lyrics in a file's bytes. `names`: title and artist, where they are known.

    Raises:
        Refused: ``lyrics_malformed``, ``lyrics_mojibake``, ``lyrics_too_long`` or ``lyrics_empty``.
    """
    if len(data) > max_bytes:
        raise Refused("lyrics_too_long", f"{len(data)} bytes, at most {max_bytes}")
    form, written = read_written(data)
    lyrics = sung(replace(written, names=(*written.names, *names)))
    if len(lyrics.words) > max_words:
        raise Refused("lyrics_too_long", f"{len(lyrics.words)} words, at most {max_words}")
    if not lyrics.words:
        raise Refused("lyrics_empty", f"{form.name}: no word is left after labels and punctuation")
    return replace(lyrics, form=form.name)


def read_phones(data: bytes) -> tuple[Word, ...]:
    """The phones in time that a file's bytes state, whether it has words or not; none of a file that has none or cannot be read."""
    try:
        text = decode_text(data)
        if labels.HTK.fits(text) or labels.AUDACITY.fits(text):  # type: ignore[arg-type]
            return labels.read_phones(text)
        forms = (textgrid, diffsinger)
        read = next((form.read_phones for form in forms if form.fits(text)), None)
        return read_written(data)[1].phones if read is None else read(text)
    except Refused:
        return ()


def read_parts(data: bytes) -> tuple[Word, ...]:
    """The parts of the song with their times that a file's bytes state, beside words or alone; none of a file that has none or
    cannot be read. Labels without times are `Lyrics.labels`.
    """
    try:
        text = decode_text(data)
        if songprep.FORM.fits(text):  # type: ignore[arg-type]
            return songprep.read_parts(text)
        if textgrid.FORM.fits(text):  # type: ignore[arg-type]
            return textgrid.read_parts(text)
        if labels.HTK.fits(text) or labels.AUDACITY.fits(text):  # type: ignore[arg-type]
            return labels.read_parts(text)
        return parts_of_json(parsed(text))
    except Refused:
        return ()


def stated_detail(data: bytes) -> int:
    """How much a lyrics file states: 3 times of words, 2 of lines, 1 the words alone, 0 nothing that can be read."""
    try:
        lyrics = read_lyrics(data, len(data), len(data))
    except Refused:
        return 0
    return 3 if lyrics.times else 2 if lyrics.lines else 1


def read_written(data: bytes) -> tuple[Form, Written]:
    """The form of a file's bytes, and what it states.

    Raises:
        Refused: as `read_lyrics`.
    """
    for form in FORMS:
        if form.binary and form.fits(data):  # type: ignore[arg-type]
            return form, form.read(data)  # type: ignore[arg-type]
    text = decode_text(data)
    if "\0" in text:
        raise Refused("lyrics_malformed", "the text holds a NUL character")
    form = next(form for form in FORMS if not form.binary and form.fits(text))  # type: ignore[arg-type]
    return form, form.read(text)  # type: ignore[arg-type]
