"""Has something become slower? Commands of the last tag and of this tree in turns (`make bench-check`).

    python bench/check.py                        # against the last tag; ends with 1 when a command became slower
    python bench/check.py --against COMMIT --turns 7

Three sides take turns: the tag, the tag once more, and this tree. The two alike say what noise is on this machine today;
a command became slower when its median ratio is above the largest ratio of the two alike, and above a margin. Beside the
commands of `bench/start.py` there are three with work in them: songs prepared afresh, a short training, a generation.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.measuring import RESULTS, machine, options_parser, write_result
from bench.start import HERE, Spent, Turns, bare_environment, in_turns, lives

MARGIN = 0.05
"""A ratio this near 1 is never called slower."""
STEPS, SONGS = 60, 12
EVERY = ("steps", "checkpoint_every_steps", "validate_every_steps")
NAMES = (
    *("help", "table", "report", "why", "look", "pairs", "plan", "verify", "doctor"),
    *("prepare", "run", "prepare songs", "train", "generate"),
)
HOW = ("--style", "bright pop, female voice", "--bpm", "120")


def with_work(here: Path, side: str) -> dict[str, list[str]]:
    """Commands that have something to do, in a folder that is as new before each of them (`make_fresh`)."""
    settings = ["--params", str(here / "params.yaml")]
    fresh = here / f"{side}-fresh"
    trained = [f"--set=pretrain.{name}={STEPS}" for name in EVERY]
    made = ["--work", str(here / side), "--out", str(fresh / "sung")]
    (here / "song.txt").write_text("the moon is high\nwe sing along\n")
    return {
        "prepare songs": [
            "prepare",
            "--songs",
            str(here / "toy" / "songs"),
            "--work",
            str(fresh / "W"),
            *settings,
        ],
        "train": ["train", "--work", str(fresh / "packed"), *settings, *trained],
        "generate": ["generate", *made, "--lyrics", str(here / "song.txt"), *HOW, *settings],
    }


def make_fresh(here: Path, side: str) -> None:
    """What the commands of `with_work` find: no work folder, and one with shards alone."""
    fresh = here / f"{side}-fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(here / side / "shards", fresh / "packed" / "shards")


def slower(spent: Mapping[str, Sequence[Spent]], field: str) -> dict[str, Any]:
    """The ratio of this tree to the tag, the noise of the tag to itself, and whether the first is beyond the second."""
    tag, again, tree = ([getattr(turn, field) for turn in spent[side]] for side in ("tag", "again", "tree"))
    alike = [b / a for a, b in zip(tag, again, strict=True)]
    noise = max(max(ratio, 1 / ratio) for ratio in alike)
    ratio = statistics.median(b / a for a, b in zip(tag, tree, strict=True))
    return {
        "tag_s": round(statistics.median(tag), 3),
        "tree_s": round(statistics.median(tree), 3),
        "ratio": round(ratio, 3),
        "noise": round(noise, 3),
        "slower": ratio > max(noise, 1 + MARGIN),
    }


def verdicts(spent: Turns) -> dict[str, dict[str, Any]]:
    """Of every command its seconds of wall and of processor."""
    return {name: {field: slower(sides, field) for field in Spent._fields} for name, sides in spent.items()}


def last_tag() -> str:
    """The last tag before this commit.

    Raises:
        SystemExit: there is none.
    """
    asked = ["git", "describe", "--tags", "--abbrev=0"]
    found = subprocess.run(asked, cwd=HERE, capture_output=True, text=True, check=False)
    if found.returncode:
        raise SystemExit("there is no tag yet to compare with; name a commit with --against")
    return found.stdout.strip()


@contextmanager
def checked_out(commit: str, folder: Path) -> Iterator[Path]:
    """A worktree of a commit, for as long as it is needed.

    Raises:
        SystemExit: Git does not know the commit.
    """
    made = subprocess.run(
        ["git", "worktree", "add", "--detach", "--quiet", str(folder), commit],
        cwd=HERE,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise SystemExit(f"--against: {made.stderr.strip().splitlines()[-1]}")
    try:
        yield folder
    finally:
        subprocess.run(["git", "worktree", "remove", "--force", str(folder)], cwd=HERE, check=False)


def main() -> None:
    """Measure in turns, print what became slower, end with 1 if anything did."""
    parser = options_parser(__doc__)
    parser.add_argument("--against", help="a commit or tag; the last tag unless given")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--only", nargs="*", choices=NAMES, help="these commands alone")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    against = options.against or last_tag()
    with tempfile.TemporaryDirectory() as scratch, checked_out(against, Path(scratch) / "tag") as tag:
        here = Path(scratch) / "here"
        here.mkdir()
        trees = {"tag": tag, "again": tag, "tree": HERE}
        environment = bare_environment(here)
        sides = lives(trees, here, SONGS, True, environment)
        asked = {
            side: {name: given for name, (_, given) in known.items()} | with_work(here, side)
            for side, known in sides.items()
        }
        if options.only:
            asked = {side: {name: given[name] for name in options.only} for side, given in asked.items()}
        *_, (spent, _) = in_turns(trees, asked, options.turns, environment, before=partial(make_fresh, here))
    found = verdicts(spent)
    late = [name for name, fields in found.items() if any(told["slower"] for told in fields.values())]
    told = {
        "against": against,
        "turns": options.turns,
        "machine": machine("ray", "prefect"),
        "commands": found,
    }
    write_result("check", told, options.out)
    print(f"slower than {against}: {', '.join(late)}" if late else f"nothing is slower than {against}")
    sys.exit(bool(late))


if __name__ == "__main__":
    main()
