"""Where everything a run makes lies, under one folder or one prefix of an object store."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tasks.storage.object_store import place_of


@dataclass(frozen=True)
class WorkFolder:
    """``--work W``: the table, shards, checkpoints, rounds and reports of one data set."""

    root: Path

    @classmethod
    def at(cls, work: str | Path) -> WorkFolder:
        """A folder, or a URL such as ``s3://bucket/prefix``."""
        return cls(place_of(work))

    @property
    def table(self) -> Path:
        """The song table: ``table/<stage>/part-*.parquet``."""
        return self.root / "table"

    @property
    def guarded(self) -> Path:
        """The table of a given benchmark's songs, which must not be trained on."""
        return self.table / "group" / "guarded"

    @property
    def shards(self) -> Path:
        """WebDataset shards with their index and id list."""
        return self.root / "shards"

    @property
    def receipts(self) -> Path:
        """Times, memory and details of every partition that ran."""
        return self.root / "receipts"

    @property
    def hashes(self) -> Path:
        """Hashes of the songs' files as they were listed last."""
        return self.receipts / "hashes.parquet"

    @property
    def refused(self) -> Path:
        """JSON lines of what ingest did not take as a song, with the reason."""
        return self.root / "ingest.jsonl"

    def checkpoint(self, name: str) -> Path:
        """A training run: ``pretrain``, ``sft`` ..."""
        return self.root / "checkpoints" / name

    @property
    def rounds(self) -> Path:
        """Every DPO round, and which one was kept."""
        return self.root / "rounds"

    def round(self, number: int) -> Path:
        """One DPO round: its candidates' table, its pairs, its training runs and its gate; 0 has a gate alone."""
        return self.rounds / str(number)

    @property
    def benchmark(self) -> Path:
        """The table of every system's songs."""
        return self.root / "benchmark"

    def report(self, name: str) -> Path:
        """``reports/<name>/report.json`` and ``report.html``."""
        return self.root / "reports" / name
