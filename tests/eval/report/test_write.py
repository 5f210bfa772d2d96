"""What lies beside the page: a schema that holds, tables that pandas reads back, published cells with a source."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pandas
import pytest

from eval.report.tables import COMPARISON_COLUMNS, SYSTEM_COLUMNS, report_frames
from eval.report.write import write_report
from eval.results.published import NOT_COMPARABLE, published_rows
from eval.results.report import Report
from eval.results.report_json import report_record

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((ROOT / "docs/report_schema.json").read_text())


def test_the_schema_describes_the_report(report: Report) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(report_record(report), SCHEMA)
    jsonschema.validate(report_record(Report("Nothing yet", [], [])), SCHEMA)


@pytest.mark.parametrize("place", ["systems", "songs", "pairs"])
def test_the_schema_refuses_what_nobody_described(report: Report, place: str) -> None:
    record = report_record(report)
    part = record[place]
    entry = next(iter(part.values())) if isinstance(part, dict) else part[0]
    entry["invented"] = 1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(record, SCHEMA)


def test_tables_hold_every_number_of_the_report(report: Report, tmp_path: Path) -> None:
    write_report(report, tmp_path)
    names = ("systems", "songs", "comparisons")
    systems, songs, comparisons = (pandas.read_csv(tmp_path / f"{name}.csv") for name in names)
    assert list(systems.columns) == SYSTEM_COLUMNS and list(comparisons.columns) == COMPARISON_COLUMNS
    wer = systems[(systems.system == "trained") & (systems.metric == "wer")].iloc[0]
    assert (wer.value, wer.low, wer.high, wer.n, wer.stand_in) == (0.27, 0.2, 0.34, 32, True)
    failed = songs[(songs.metric == "wer") & songs.score.isna()]
    assert set(failed.reason) == {"timed_out"}
    assert set(comparisons.kind) == {"question", "pair"}
    assert (comparisons.kind == "pair").sum() == sum(len(table.pairs) for table in report.pairs)
    assert len(report_frames(report)["songs"]) == sum(len(row.scores) for row in report.songs)


def test_published_cells_have_a_source_and_none_is_unverified() -> None:
    rows = published_rows()
    text = (ROOT / "eval/results/published.json").read_text()
    assert not any(
        word in text.lower() for word in ("unverified", "\u2248", "read off", "read-off", "figure")
    )
    assert all("arXiv 2507.20880" in row.citation for row in rows)
    verified = {  # every cell of the JAM paper that a source at hand states as a number
        *((("WER", 0.151)), ("PER", 0.101), ("WER", 0.37), ("PER", 0.32)),
        *(("MuQ-MuLan similarity", 0.7473), ("MuQ-MuLan similarity", 0.7593)),
        *(("Audiobox production quality", 7.59), ("Audiobox production quality", 8.06)),
        *(("Frechet audio distance", 0.148), ("Frechet audio distance", 0.204)),
        ("RMS after the song's end, % of the reference's", 0.41),
    }
    assert {(row.metric, row.value) for row in rows} <= verified
    more = published_rows(controls=True)
    assert more[: len(rows)] == rows and {row.system.split()[0].strip(",") for row in more[len(rows) :]} == {
        "JASCO"
    }
    assert all("2406.10970" in row.citation or "model cards" in row.citation for row in more[len(rows) :])


def test_published_cells_are_marked_and_kept_apart(report: Report, tmp_path: Path) -> None:
    jasco = [row for row in published_rows(controls=True) if row.system.startswith("JASCO")]
    report = replace(report, published=[*report.published, *jasco])
    write_report(report, tmp_path)
    page = (tmp_path / "report.html").read_text()
    section = page.split('id="published"')[1].split("</section>")[0]
    assert NOT_COMPARABLE in section and "0.151" in section
    assert section.count("<table") == 2 and "JASCO" not in section.split("</table>")[0]
    assert "0.151" not in page.split('id="leaderboard"')[1].split("</section>")[0]
    assert all(row["comparable"] is False for row in report_record(report)["published"])
