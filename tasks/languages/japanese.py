"""Japanese: pyopenjtalk-plus reads kanji and particles in their sentence, a table makes phones of its kana.

Its own dictionary alone: the second one (198 MB) settles some names and numbers, and importing the package that would open it
is all it needs.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from tasks.languages.kana import phones_of_kana
from tasks.languages.reading import Pronunciation
from tasks.languages.scripts import num_letters, script_of

BOUND = frozenset({"助動詞"})
"""Parts of speech that end the word before them: 歩い|てる, 行こ|う."""
BOUND_KINDS = frozenset({"接続助詞", "非自立", "接尾"})
STARTS_NO_WORD = "ーッンァィゥェォャュョ"


class JapaneseReader:
    """Texts are read in a row, since particles and kanji are read by what stands beside them."""

    def read(self, texts: Sequence[str]) -> list[Pronunciation | None]:
        """See `Reader.read`; a text that is not one or several of the reader's words is read alone."""
        row = "".join(texts)
        edges = self._edges(row)
        ends = [*accumulate(map(len, texts))]
        said: list[Pronunciation | None] = []
        before = ""
        for text, first, end in zip(texts, [0, *ends], ends, strict=False):
            inside = [at for at in edges if first <= at < end] if first in edges and end in edges else None
            kana = "".join(edges[at] for at in inside) if inside else self._alone(text)
            phones, lost = phones_of_kana(kana, before)
            said.append(Pronunciation(phones, lost if phones else num_letters(text)))
            before = phones
        return said

    def words(self, text: str) -> list[str]:
        """A stretch without blanks as words: what ends a verb stays with it, particles stand alone."""
        found = _morphemes(text)
        if found is None:
            return [text]
        words: list[str] = []
        left = text
        for morpheme in found:
            piece, left = left[: len(morpheme["string"])], left[len(morpheme["string"]) :]
            if words and _ends_a_word(morpheme):
                words[-1] += piece
            else:
                words.append(piece)
        return words

    def _edges(self, row: str) -> dict[int, str]:
        """Where the reader's words begin in a row, with their kana, and the row's end; empty where it rewrote the row."""
        found = _morphemes(row)
        if found is None:
            return {}
        starts = [0, *accumulate(len(morpheme["string"]) for morpheme in found)]
        return dict(zip(starts, [*(morpheme["pron"] for morpheme in found), ""], strict=True))

    def _alone(self, text: str) -> str:
        return "".join(morpheme["pron"] for morpheme in _frontend(text))


def _morphemes(text: str) -> list[Mapping[str, Any]] | None:
    """The reader's words of a text; None where they are not the text (it writes numbers out)."""
    found = _frontend(text)
    read = "".join(morpheme["string"] for morpheme in found)
    same = len(read) == len(text) and unicodedata.normalize("NFKC", read) == unicodedata.normalize(
        "NFKC", text
    )
    return found if same else None


def _frontend(text: str) -> list[Mapping[str, Any]]:
    import pyopenjtalk

    if not text:
        return []
    plain = pyopenjtalk.run_frontend(text, use_vanilla=True)
    if any(_is_unread(morpheme) for morpheme in plain):  # else it would open the dictionary that is not there
        return list(plain)
    return list(pyopenjtalk.run_frontend(text, use_sudachi_kanji_yomi=False, predict_nani=False))


def _is_unread(morpheme: Mapping[str, Any]) -> bool:
    """Whether this is a character without a reading, which the reader takes for a comma."""
    return morpheme["pos"] == "記号" and any(map(script_of, morpheme["string"]))


def _ends_a_word(morpheme: Mapping[str, Any]) -> bool:
    kana = morpheme["pron"]
    return (
        morpheme["pos"] in BOUND
        or morpheme["pos_group1"] in BOUND_KINDS
        or (bool(kana) and kana[0] in STARTS_NO_WORD)
    )
