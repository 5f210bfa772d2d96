"""Whisper writes what its net says, normalised and timed, and no phones; and it lays given words."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from flows.settings.params import load_params
from jam_model.words import Word
from tasks.engine.song import Refused
from tasks.engine.stage import BadModel
from tasks.models.aligner import Line, build_aligner, for_song
from tasks.models.real.whisper import timed_words
from tasks.models.transcriber import Transcript, build_transcriber
from tests.every import every
from tests.tasks.models.checkpoints.whisper import write_whisper
from tests.tasks.models.voices import choosing, vocals, whisper_params

WRITTEN = [
    "hello",
    "twenty",
    "one",
    "moons",
]  # what tests.tasks.models.checkpoints.whisper writes, normalised
SUNG = ["hello", "moons", "über", "日本"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_whisper(tmp_path_factory.mktemp("whisper") / "net")


def texts(heard: Transcript) -> list[str]:
    return [word.text for word in heard.words]


def in_order(heard: Transcript, seconds: float) -> bool:
    times = [time_s for word in heard.words for time_s in (word.start_s, word.end_s)]
    return times == sorted(times) and times[0] >= 0 and times[-1] <= seconds


def test_words_are_normalised_timed_and_scored_and_phones_are_not_heard(folder: Path) -> None:
    heard = build_transcriber(whisper_params(folder, vad=False)).transcribe(vocals(4.0))
    assert texts(heard) == WRITTEN and in_order(heard, 4.0)
    assert all(0.99 < word.score <= 1 for word in heard.words)
    assert heard.phones is None and heard.language == "en"


def test_without_voice_detection_every_window_of_thirty_seconds_is_heard(folder: Path) -> None:
    heard = build_transcriber(whisper_params(folder, vad=False)).transcribe(vocals(65.0))
    assert texts(heard) == WRITTEN * 3 and in_order(heard, 65.0)
    assert [word.start_s // 30 for word in heard.words[::4]] == [0, 1, 2]


def test_voice_detection_hears_a_singer_and_nothing_in_silence(folder: Path) -> None:
    transcriber = build_transcriber(whisper_params(folder, vad=True))
    assert texts(transcriber.transcribe(vocals(8.0)))[:4] == WRITTEN
    assert transcriber.transcribe(np.zeros(44_100 * 3, np.float32)) == Transcript([], None, None)


def test_the_same_sound_gives_the_same_words_and_batches_do_not_matter(folder: Path) -> None:
    vocals_N = vocals(65.0)
    one, two = (build_transcriber(whisper_params(folder, vad=False, batch_size=n)) for n in (1, 2))
    heard = one.transcribe(vocals_N)
    assert heard == one.transcribe(vocals_N)
    batched = two.transcribe(vocals_N)
    assert texts(batched) == texts(heard)
    for alone, together in zip(heard.words, batched.words, strict=True):
        assert together.start_s == pytest.approx(alone.start_s, abs=0.041)
        assert together.score == pytest.approx(alone.score, abs=1e-4)


def test_a_language_can_be_asked_for_and_must_be_known(folder: Path) -> None:
    french = build_transcriber(whisper_params(folder, vad=False, language="fr"))
    assert french.transcribe(vocals(3.0)).language == "fr"
    with pytest.raises(
        BadModel, match=r"models.transcriber.whisper.language is 'klingon'; choose null or one of: af"
    ):
        build_transcriber(whisper_params(folder, language="klingon"))


def test_below_the_least_confidence_there_are_no_words(folder: Path) -> None:
    sure = build_transcriber(whisper_params(folder, vad=False), min_confidence=0.9)
    never = build_transcriber(whisper_params(folder, vad=False), min_confidence=1.1)
    assert texts(sure.transcribe(vocals(3.0))) == WRITTEN
    assert never.transcribe(vocals(3.0)) == Transcript([], None, None)


def segment(*words: tuple[str, float, float, float], no_speech: float = 0.0) -> Any:
    named = [SimpleNamespace(word=w, start=start, end=end, probability=p) for w, start, end, p in words]
    return SimpleNamespace(words=named, no_speech_prob=no_speech, avg_logprob=-2.0 if no_speech else -0.1)


def test_words_stay_in_order_and_within_the_song() -> None:
    timed = timed_words(
        [segment((" One", 0.0, 1.2, 0.5), (" two", 1.0, 1.1, 0.0), (" three", 2.0, 9.0, 1.0))], 3.0
    )
    assert [(w.text, w.start_s, w.end_s) for w in timed] == [
        ("one", 0.0, 1.2),
        ("two", 1.2, 1.2),
        ("three", 2.0, 3.0),
    ]
    assert all(0 < word.score <= 1 for word in timed)


def test_marks_are_no_words_and_hyphens_share_their_time() -> None:
    timed = timed_words([segment((" ♪", 0.0, 1.0, 0.9), (" yeah-yeah", 1.0, 2.0, 0.9))], 3.0)
    assert [(w.text, w.start_s, w.end_s) for w in timed] == [("yeah", 1.0, 1.5), ("yeah", 1.5, 2.0)]


def test_what_is_written_over_silence_is_left_out() -> None:
    assert timed_words([segment((" Thanks", 0.0, 1.0, 0.3), no_speech=0.9)], 3.0) == []


def test_a_precision_this_device_does_not_have_is_refused(folder: Path) -> None:
    with pytest.raises(
        BadModel,
        match=r"precision is 'float16', which this cpu does not compute in; choose one of: .*float32",
    ):
        build_transcriber(whisper_params(folder, precision="float16"))


def test_another_number_of_bands_is_refused(tmp_path: Path) -> None:
    folder = write_whisper(tmp_path / "net")
    (folder / "preprocessor_config.json").write_text('{"feature_size": 80}')
    with pytest.raises(BadModel, match="gives 80 bands, the net takes 128"):
        build_transcriber(whisper_params(folder))


def test_vocals_must_be_mono(folder: Path) -> None:
    with pytest.raises(ValueError, match="mono"):
        build_transcriber(whisper_params(folder)).transcribe(np.zeros((2, 44_100), np.float32))


def test_identity_is_the_content(folder: Path) -> None:
    identity = whisper_params(folder).identity()
    assert (
        identity.startswith("whisper-v2@") and identity == build_transcriber(whisper_params(folder)).identity
    )


def test_words_of_any_language_come_back_in_order_and_scored_with_lines_and_without(folder: Path) -> None:
    params = choosing(load_params().models.aligner, "whisper", folder, vad=False)
    aligner = build_aligner(params)
    assert aligner.identity == params.identity() and aligner.identity.startswith("whisper-words-v")
    assert params.languages == "many" and params.hears("de")
    assert aligner._transcriber.net is build_transcriber(whisper_params(folder)).net
    given = [(text, "a") for text in SUNG * 5]
    sung_N = vocals(40.0)
    for language in ("de", None):
        for lines in (None, [Line(0, 9, 3.0, 8.0), Line(12, 19, 30.5, 39.0)]):
            laid = for_song(aligner, language).align(sung_N, given, lines)
            assert [word.text for word in laid] == SUNG * 5
            assert all(0 < (word.score or 0) <= 1 and 0 <= word.start_s < word.end_s <= 40.0 for word in laid)
            assert all(one.end_s <= other.start_s + 1e-9 for one, other in pairwise(laid))
    assert laid[12].start_s >= 30.5 - params.line_tolerance_s
    phones = aligner.phones(sung_N, [Word("na", 1.0, 1.5, "nɑ")])
    assert [phone.score for phone in phones[0]] == [None, None]


@every(
    ("words", "lines", "reason"),
    [
        ([], None, "no_words"),
        ([""], None, "no_phones"),
        (["a"] * 200, None, "too_many_words"),
        (["a", "b"], [Line(0, 5, 0.0, 1.0)], "line_times"),
        (["a", "b"], [Line(0, 1, 50.0, 51.0)], "line_times"),
        (["a", "b"], [Line(1, 1, 0.0, 1.0), Line(0, 0, 1.0, 2.0)], "line_times"),
    ],
)
def test_what_cannot_be_laid_is_refused(
    folder: Path, words: list[str], lines: list[Line] | None, reason: str
) -> None:
    aligner = build_aligner(choosing(load_params().models.aligner, "whisper", folder, vad=False))
    with pytest.raises(Refused) as refused:
        aligner.align(vocals(2.0), [(word, "") for word in words], lines)
    assert refused.value.reason == reason
