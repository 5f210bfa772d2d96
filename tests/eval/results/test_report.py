"""The report: records that check themselves, JSON without NaN, a page that lets nothing else in."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from eval.pages.players import build_players, waveform_peaks
from eval.pages.report import report_html
from eval.report.write import write_report
from eval.results.data_set import DataSet
from eval.results.report import STAMP, Comparison, HeardSong, Report, is_stand_in
from eval.results.report_json import report_json, report_record
from eval.results.wording import comparison_verdict, leaderboard_verdict, metric_verdict, number
from eval.stats.intervals import Estimate
from tests.eval.conftest import HOSTILE, make_report, tone
from tests.every import every


class Page(HTMLParser):
    """Every tag with its attributes, and the content of scripts by id."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.scripts: dict[str, str] = {}
        self.open_script: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.open_script = dict(attrs).get("id") or "main"

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self.open_script = None

    def handle_data(self, data: str) -> None:
        if self.open_script:
            self.scripts[self.open_script] = self.scripts.get(self.open_script, "") + data
        else:
            self.text.append(data)


def page_of(report: Report) -> Page:
    return Page(report_html(report, build_players(report)))


def no_constant(name: str) -> None:
    raise AssertionError(f"{name} in report.json")


def test_json_round_trip_has_no_nan_and_a_reason_for_every_null(report: Report) -> None:
    record = json.loads(report_json(report), parse_constant=no_constant)
    assert record == json.loads(json.dumps(report_record(report)))
    energy = record["systems"]["trained"]["metrics"]["energy_after_end"]
    assert (energy["value"], energy["low"], energy["reason"]) == (None, None, "not computed")
    assert record["systems"]["truth"]["metrics"]["judge_mean"]["reason"] == "not measured for this row"
    assert record["songs"][2]["scores"]["wer"] is None
    assert record["songs"][2]["reasons"] == {"wer": "timed_out"}
    assert record["losses"][0]["points"][-1] == [50, None]
    assert record["losses"][0]["reason"] == "1 losses were not finite"
    assert record["settings"]["limit"] == "inf"


def test_json_keys_are_sorted_and_orders_are_kept_beside_them(report: Report) -> None:
    text = report_json(report)
    assert json.dumps(json.loads(text), sort_keys=True, indent=1, ensure_ascii=False) + "\n" == text
    assert json.loads(text)["system_order"] == ["truth", "trained"]
    assert json.loads(text)["data_set"]["dropped"] == 4


def test_rows_made_by_embedded_models_are_stamped_everywhere(report: Report) -> None:
    assert is_stand_in(["align-v1 embedded/ctc@1"])
    assert not is_stand_in(["align-v1 whisperx@2", "not-embedded/x@1"])
    record = report_record(report)
    assert record["stamp"] == STAMP
    assert [record["systems"][name]["stamp"] for name in ("truth", "trained")] == [None, STAMP]
    assert [song["stamp"] for song in record["songs"]] == [None, STAMP] * 2
    assert record["comparisons"]["worse"]["stamp"] == STAMP
    assert record["comparisons"]["ranks"]["stamp"] == STAMP  # no system named: the report's stand-ins
    real = replace(report, systems=report.systems[:1], comparisons=(), pairs=(), songs=(), stand_ins=())
    assert report_record(real)["stamp"] is None
    assert STAMP not in "".join(page_of(real).text)
    rows = re.findall(r"<tr><th scope=\"row\".*?</tr>", report_html(report, build_players(report)), re.S)
    assert all((STAMP in row) == ("Trained" in row) for row in rows)


def test_hostile_text_is_shown_as_text(report: Report) -> None:
    page, harmless = page_of(report), page_of(make_report(hostile="harmless"))
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in harmless.tags]
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert "".join(page.text).count(HOSTILE) >= 8
    assert json.loads(page.scripts["page-data"])["songs"][0]["title"] == f"Song 0 {HOSTILE}"
    assert "<" not in page.scripts["page-data"]


