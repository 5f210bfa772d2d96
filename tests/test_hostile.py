"""A short run of bench/hostile.py: damaged input ends with a reason and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.slow
def test_damaged_input_of_every_kind_is_taken_or_refused_with_a_reason(tmp_path: Path) -> None:
    out = tmp_path / "hostile.json"
    subprocess.run(
        [sys.executable, "bench/hostile.py", "--inputs", "25", "--seed", "11", "--out", str(out)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
    )
    found = json.loads(out.read_text())
    total = found["total"]
    findings = {name: target["findings"] for name, target in found["targets"].items() if target["findings"]}
    assert not findings
    assert total["taken"] + total["refused"] == total["inputs"] == 25 * len(found["targets"])
    assert (total["crashed"], total["hung"], total["unaccounted"], total["code_run"]) == (0, 0, 0, 0)
