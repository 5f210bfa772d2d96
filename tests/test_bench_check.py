"""`make bench-check` calls slower what is beyond the noise of the tag beside itself, and nothing else; its songs come from this tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from bench import start
from bench.check import NAMES, slower, with_work
from bench.start import Spent, lives
from tests.every import every

SECONDS = [
    (10.0, 10.0, False),
    (10.1, 20.0, True),
    (10.0, 10.6, True),  # beyond the margin, on a quiet machine
    (10.0, 10.4, False),
    (11.5, 11.4, False),  # as far off as the tag is from itself
    (8.0, 12.0, False),  # so is a tag that was faster the second time
]


@every("again, tree, is_slower", SECONDS)
def test_a_command_is_slower_only_beyond_noise_and_margin(again: float, tree: float, is_slower: bool) -> None:
    sides = {"tag": 10.0, "again": again, "tree": tree}
    spent = {side: [Spent(seconds, seconds)] * 3 for side, seconds in sides.items()}
    assert slower(spent, "wall_s")["slower"] is is_slower


def test_every_side_begins_with_what_the_newest_tree_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []

    def jam(tree: Path, given: Sequence[str], environment: Mapping[str, str]) -> Spent:
        asked.append((tree.name, given[0]))
        if given[0] == "run":
            shards = Path(given[given.index("--work") + 1]) / "shards"
            shards.mkdir(parents=True, exist_ok=True)
            (shards / "ids.jsonl").write_text('{"id": "one"}\n')
        return Spent(1.0, 1.0)

    monkeypatch.setattr(start, "jam", jam)
    trees = {"tag": tmp_path / "old", "again": tmp_path / "old", "tree": tmp_path / "new"}
    sides = lives(trees, tmp_path, 8, True, {})
    assert asked == [("new", "toy"), ("new", "run"), ("old", "run"), ("old", "run"), ("new", "run")]
    assert all({*sides[side], *with_work(tmp_path, side)} == {*NAMES} for side in trees)
