"""`make bench-check` calls slower what is beyond the noise of the tag beside itself, and nothing else."""

from __future__ import annotations

from bench.check import slower
from bench.start import Spent
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
