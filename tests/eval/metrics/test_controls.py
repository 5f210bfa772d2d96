"""The scores of controls equal mir_eval's on random songs, and say nothing where there is nothing to say."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from bench.scores import chroma_cosine
from eval.metrics.controls.beats import beat_f1
from eval.metrics.controls.chord_labels import NAMES, QUALITIES, chord_of
from eval.metrics.controls.chords import Rule, Spans, chord_accuracy, label_at, majmin, sevenths
from eval.metrics.controls.frame_iou import frame_iou
from eval.metrics.controls.melody import melody_scores
from eval.metrics.controls.tempo import tempo_right

SEEDS = range(20)
LABELS = ["N", "X", *(f"{root}:{quality}" for root in ("C", "Eb", "F#") for quality in QUALITIES if quality)]
LABELS += ["C", "Gb/3", "C:sus4(b7)", "C:min(*b3)", "C:(1,3,5,b7)", "Eb:maj7/7", "C:maj(9)", "Cb:min"]


def drawn_chords(generator: np.random.Generator, labels: list[str], from_s: float, to_s: float) -> Spans:
    edges = [from_s, *np.sort(generator.uniform(from_s, to_s, 6)).tolist(), to_s]
    return [(a, b, str(generator.choice(labels))) for a, b in pairwise(edges)]


def test_chords_melody_beats_and_tempo_score_as_mir_eval_has_them() -> None:
    mir_eval = pytest.importorskip("mir_eval")

    def theirs(truth: Spans, found: Spans, name: str) -> float:
        true, heard = (np.array([span[:2] for span in side]) for side in (truth, found))
        heard, labels = mir_eval.util.adjust_intervals(
            heard, [span[2] for span in found], true.min(), true.max(), "N", "N"
        )
        spans, one, other = mir_eval.util.merge_labeled_intervals(
            true, [span[2] for span in truth], heard, labels
        )
        return mir_eval.chord.weighted_accuracy(
            getattr(mir_eval.chord, name)(one, other), mir_eval.util.intervals_to_durations(spans)
        )

    rules: tuple[tuple[str, Rule], ...] = (("majmin", majmin), ("sevenths", sevenths))
    for seed in SEEDS:
        generator = np.random.default_rng(seed)
        few = [str(label) for label in generator.choice(LABELS, 4)] + ["C:maj"]
        truth = drawn_chords(generator, few, 0.0, 9.0)
        found = drawn_chords(generator, few, *(0.5, 8.0) if seed % 2 else (0.0, 11.0))
        for name, rule in rules:
            ours = chord_accuracy(truth, found, rule)
            assert (ours or 0) == pytest.approx(theirs(truth, found, name), abs=1e-9), (seed, name)
        midi_T, voiced_T = generator.uniform(40, 44, 60), generator.random(60) < 0.6
        true_T = np.where(generator.random(60) < 0.7, generator.uniform(40, 44, 60) + 12 * (seed % 2), np.nan)
        scores = melody_scores(true_T, midi_T, voiced_T)
        sides = np.isfinite(true_T), np.nan_to_num(100 * true_T), voiced_T, 100 * midi_T
        sides = tuple(np.asarray(side, float) for side in sides)
        assert [scores.raw_pitch, scores.raw_chroma, scores.overall] == pytest.approx(
            [
                getattr(mir_eval.melody, f"{name}_accuracy")(*sides)
                for name in ("raw_pitch", "raw_chroma", "overall")
            ]
        ), seed
        assert [scores.voicing_recall, scores.voicing_false_alarm] == pytest.approx(
            mir_eval.melody.voicing_measures(sides[0], sides[2])
        )
        true_s, found_s = (np.sort(generator.uniform(0, 5, generator.integers(1, 30))) for _ in range(2))
        assert beat_f1(true_s, found_s) == pytest.approx(
            mir_eval.beat.f_measure(true_s, found_s, f_measure_threshold=0.07)
        ), seed
        true_bpm, bpm = generator.uniform(60, 66, 2)
        hit = mir_eval.tempo.detection(np.array([true_bpm, 0.0]), 1.0, np.array([bpm, bpm]), tol=0.04)[0]
        assert tempo_right(true_bpm, bpm)[0] == bool(hit), seed


def test_a_label_says_its_tones_a_frame_its_label_and_what_is_no_label_is_refused() -> None:
    for label, tones in (
        ("Bb:sus4(b7)", (0, 5, 7, 10)),
        ("N", ()),
        ("X", None),
        ("C:9", (0, 4, 7, 10)),
        ("A/b3", (0, 4, 7)),
    ):
        assert chord_of(label).tones == tones, label
    assert [chord_of(name).root for name in NAMES] == list(range(12)) and chord_of("C:maj7/3").bass == 4
    for wrong in ("", "H", "C:", "C:blues", "C:maj/0", "C:maj/b14", "c"):
        with pytest.raises(ValueError, match=r"no chord|no degree"):
            chord_of(wrong)
    spans = [(0.0, 1.0, "C"), (1.0, 2.0, "F"), (3.0, 4.0, "G")]
    assert [label_at(spans, time_s) for time_s in (0.0, 1.0, 2.5, 3.9, 4.0)] == ["C", "F", "N", "G", "N"]


def test_where_nothing_is_measured_there_is_no_score_and_not_0() -> None:
    assert chord_accuracy([(0.0, 1.0, "C:dim")], [(0.0, 1.0, "C:dim")], majmin) is None
    assert chord_accuracy([], [], sevenths) is None
    nobody = melody_scores(np.full(3, np.nan), np.zeros(3), np.array([True, False, False]))
    assert nobody.raw_pitch is None and nobody.voicing_false_alarm == pytest.approx(1 / 3)
    assert nobody.overall == pytest.approx(2 / 3)
    assert beat_f1([], [1.0]) is None and beat_f1([1.0], []) == 0.0
    assert tempo_right(120, 60) == (False, True) and tempo_right(120, None) == (False, False)
    assert frame_iou([None], [None]) == (None, None) and frame_iou(["C", None], ["C", "F"]) == (0.5, 1.0)
    right = 0.6
    iou, share = frame_iou(["C"] * 10, ["C"] * 6 + ["F"] * 4)
    assert (iou, share) == pytest.approx((right / (2 - right), right))
    one_TP = np.eye(12)[[0, 4, 7, 0]]
    other_TP = np.stack([one_TP[0], one_TP[0] + one_TP[1], np.zeros(12), one_TP[0]])
    assert chroma_cosine(one_TP, other_TP) == pytest.approx((1 + 2**-0.5 + 0 + 1) / 4)
    assert chroma_cosine(np.zeros((2, 12)), one_TP[:2]) is None
    with pytest.raises(ValueError, match="one label a frame"):
        frame_iou(["C"], [])
    with pytest.raises(ValueError, match="give one of each a frame"):
        melody_scores(np.zeros(2), np.zeros(1), np.zeros(1, bool))
