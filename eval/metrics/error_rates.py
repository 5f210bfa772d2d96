"""Word and phone error rates (insertions, deletions, substitutions): jiwer's counts a song, summed over the corpus before dividing.

The rate of a corpus is errors / reference tokens and is never capped: insertions can carry it above 1.
Empty references follow jiwer: their insertions still count, and a corpus without a single reference token
has as its rate the number of insertions (0 when nothing was heard).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from eval.metrics.metric import Corpus, SongMetric, Unmeasured, Values
from eval.metrics.song import Song
from eval.metrics.words import as_said, normalise_words
from eval.stats.intervals import Estimate, paired_rate_difference, rate
from eval.stats.significance import Alternative, detectable_rate_difference, paired_rate_p_value

NORMALISER = (
    "NFKC; lower case; text in [square brackets] (section tags, a recogniser's remarks) removed; (backing) words "
    "and ad-libs are words like any other, without their brackets; curly apostrophes made straight and kept "
    "inside a word; hyphens, dashes and slashes split words; numbers and the signs sung with them (100%, $5, &) read as "
    "English words, held letters cut (loooove); every other mark removed; a Han character or kana is a token of its own, so "
    "that Mandarin and Japanese are counted by characters"
)

SIGNS = "\u3005-\u3007\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
"""Han characters and kana, which are written without blanks between words: splits of readers would be compared, not words."""
UNIT = re.compile(f"[{SIGNS}]|[^{SIGNS}]+")
TAG = re.compile(r"\[[^\]]*\]")


@dataclass(frozen=True)
class ErrorCounts:
    """What happened to the reference tokens of one song, or, added up, of many."""

    hits: int
    substitutions: int
    deletions: int
    insertions: int

    @property
    def num_reference(self) -> int:
        return self.hits + self.substitutions + self.deletions

    @property
    def errors(self) -> int:
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float:
        """Errors a reference token; with no reference token the number of insertions, as jiwer has it."""
        return self.errors / self.num_reference if self.num_reference else float(self.insertions)

    def __add__(self, other: ErrorCounts) -> ErrorCounts:
        return ErrorCounts(
            self.hits + other.hits,
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
        )


NO_COUNTS = ErrorCounts(0, 0, 0, 0)


def normalise(words: Sequence[str]) -> list[str]:
    """The words as they are compared; `NORMALISER` says in a sentence what is done."""
    text = TAG.sub(" ", unicodedata.normalize("NFKC", " ".join(words)))
    units = [unit for word in normalise_words(text) for unit in UNIT.findall(word)]
    return [said for unit in units for said in as_said(unit)]


def count_errors(reference: Sequence[str], hypothesis: Sequence[str]) -> ErrorCounts:
    """Align two lists of tokens (words or phones) with the fewest edits and count them.

    Raises:
        ValueError: a token is empty or holds white space, which would change the number of tokens.
    """
    import jiwer

    for side, tokens in (("reference", reference), ("hypothesis", hypothesis)):
        for position, token in enumerate(tokens):
            if not token or token.split() != [token]:
                raise ValueError(
                    f"{side}[{position}] is {token!r}: a token must be one non-empty word without white space; "
                    "normalise() makes such words"
                )
    output = jiwer.process_words(" ".join(reference), " ".join(hypothesis))
    return ErrorCounts(output.hits, output.substitutions, output.deletions, output.insertions)


def corpus_counts(songs: Sequence[ErrorCounts | None]) -> ErrorCounts:
    """The counts of all songs that have them, added up."""
    return sum((song for song in songs if song is not None), NO_COUNTS)


def fractions(songs: Sequence[ErrorCounts | None]) -> tuple[list[float | None], list[float | None]]:
    """Errors and reference tokens, a song each; None for a failed one."""
    errors: list[float | None] = [None if song is None else song.errors for song in songs]
    return errors, [None if song is None else song.num_reference for song in songs]


@dataclass(frozen=True, kw_only=True)
class RateMetric(SongMetric):
    """An error rate: a song's value is its `ErrorCounts`, the corpus rate the sum over the sum."""

    def pooled(self, values: Values) -> ErrorCounts:
        return corpus_counts(values)

    def score(self, value: ErrorCounts | None) -> float | None:
        return None if value is None else value.rate

    def estimate(self, values: Values, corpus: Corpus) -> Estimate:
        return rate(*fractions(values), corpus.resampling)

    def difference(self, values: Values, others: Values, corpus: Corpus) -> Estimate:
        return paired_rate_difference(*fractions(values), *fractions(others), corpus.resampling)

    def p_value(
        self,
        values: Values,
        others: Values,
        corpus: Corpus,
        alternative: Alternative = "two-sided",
        margin: float = 0.0,
    ) -> float | None:
        return paired_rate_p_value(
            *fractions(values), *fractions(others), corpus.resampling, alternative, margin
        )

    def detectable(self, values: Values, others: Values, difference: Estimate) -> float | None:
        return detectable_rate_difference(*fractions(values), *fractions(others))

    def failed_as_one(self, columns: Mapping[str, Values]) -> dict[str, Values]:
        """A song without counts misses all that any system was asked of it."""
        reference = [
            next((one.num_reference for one in song if one), None)
            for song in zip(*columns.values(), strict=True)
        ]
        missed = [None if few is None else ErrorCounts(0, 0, few, 0) for few in reference]
        return {
            name: [one or lost for one, lost in zip(values, missed, strict=True)]
            for name, values in columns.items()
        }