def test_page_needs_nothing_but_itself(report: Report) -> None:
    text = report_html(report, build_players(report))
    assert not re.search(r"(src|href|action|url)\s*[=(]\s*[\"']?\s*(https?:)?//", text)
    page = Page(text)
    for tag, attributes in page.tags:
        assert tag not in ("iframe", "object", "embed", "base", "form")
        for name in ("src", "href"):
            assert (attributes.get(name) or "#").startswith(("#", "data:"))
    assert "style" not in {name for _, attributes in page.tags for name in attributes}


def test_content_policy_names_the_hashes_of_the_style_and_the_script(report: Report) -> None:
    text = report_html(report, build_players(report))
    policy = next(
        a["content"] for t, a in Page(text).tags if a.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    for tag in ("style", "script"):
        content = re.search(rf"<{tag}>(.*?)</{tag}>", text, re.S)
        assert content is not None
        digest = base64.b64encode(hashlib.sha256(content.group(1).encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_sound_is_embedded_to_the_budget_and_the_rest_lies_beside_the_page(
    report: Report, tmp_path: Path
) -> None:
    _, audio = tone()
    whole, tight = tmp_path / "whole", tmp_path / "tight"
    write_report(report, whole)
    assert not (whole / "audio").exists()
    page = Page((whole / "report.html").read_text("utf-8"))
    assert base64.b64decode(page.scripts["audio-3"]) == audio
    write_report(report, tight, embed_budget_bytes=int(1.5 * len(audio)))
    assert len(list((tight / "audio").iterdir())) == 3
    songs = json.loads(Page((tight / "report.html").read_text("utf-8")).scripts["page-data"])["songs"]
    files = [take["file"] for song in songs for take in song["takes"] if "file" in take]
    assert [(tight / name).read_bytes() for name in files] == [audio] * 3
    assert all(re.fullmatch(r"audio/[a-z0-9_-]+\.mp3", name) for name in files)


def test_sound_beside_the_page_names_its_song_and_goes_with_its_report(
    report: Report, tmp_path: Path
) -> None:
    long_id = "a-song-with-a-title-as-long-as-they-may-be-00000"
    systems = [replace(report.systems[0], name="a-system-with-a-long-nam")]
    song = replace(report.songs[0], system=systems[0].name, song_id=long_id)
    long = replace(report, systems=systems, songs=[song], comparisons=(), pairs=(), genres=())
    write_report(long, tmp_path, embed_budget_bytes=0)
    (beside,) = (tmp_path / "audio").iterdir()
    assert long_id in beside.name
    write_report(report, tmp_path, embed_budget_bytes=0)
    assert not beside.exists() and len(list((tmp_path / "audio").iterdir())) == len(report.songs)
    heard = [HeardSong("sft <b>", step, "a/b", {"wer": 0.4, "odd": None}, b"sound") for step in (20, 40)]
    write_report(replace(report, heard=heard), tmp_path)
    names = sorted(path.name for path in (tmp_path / "audio").iterdir())
    assert names == ["heard-sft-b-000020-000.mp3", "heard-sft-b-000040-001.mp3"]
    page = (tmp_path / "report.html").read_text()
    assert all(f'src="audio/{name}"' in page for name in names) and "WER 40.0" in page


def test_same_report_gives_the_same_bytes(report: Report, tmp_path: Path) -> None:
    write_report(report, tmp_path / "a")
    write_report(make_report(), tmp_path / "b")
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == ["comparisons.csv", "report.html", "report.json", "songs.csv", "systems.csv"]
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_n_and_n_failed_stand_beside_every_mean(report: Report) -> None:
    text = report_html(report, build_players(report))
    assert '<span class="n">31 · <b class="failed">1</b></span>' in text
    assert '<span class="n">32 · 0</span>' in text


def test_the_leaderboard_leads_with_the_headline_and_folds_the_rest_under_headings(report: Report) -> None:
    page = report_html(replace(report, headline=["judge_mean"]), build_players(report))
    lead, rest = page.split('id="questions"')[0].split(
        '<details class="more"><summary>2 more metrics</summary>'
    )
    assert "Judge, mean" in lead.split("<table")[1] and "Energy after end" not in lead.split("<table")[1]
    assert rest.count("<table") == 2 and "<h3>" in rest


def test_players_mark_missed_and_wrong_words_by_more_than_colour(report: Report) -> None:
    take = build_players(report).songs[0]["takes"][0]
    assert [word[3] for word in take["reference"]] == ["hit", "substituted"]
    assert sorted(word[3] for word in take["hypothesis"]) == ["hit", "inserted", "substituted"]
    style = (Path(__file__).parents[3] / "eval/pages/assets/page.css").read_text("utf-8")
    assert "line-through" in style
    assert "underline wavy" in style


def few_songs(one: Comparison) -> Comparison:
    return replace(one, estimate=replace(one.estimate, n=2))


def test_verdicts_say_direction_size_interval_and_songs(report: Report) -> None:
    plain = make_report(hostile="model")
    assert comparison_verdict(plain, plain.comparisons[0]) == (
        "Trained model worse than Ground truth on WER by 27.0 points [20.0, 34.0], n = 32."
    )
    assert metric_verdict(plain, plain.metrics[1]) == "No two of the systems are told apart in 1 pair."
    unpaired = replace(plain, pairs=())
    assert metric_verdict(unpaired, plain.metrics[1]) == "1 difference not resolvable."
    assert "31 of 32 songs" in comparison_verdict(plain, plain.comparisons[1])
    assert leaderboard_verdict(unpaired) == "2 of 2 expectations stated beforehand hold."
    assert leaderboard_verdict(plain).endswith("2 of 2 expectations stated beforehand hold.")
    few = replace(unpaired, comparisons=[few_songs(one) for one in unpaired.comparisons])
    assert leaderboard_verdict(few) == "2 expectations on too few songs to hold or not."
    assert number(plain.metrics[1], -0.001) == "0.00"
    better = replace(plain.comparisons[0], estimate=Estimate(-0.1, -0.2, -0.05, 30, 2))
    assert comparison_verdict(plain, better) == (
        "Trained model better than Ground truth on WER by 10.0 points [5.0, 20.0], n = 30, 2 failed."
    )


@every(
    ("expect", "limit", "estimate", "holds"),
    [
        ("above", 0.0, Estimate(0.2, 0.1, 0.3, 9, 0), True),
        ("above", 0.0, Estimate(0.2, -0.1, 0.3, 9, 0), False),
        ("below", 0.0, Estimate(-0.2, -0.3, -0.1, 9, 0), True),
        ("within", 0.1, Estimate(-0.09, -0.2, 0.0, 9, 0), True),
        ("within", 0.1, Estimate(0.11, 0.0, 0.2, 9, 0), False),
        ("at_most", 0.35, Estimate(0.35, 0.3, 0.4, 9, 0), True),
        ("at_least", 30.0, Estimate(29.0, None, None, 32, 0), False),
        ("above", 0.0, Estimate(None, None, None, 0, 9), None),
        ("none", 0.0, Estimate(0.2, 0.1, 0.3, 9, 0), None),
    ],
)
def test_expectations_are_judged_by_value_or_interval(
    expect: str, limit: float, estimate: Estimate, holds: bool | None
) -> None:
    assert Comparison("c", "?", "wer", "a", "b", estimate, expect, limit).holds is holds


def test_report_refuses_what_does_not_add_up(report: Report) -> None:
    with pytest.raises(ValueError, match="kept 36 \\+ dropped 3 is not songs_in 40"):
        DataSet(40, 36, {"no_transcript": 3})
    with pytest.raises(ValueError, match="more than once"):
        replace(report, systems=[report.systems[0], report.systems[0]], songs=())
    with pytest.raises(ValueError, match="not among"):
        replace(report, metrics=report.metrics[:1])


def test_waveform_peaks_follow_the_loudest_channel() -> None:
    mix_CN, _ = tone()
    peaks = waveform_peaks(mix_CN, 40)
    assert len(peaks) == 40
    assert peaks[0] == pytest.approx(0.2, abs=0.01)
    assert peaks[-1] < 0.05
    assert waveform_peaks(mix_CN[:, :7], 40) == pytest.approx([abs(x) for x in mix_CN[0, :7]], abs=1e-3)


def test_empty_report_is_still_a_page() -> None:
    report = Report(title="Nothing yet", systems=[], metrics=[])
    assert "Nothing yet" in report_html(report, build_players(report))
    assert json.loads(report_json(report))["stamp"] is None
