"""What word times are worth: the prompts with times that no singer chose (constant, shuffled, marginal), all within what is sung from first to last word.

A rule knows little or nothing of the words. Beside the times, one arm deals the words themselves to other places: what a model
does with times can be no larger than what it does with words. Legend: W words of a song.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from eval.metrics.aesthetics import JUDGE_MEAN
from eval.metrics.error_rates import ACOUSTIC_PER, WER
from eval.metrics.fad import FAD
from eval.metrics.style_similarity import STYLE_SIMILARITY
from eval.metrics.word_timing import WORD_START_MEDIAN
from tasks.engine.fingerprint import fingerprint
from tasks.lyrics.lyrics import Lyrics
from tasks.models.phonemizer import Phonemizer
from tasks.prompts.changed_prompts import with_words_dealt
from tasks.prompts.prompts import Prompt
from tasks.prompts.rough_times import RoughTimesParams, fitted_times, num_syllables
from tasks.stages.generated.generate import SamplerParams
from tasks.studies.answers import TRUE_START
from tasks.studies.study import Arm, Slot, Study, StudyParams, placed
from tasks.times.trivial_times import Lengths, Usual, bounds, dealt, drawn, lengths_of, stepped, usual

Rule = Callable[[Prompt, Usual, np.random.Generator], list[Slot]]


def constant(prompt: Prompt, usual: Usual, rng: np.random.Generator) -> list[Slot]:
    """A step a word."""
    return _laid(prompt, stepped(np.ones(len(prompt.words)), usual.share))


def per_syllable(prompt: Prompt, usual: Usual, rng: np.random.Generator) -> list[Slot]:
    """A step a syllable, counted as vowels of the phonemes."""
    syllables = [max(1, num_syllables(word.phonemes or "")) for word in prompt.words]
    return _laid(prompt, stepped(np.array(syllables, float), usual.share))


def marginal(prompt: Prompt, usual: Usual, rng: np.random.Generator) -> list[Slot]:
    """Lengths and gaps drawn from those of all songs' words, whichever."""
    return _laid(prompt, drawn(usual, len(prompt.words), rng))


def shuffled(prompt: Prompt, usual: Usual, rng: np.random.Generator) -> list[Slot]:
    """The song's own lengths and gaps, dealt anew among its words."""
    return _laid(prompt, dealt(lengths_of(prompt.words), rng))


RULES: dict[str, tuple[str, Rule]] = {
    "constant": ("A word, a step", constant),
    "per-syllable": ("A syllable, a step", per_syllable),
    "marginal": ("Lengths and gaps of any words", marginal),
    "shuffled": ("The song's lengths and gaps, shuffled", shuffled),
}


def times(
    prompts: Sequence[Prompt],
    sampler: SamplerParams,
    params: StudyParams,
    rough: tuple[Phonemizer, RoughTimesParams],
    others: Mapping[str, Sequence[Prompt]] | None = None,
) -> Study:
    """The arms of all rules. `others`: prompts with times from elsewhere, by what they are called."""
    known = usual([prompt.words for prompt in prompts])
    ruled = {
        name: (title, [_ruled(prompt, rule, known, params.seed) for prompt in prompts])
        for name, (title, rule) in RULES.items()
    }
    told = {
        "rough": ("Rough times, as without a timing model", [_rough(prompt, *rough) for prompt in prompts]),
        **{f"given-{number}": (name, list(of)) for number, (name, of) in enumerate((others or {}).items())},
        "words-shuffled": ("Their own times, the words shuffled", with_words_dealt(prompts, params.seed)),
    }
    return Study(
        "times",
        "What are word times worth to this model?",
        "Songs whose singers vary their rhythm more, or a model that was trained longer, may need their times more.",
        tuple(
            metric.name
            for metric in (
                WER,
                ACOUSTIC_PER,
                WORD_START_MEDIAN,
                TRUE_START,
                STYLE_SIMILARITY,
                FAD,
                JUDGE_MEAN,
            )
        ),
        Arm("base", "The times as they are", prompts, sampler),
        [Arm(name, title, of, sampler) for name, (title, of) in {**ruled, **told}.items()],
    )


def _ruled(prompt: Prompt, rule: Rule, usual: Usual, seed: int) -> Prompt:
    if len(prompt.words) < 2:
        return prompt
    rng = np.random.default_rng([seed, int(fingerprint(prompt.song_id), 16)])
    return placed(prompt, rule(prompt, usual, rng))


def _rough(prompt: Prompt, phonemizer: Phonemizer, params: RoughTimesParams) -> Prompt:
    if not prompt.words:
        return prompt
    length_s = prompt.duration_s or prompt.words[-1].end_s
    laid = fitted_times(Lyrics(prompt.texts), length_s, phonemizer, params).words
    return placed(prompt, [(number, at.start_s, at.end_s) for number, at in enumerate(laid)])


def _laid(prompt: Prompt, lengths: Lengths) -> list[Slot]:
    """Words of these lengths and gaps, brought to fill the time from the first to the last word's end."""
    first_s, last_s = prompt.words[0].start_s, prompt.words[-1].end_s
    bounds_W2 = bounds(lengths)
    scale = (last_s - first_s) / max(bounds_W2[-1], 1e-9)
    bounds_s = np.clip(first_s + bounds_W2 * scale, first_s, last_s)
    starts_s, ends_s = bounds_s[::2].tolist(), bounds_s[1::2].tolist()
    return list(zip(range(len(prompt.words)), starts_s, ends_s, strict=True))