@lru_cache(maxsize=1)
def _word_errors(song: Song) -> ErrorCounts | Unmeasured | None:
    """Kept for one song, since two metrics take it in turn."""
    hypothesis = song.row.get("transcript")
    if hypothesis is None or not song.words_asked:
        return _untranscribed(song)
    return count_errors(normalise(song.texts), normalise(list(hypothesis)))


def _untranscribed(song: Song) -> Unmeasured | None:
    """Why a song has no error counts: its set asks for no words, it was dropped, or nobody here hears its language."""
    if not song.words_asked:
        return NO_WORDS
    return None if song.failed else NOT_HEARD


def _phone_errors(song: Song) -> ErrorCounts | Unmeasured | None:
    if song.transcript_phones is None or not song.words_asked:
        return _untranscribed(song)
    return count_errors(song.phones, song.transcript_phones)


def _acoustic_errors(song: Song) -> ErrorCounts | Unmeasured | None:
    if song.row.get("transcript") is None or not song.words_asked:
        return _untranscribed(song)
    hypothesis = song.row["transcript_phones"]
    return NO_PHONES if hypothesis is None else count_errors(song.phones, list(hypothesis))


def _above_one(song: Song) -> float | Unmeasured | None:
    counts = _word_errors(song)
    return float(counts.rate > 1) if isinstance(counts, ErrorCounts) else counts


NO_WORDS = Unmeasured("not measured: these songs ask for no words")
NOT_HEARD = Unmeasured("not measured: this transcriber does not hear the language of the song")
NO_PHONES = Unmeasured("not measured: this transcriber writes no phones")
WER = RateMetric(
    name="wer",
    title="WER",
    source="jiwer; Morris et al. 2004",
    range="[0, inf)",
    direction="lower",
    unit="",
    protocol="Words that the transcriber reads in the vocals, separated from the mix as far as the reference end, "
    "against the reference lyrics, summed over songs: (substitutions + deletions + insertions) / reference words, not "
    "capped. Lyrics that the transcriber itself wrote are no reference. "
    f"Normaliser: {NORMALISER}.",
    percent=True,
    decimals=1,
    measure=_word_errors,
    columns=("transcript",),
)
PER = RateMetric(
    name="per",
    title="PER",
    source="jiwer over phones",
    range="[0, inf)",
    direction="lower",
    unit="",
    protocol="Phones of the transcript's words against phones of the reference words, one phonemizer for "
    "both, stress, '_' and punctuation removed; summed over songs, not capped.",
    percent=True,
    decimals=1,
    measure=_phone_errors,
    columns=("transcript",),
)
ACOUSTIC_PER = RateMetric(
    name="acoustic_per",
    title="Acoustic PER",
    source="jiwer over phones",
    range="[0, inf)",
    direction="lower",
    unit="",
    protocol="The recogniser's own phones, before any lexicon, against phones of the reference words; "
    "summed over songs, not capped.",
    percent=True,
    decimals=1,
    measure=_acoustic_errors,
    columns=("transcript", "transcript_phones"),
)
ABOVE_ONE = SongMetric(
    name="wer_above_one",
    title="Songs with WER above 1",
    source="ours",
    range="[0, 1]",
    direction="lower",
    unit="",
    protocol="Share of the songs with more word errors than reference words: what an uncapped rate rests on.",
    percent=True,
    decimals=1,
    measure=_above_one,
    columns=("transcript",),
)
