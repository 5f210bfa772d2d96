"""The language of a song's lyrics, as a list of songs gives it, as their file states it, or as their text shows; stated or doubted.

The words become those that this language has.
"""

from __future__ import annotations

from dataclasses import replace

from tasks.engine.song import Refused
from tasks.languages.scripts import letters_by_script
from tasks.languages.split import split_words
from tasks.languages.table import LANGUAGES, code_of, one_code_of
from tasks.lyrics.lyrics import Lyrics
from tasks.lyrics.parts.written import Remark
from tasks.lyrics.split import with_split_words
from tasks.models.many_languages import SongLanguages

NOT_COVERED = "language_not_covered"
NOT_BELIEVED = "bad_language"
"""The kind of a remark on a language that a file states and its words cannot be in."""


def in_their_language(
    lyrics: Lyrics, languages: SongLanguages, listed: str | None
) -> tuple[Lyrics, str | None]:
    """The lyrics with the words of their language, and that one; None where nothing tells it, and they are read in the default.

    `listed`: what a list of songs says of the song. What a file states is believed where its letters can be of that language.

    Raises:
        Refused: ``language_not_covered``: it is stated, and none that is read here.
    """
    language = languages.fixed
    if language is None and listed:
        language = languages.told(lyrics.words, _read_here(code_of(listed), listed, "manifest", languages))
    elif language is None:
        lyrics, given = _as_stated(lyrics, languages)
        language = languages.told(lyrics.words, given)
    if not lyrics.words:
        return lyrics, language
    reads = language or languages.default
    return with_split_words(lyrics, lambda line: split_words(line, reads, languages.known)), language


def _as_stated(lyrics: Lyrics, languages: SongLanguages) -> tuple[Lyrics, str | None]:
    """The lyrics and the language that their file states; a remark in its place where that cannot be."""
    stated = lyrics.language
    if not stated:
        return lyrics, None
    code = one_code_of(stated)
    if code is None:
        return _doubted(lyrics, f"{stated[:40]!r} names no one language"), None
    _read_here(code, stated, "lyrics file", languages)
    letters = letters_by_script(" ".join(lyrics.words))
    if letters and not any(letters[script] for script in LANGUAGES[code].scripts):
        return _doubted(lyrics, f"{stated[:40]!r}, but no letter is {LANGUAGES[code].name}"), None
    return lyrics, code


def _doubted(lyrics: Lyrics, why: str) -> Lyrics:
    return replace(lyrics, remarks=[*lyrics.remarks, Remark(NOT_BELIEVED, 0, f"{why}: found by its text")])


def _read_here(code: str, stated: str, by: str, languages: SongLanguages) -> str:
    if code not in languages.known:
        known = ", ".join(languages.known)
        detail = f"its {by} says {stated[:40]!r}, read are {known}: models.phonemizer.songs.languages"
        raise Refused(NOT_COVERED, detail)
    return code
