"""Every block of README.md and docs/deploy.md typed literally into new shells, in a fresh clone and a new home.

    python bench/as_typed.py --out FILE        # Markdown: each line as it was typed, what it printed, code and seconds

The clone is of the last commit, with small numbers in its settings so that it ends within minutes; its environment has
the packages of this one. A block is one shell, whose lines are typed one after another. Words that stand for something
(`DIR`, `SONG`) are made or replaced, and told; what needs a machine that is not here is told, too, and not typed. `ray stop`
ends every Ray of this machine. Ends with 1 when a line failed that the page does not say may fail.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.flows.fresh_checkout import edit_settings, make_words_true, set_up
from tests.flows.test_lifecycle import SMALL

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("README.md", "docs/deploy.md")
NOT_TYPED = {
    "make test": "the tests; they have a step of their own",
    "scrape_configs:": "a piece of Prometheus' settings, not a command",
    "pip install prefect-kubernetes": "needs a Kubernetes cluster",
    "flows/": "the tree of the house",
}
"""Blocks or lines that begin so are told and not typed."""
MAY_FAIL = {"dvc exp run -S models.judge.model=songeval": "SongEval's weights are not here; the run says so"}
BEFORE = {
    "jam prepare --songs DIR --work W --set engine.address=auto": "ray start --head --num-cpus 4 --disable-usage-stats",
}
"""What the page says must stand before a line is typed."""
UNTIL_DONE = (
    "until COLUMNS=200 prefect flow-run ls --flow-name lifecycle | grep -E 'COMPLETED|FAILED|CRASHED|CANCELLED'; "
    "do sleep 3; done"
)
AFTER = {
    "prefect deployment run": [UNTIL_DONE, "prefect server stop", "kill %1"],
    "jam table --rates": ["ray stop"],
    "dvc exp run -S models.judge.model=songeval": ["git restore params.yaml params"],
}
"""What ends a block whose last line leaves something behind: programs that run, or settings of an experiment, which the
pages say how to take back."""
ENDED = re.compile(r"\n?@@ ([0-9]+) ([0-9]+)\n")
TOLD_LINES = 40


class Line(NamedTuple):
    """One line as it was typed."""

    said: str
    printed: str
    code: int
    seconds: int


def blocks(page: str) -> Iterator[tuple[str, list[str]]]:
    """The fenced blocks of a page, each under its heading, comments left out."""
    heading, block = "", None
    for line in page.splitlines():
        if line.lstrip().startswith("```"):
            if block:
                yield heading, block
            block = [] if block is None else None
        elif block is not None:
            if said := re.split(r" +# ", line.strip())[0]:
                block.append(said)
        elif line.startswith("#"):
            heading = line.strip("# ")


def typed(lines: list[str], folder: Path, environment: Mapping[str, str], limit_s: float) -> list[Line]:
    """What the lines printed, typed one after another into one new shell."""
    marked = "\n".join(
        f"begun=$SECONDS\n{line}\nprintf '\\n@@ %s %s\\n' $? $((SECONDS - begun))" for line in lines
    )
    shell = ["env", "-i", *[f"{name}={value}" for name, value in environment.items()], "bash"]
    with tempfile.TemporaryFile("w+") as told:
        process = subprocess.Popen(
            [*shell, "-c", marked], cwd=folder, stdout=told, stderr=told, start_new_session=True
        )
        with suppress(subprocess.TimeoutExpired):  # then the line that took so long ends with 124
            process.wait(limit_s)
        _end(process)
        told.seek(0)
        printed, *rest = ENDED.split(told.read())
    done = []
    for said in lines:
        if not rest:
            done.append(Line(said, printed, 124, round(limit_s)))
            break
        code, seconds, following = rest[:3]
        done.append(Line(said, printed.strip(), int(code), int(seconds)))
        printed, rest = following, rest[3:]
    return done


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def clone(folder: Path) -> Path:
    """A clone of the last commit with small numbers, set up."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    edit_settings(folder, SMALL)
    for command in ("config user.name a", "config user.email a@b.c", "commit --quiet --all --message small"):
        subprocess.run(["git", *command.split()], cwd=folder, check=True)
    set_up(folder)
    return folder


def words_in(folder: Path) -> dict[str, str]:
    """What is typed in place of some words, once `make demo` has run; others are made."""
    if not (folder / "DIR").exists():
        make_words_true(folder)
    return {
        "SONG": min((folder / "DIR").iterdir()).stem,
        "/mnt/dvc": str(folder.parent / "remote"),
        "steps=4000": "steps=40",  # small as the other numbers of this clone
    }


def main() -> None:
    """Type every block; write what was seen."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--limit-s", type=float, default=1800)
    options = parser.parse_args()
    failed = []
    with tempfile.TemporaryDirectory() as scratch, options.out.open("w") as out:
        folder, home = clone(Path(scratch) / "jam"), Path(scratch) / "home"
        home.mkdir()
        bare = {"HOME": str(home), "PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
        for page in PAGES:
            for heading, block in blocks((ROOT / page).read_text()):
                out.write(f"\n## {page}: {heading}\n\n")
                replaced = words_in(folder) if (folder / "data/raw/toy/songs").is_dir() else {}
                asked = []
                for line in block:
                    if reason := next(
                        (why for word, why in NOT_TYPED.items() if line.startswith(word)), None
                    ):
                        out.write(f"Not typed, `{line}`: {reason}.\n\n")
                        if line != "make test":
                            break
                        continue
                    for word, meant in replaced.items():
                        line = re.sub(rf"(?<!\w){re.escape(word)}\b", meant, line)
                    asked += [added for word, added in BEFORE.items() if line.startswith(word)]
                    asked += [
                        line,
                        *next((added for word, added in AFTER.items() if line.startswith(word)), []),
                    ]
                environment = (
                    {**bare, "PATH": f"{folder}/.venv/bin:{bare['PATH']}"} if page != PAGES[0] else bare
                )
                if page == PAGES[0] and asked and not asked[0].startswith(("make", ". ")):
                    asked = [". .venv/bin/activate", *asked]
                for line in typed(asked, folder, environment, options.limit_s) if asked else []:
                    may = next((why for word, why in MAY_FAIL.items() if line.said.startswith(word)), None)
                    failed += [line.said] if line.code and not may else []
                    shown = line.printed.replace(str(scratch), "").splitlines()
                    cut = [f"... ({len(shown) - TOLD_LINES} lines before)"] if len(shown) > TOLD_LINES else []
                    told = "\n".join([f"$ {line.said}", *cut, *shown[-TOLD_LINES:]])
                    out.write(
                        f"```\n{told}\n```\n\nExit {line.code}, {line.seconds} s{f': {may}' if may else ''}.\n\n"
                    )
                    out.flush()
    told = f"{len(failed)} lines failed: {'; '.join(failed)}" if failed else "every line did what it says"
    print(told, time.strftime("%F"))
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
