"""The whole life cycle on a handful of toy songs, by the command a user would type."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.upkeep.checksums import kept_files, place_in, receipts_in
from tasks.upkeep.repair import repair
from tasks.upkeep.verify import verify_folder
from tests.flows.fresh_checkout import ROOT, blocks, fresh_checkout, make_words_true, typed

pytestmark = pytest.mark.slow
README = (ROOT / "README.md").read_text()

SMALL: dict[str, object] = {
    "toy.num_songs": 24,
    "toy.seed": 11,
    "pretrain.steps": 20,
    "pretrain.log_every_steps": 10,
    "pretrain.checkpoint_every_steps": 20,
    "sft.steps": 10,
    "sft.log_every_steps": 5,
    "sft.checkpoint_every_steps": 10,
    "dpo.steps": 5,
    "dpo.log_every_steps": 5,
    "dpo.checkpoint_every_steps": 5,
    "round.num_prompts": 3,
    "round.num_held_out": 1,
    "round.candidates": 2,
    "pair.max_axis_loss": None,  # an untrained voice scatters widely
    "pair.max_word_loss": None,
    "gate.num_prompts": 1,
    "gate.num_resamples": 200,
    "benchmark.num_songs": 2,
    "benchmark.num_resamples": 200,
    "benchmark.player_songs": 1,
    "group.benchmark_share": 0.2,
    "group.validation_share": 0.1,
}


def jam(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PREFECT_HOME": str(cwd / "prefect")}
    command = [sys.executable, "-m", "flows.commands.main", *arguments]
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def with_settings(*arguments: str) -> list[str]:
    settings = [f"{name}={'null' if value is None else value}" for name, value in SMALL.items()]
    return [*arguments, *[word for setting in settings for word in ("--set", setting)]]


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `make demo` was typed after set-up, in a checkout whose settings are small."""
    folder = fresh_checkout(tmp_path_factory.mktemp("house") / "checkout", SMALL)
    (folder / "first.txt").write_text(typed(["make demo"], folder))
    return folder


def test_life_cycle_ends_with_a_report_that_stamps_its_stand_ins(house: Path) -> None:
    record = json.loads((house / "data/reports/benchmark/report.json").read_text())
    assert record["stamp"] == "stand-in, not a result"
    assert {"truth", "codec", "untrained", "trained", "words-dealt", "dpo", "dpo-control"} <= set(
        record["systems"]
    )
    assert record["systems"]["truth"]["metrics"]["wer"]["n"] == 2
    page = (house / "data/reports/benchmark/report.html").read_text()
    assert "stand-in, not a result" in page
    assert not re.search(r"(?:src|href)=[\"']https?:", page)
    *_, report, following = (house / "first.txt").read_text().splitlines()
    assert report == "report: data/reports/benchmark/report.html"
    assert following.startswith("Next, with songs of your own: . .venv/bin/activate && jam run")


def test_second_run_runs_no_stage_and_changes_no_byte(house: Path) -> None:
    kept = ("shards", "table", "checkpoints", "rounds", "benchmark")
    before = {name: digests(house / "data" / name) for name in kept}
    shown = jam(*with_settings("run", "--songs", "data/raw/toy/songs", "--work", "data"), cwd=house).stdout
    assert {name: digests(house / "data" / name) for name in kept} == before
    assert "worker seconds" not in shown
    assert shown.count("up to date") >= 14
    why = jam(*with_settings("why", "align", "--work", "data"), cwd=house).stdout
    assert why.splitlines()[0] == "align: nothing would run"
    plan = jam(
        *with_settings("run", "--plan", "--songs", "data/raw/toy/songs", "--work", "data"), cwd=house
    ).stdout
    assert plan.splitlines()[-1] == "nothing would run"


def test_changed_number_reruns_only_what_depends_on_it(house: Path) -> None:
    why = jam(
        *with_settings("why", "align", "--work", "data"), "--set", "align.times=align", cwd=house
    ).stdout
    assert 'params.times: "given" -> "align"' in why
    for stage in ("separate", "encode"):
        shown = jam(
            *with_settings("why", stage, "--work", "data"), "--set", "align.times=align", cwd=house
        ).stdout
        assert "nothing would run" in shown


def test_a_study_of_the_model_stands_once_it_is_made(house: Path) -> None:
    asked = ["study", "guidance", "--set", "study.num_songs=2", "--set", "study.lyrics_guidance_scales=[1.0]"]
    said = jam(*asked, "--set", "phrasing.when=always", cwd=house).stdout
    assert "generate: 4 songs" in said and "Pitch spread" in said
    assert "(n = 2)" in said and "stand-in, not a result" in said
    study = json.loads((house / "data" / "reports" / "study-guidance" / "study.json").read_text())
    measured = json.loads((house / "data" / "reports" / "benchmark" / "report.json").read_text())
    assert study["base"]["levels"]["judge_mean"]["value"] in [
        system["metrics"]["judge_mean"]["value"] for system in measured["systems"].values()
    ]
    assert "worker seconds" not in jam(*asked, "--set", "phrasing.when=always", cwd=house).stdout


def test_of_every_kind_of_file_a_deleted_one_is_reported(house: Path) -> None:
    work = house / "deleted"
    shutil.copytree(house / "data", work, ignore=shutil.ignore_patterns("raw"))
    assert not verify_folder(work).damages
    files = [*kept_files(work), *receipts_in(work)]
    last = {re.sub(r"part-\d+-|\d+|[0-9a-f]{12,}", "", place_in(path, work)): path for path in sorted(files)}
    for path in last.values():
        path.unlink()
    found = verify_folder(work)
    assert {damage.place for damage in found.damages} == {place_in(path, work) for path in last.values()}
    assert {damage.fault for damage in found.damages} == {"missing"} and len(last) > 60
    repair(work, found.damages)
    jam(*with_settings("prepare", "--songs", "data/raw/toy/songs", "--work", "deleted"), cwd=house)
    kept = ("shards", "table")
    assert [digests(work / name) for name in kept] == [digests(house / "data" / name) for name in kept]


