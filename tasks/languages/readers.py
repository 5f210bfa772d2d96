"""The reader of each language, built when it is first asked."""

from __future__ import annotations

from collections.abc import Callable

from tasks.languages.espeak import EspeakReader
from tasks.languages.japanese import JapaneseReader
from tasks.languages.korean import KoreanReader
from tasks.languages.mandarin import MandarinReader
from tasks.languages.reading import Reader
from tasks.languages.table import LANGUAGES

OWN: dict[str, Callable[[], Reader]] = {"zh": MandarinReader, "ja": JapaneseReader, "ko": KoreanReader}


def build_reader(code: str) -> Reader:
    """The reader of a language of the table."""
    voice = LANGUAGES[code].voice
    return OWN[code]() if voice is None else EspeakReader(voice, LANGUAGES[code].pairs)
