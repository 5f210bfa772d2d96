"""Benchmark: which systems sing the same songs, what is asked of the numbers, and the report they make."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eval.data_set import DataSet
from eval.genres import genre_rows
from eval.intervals import Estimate
from eval.judge import ranked_songs
from eval.pairs import pair_tables
from eval.players import waveform_peaks, worst_takes
from eval.published import published_rows
from eval.report import Comparison, LossCurve, Report
from eval.report import System as ReportSystem
from eval.rounds import RoundsReport
from eval.song_row import SongRow
from tasks.engine.stage import Section
from tasks.fanout import Prompt, System, in_another_style, with_words_dealt
from tasks.measure import FRECHET, MEASURES, UNHEARD, Measured, SongMeasures
from tasks.mix import mix_of, mp3_bytes
from tasks.round import policy_system

TRUTH, CODEC, NOISY, UNTRAINED, TRAINED = "truth", "codec", "noisy", "untrained", "trained"
NO_BIAS, OTHER_STYLE, DEALT, DPO, CONTROL = (
    "no-padding-bias",
    "other-style",
    "words-dealt",
    "dpo",
    "dpo-control",
)


class BenchmarkParams(Section):
    """`min_confidence` is the transcriber's while it judges: 0 hears every song out, so that WER is what was
    heard. `max_*` and `tolerance_per` are what the report holds the trained model to, stated beforehand.
    """

    num_songs: int
    seed: int
    num_resamples: int
    noise_snr_db: float
    min_confidence: float
    player_songs: int
    max_acoustic_per: float
    tolerance_per: float
    max_tail_energy: float
    min_ranked_share: float


@dataclass(frozen=True)
class Word:
    """A word of a lane in the report."""

    word: str
    start_s: float
    end_s: float


def benchmark_systems(
    prompts: Sequence[Prompt],
    checkpoints: Mapping[str, str],
    sampler: Section,
    params: BenchmarkParams,
    dpo_title: str,
) -> list[System]:
    """The rows of the benchmark; `checkpoints` gives the weights of untrained, trained, dpo and dpo-control.

    `dpo_title`: which DPO round is shown, where there is one.
    """

    def sung(name: str, title: str, weights: str, **changes: Any) -> System:
        system = policy_system(name, title, checkpoints[weights], sampler, changes.pop("prompts", prompts))
        return replace(system, recipe={**system.recipe, **changes})

    systems = [
        System(TRUTH, "Ground truth", {"kind": "copy"}, prompts),
        System(CODEC, "Codec round trip", {"kind": "codec"}, prompts),
        System(
            NOISY,
            f"Truth with {params.noise_snr_db:g} dB noise",
            {"kind": "noise", "snr_db": params.noise_snr_db},
            prompts,
        ),
        sung(UNTRAINED, "Untrained", UNTRAINED),
        sung(TRAINED, "Trained (SFT)", TRAINED),
        sung(NO_BIAS, "Trained, without padding bias", TRAINED, padding_bias=False),
        sung(OTHER_STYLE, "Trained, another style asked", TRAINED, prompts=in_another_style(prompts)),
        sung(
            DEALT,
            "Trained, words dealt to random slots",
            TRAINED,
            prompts=with_words_dealt(prompts, params.seed),
        ),
    ]
    if DPO in checkpoints:
        systems.append(sung(DPO, dpo_title, DPO))
    if CONTROL in checkpoints:
        systems.append(sung(CONTROL, "DPO control, beta = 0", CONTROL))
    return systems


def questions(measured: Measured, params: BenchmarkParams) -> list[Comparison]:
    """What is asked of the numbers, each with what would count as a yes.

    Questions about words are put to the phones the transcriber heard, or, where it hears none, to those of the
    words it wrote.
    """
    style, tail, judge = "style_similarity", "energy_after_end", "judge_mean"
    per = "acoustic_per" if measured.estimate(TRUTH, "acoustic_per") is not UNHEARD else "per"

    def paired(name: str, question: str, metric: str, left: str, right: str, **more: Any) -> Comparison:
        estimate = measured.difference(left, right, metric, given=more.pop("given", False))
        return Comparison(name, question, metric, left, right, estimate, **more)

    def absolute(name: str, question: str, metric: str, left: str, **more: Any) -> Comparison:
        return Comparison(name, question, metric, left, "", measured.estimate(left, metric), **more)

    tolerance = params.tolerance_per
    asked = [
        absolute(
            "intelligible",
            "Does the trained model sing what it is asked?",
            per,
            TRAINED,
            expect="at_most",
            limit=params.max_acoustic_per,
        ),
        paired("learned", "Did training teach it the words?", per, UNTRAINED, TRAINED, expect="above"),
        paired(
            "order",
            "Is it worse against the true order when the words are dealt to random slots?",
            per,
            DEALT,
            TRAINED,
            expect="above",
        ),
        paired(
            "slots",
            "Does it then sing the word that was put in each slot?",
            per,
            DEALT,
            TRAINED,
            expect="within",
            limit=tolerance,
            given=True,
            note="words dealt: scored against the dealt order",
        ),
        paired(
            "style",
            "Does another style in the request lower the similarity to the song's own?",
            style,
            OTHER_STYLE,
            TRAINED,
            expect="below",
        ),
        paired(
            "style-words",
            "Does it keep its words in another style?",
            per,
            OTHER_STYLE,
            TRAINED,
            expect="within",
            limit=tolerance,
        ),
        absolute(
            "ends",
            "Does the music stop at the asked end?",
            tail,
            TRAINED,
            expect="at_most",
            limit=params.max_tail_energy,
        ),
        paired("padding-bias", "What does the padding bias do for the end?", tail, NO_BIAS, TRAINED),
        _ranking(measured, params),
    ]
    if DPO in measured.systems:
        asked += [
            paired("dpo", "What did the DPO rounds do to the judge's mean?", judge, DPO, TRAINED),
            paired("dpo-words", "What did the DPO rounds do to the words?", per, DPO, TRAINED),
        ]
    if CONTROL in measured.systems:
        asked += [
            paired("dpo-control", "And the same rounds with beta = 0?", judge, CONTROL, TRAINED),
            paired("dpo-over-control", "What is left over the control?", judge, DPO, CONTROL),
        ]
    return asked


def _ranking(measured: Measured, params: BenchmarkParams) -> Comparison:
    estimate = ranked_songs([measured.scores(name, "judge_mean") for name in (TRUTH, NOISY, UNTRAINED)])
    limit = float(round(params.min_ranked_share * len(measured.prompts)))
    return Comparison(
        "judge-ranks",
        "On how many songs does the judge rank truth > noisy truth > untrained?",
        "judge_mean",
        "truth > noisy truth > untrained",
        "",
        estimate,
        expect="at_least",
        limit=limit,
        made_by=sorted({made for song in measured.systems[TRUTH] for made in song.row["made_by"]}),
    )


def report_of(
    measured: Measured,
    systems: Sequence[System],
    params: BenchmarkParams,
    data_set: DataSet,
    losses: Sequence[LossCurve],
    settings: Mapping[str, Any],
    run: Mapping[str, Any],
    songs_root: str,
    rounds: RoundsReport | None,
) -> Report:
    """The report of a measured benchmark."""
    rows = _song_rows(measured, systems, params.player_songs, songs_root)
    entries = [_report_system(measured, system) for system in systems]
    metrics = [metric.name for metric in MEASURES if metric.name != FRECHET]
    floor = measured.floor(TRUTH, params.seed)
    stand_ins = sorted(
        {part for entry in entries for made in entry.made_by for part in made.split() if "/" in part}
    )
    notes = [
        f"Frechet floor (two halves of the true songs): {_short(floor)}.",
        f"Reference set of the Frechet distance: {measured.reference.statistics.num_windows} windows of the kept "
        "training songs' true audio; no benchmark song is among them.",
        "All systems sing the same songs from the same noise; differences are paired within songs.",
    ]
    return Report(
        title="From songs to a song model",
        subtitle=f"{len(measured.prompts)} benchmark songs, {len(systems)} systems",
        systems=entries,
        metrics=MEASURES,
        comparisons=questions(measured, params),
        pairs=pair_tables(rows, [system.name for system in systems], metrics, measured.resampling),
        songs=rows,
        genres=genre_rows(rows, metrics, measured.resampling),
        published=published_rows(),
        losses=losses,
        data_set=data_set,
        settings=settings,
        stand_ins=[name for name in stand_ins if name.startswith("embedded/")],
        notes=notes,
        run=run,
        rounds=rounds,
    )


def loss_curve(name: str, log: Path) -> LossCurve:
    """The loss column of a training log."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return LossCurve(name, [(line["step"], line["loss"]) for line in lines])


