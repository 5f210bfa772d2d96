"""``jam lyrics convert``: what it writes, what it says, and how it fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.commands.main import run
from tests.every import every

LRC = "[ti:Gate]\n[Verse]\n[00:01.00]Open the gate\n[00:03.00]Let it in\n[00:05.00]\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "song.txt"
    path.write_text(LRC)
    return path


def test_a_file_is_written_in_the_form_of_its_ending(
    source: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "song.TextGrid"
    assert run(["lyrics", "convert", str(source), str(out)]) == 0
    first, *rest = capfd.readouterr().out.splitlines()
    assert first == f"{out}: 6 words in 2 lines, TextGrid from LRC; lost: 1 label"
    assert rest[-1] == "  label 1: line 2: [Verse]"
    assert '"Object class' not in out.read_text() and 'text = "open the gate"' in out.read_text()


def test_a_form_can_be_asked_for(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "song.dat"
    assert run(["lyrics", "convert", str(source), str(out), "--to", "txt"]) == 0
    assert out.read_text() == "[Verse]\nopen the gate\nlet it in\n"


@every(
    ("name", "text", "words"),
    [
        ("song.xyz", LRC, ["song.xyz", ".lrc (LRC)"]),
        ("song.txt", LRC, ["is the file to read"]),
        ("song.lab", "no times here", ["time"]),
        ("song.lrc", '{"bpm": 90}', ["song.txt", "JSON"]),
        ("song.lrc", "", ["song.txt", "lyrics_empty"]),
        ("song.lrc", None, ["is no file"]),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_code_2(
    name: str, text: str | None, words: list[str], source: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    source.unlink() if text is None else source.write_text(text)
    before = source.read_bytes() if text is not None else b""
    assert run(["lyrics", "convert", str(source), str(source.parent / name)]) == 2
    shown = capfd.readouterr().err.strip()
    assert "\n" not in shown and all(word in shown for word in words), shown
    assert text is None or source.read_bytes() == before
    assert name == "song.txt" or not (source.parent / name).exists()
