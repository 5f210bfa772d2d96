"""Filter: the one place where a song that every stage could handle is still refused, with its reason: limits broken, lines mined, voters of voice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from jam_model.shard_index import TRAIN
from tasks.edits.kinds import APPROVE, REJECT
from tasks.engine.columns import Column
from tasks.engine.song import Song, SongError
from tasks.engine.stage import Stage
from tasks.quality.detected import DETECTED, DetectParams
from tasks.quality.hurried import hurried_in_words, not_heard, not_heard_in_words
from tasks.quality.limits import CALIBRATED, UNCALIBRATED, FilterParams, broken_limits, without_calibrated
from tasks.quality.measures import Quality
from tasks.quality.mining import COLUMNS, MINED, TOO_LITTLE, MineParams, mined, quality_left
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
            "reasons that hold for a song that is never dropped, or was approved by hand; `mined`: kept for its good lines "
            "alone; `uncalibrated`: beyond limits set aside, which stand behind it; empty = none",
        ),
    }

    def __init__(
        self,
        params: FilterParams,
        has_voters: bool = False,
        detect: DetectParams | None = None,
        mine: MineParams | None = None,
        set_aside: bool = False,
    ) -> None:
        """`has_voters`: `voice` has asked who hears a voice, and no song goes as ``no_vocals`` that one of them hears. `detect`: limits
        on what `detect` measured; `mine`: what a bad line is, where songs are kept for their good ones. `set_aside`: limits
        that were chosen for an aligner and a transcriber drop no song, as these are others.
        """
        super().__init__(params)
        self.limits = without_calibrated(params) if set_aside else params
        self.set_aside = set_aside
        self.has_voters, self.mine = has_voters, mine
        self.detect = detect if detect and detect.limits else None
        self.reads = type(self).reads | ({"voice_s", "voice_heard_by", "transcript"} if has_voters else set())
        self.reads |= ({"detected"} if self.detect else set()) | (COLUMNS if mine else set())

    @property
    def facts(self) -> dict[str, Any]:
        """The limits of the detectors and of lines, where there are any."""
        sections = {"detect": self.detect, "mine": self.mine}
        facts: dict[str, Any] = {name: section.decides() for name, section in sections.items() if section}
        return facts | ({"set_aside": True} if self.set_aside else {})

    def one(self, song: Song) -> Song:
        """The song with `kept`, `masked` and `flags`, the reasons that hold.

        Raises:
            SongError: the first reason, in the order of the measures, then ``language``, ``near_duplicate``,
                ``in_benchmark``; never of a song of the benchmark. ``rejected_by_hand`` before all, of any song.
        """
        by_hand = song.edited or {}
        if by_hand.get("decision") == REJECT:
            raise SongError(song.song_id, REJECTED, by_hand["reason"])
        found = self._found(song, song["quality"])
        unheard = runs_beyond(song["unheard_runs"], self.limits.max_unheard_run)
        if unheard and UNHEARD in found:
            found[UNHEARD] = in_words(unheard, self.limits.max_unheard_run)
        if HURRIED in found:
            unheard += self._cause_of_haste(song, found)
        masked = mask_of(unheard, song["duration_s"]) if self.params.mask and song["split"] == TRAIN else []
        if masked:
            found.pop(UNHEARD, None)
        marks: list[str] = []
        if self.mine and song["split"] == TRAIN and by_hand.get("decision") != APPROVE:
            found, masked, marks = self._mined(song, found, unheard, self.mine)
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
        judged = not self.set_aside or by_hand.get("decision") == APPROVE
        aside = {} if judged else broken_limits(song["quality"], self.params, CALIBRATED)
        marks += [UNCALIBRATED, *aside] if aside else []
        return song.with_columns(kept=True, masked=masked, flags=[*approved, *found, *marks])

    def _found(self, song: Song, quality: Quality, whole: bool = True) -> dict[str, str]:
        """The reasons of the measures and, behind them, of the detectors; not `whole`: masks hold what repeats itself, and what is sung
        and written nowhere.
        """
        found = broken_limits(quality, self.limits)
        if self.has_voters:
            found = self._voted(song, found)
        if self.detect:
            looped = {} if whole or not song["sound_loops"] else {"loop_s": None, "looped_words": None}
            unwritten = {} if whole or not song["unwritten_stretches"] else {"invented_words": None}
            detected = {**song["detected"], **looped, **unwritten}
            found = found | {
                reason: told
                for reason, told in broken_limits(detected, self.detect, DETECTED).items()
                if reason not in found
            }
        return found

    def _mined(
        self, song: Song, found: dict[str, str], unheard: Sequence[Mapping[str, Any]], mine: MineParams
    ) -> tuple[dict[str, str], list[dict[str, float]], list[str]]:
        """The reasons that hold for what is left of the song, its masks, and `mined` where it is kept for that alone."""
        left = mined(song.columns, unheard, mine)
        if not left.masked:
            return found, [], []
        masked = [{"start_s": start_s, "end_s": end_s} for start_s, end_s in left.masked]
        if left.left_share < mine.min_left_share or left.left_s < mine.min_left_s:
            limits = f"at least {mine.min_left_share:.0%} and {mine.min_left_s:g} s"
            return {TOO_LITTLE: f"{left.told()}; {limits}"} | found, masked, []
        held = self._found(song, quality_left(song["quality"], left), whole=False)
        if held.pop(HURRIED, None) and HURRIED in found:  # else its cause is masked
            held[HURRIED] = found[HURRIED]
        return held, masked, [MINED] if found and not held else []

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
        unheard = not_heard(rows, song["quality"]["num_words"], self.limits.max_hurried_share)
        if unheard:
            del found[HURRIED]
            found.setdefault(UNHEARD, not_heard_in_words(unheard))
        elif rows:
            found[HURRIED] += f": {hurried_in_words(rows)}"
        return unheard
