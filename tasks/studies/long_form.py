"""What becomes of a song with its length? Songs generated in one pass, heard in windows, beside their first window alone and outpainting.

A window ends at a multiple of `study.window_s`, or between the words nearest to it, so that no word is cut in two. Every song has as many
windows as the shortest of them fills, so that each place has the same songs; what lies behind is not heard. The base is the first
window of the songs generated whole. Words differ from place to place: the songs themselves, heard in the same windows, stand beside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from eval.metrics.aesthetics import JUDGE_MEAN
from eval.metrics.error_rates import ACOUSTIC_PER
from eval.metrics.fad import FAD
from eval.metrics.levels import LOUDNESS
from eval.metrics.metric import SongMetric
from eval.metrics.song import Song
from eval.metrics.style_similarity import STYLE_SIMILARITY, style_similarity
from tasks.benchmark.system_metrics import Measured
from tasks.prompts.prompts import Prompt
from tasks.stages.generated.generate import SamplerParams
from tasks.studies.study import Arm, Run, Series, Study, StudyParams, placed, system_of

WHOLE, CUT, PAINTED, TRUE = "whole", "cut", "painted", "true"
FIRST_STYLE = "first_style_embedding"

Rows = Sequence[Mapping[str, Any]]


def _to_first(song: Song) -> float | None:
    own, first = song.row["style_embedding"], song.row.get(FIRST_STYLE)
    if own is None or first is None:
        return None
    return style_similarity(np.asarray(own, np.float32), np.asarray(first, np.float32))


TO_FIRST = replace(
    STYLE_SIMILARITY,
    name="style_to_first",
    title="Style similarity to the first window",
    protocol="Mean cosine between the style embeddings of a window and of the first window of the same song, made the same way (of a song "
    "cut short: of the same song generated whole), over all pairs of crops; for a first window itself 1 where it is one crop.",
    measure=_to_first,
)
METRICS: tuple[SongMetric, ...] = (JUDGE_MEAN, STYLE_SIMILARITY, TO_FIRST, LOUDNESS)


def longest(prompts: Iterable[Prompt], params: StudyParams) -> list[Prompt]:
    """The `num_songs` longest.

    Raises:
        ValueError: fewer have two windows.
    """
    found = sorted(prompts, key=lambda one: (-(one.duration_s or 0.0), one.song_id))
    long = [one for one in found if (one.duration_s or 0.0) >= 2 * params.window_s]
    if len(long) < params.num_songs:
        raise ValueError(
            f"study.num_songs: {params.num_songs} songs are asked for, {len(long)} last two windows of {params.window_s:g} s; give a "
            "smaller study.window_s, or ask for fewer"
        )
    return long[: params.num_songs]


def num_places(prompts: Sequence[Prompt], window_s: float) -> int:
    """How many windows the shortest of these songs fills."""
    return int(min(one.duration_s or 0.0 for one in prompts) / window_s + 1e-9)


def edges_of(prompt: Prompt, window_s: float, places: int) -> list[float]:
    """Where the windows of a song begin and end, in seconds: `places` + 1 of them, none within a word."""
    return [_between_words(prompt, place * window_s) for place in range(places + 1)]


def _between_words(prompt: Prompt, at_s: float) -> float:
    for word in prompt.words:
        if word.start_s < at_s < word.end_s:
            return word.start_s if at_s - word.start_s < word.end_s - at_s else word.end_s
    return at_s


def within(prompt: Prompt, start_s: float, end_s: float) -> Prompt:
    """The words that begin here, and this length; times are from `start_s` on."""
    slots = [
        (number, word.start_s - start_s, min(word.end_s, end_s) - start_s)
        for number, word in enumerate(prompt.words)
        if start_s <= word.start_s < end_s
    ]
    return replace(placed(prompt, slots), duration_s=end_s - start_s)


def long_form(
    prompts: Sequence[Prompt], sampler: SamplerParams, params: StudyParams, paints: bool = False
) -> Study:
    """Every window as an arm. `paints`: the model has the control `painting`, so that its songs can be made a window at a time."""
    places = num_places(prompts, params.window_s)
    if places < 2:
        raise ValueError(
            f"study.window_s: {params.window_s:g} s, and the shortest song lasts {min(p.duration_s or 0.0 for p in prompts):.1f} s; give "
            "half of that or less"
        )
    edges = [edges_of(prompt, params.window_s, places) for prompt in prompts]
    asked = [
        [within(prompt, its[place], its[place + 1]) for prompt, its in zip(prompts, edges, strict=True)]
        for place in range(places)
    ]

    def arm(kind: str, place: int, title: str, **more: Any) -> Arm:
        start_s = place * params.window_s
        told = f"{title}, {start_s:g} to {start_s + params.window_s:g} s"
        return Arm(f"{kind}-{place}", told, asked[place], sampler, is_true=True, **more)

    later = range(1, places)
    arms = [
        *(arm(WHOLE, place, "In one pass", series="place", value=place * params.window_s) for place in later),
        arm(CUT, 0, "Cut short"),
        *(arm(PAINTED, place, "Outpainted") for place in (later if paints else ())),
        *(arm(TRUE, place, "The songs themselves") for place in range(places)),
    ]
    names = (ACOUSTIC_PER, *METRICS, FAD)
    return Study(
        "long-form",
        "Do songs that are generated in one pass get worse with their length?",
        "Longer songs, a model that learned from longer ones, or singing so far from its times that words fall into a neighbour's window.",
        tuple(metric.name for metric in names),
        arm(WHOLE, 0, "In one pass"),
        arms,
        {"place": Series("Where the window begins, songs in one pass", "s", 0.0)},
        notes=[
            f"{places} windows of {params.window_s:g} s, ended between words, of every song; what lies behind them is not heard.",
            "Words differ from window to window, those of songs cut short are the first window's: read a place beside the songs themselves.",
            "FAD stands only where a place has windows of the embedding enough, twice their dimension.",
            "Outpainted: each window made while all before it are kept, from the song cut short."
            if paints
            else "Outpainting is left out: the model has no control painting.",
        ],
        own_metrics=(TO_FIRST,),
    )


def cut_short(prompts: Sequence[Prompt], window_s: float, windows: int) -> list[Prompt]:
    """The prompts of the first `windows` windows of each song, in one."""
    places = num_places(prompts, window_s)
    return [within(one, 0.0, edges_of(one, window_s, places)[windows]) for one in prompts]


def measured_in_windows(
    study: Study, runs: Sequence[Run], rows: Rows, measuring: Callable[[Sequence[Prompt], Rows], Measured]
) -> Measured:
    """Every window against its own words, with the style of its song's first window beside."""
    by_system: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_system.setdefault(row["system"], []).append(row)
    found: list[Measured] = []
    for arm in study.all_arms:
        kind = arm.name.split("-")[0]
        heard = []
        for run in runs:
            first = f"{TRUE if kind == TRUE else CUT if kind == PAINTED else WHOLE}-0-{run.name}"
            styles = {row["parent"]: row.get("style_embedding") for row in by_system[first]}
            heard += [{**row, FIRST_STYLE: styles[row["parent"]]} for row in by_system[system_of(arm, run)]]
        found.append(measuring(arm.prompts, heard))
    systems = {name: songs for one in found for name, songs in one.systems.items()}
    return replace(found[0], systems=systems)