def test_adding_songs_runs_only_new_partitions(house: Path) -> None:
    folder = house / "grown"
    shutil.copytree(house / "data/raw/toy/songs", folder / "songs")
    shutil.copytree(house / "data", folder / "W", ignore=shutil.ignore_patterns("raw"))
    before = digests(folder / "W/shards")
    jam("toy", "--out", "more", "--songs", "3", "--seed", "12", cwd=house)
    shutil.copytree(house / "more/songs", folder / "songs/more")
    shown = jam(*with_settings("prepare", "--songs", "songs", "--work", "W"), cwd=folder).stdout
    assert "separate: 3 songs in 1 partition;" in shown
    after = digests(folder / "W/shards")
    assert {name: after[name] for name in before if name.endswith(".tar")} == {
        name: digest for name, digest in before.items() if name.endswith(".tar")
    }
    assert (
        len([name for name in after if name.endswith(".tar")])
        == len([n for n in before if n.endswith(".tar")]) + 1
    )


def test_folder_of_mixed_files_is_kept_or_dropped_with_a_reason(tmp_path: Path) -> None:
    jam("toy", "--out", "toy", "--songs", "8", "--seed", "21", "--lyrics", "all", cwd=tmp_path)
    songs = tmp_path / "songs"
    songs.mkdir()
    given = sorted((tmp_path / "toy/songs").glob("*.wav")) + sorted((tmp_path / "toy/songs").glob("*.flac"))
    endings = [".json", ".lrc", ".txt", None, ".json", ".lrc", ".txt", None]
    names = ["plain", "Ünïcödé sóng", "dots.in.name", "spa ce", "sub/deep", "日本語", "UPPER", "quo'te"]
    for audio, lyrics, name in zip(given, endings, names, strict=True):
        target = songs / f"{name}{audio.suffix}"
        target.parent.mkdir(exist_ok=True)
        shutil.copy(audio, target)
        if lyrics:
            shutil.copy(audio.with_suffix(lyrics), songs / f"{name}{lyrics}")
    shutil.copy(songs / f"plain{given[0].suffix}", songs / f"a copy{given[0].suffix}")
    (songs / "broken.wav").write_bytes(b"RIFF\0\0\0\0WAVEnothing")
    (songs / "empty.flac").write_bytes(b"")
    (songs / "cut.flac").write_bytes(given[-1].read_bytes()[:20_000])
    for name in ("notes.pdf", "film.avi", "scene.wmv"):
        (songs / name).write_bytes(b"no song")
    (songs / "nobody.lrc").write_text("[00:01.00]la la\n")
    shown = jam(*with_settings("prepare", "--songs", "songs", "--work", "W"), cwd=tmp_path).stdout
    assert "8 of 12 songs kept, 4 dropped" in shown
    told = "3 unsupported_ending (film.avi, notes.pdf, scene.wmv), 1 lyrics_without_audio (nobody.lrc)"
    assert f"prepare: 4 files beside them not taken as songs: {told}; all in W/ingest.jsonl" in shown
    table = jam(*with_settings("table", "--work", "W"), cwd=tmp_path).stdout
    for reason in ("duplicate 1", "not_audio", "12 songs in, 8 kept, 4 dropped", told):
        assert reason in table
    refused = [json.loads(line)["reason"] for line in (tmp_path / "W/ingest.jsonl").read_text().splitlines()]
    assert sorted(refused) == ["lyrics_without_audio", *["unsupported_ending"] * 3]
    assert len(read_back(tmp_path / "W/shards")) == 8


def test_what_the_readme_says_to_type_with_ones_own_songs_works_in_a_new_shell(house: Path) -> None:
    activate, own = next(pair for pair in itertools.pairwise(blocks(README)) if "activate" in pair[0][0])
    songs = house / "data/raw/toy/songs"
    make_words_true(house)
    (house / "W").symlink_to(house / "data")
    assert own[0] == "jam prepare --songs DIR --work W" and len(own) >= 11
    shown = typed([*activate, *[line.replace("SONG", min(songs.iterdir()).stem) for line in own]], house)
    assert "nothing would run" in shown
    sounds = {path.name for path in (house / "OUT/generated").iterdir()}
    assert sounds >= {"song.mp3", "one.mp3", "one_3.mp3"}


def read_back(shards: Path) -> set[str]:
    """Song ids as a stranger reads them: webdataset in its secure mode, tensors by weights_only alone."""
    program = (
        "import io, json, sys, torch, webdataset\n"
        "for sample in webdataset.WebDataset(sys.argv[1:], shardshuffle=False):\n"
        "    latent = torch.load(io.BytesIO(sample['latent.pt']), weights_only=True)\n"
        "    style = torch.load(io.BytesIO(sample['style.pt']), weights_only=True)\n"
        "    assert latent.shape[0] == 128 and style.shape[-1] == 512 and json.loads(sample['json'])['word']\n"
        "    print(sample['__key__'])\n"
    )
    paths = [str(path) for path in sorted(shards.glob("*.tar"))]
    environment = {**os.environ, "WDS_SECURE": "1"}
    command = [sys.executable, "-c", program, *paths]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return set(done.stdout.split())
