"""The same song in every form: whole, and as late as docs/formats.md says."""

from __future__ import annotations

import io
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tasks.audio.content import begin_of_sound, form_of
from tasks.audio.read import read_audio
from tests.every import every
from tests.tasks.audio.forms import FORMS, RATE_HZ, SECONDS, late_s, song
from tests.tasks.audio.test_read import LIMITS, reason

PAGE = Path(__file__).resolve().parents[3] / "docs" / "formats.md"
LARGE = LIMITS.model_copy(update={"max_bytes": 8_000_000})


@cache
def file_of(form: str) -> bytes:
    return FORMS[form][0]()


@every("form", FORMS)
def test_the_song_is_whole_and_as_late_as_is_stated(form: str) -> None:
    mix_CN, source = read_audio(io.BytesIO(file_of(form)), LARGE)
    stated_ms = FORMS[form][1]
    assert 1000 * late_s(mix_CN) == pytest.approx(stated_ms, abs=1.0)
    assert source.unstated_delay_s == (pytest.approx(stated_ms / 1000, abs=1e-5) if stated_ms else None)
    end_s = SECONDS + stated_ms / 1000
    assert end_s - 0.0001 <= source.duration_s <= end_s + 0.06, "a frame of padding at most, nothing lost"
    heard_N, wanted_N = mix_CN[0, round(late_s(mix_CN) * RATE_HZ) :], song()[0]
    assert np.corrcoef(heard_N[2000:60_000], wanted_N[2000:60_000])[0, 1] > 0.98


def test_the_page_has_every_form_with_its_delay() -> None:
    rows = re.findall(r"^\| ([^|]+?) \| ([\d.]+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert {name: float(delay) for name, delay in rows} == {name: ms for name, (_, ms) in FORMS.items()}
    assert len(FORMS) >= 25


@every("form", FORMS)
def test_its_bytes_alone_say_what_a_file_is(form: str) -> None:
    data = file_of(form)
    assert form_of(data, begin_of_sound(data)) is not None


@every("form", FORMS)
def test_no_form_passes_the_limits(form: str) -> None:
    assert reason(file_of(form), LARGE.model_copy(update={"max_seconds": 1.0})) == "too_long"
    assert reason(file_of(form), LARGE.model_copy(update={"max_channels": 1})) == "too_many_channels"
    assert reason(file_of(form), LARGE.model_copy(update={"max_rate_hz": 32_000})) == "bad_rate"


@every(
    "form",
    sorted(
        FORMS.keys()
        - {
            "MP3, constant rate, no header",
            "MP3, variable rate, no header",
            "MP3, Xing of 0 frames",
            "WAV from a pipe",
        }
    ),
)
@every("share", [0.3, 0.7])
def test_half_a_download_is_truncated_or_no_audio_yet(form: str, share: float) -> None:
    data = file_of(form)
    start = begin_of_sound(data)
    assert reason(data[: start + int((len(data) - start) * share)], LARGE) in ("truncated", "not_audio")
