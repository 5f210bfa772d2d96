"""Did it forget? Old songs before and after, paired; unasked where none are named."""

from __future__ import annotations

from eval.results.headline import answers
from eval.results.report import Report
from tasks.benchmark.forgetting import forgetting, unasked
from tests.tasks.benchmark.test_system_metrics import measured, row

BOTH = ("s1", "s22")


def test_words_it_no_longer_sings_are_told_with_their_n_and_unnamed_songs_leave_the_question_open() -> None:
    knew = [row(song, "start", ["ab", "cd"], "abcd") for song in BOTH]
    lost = [row(song, "trained", ["ab", "xx"], "abxx") for song in BOTH]
    kept = [row("s1", "dpo", ["ab", "cd"], "abcd"), row("s22", "dpo", [], "", "timed_out")]
    old = measured(knew + lost + kept)
    words, style, words_dpo, style_dpo = forgetting(old, "start", ["dpo", "trained"], 0.05, "old.json")
    assert (words.name, words.left, words.right, words.estimate.value) == ("forgot", "trained", "start", 0.5)
    assert words.holds is False and "on 2 songs of old.json" in words.note
    assert (style.name, style.estimate.value) == ("forgot-style", 0.0)
    assert (words_dpo.name, words_dpo.estimate.value) == ("forgot-dpo", 0.0)
    assert (words_dpo.estimate.n, words_dpo.estimate.n_failed) == (1, 1)  # a song that failed is no song kept
    assert style_dpo.name == "forgot-style-dpo"
    (asked,) = unasked("start", ["trained"], 0.05)
    report = Report("R", [], [old.metric(asked.metric)], [asked])
    (answer,) = answers(report)
    assert (answer.question, answer.verdict) == ("Did it forget?", "open")
    assert "start.old_songs names no songs" in answer.text