def _report_system(measured: Measured, system: System) -> ReportSystem:
    songs = measured.systems[system.name]
    made_by = sorted({made for song in songs for made in song.row["made_by"]})
    return ReportSystem(system.name, system.title, made_by, measured.estimates(system.name), system.note)


def _song_rows(
    measured: Measured, systems: Sequence[System], player_songs: int, songs_root: str
) -> list[SongRow]:
    """Every song of every system; the first `player_songs` songs and the worst takes by each metric with sound."""
    songs = [
        (system.name, song, prompt)
        for system in systems
        for song, prompt in zip(measured.systems[system.name], measured.prompts, strict=True)
    ]
    rows = [_song_row(song, prompt, system) for system, song, prompt in songs]
    first = {prompt.song_id for prompt in measured.prompts[:player_songs]}
    worst = worst_takes(rows, MEASURES)
    return [
        _with_sound(row, song, songs_root)
        if row.song_id in first or (row.system, row.song_id) in worst
        else row
        for row, (_, song, _) in zip(rows, songs, strict=True)
    ]


def _song_row(song: SongMeasures, prompt: Prompt, system: str) -> SongRow:
    scores = {metric.name: song.scores.get(metric.name) for metric in MEASURES if metric.name != FRECHET}
    return SongRow(
        song_id=prompt.song_id,
        title=prompt.title,
        system=system,
        duration_s=prompt.duration_s,
        scores=scores,
        reasons={name: song.failed for name in scores} if song.failed else {},
        asked=[Word(w["word"], w["start_s"], w["end_s"]) for w in song.row["asked_words"]],
        heard=[Word(w["word"], w["start_s"], w["end_s"]) for w in song.row["transcript_times"] or ()],
        counts=song.counts,
        facts=_facts(song.row),
    )


def _with_sound(row: SongRow, song: SongMeasures, songs_root: str) -> SongRow:
    if song.failed:
        return row
    mix_CN = mix_of(song.row["song_id"], song.row["audio"], songs_root)
    return replace(row, audio=mp3_bytes(mix_CN), audio_type="audio/mpeg", peaks=waveform_peaks(mix_CN))


def _facts(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What each stage did to this song, in a line a stage: the code and models that ran, and how it was asked."""
    facts = [(made.split("-v")[0], made) for made in row["made_by"]]
    asked = [("made from", row["recipe"]), ("weights", row["checkpoint"]), ("seed", row["seed"])]
    facts += [(name, str(value)) for name, value in asked if value is not None]
    return facts + ([("dropped", row["drop_reason"])] if row["drop_reason"] else [])


def _short(estimate: Estimate) -> str:
    if estimate.value is None:
        return f"not available, {estimate.reason}"
    return f"{estimate.value:.3g} [{estimate.low:.3g}, {estimate.high:.3g}]"
