"""Our shard loader beside the released data set class: the same shard, the same crops, samples a second.

python bench/loader.py --jamify CLONE

Both read every song of one shard in this process: pretraining's crops (2000 frames) and SFT's whole songs (5000).
`cold` decodes every song at every read, as the released class does; `cached` keeps decoded songs, as training does up
to `cache_mb`. Outputs are compared first, on whole songs whose posterior has no spread, since the two
draw from other generators; then both read songs with spread.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import statistics
import sys
import tarfile
import tempfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch
import webdataset  # noqa: F401  before jam_model.shards, which makes it refuse the pickles the released loader reads

from bench.measuring import interleaved, machine, options_parser, summary, write_result
from bench.released import Released
from jam_model.batches import Batches
from jam_model.frames import frames_of_seconds
from jam_model.shards import Shards

PHONEMES = ("hɛlˈoʊ", "mˈun", "ə", "stˈeɪ", "fɚˈɛvɚ", "lˈʌv", "ænd")
LARGEST_DIFFERENCE = 1e-6
SILENCE_C = np.linspace(-1, 1, 64, dtype=np.float32)


def write_shards(folder: Path, num_songs: int, seconds: float, spread: float) -> Path:
    """A folder with one shard of random songs, three words every two seconds, as `pack` leaves it."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    path = folder / "part-00000.tar"
    with tarfile.open(path, "w") as tar:
        for number in range(num_songs):
            num_frames = frames_of_seconds(seconds * rng.uniform(0.8, 1.2))
            latent = rng.standard_normal((128, num_frames)).astype(np.float32)
            latent[64:] = np.abs(latent[64:]) * spread
            style = rng.standard_normal(512).astype(np.float32)
            starts = np.arange(0, 0.75 * seconds, 0.67)
            words = [
                {"start": round(s, 2), "end": round(s + 0.4, 2), "phoneme": PHONEMES[n % len(PHONEMES)]}
                for n, s in enumerate(starts.tolist())
            ]
            members = {"json": json.dumps({"word": words}).encode()}
            members |= {"latent.pt": tensor_bytes(latent), "style.pt": tensor_bytes(style)}
            for suffix, data in members.items():
                header = tarfile.TarInfo(f"song{number:05d}.{suffix}")
                header.size = len(data)
                tar.addfile(header, io.BytesIO(data))
    entry = {"name": path.name, "bytes": path.stat().st_size, "sha256": "", "num_samples": num_songs}
    (folder / "index.json").write_text(json.dumps({"shards": [entry]}))
    return folder


def tensor_bytes(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    torch.save(torch.from_numpy(array), buffer)
    return buffer.getvalue()


class Theirs:
    """The released data set over the shard of a folder, batched by its own collate function; endless."""

    def __init__(self, released: Released, folder: Path, max_frames: int) -> None:
        silence = folder / "silence.pt"
        torch.save(torch.from_numpy(SILENCE_C), silence)
        self.data = released.dataset(folder / "part-00000.tar", max_frames, silence, shuffle=False)
        self.samples = iter(self.data)

    def next(self, batch_size: int) -> dict[str, torch.Tensor]:
        """The next songs in file order."""
        return self.data.custom_collate_fn(list(islice(self.samples, batch_size)))


def our_batches(folder: Path, max_frames: int, cache_bytes: int = 0) -> Batches:
    """As training reads them."""
    shards = Shards(folder, cache_bytes=cache_bytes)
    return Batches(shards, SILENCE_C, max_frames, past_end_share=0.0, shuffle_shards=1, seed=0)


def differences(released: Released, folder: Path, num_songs: int, max_frames: int) -> dict[str, float]:
    """The largest difference of every array over all songs of a shard without spread, taken whole."""
    theirs = Theirs(released, folder, max_frames).next(num_songs)
    ours = our_batches(folder, max_frames).at(range(num_songs))
    rows = torch.tensor([int(song_id[4:]) for song_id in ours.song_ids])
    pairs = {
        "latent": (ours.latents_BTC, theirs["latent"].transpose(1, 2)),
        "lrc": (ours.conditions.lyric_tokens_BL, theirs["lrc"]),
        "prompt": (ours.conditions.style_BS, theirs["prompt"]),
        "start_time": (ours.conditions.start_time_B, theirs["start_time"]),
        "duration_abs": (ours.conditions.duration_abs_B, theirs["duration_abs"]),
        "duration_rel": (ours.conditions.duration_rel_B, theirs["duration_rel"]),
    }
    found = {name: (mine - their[rows]).abs().max().item() for name, (mine, their) in pairs.items()}
    if max(found.values()) > LARGEST_DIFFERENCE:
        raise SystemExit(f"outputs differ by more than {LARGEST_DIFFERENCE}: {found}")
    return found


def compare(
    released: Released, folder: Path, max_frames: int, given: argparse.Namespace
) -> dict[str, object]:
    """Samples a second of both sides at one length of crops."""
    theirs = Theirs(released, folder, max_frames)
    ours = {"cold": our_batches(folder, max_frames), "cached": our_batches(folder, max_frames, 2**34)}
    firsts = range(0, given.songs, given.batch_size)

    def read_theirs() -> None:
        for _ in firsts:
            theirs.next(given.batch_size)

    def reader(batches: Batches) -> Callable[[], None]:
        def read() -> None:
            for first in firsts:
                batches.at(range(first, first + given.batch_size))

        return read

    runs = {"released": read_theirs, **{name: reader(batches) for name, batches in ours.items()}}
    seconds = interleaved(runs, given.runs)
    rates = {name: round(given.songs / statistics.median(values), 1) for name, values in seconds.items()}
    ratios = {name: summary(seconds, "released", name) for name in ours}
    return {
        "max_frames": max_frames,
        "samples_per_s": rates,
        "ratio": {name: ratio["ratio"] for name, ratio in ratios.items()},
        "ratio_range": {name: ratio["ratio_range"] for name, ratio in ratios.items()},
    }


def main() -> None:
    parser = options_parser(__doc__)
    parser.add_argument("--jamify", type=Path, required=True, help="a clone of declare-lab/jamify")
    parser.add_argument("--songs", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=180.0, help="mean length of a song")
    parser.add_argument("--frames", type=int, nargs="+", default=[2000, 5000], help="of a crop")
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--name", default="loader", help="of the result file")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    released = Released(given.jamify)
    with tempfile.TemporaryDirectory() as work, contextlib.redirect_stdout(sys.stderr):
        flat = write_shards(Path(work) / "flat", given.songs, given.seconds, 0.0)
        spread = write_shards(Path(work) / "spread", given.songs, given.seconds, 0.3)
        found = differences(released, flat, given.songs, 5000)
        lengths = [compare(released, spread, max_frames, given) for max_frames in given.frames]
    write_result(
        given.name,
        {
            "machine": machine("webdataset", "numpy"),
            "songs": given.songs,
            "mean_song_s": given.seconds,
            "batch_size": given.batch_size,
            "runs": given.runs,
            "max_difference": found,
            "lengths": lengths,
            "stood_in_for": released.stand_ins,
        },
    )


if __name__ == "__main__":
    main()
