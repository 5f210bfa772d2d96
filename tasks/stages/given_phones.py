"""Given phones: when each phone of every word is sung, as the song's own files state it. In place of `phones`, where they are asked for.

They stand with the words (tiers of a TextGrid, a .ds, JSON whose words hold phones), or beside them in a file of phones alone (HTK's
.lab). A word that did not keep its given time has none, nor has one whose phonemes are others: such words are counted.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from jam_model.lyric_grid import words_without_phones
from jam_model.words import Word, input_times_of, rows_of_phones, words_of
from tasks.engine.columns import Column
from tasks.engine.song import Song
from tasks.engine.stage import Stage
from tasks.lyrics.read import read_phones
from tasks.songs.columns import PHONES
from tasks.songs.stated import stated_in
from tasks.stages.ingest import IngestParams
from tasks.stages.phones import PhonesParams
from tasks.times.phones import given_phones


class GivenPhones(Stage):
    """Reads a song's files again, for what `ingest` left in them."""

    name = "given_phones"
    version = 1
    reads = frozenset({"lyrics_path", "lyrics_text", "phones_path"})
    reads |= {"lyrics_times", "aligned_words", "unchecked", "words"}
    writes = {
        "phones": PHONES,
        "words_without_phones": Column(
            pa.int32(),
            "words with phonemes that have no phones in time: the song's files state none that fit",
        ),
    }

    def __init__(self, params: PhonesParams, ingest: IngestParams) -> None:
        super().__init__(params, ingest)
        self.max_bytes = ingest.max_lyrics_bytes

    @property
    def facts(self) -> dict[str, Any]:
        """The limit on its files, which is of another section."""
        return {"max_lyrics_bytes": self.max_bytes}

    def one(self, song: Song) -> Song:
        """The song with its phones.

        Raises:
            SongError: ``source_gone``, ``unreadable`` or ``lyrics_too_long``: a file that was listed.
        """
        words = words_of(song["words"])
        stated = stated_in(song, "phones_path", read_phones, self.max_bytes)
        phones = given_phones(stated, _kept_times(song, words), words)
        lacking = len(words_without_phones(words, phones))
        return song.with_columns(phones=rows_of_phones(phones), words_without_phones=lacking)


def _kept_times(song: Song, words: list[Word]) -> list[Word | None]:
    """The given time of every word that kept it, None of the others; of lyrics without any times where the words were aligned."""
    rows, beside = song["lyrics_times"], song["aligned_words"]
    if rows is None:
        return [*words]
    if song["unchecked"]:
        return input_times_of(rows)
    kept = [False] * len(words) if beside is None else [word is not None for word in beside]
    return [own if keeps else None for own, keeps in zip(input_times_of(rows), kept, strict=True)]
