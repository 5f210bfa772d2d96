"""Prompts with times that no singer and no rule chose: by a duration predictor, or as a person or a language model wrote them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tasks.lyrics.lyrics import Lyrics
from tasks.models.phonemizer import Phonemizer
from tasks.prompts.predicted_times import Predictor, written_times
from tasks.prompts.prompts import Prompt
from tasks.prompts.rough_times import RoughTimes
from tasks.studies.study import placed
from tasks.times.repaired_times import KINDS


def with_predicted_times(
    prompts: Sequence[Prompt], predictor: Predictor, phonemizer: Phonemizer
) -> list[Prompt]:
    """Each prompt with the times that the predictor draws for its words, in a song of the same length."""
    return [
        _at(
            one,
            predictor.times(Lyrics(one.texts), None, one.duration_s, phonemizer, one.style_text or "", 0),
        )
        if one.words
        else one
        for one in prompts
    ]


def with_predicted_phones(prompts: Sequence[Prompt], predictor: Predictor) -> list[Prompt]:
    """Each prompt with its words as they are and their phones where the predictor draws them."""
    return [
        replace(
            one,
            phones=predictor.phones_within(
                one.words, one.phones, one.duration_s or one.words[-1].end_s, one.style_text or ""
            ),
        )
        if one.phones
        else one
        for one in prompts
    ]


def with_written_times(prompts: Sequence[Prompt], folder: Path) -> tuple[list[Prompt], str]:
    """Each prompt with the times of ``<folder>/<song id>.json`` in any form that can be repaired, and the repairs in words.

    Raises:
        ValueError: a song has no such file, or it cannot be used.
    """
    lacking = [one.song_id for one in prompts if one.words and not (folder / f"{one.song_id}.json").is_file()]
    if lacking:
        raise ValueError(
            f"times: {folder} lacks {len(lacking)} of {len(prompts)} songs, first {lacking[0]}.json; give a file of JSON for each"
        )
    repairs: Counter[str] = Counter()
    found = []
    for one in prompts:
        if one.words:
            written, own, _ = written_times(Lyrics(one.texts), folder / f"{one.song_id}.json", one.duration_s)
            repairs.update(own)
            one = _at(one, written)
        found.append(one)
    told = ", ".join(f"{KINDS[kind]} ({count})" for kind, count in repairs.most_common())
    return found, f"repaired: {told}" if told else "nothing to repair"


def _at(prompt: Prompt, times: RoughTimes) -> Prompt:
    timed = placed(prompt, [(number, word.start_s, word.end_s) for number, word in enumerate(times.words)])
    return timed if times.phones is None or prompt.phones is None else replace(timed, phones=times.phones)
