"""What comes of hostile input: every parser is given thousands of damaged files, and each must end with a reason.

python bench/hostile.py --inputs 250 --out bench/results/hostile.json

Every input is read in a child process with a limit on time and memory. It may be taken or refused with a reason.
Anything else counts against us: a process that dies, one that hangs, an exception that is no refusal, a song
that is neither taken nor refused, and a pickle that ran (it would leave a file behind).
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import os
import resource
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from hostile_inputs import (
    TEXTS,
    audio_files,
    damaged,
    odd_json,
    odd_value,
    shard_files,
    tar_of,
    tensor_files,
    words,
)

from flows.load import BASE, load
from flows.params import Params, load_params
from jam_model.checkpoint import load_model, save_model
from jam_model.config import JamConfig
from jam_model.dit import Jam
from jam_model.shards import Shards
from jam_model.tensors import read_tensor
from tasks.audio import read_audio
from tasks.engine.song import Song, SongError
from tasks.exchange import read_pair_list
from tasks.exchange_shards import Importer, import_shards
from tasks.ingest import Ingest
from tasks.lyrics import decode_text, parse_lyrics
from tasks.models.phonemizer import build_phonemizer
from tasks.models.phonemizer_checkpoint import read_checkpoint
from tasks.models.phonemizer_deep import CARD
from tasks.models.style_encoder import build_style_encoder
from tasks.models.weights import loading
from tasks.neighbours import SplitParams
from tasks.pack import read_shard, write_index
from tasks.request import read_requests
from tasks.sources import list_sources

HANG_S = 20.0
START_S = 300.0  # a child imports torch, on a busy machine
MEMORY_BYTES = 6 << 30
TAKEN = "taken"


class Unaccounted(Exception):
    """A song went in and neither came out nor left a reason."""


@dataclass(frozen=True)
class Bench:
    """The readers, each with its inputs; `folder` is a scratch folder, `canary` what no input may create."""

    folder: Path
    canary: Path

    @cached_property
    def params(self) -> Params:
        return load_params()

    def targets(self) -> dict[str, Callable[[np.random.Generator], str]]:
        """Makes one input, reads it, and says what came of it; a refusal is a ValueError."""
        return {
            "lyrics .json": self.lyrics_json,
            "lyrics .lrc and .txt": self.lyrics_text,
            "audio": self.audio,
            "songs folder": self.songs_folder,
            "manifest": self.manifest,
            "singing request": self.request,
            "params": self.settings,
            "foreign shards": self.foreign_shards,
            "own shards": self.own_shards,
            "tensors": self.tensor,
            "checkpoint": self.checkpoint,
            "phonemizer checkpoint": self.phonemizer,
            "pair list": self.pair_list,
        }

    def lyrics_json(self, random: np.random.Generator) -> str:
        data = odd_json(words(), random)
        if random.random() < 0.3:
            data = damaged(data, [data], random)
        return self._lyrics(data, ".json")

    def lyrics_text(self, random: np.random.Generator) -> str:
        lines = ["[ti:Moon]", "[offset:+50]", "[00:01.50]<00:01.50>moon <00:02.00>light", "[00:03]over me x2"]
        seeds = ["\n".join(lines).encode(), "Verse 1:\n[Chorus]\nmoon (moon)\n".encode("utf-16")]
        seeds += [text.encode("utf-8", "surrogatepass") for text in TEXTS]
        data = damaged(seeds[int(random.integers(len(seeds)))], seeds, random)
        return self._lyrics(data, str(random.choice([".lrc", ".txt"])))

    def _lyrics(self, data: bytes, ending: str) -> str:
        limits = self.params.ingest
        decode_text(data)
        parse_lyrics(data, ending, limits.max_lyrics_bytes, limits.max_lyrics_words)
        return TAKEN

    def audio(self, random: np.random.Generator) -> str:
        seeds = list(_audio().values())
        read_audio(
            io.BytesIO(damaged(seeds[int(random.integers(len(seeds)))], seeds, random)), self.params.audio
        )
        return TAKEN

    def songs_folder(self, random: np.random.Generator) -> str:
        """Odd names, links out of the folder, FIFOs, folders named like songs; kept + dropped + refused = found."""
        root = self._fresh("songs")
        sounds = _audio()
        for number in range(4):
            kind = str(random.choice(list(sounds)))
            name = str(random.choice(["a", "b.c", "ü'\"<b>", "..", "-rf", " ", "x" * 120, "a\nb", "$(id)"]))
            path = root / f"{number}{name}.{kind}"
            choice = int(random.integers(7))
            if choice == 0:
                path.symlink_to("/etc/passwd")
            elif choice == 1:
                path.mkdir()
            elif choice == 2:
                os.mkfifo(path)
            else:
                path.write_bytes(sounds[kind] if choice > 4 else damaged(sounds[kind], [b""], random))
            path.with_suffix(".json").write_bytes(odd_json(words(3), random))
        listing = list_sources(root)
        ingest = Ingest(self.params.ingest, self.params.audio, str(root))
        ended = Counter(row["path"].split(".")[-1] in sounds for row in listing.refused)[True]
        for source in listing.sources:
            if not source.facts["refused"]:
                columns = {key: source.facts[key] for key in ingest.reads}
                try:
                    ingest.one(Song(source.song_id, columns))
                except SongError as error:
                    if not error.reason.isidentifier():
                        raise Unaccounted(f"reason {error.reason!r}") from error
            ended += 1
        if ended != 4:
            raise Unaccounted(f"4 files, {ended} songs and refusals")
        return TAKEN

    def manifest(self, random: np.random.Generator) -> str:
        root = self._fresh("manifest")
        (root / "a.wav").write_bytes(_audio()["wav"])
        row = {"id": "a", "audio_path": "a.wav", "lrc_path": "a.json", "duration": 0.5, "license": "CC0"}
        rows = [row, {**row, "id": "b"}]
        data = odd_json(rows, random)
        if random.random() < 0.3:
            data = b"\n".join(odd_json(row, random) for _ in range(3))
        path = root / "manifest.json"
        path.write_bytes(data)
        list_sources(path)
        return TAKEN

    def request(self, random: np.random.Generator) -> str:
        root = self._fresh("request")
        (root / "a.json").write_bytes(json.dumps(words()).encode())
        (root / "a.txt").write_text("bright pop")
        row = {"id": "a", "lrc_path": "a.json", "duration": 5.0, "prompt_path": "a.txt", "audio_path": None}
        path = root / "input.json"
        path.write_bytes(odd_json([row], random))
        read_requests(path, *_models(), self.params.audio, self.params.ingest)
        return TAKEN

    def settings(self, random: np.random.Generator) -> str:
        path = self._fresh("params") / "overlay.yaml"
        values = yaml.safe_load(BASE.read_text())
        section = str(random.choice(list(values)))
        if random.random() < 0.5:
            text = yaml.safe_dump({section: odd_value(values[section], random)}, allow_unicode=True).encode(
                "utf-8", "surrogatepass"
            )
        else:
            hostile = f"audio: !!python/object/apply:builtins.open [{self.canary}, w]\n".encode()
            bombs = b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
            text = damaged(hostile, [BASE.read_bytes(), bombs], random)
        path.write_bytes(text)
        odd = f"audio.max_bytes={TEXTS[int(random.integers(len(TEXTS)))]!r}"
        load(Params, path, [odd] if random.integers(2) else [])
        return TAKEN

    def foreign_shards(self, random: np.random.Generator) -> str:
        folder = self._fresh("foreign")
        seeds = _shards(str(self.canary))
        data = seeds[int(random.integers(len(seeds)))]
        (folder / "in.tar").write_bytes(damaged(data, seeds, random) if random.random() < 0.9 else data)
        importer = Importer(_models()[0], 0.05, SplitParams(validation_share=0.0, benchmark_share=0.0), "pt")
        imported = import_shards([folder / "in.tar"], folder / "out", importer, lambda done, total: None)
        if any(not row["reason"].isidentifier() for row in imported.refused):
            raise Unaccounted("a refusal without a reason")
        if imported.num_samples:
            shards = Shards(folder / "out")
            for number in range(len(shards)):
                shards[number]
        return TAKEN

    def own_shards(self, random: np.random.Generator) -> str:
        folder = self._fresh("own")
        tensors = tensor_files(str(self.canary))
        lyrics = json.dumps({"word": words(3)}).encode()
        data = tar_of(
            {"a.json": lyrics, "a.latent.pt": tensors["latent.pt"], "a.style.pt": tensors["style.pt"]}
        )
        path = folder / "part-00000-0.tar"
        path.write_bytes(data)
        write_index(folder, [read_shard(path)], [{"id": "a", "duration": 0.9, "split": "train"}])
        index = json.loads((folder / "index.json").read_text())
        choice = int(random.integers(3))
        if choice == 0:
            (folder / "index.json").write_bytes(odd_json(index, random))
        elif choice == 1:
            (folder / "ids.jsonl").write_bytes(odd_json({"id": "a", "split": "train"}, random))
        else:
            path.write_bytes(damaged(data, _shards(str(self.canary)), random))
            index["shards"][0]["bytes"] = path.stat().st_size
            (folder / "index.json").write_text(json.dumps(index))
        shards = Shards(folder)
        for number in range(len(shards)):
            shards[number]
        shards.durations_s()
        return TAKEN

    def tensor(self, random: np.random.Generator) -> str:
        files = tensor_files(str(self.canary))
        name = str(random.choice(list(files)))
        data = files[name] if random.random() < 0.1 else damaged(files[name], list(files.values()), random)
        read_tensor(data, name.partition(".")[2], name)
        return TAKEN

    def checkpoint(self, random: np.random.Generator) -> str:
        folder = self._fresh("checkpoint")
        config, weights = _checkpoint(self.folder)
        (folder / "config.json").write_bytes(config)
        (folder / "model.safetensors").write_bytes(weights)
        if random.integers(2):
            (folder / "config.json").write_bytes(odd_json(json.loads(config), random))
        else:
            pickled = tensor_files(str(self.canary))["object.pt"]
            (folder / "model.safetensors").write_bytes(damaged(weights, [pickled, weights], random))
        load_model(folder)
        return TAKEN

    def phonemizer(self, random: np.random.Generator) -> str:
        path = self._fresh("phonemizer") / "forward.pt"
        files = tensor_files(str(self.canary))
        seeds = [files["object.pt"], files["bare.pt"], files["latent.pt"]]
        data = seeds[int(random.integers(len(seeds)))]
        path.write_bytes(damaged(data, seeds, random) if random.random() < 0.8 else data)
        with loading(CARD, path):
            read_checkpoint(path)
        return TAKEN

    def pair_list(self, random: np.random.Generator) -> str:
        folder = self._fresh("pairs")
        files = tensor_files(str(self.canary))
        lyrics = json.dumps({"word": words(3), "id": "a"}).encode()
        latent = (
            files["latent.pt"]
            if random.random() < 0.5
            else damaged(files["latent.pt"], list(files.values()), random)
        )
        for name, data in {
            "gt.pt": latent,
            "take.pt": latent,
            "style.pt": files["style.pt"],
            "a.json": lyrics,
        }.items():
            (folder / name).write_bytes(data)
        row = {"win_latent": "take.pt", "loss_latent": "take.pt", "transcription": "a.json"}
        row |= {"style": "style.pt", "gt_latent": "gt.pt"}
        path = folder / "dpo.json"
        path.write_bytes(odd_json([row], random) if random.random() < 0.6 else json.dumps([row]).encode())
        read_pair_list(path, vae_sampled=False)
        return TAKEN

    def _fresh(self, name: str) -> Path:
        folder = self.folder / name.replace(" ", "-")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder


@cache
def _audio() -> dict[str, bytes]:
    return audio_files()


@cache
def _shards(canary: str) -> list[bytes]:
    return shard_files(canary)


@cache
def _models() -> tuple[Any, Any]:
    params = load_params()
    return build_phonemizer(params.phonemizer), build_style_encoder(params.style)


@cache
def _checkpoint(folder: Path) -> tuple[bytes, bytes]:
    config = JamConfig(16, 1, 2, 2, 16, 1, 512, 64, 32, 256, True)
    save_model(folder / "good", Jam(config))
    return (folder / "good" / "config.json").read_bytes(), (
        folder / "good" / "model.safetensors"
    ).read_bytes()


def child(
    target: str, seed: int, first: int, last: int, folder: Path, canary: Path, told: Connection
) -> None:
    """Reads inputs `first` to `last`; tells each as it starts and what came of it."""
    torch.set_num_threads(1)
    read = Bench(folder, canary).targets()[target]
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    for number in range(first, last):
        told.send(number)
        try:
            outcome = read(np.random.default_rng([seed, number]))
        except ValueError as error:
            outcome = f"refused: {str(error).partition(':')[0][:40]}"
        except Exception as error:  # what is no refusal is a finding
            outcome = f"UNACCOUNTED {type(error).__name__}: {str(error)[:200]}"
        told.send(outcome)


def run_target(target: str, seed: int, num_inputs: int, folder: Path, canary: Path) -> dict[str, Any]:
    """Counts of outcomes of one target; a child that dies or hangs is replaced and its input named."""
    context = multiprocessing.get_context("spawn")
    counts: Counter[str] = Counter()
    findings: list[str] = []
    number = 0
    while number < num_inputs:
        here, there = context.Pipe(duplex=False)
        process = context.Process(
            target=child, args=(target, seed, number, num_inputs, folder, canary, there), daemon=True
        )
        process.start()
        there.close()
        limit_s = START_S
        try:
            while number < num_inputs:
                if not here.poll(limit_s):
                    raise TimeoutError
                here.recv()  # it has begun
                limit_s = HANG_S
                if not here.poll(limit_s):
                    raise TimeoutError
                outcome = here.recv()
                kind = outcome.split(" ")[0].rstrip(":").lower()
                counts[kind] += 1
                if kind == "unaccounted":
                    findings.append(f"input {number}: {outcome}")
                number += 1
        except (EOFError, TimeoutError) as error:
            kind = "hung" if isinstance(error, TimeoutError) else "crashed"
            counts[kind] += 1
            findings.append(f"input {number}: {kind}")
            number += 1
        process.kill()
        process.join()
    ran = canary.exists()
    canary.unlink(missing_ok=True)
    kinds = ("taken", "refused", "unaccounted", "crashed", "hung")
    return {
        "inputs": num_inputs,
        **{kind: counts[kind] for kind in kinds},
        "code_run": ran,
        "findings": findings,
    }


def run(num_inputs: int, seed: int, only: list[str] | None = None) -> dict[str, Any]:
    """Every target, and the sums."""
    with tempfile.TemporaryDirectory() as scratch:
        folder, canary = Path(scratch, "work"), Path(scratch, "canary")
        names = only or list(Bench(folder, canary).targets())
        results = {name: run_target(name, seed, num_inputs, folder, canary) for name in names}
    keys = ("inputs", "taken", "refused", "unaccounted", "crashed", "hung", "code_run")
    return {
        "seed": seed,
        "hang_s": HANG_S,
        "memory_bytes": MEMORY_BYTES,
        "total": {key: sum(result[key] for result in results.values()) for key in keys},
        "targets": results,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--inputs", type=int, default=250, help="of each target")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--target", action="append", help="only this one")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    result = run(given.inputs, given.seed, given.target)
    text = json.dumps(result, indent=1) + "\n"
    print(text)
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(text)
