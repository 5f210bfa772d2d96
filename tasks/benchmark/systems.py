"""Our own benchmark: its settings (`BenchmarkParams`), prompts, rows from truth, untrained and trained to DPO, and the questions and what is expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from eval.metrics.aesthetics import JUDGE_MEAN, ranked_songs
from eval.metrics.error_rates import ACOUSTIC_PER, PER
from eval.metrics.levels import ENERGY_AFTER_END
from eval.metrics.style_similarity import STYLE_SIMILARITY
from eval.results.report import Comparison
from eval.stats.intervals import Resampling
from tasks.benchmark.control_rows import ControlRow, control_questions, control_systems
from tasks.benchmark.external_systems import genre_of
from tasks.benchmark.songs import FieldsParams
from tasks.benchmark.system_metrics import Measured
from tasks.engine.stage import Section
from tasks.prompts.changed_prompts import in_another_style, with_words_dealt
from tasks.prompts.prompts import (
    Prompt,
    System,
    policy_system,
    prompts_of,
)

TRUTH, CODEC, NOISY, UNTRAINED, TRAINED = "truth", "codec", "noisy", "untrained", "trained"
START, NO_BIAS, OTHER_STYLE, DEALT, DPO, CONTROL = (
    "start",
    "no-padding-bias",
    "other-style",
    "words-dealt",
    "dpo",
    "dpo-control",
)

HELPED = {"headline": "Did training help?", "gain": TRAINED}


class BenchmarkParams(Section):
    """`min_confidence` is the transcriber's while it judges: 0 transcribes every song, so that WER is what was
    heard. `second_judge` scores beside `judge`, set up as there; null: none. `genres`: names for genre accuracy, read
    by a style encoder that reads text; fewer than two: it is not measured. `name` and `fields` are for a manifest:
    what its songs are called in titles (null: the file's name), and what it calls its fields. `max_*` and
    `tolerance_per` are what the report holds the trained model to, stated beforehand. `strata`: also phone error rates by how fast
    words are sung. `controls`: rows of the trained model with controls (`tasks/benchmark/control_rows.py`).
    """

    num_songs: int
    seed: int
    num_resamples: int
    noise_snr_db: float
    min_confidence: float
    second_judge: Literal["audiobox"] | None
    genres: list[str]
    name: str | None
    fields: FieldsParams
    published: bool
    player_songs: int
    max_acoustic_per: float
    tolerance_per: float
    max_tail_energy: float
    min_ranked_share: float
    strata: bool
    controls: tuple[ControlRow, ...]

    def decides(self) -> dict[str, Any]:
        """As `Section.decides`, but for where a manifest's languages stand: what they are is in the songs' rows. Strata and rows
        with controls that nobody asked for are none.
        """
        decided = super().decides()
        asked = {name for name in ("strata", "controls") if not getattr(self, name)}
        return {
            **{key: value for key, value in decided.items() if key not in asked},
            "fields": {key: name for key, name in decided["fields"].items() if key != "language"},
        }

    @property
    def resampling(self) -> Resampling:
        """How songs are drawn."""
        return Resampling(self.num_resamples, self.seed)


def benchmark_prompts(
    rows: Sequence[Mapping[str, Any]], params: BenchmarkParams
) -> tuple[list[Prompt], list[str]]:
    """The benchmark's songs of a prepared table, and a note where some could not be one.

    A song that came without lyrics has the words of the recogniser, which cannot judge what it hears.
    """
    written = [row for row in rows if row["lyrics"] is not None]
    by_ear = sum(
        row["split"] == "benchmark" and not row["drop_reason"] and row["lyrics"] is None for row in rows
    )
    prompts = [
        replace(prompt, genre=genre_of(None, prompt.style_text, params.genres))
        for prompt in prompts_of(written, "benchmark", params.num_songs)
    ]
    note = f"{by_ear} songs that came without lyrics are left out: the recogniser wrote their words itself."
    return prompts, [note] if by_ear else []


def benchmark_systems(
    prompts: Sequence[Prompt],
    checkpoints: Mapping[str, str],
    sampler: Section,
    params: BenchmarkParams,
    titles: Mapping[str, str],
    controlled: Sequence[Prompt] = (),
) -> list[System]:
    """The rows of the benchmark; `checkpoints` gives the weights of untrained, start, trained, dpo and dpo-control.

    `titles`: of those whose title depends on the run: which DPO round is shown, which weights training began with.
    `controlled`: the prompts with their own controls, for the rows of `params.controls`.
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
        *([sung(START, titles[START], START)] if START in checkpoints else []),
        sung(TRAINED, titles.get(TRAINED, "Trained (SFT)"), TRAINED),
        sung(NO_BIAS, "Trained, without padding bias", TRAINED, padding_bias=False),
        sung(OTHER_STYLE, "Trained, another style asked", TRAINED, prompts=in_another_style(prompts)),
        sung(
            DEALT,
            "Trained, words dealt to random slots",
            TRAINED,
            prompts=with_words_dealt(prompts, params.seed),
        ),
    ]
    systems += control_systems(
        params.controls, controlled, lambda name, title, given: sung(name, title, TRAINED, prompts=given)
    )
    if DPO in checkpoints:
        systems.append(sung(DPO, titles[DPO], DPO))
    if CONTROL in checkpoints:
        systems.append(sung(CONTROL, "DPO control, beta = 0", CONTROL))
    return systems


