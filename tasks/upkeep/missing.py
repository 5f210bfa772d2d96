"""Of files that are gone from a work folder, which are missed: those that nothing replaces. All are paths below it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable

RECEIPTS = "receipts/"
OF_PARTITION = re.compile(r"(?P<folder>.+)/(?P<stem>part-(?P<number>\d+)-[0-9a-f]+)\.[a-z.]+")
OF_STEP = re.compile(r"(?P<steps>.+/steps)/step-(?P<step>\d+)/.+")


def missed(gone: Iterable[str], standing: Collection[str]) -> set[str]:
    """Those of `gone` that must be there, while the files of `standing` are.

    A file of a partition need not: one made from other settings stands, or the stub of a column file. Nor need a
    checkpoint, where the run has a later one. A receipt is missed where its column file stands or is missed.
    """
    files, receipts = set[str](), set[str]()
    for name in gone:
        (receipts if name.startswith(RECEIPTS) else files).add(name)
    replacing = _Replacing(standing)
    found = {name for name in files if not replacing.has(name)}
    stems = replacing.stems | {part["stem"] for part in map(OF_PARTITION.fullmatch, found) if part}
    parts = filter(None, map(OF_PARTITION.fullmatch, receipts))
    return found | {part[0] for part in parts if part["stem"] in stems}


class _Replacing:
    """What stands, as far as it can take the place of something else."""

    def __init__(self, standing: Iterable[str]) -> None:
        self.stems: set[str] = set()
        self._partitions: set[tuple[str, str]] = set()
        self._steps: dict[str, set[int]] = defaultdict(set)
        for name in standing:
            if name.startswith(RECEIPTS):
                continue
            if part := OF_PARTITION.fullmatch(name):
                self.stems.add(part["stem"])
                self._partitions.add((part["folder"], part["number"]))
            elif step := OF_STEP.fullmatch(name):
                self._steps[step["steps"]].add(int(step["step"]))

    def has(self, name: str) -> bool:
        """Whether something stands in the place of this file, which is gone."""
        if part := OF_PARTITION.fullmatch(name):
            return (part["folder"], part["number"]) in self._partitions
        if step := OF_STEP.fullmatch(name):
            steps, number = self._steps[step["steps"]], int(step["step"])
            return number not in steps and max(steps, default=0) > number
        return False
