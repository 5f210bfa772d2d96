"""Phones: when each phone of every word is sung, within the times that its word has. Only where they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import pyarrow as pa

from jam_model.words import rows_of, words_of
from tasks.engine.columns import Column
from tasks.engine.song import Song
from tasks.engine.stage import Model, Section
from tasks.models.aligner import AlignerParams, build_aligner
from tasks.songs.columns import PHONES
from tasks.stages.bases import VocalsStage


class PhonesParams(Section):
    """`times`: who says when phones are sung: the ``aligner`` of `models` hears it, ``given``: the song's own files state it
    (`given_phones`), or ``none``, and there is no such column.
    """

    times: Literal["none", "aligner", "given"]


class Phones(VocalsStage):
    """Asks the aligner, word by word."""

    name = "phones"
    version = 1
    reads = VocalsStage.reads | {"words"}
    params: PhonesParams
    aligner = Model(build_aligner)
    writes = {
        "phones": PHONES,
        "phones_heard": Column(
            pa.float64(), "share of phones that were heard; null = the words have no phones"
        ),
    }

    def __init__(self, params: PhonesParams, aligner: AlignerParams) -> None:
        super().__init__(params, aligner)

    @property
    def facts(self) -> dict[str, Any]:
        """With what the aligner hears, where that is letters."""
        return super().facts | ({"from": "letters"} if self._from_letters else {})

    def made_by(self, models: Sequence[str]) -> str:
        """With what phones were made from, where the aligner hears none."""
        return super().made_by(models) + (" phones-from=letters" if self._from_letters else "")

    @property
    def _from_letters(self) -> bool:
        return self.choices["aligner"].hears_letters

    def one(self, song: Song) -> Song:
        """The song with its phones."""
        of_words = self.aligner.phones(self.opened(song), words_of(song["words"]))
        rows = [
            {
                "word": number,
                "phone": row["text"],
                **{name: row[name] for name in ("start_s", "end_s", "score")},
            }
            for number, phones in enumerate(of_words)
            for row in rows_of(phones)
        ]
        heard = sum(row["score"] is not None for row in rows) / len(rows) if rows else None
        return song.with_columns(phones=rows, phones_heard=heard)