def questions(measured: Measured, params: BenchmarkParams, was_trained: bool = True) -> list[Comparison]:
    """What is asked of the numbers, each with what would count as a yes. `was_trained`: here; else the words "did training
    help" are not said of weights that came trained.

    Questions about words are put to the phones the transcriber heard, or, where it hears none, to those of the
    words it wrote.
    """
    style, tail, judge = STYLE_SIMILARITY.name, ENERGY_AFTER_END.name, JUDGE_MEAN.name
    per = (PER if measured.unmeasured(ACOUSTIC_PER, TRUTH) else ACOUSTIC_PER).name

    def paired(name: str, question: str, metric: str, left: str, right: str, **more: Any) -> Comparison:
        estimate = measured.difference(left, right, metric, given=more.pop("given", False))
        return Comparison(name, question, metric, left, right, estimate, **more)

    def absolute(name: str, question: str, metric: str, left: str, **more: Any) -> Comparison:
        return Comparison(name, question, metric, left, "", measured.estimate(left, metric), **more)

    tolerance = params.tolerance_per
    tuned = []
    if START in measured.systems:
        question = "Did fine-tuning teach it more of these songs' words than it knew?"
        told = {"headline": "Did fine-tuning help?", "gain": TRAINED}
        tuned = [paired("tuned", question, per, START, TRAINED, expect="above", **told)]
    asked = [
        absolute(
            "intelligible",
            "Does the trained model sing what it is asked?",
            per,
            TRAINED,
            expect="at_most",
            limit=params.max_acoustic_per,
        ),
        paired(
            "learned",
            "Did training teach it the words?",
            per,
            UNTRAINED,
            TRAINED,
            expect="above",
            **(HELPED if was_trained and START not in measured.systems else {}),
        ),
        *tuned,
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
            "Does the music stop at the reference end?",
            tail,
            TRAINED,
            expect="at_most",
            limit=params.max_tail_energy,
        ),
        paired("padding-bias", "What does the padding bias do for the end?", tail, NO_BIAS, TRAINED),
        _ranking(measured, params),
        *control_questions(measured, per, TRAINED, tolerance),
    ]
    if DPO in measured.systems:
        asked += [
            paired(
                "dpo",
                "What did the DPO rounds do to the judge's mean?",
                judge,
                DPO,
                TRAINED,
                headline="Did DPO help?",
                gain=DPO,
            ),
            paired("dpo-words", "What did the DPO rounds do to the words?", per, DPO, TRAINED),
        ]
    if CONTROL in measured.systems:
        asked += [
            paired("dpo-control", "And the same rounds with beta = 0?", judge, CONTROL, TRAINED),
            paired(
                "dpo-over-control",
                "What is left over the control?",
                judge,
                DPO,
                CONTROL,
                headline="Was it the preferences, and not just more training?",
                gain=DPO,
            ),
        ]
    return asked


def _ranking(measured: Measured, params: BenchmarkParams) -> Comparison:
    columns = measured.columns(JUDGE_MEAN)
    estimate = ranked_songs([columns[name] for name in (TRUTH, NOISY, UNTRAINED)])
    limit = float(round(params.min_ranked_share * len(measured.prompts)))
    return Comparison(
        "judge-ranks",
        "On how many songs does the judge rank truth > noisy truth > untrained?",
        JUDGE_MEAN.name,
        "truth > noisy truth > untrained",
        "",
        estimate,
        expect="at_least",
        limit=limit,
        made_by=sorted({made for song in measured.systems[TRUTH] for made in song.row["made_by"]}),
    )
