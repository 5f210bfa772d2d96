"""Filter: the one place where a song that every stage could handle is still refused, with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from jam_model.shard_index import TRAIN
from tasks.edits.kinds import APPROVE, REJECT
from tasks.engine.columns import Column
from tasks.engine.song import Song, SongError
from tasks.engine.stage import Stage
from tasks.quality.hurried import hurried_in_words, not_heard, not_heard_in_words
from tasks.quality.limits import FilterParams, broken_limits
from tasks.quality.unheard import SPAN, in_words, mask_of, runs_beyond
from tasks.songs.columns import STRINGS

UNHEARD, HURRIED, NO_VOCALS = "words_unheard", "words_hurried", "no_vocals"
REJECTED = "rejected_by_hand"


class Filter(Stage):
    """Keeps a song or drops it; a song of the benchmark it only flags. What a person says goes before the limits of the
    measures, and before nothing else.

    It reads a column of every branch before it, so that a kept song passed all stages.
    """

    name = "filter"
    version = 4
    reads = frozenset({"quality", "unheard_runs", "language", "split", "duplicate_of", "near_benchmark"})
    reads |= {"hurried_words", "style_embedding", "num_frames", "duration_s"}
    params: FilterParams
    has_voters: bool
    writes = {
        "kept": Column(pa.bool_(), "passed every stage before and every threshold here"),
        "masked": Column(pa.list_(SPAN), "seconds that no training crop may hold; empty = none"),
        "flags": Column(
            STRINGS,
            "reasons that hold for a song that is never dropped, or was approved by hand; empty = none",
        ),
    }

    def __init__(self, params: FilterParams, has_voters: bool = False) -> None:
        """`has_voters`: `voice` has asked who hears a voice, and no song goes as ``no_vocals`` that one of them hears."""
        super().__init__(params)
        self.has_voters = has_voters
        if has_voters:
            self.reads = type(self).reads | {"voice_s", "voice_heard_by", "transcript"}

    def one(self, song: Song) -> Song:
        """The song with `kept`, `masked` and `flags`, the reasons that hold.

        Raises:
            SongError: the first reason, in the order of the measures, then ``language``, ``near_duplicate``,
                ``in_benchmark``; never of a song of the benchmark. ``rejected_by_hand`` before all, of any song.
        """
        by_hand = song.edited or {}
        if by_hand.get("decision") == REJECT:
            raise SongError(song.song_id, REJECTED, by_hand["reason"])
        found = broken_limits(song["quality"], self.params)
        if self.has_voters:
            found = self._voted(song, found)
        unheard = runs_beyond(song["unheard_runs"], self.params.max_unheard_run)
        if unheard and UNHEARD in found:
            found[UNHEARD] = in_words(unheard, self.params.max_unheard_run)
        if HURRIED in found:
            unheard += self._cause_of_haste(song, found)
        masked = mask_of(unheard, song["duration_s"]) if self.params.mask and song["split"] == TRAIN else []
        if masked:
            found.pop(UNHEARD, None)
        approved = list(found) if by_hand.get("decision") == APPROVE else []
        found = {} if approved else found
        allowed = self.params.languages
        if allowed is not None and song["language"] is not None and song["language"] not in allowed:
            found["language"] = f"{song['language']}, one of {', '.join(allowed)}"
        if song["duplicate_of"] is not None:
            found["near_duplicate"] = f"of {song['duplicate_of']}"
        if song["near_benchmark"] is not None and song["split"] != "benchmark":
            found["in_benchmark"] = f"near {song['near_benchmark']}"
        if found and song["split"] != "benchmark":
            raise SongError(song.song_id, *next(iter(found.items())))
        return song.with_columns(kept=True, masked=masked, flags=[*approved, *found])

    def _voted(self, song: Song, found: dict[str, str]) -> dict[str, str]:
        """The reasons, ``no_vocals`` among them only where nobody hears a voice: not the level of the vocals, where it has
        a limit, not the net and not the recogniser.
        """
        level, least = song["quality"]["vocals_db"], self.params.min_vocals_db
        by_level = least is not None and level is not None and level >= least
        if by_level or song["voice_heard_by"]:
            return {reason: told for reason, told in found.items() if reason != NO_VOCALS}
        heard = (
            f"{song['voice_s']:.1f} s of voice in the mix, {len(song['transcript'] or ())} words transcribed"
        )
        told = f"{found[NO_VOCALS]}; {heard}" if NO_VOCALS in found else heard
        return found | {NO_VOCALS: told} if NO_VOCALS in found else {NO_VOCALS: told, **found}

    def _cause_of_haste(self, song: Song, found: dict[str, str]) -> list[Mapping[str, Any]]:
        """Names the hurried words in the reasons that were found; where those that were not heard are the cause, they are
        returned, and the reason is that.
        """
        rows = song["hurried_words"]
        unheard = not_heard(rows, song["quality"]["num_words"], self.params.max_hurried_share)
        if unheard:
            del found[HURRIED]
            found.setdefault(UNHEARD, not_heard_in_words(unheard))
        elif rows:
            found[HURRIED] += f": {hurried_in_words(rows)}"
        return unheard
