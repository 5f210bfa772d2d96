"""A checkout as a newcomer has it after set-up, with small numbers in its settings, and a new shell to type into."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.tasks.tiny import write_song

ROOT = Path(__file__).resolve().parents[2]
PARTS = (
    "flows",
    "tasks",
    "jam_model",
    "eval",
    "params",
    "params.yaml",
    "Makefile",
    "pyproject.toml",
    "requirements.lock",
)
COMMANDS = {
    "jam": "flows.commands.main:main",
    "prefect": "prefect.cli:app",
    "dvc": "dvc.cli:main",
    "ray": "ray.scripts.scripts:main",
}
"""What set-up leaves in an environment's `bin`, and what each calls."""


def fresh_checkout(folder: Path, settings: Mapping[str, Any]) -> Path:
    """The project in `folder`, set up as `make setup` leaves it; ``section.key`` of `settings` edited in its files."""
    folder.mkdir()
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copyfile
        copy(ROOT / part, folder / part)
    edit_settings(folder, settings)
    set_up(folder)
    return folder


def set_up(folder: Path) -> None:
    """An environment for the checkout; its packages are those of this one, since to install them again takes minutes."""
    venv = folder / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    packages = next(venv.glob("lib/python*/site-packages"))
    (packages / "here.pth").write_text(f"{folder}\n{sysconfig.get_path('purelib')}\n")
    for name, called in COMMANDS.items():
        module, function = called.split(":")
        command = venv / "bin" / name
        command.write_text(
            f"#!{venv / 'bin' / 'python'}\nimport sys\nfrom {module} import {function}\nsys.exit({function}())\n"
        )
        command.chmod(0o755)
    (venv / "ready").touch()


def edit_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    """``section.key`` of `settings` written into the params files of the checkout."""
    for path in [folder / "params.yaml", *(folder / "params" / "base").glob("*.yaml")]:
        values = yaml.safe_load(path.read_text())
        for name, value in settings.items():
            section, key = name.split(".")
            if section in values:
                values[section][key] = value
        path.write_text(yaml.safe_dump(values, sort_keys=False))


def make_words_true(folder: Path) -> None:
    """What words of the README stand for: DIR, C, FILE, song.txt and inputs/, made from the toy songs of `make demo`."""
    songs = folder / "data/raw/toy/songs"
    (folder / "DIR").symlink_to(songs)
    (folder / "C").symlink_to(folder / "data/checkpoints/sft")
    listed = (songs.parent / "manifest.json").read_text()
    (folder / "FILE").write_text(listed.replace('"songs/', '"DIR/'))
    (folder / "song.txt").write_text("the moon is high\nwe sing along\n")
    write_song(folder / "inputs/style.wav", 3.0)
    word = {"word": "moon", "start": 0.5, "end": 1.0}
    (folder / "inputs/lyrics.json").write_text(json.dumps({"word": [word], "char": [], "segment": []}))
    asked = {"id": "one", "lrc_path": "lyrics.json", "audio_path": "style.wav", "duration": 2.0}
    (folder / "inputs/input.json").write_text(json.dumps([asked]))


def blocks(page: str) -> list[list[str]]:
    """The commands of each block of a page of Markdown, without what is said of them."""
    found = re.findall(r"^```(?:sh|bash)?\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    return [
        [said for line in block.splitlines() if (said := line.partition(" # ")[0].strip())] for block in found
    ]


def typed(lines: Sequence[str], folder: Path, timeout_s: float = 600) -> str:
    """What the lines print, typed one after another into a new shell in `folder` whose home is new too; each must end with 0."""
    home = folder.parent / "home"
    home.mkdir(exist_ok=True)
    shell = ["env", "-i", f"HOME={home}", "PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", "bash", "-ec"]
    done = subprocess.run(
        [*shell, "\n".join(lines)], cwd=folder, capture_output=True, text=True, timeout=timeout_s, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
