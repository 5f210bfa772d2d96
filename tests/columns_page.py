"""docs/columns.md: every column by who writes it, every measure of quality with its limits, as the code declares them.

``python -m tests.columns_page`` writes it; a test holds it to the code.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from flows.settings.params import load_params
from jam_model.shard_index import EXTRAS
from tasks.engine.columns import Column
from tasks.engine.stage import stages_in
from tasks.prompts.prompts import PROMPTED_COLUMNS
from tasks.quality.measures import MEASURES
from tasks.songs.columns import SONG_COLUMNS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "columns.md"
HEAD = """\
# Columns

What a song table can hold, by who writes it. Each column is declared in the file of its stage (`writes`), what is known
of a song before any stage runs in `tasks/songs/columns.py` and `tasks/prompts/prompts.py`. This page is written by
`python -m tests.columns_page`.
"""
MEASURED = """\
## The measures in `quality`

One entry each in `tasks/quality/measures.py`. A song beyond a limit (a setting of `filter`, here with its value in
params.yaml) is dropped for the reason; * = chosen by `jam calibrate` for the models that measure.

| measure | what | unit | limit | reason |
|---|---|---|---|---|
"""


def page() -> str:
    """The page as it should be."""
    parts = {
        "a listed song": SONG_COLUMNS,
        "a song made from another": PROMPTED_COLUMNS,
        **{f"`{name}`": stage.writes for name, stage in stages_in("tasks.stages").items()},
    }
    tables = [f"## {name}\n\n{_table(columns)}" for name, columns in parts.items()]
    members = ", ".join(f"`{name}` as `<id>.{suffix}`" for name, suffix in EXTRAS.items())
    extras = (
        f"`pack.extras` may name columns that stand in a shard besides: {members}. Any other column stays in the table, "
        "`facts` and `captions` among them.\n"
    )
    return "\n".join([HEAD, *tables, extras, MEASURED + "\n".join(_limits()) + "\n"])


def _table(columns: Mapping[str, Column]) -> str:
    rows = [
        f"| `{name}` | {str(column.type).replace('|', '/')}{', large' if column.large else ''} | {_cell(column.meaning)} |"
        for name, column in columns.items()
    ]
    return "\n".join(["| column | type | meaning |", "|---|---|---|", *rows, ""])


def _limits() -> Iterable[str]:
    limits = load_params().filter
    for measure in MEASURES:
        for setting, reason in measure.limits.items():
            value = f"`{setting}` = {getattr(limits, setting)}{'*' if measure.calibrated else ''}"
            yield f"| `{measure.name}` | {measure.label} | {measure.unit} | {value} | `{reason}` |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
