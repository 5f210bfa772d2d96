"""A word without its option is answered with the option that was meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.commands.main import run

MEANT = {
    "prepare songs": "use --songs songs",
    "run songs": "use --songs songs",
    "prepare W": "use --work W",  # it is a work folder
    "prepare --songs a b": "use --work b",  # its songs are given
    "prepare s3://bucket/songs": "use --songs s3://bucket/songs",
    "prepare filter.min_alignment=0.3": "use --set filter.min_alignment=0.3",
    "prepare --set sft.seed=1 sft.steps=3": "use --set sft.steps=3",  # there may be several
    "train params/real.yaml": "use --params params/real.yaml",
    "toy 24": "use --songs 24",
    "toy folder": "use --out folder",
    "calibrate --songs labels.json limits.yaml": "use --params limits.yaml",
    "generate --checkpoint C --out O song.txt": "use --lyrics song.txt",
    "generate --checkpoint C --out O list.json": "use --manifest list.json",
    "benchmark ours=DIR": "use --system ours=DIR",
    "benchmark list.csv": "use --manifest list.csv",
    "study times C": "use --checkpoint C",  # there is a model in it
    "dpo W": "use --work W",
    "sweep W": "use --work W",
    "report W": "use --work W",
    "table W": "use --work W",
    "verify W": "use --work W",
    "prune W": "use --work W",
    "why align W": "use --work W",
    "forget song W": "use --work W",
    "look hello moon": "several words are one argument in quotes",
    "pairs 1 2": "its options: --",
    "train --songs x": "No such option: --songs; `jam train` takes --from, --plan, --work, --params, --set",
}


def test_stray_argument_is_answered_with_the_option_that_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "W" / "table").mkdir(parents=True)
    (tmp_path / "C").mkdir()
    (tmp_path / "C" / "model.safetensors").touch()
    wrong = []
    for line, words in MEANT.items():
        code, said = run(line.split()), capfd.readouterr().err
        if code != 2 or words not in said or said.count("\n") != 1:
            wrong.append((line, code, said))
    assert not wrong


def test_word_that_can_be_no_path_is_one_line_too(capfd: pytest.CaptureFixture[str]) -> None:
    for word in ("", " ", "x" * 5000, "a/" * 3000):
        assert run(["prepare", word]) == 2
        assert capfd.readouterr().err.count("\n") == 1


def test_argument_with_spaces_stays_whole(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "my songs").mkdir()
    assert run(["prepare", str(tmp_path / "my songs")]) == 2
    assert f"use --songs '{tmp_path / 'my songs'}'" in capfd.readouterr().err
