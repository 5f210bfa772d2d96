"""Every form knows its own files, and no other form claims them."""

from __future__ import annotations

from tasks.lyrics.read import FORMS
from tests.every import every
from tests.tasks.lyrics.forms import (
    test_ass,
    test_midi,
    test_musicxml,
    test_subtitles,
    test_ttml,
    test_ultrastar,
)

LRC = "[ti:Open Gate]\n[00:01.00]<00:01.00>open <00:01.50>the gate\n"
WORDS = '[{"word": "open", "start": 1.0}]'
FILES = {
    "ASS": test_ass.TRUE,
    "LRC": LRC,
    "MIDI": test_midi.TRUE,
    "MusicXML": test_musicxml.TRUE,
    "SRT": test_subtitles.TRUE_SRT,
    "TTML": test_ttml.TRUE,
    "UltraStar": test_ultrastar.TRUE,
    "WebVTT": test_subtitles.TRUE_VTT,
    "words in JSON": WORDS,
    "zipped MusicXML": test_musicxml.zipped(song_musicxml=test_musicxml.TRUE),
}


@every("name", FILES)
def test_a_file_is_claimed_by_its_own_form_alone(name: str) -> None:
    file = FILES[name]
    data = file if isinstance(file, bytes) else file.encode()
    text = "" if isinstance(file, bytes) else file
    claims = [form.name for form in FORMS if form.fits(data if form.binary else text)]  # type: ignore[arg-type]
    assert claims == [name, "plain text"]
