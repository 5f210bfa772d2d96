"""Hostile inputs: good files of every kind a stranger may hand in, and the ways in which they are made bad.

Everything is drawn from a seed: input `number` of a target is the same bytes in every run.
"""

from __future__ import annotations

import io
import json
import pickle
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import safetensors.numpy
import soundfile
import torch

from jam_model.frames import LATENT_CHANNELS, STYLE_DIM

RATE_HZ = 44_100
INTEGERS = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)
TEXTS = (
    "",
    "\0",
    "../../../etc/passwd",
    "/etc/passwd",
    "<script>alert(1)</script>",
    "\ud800",
    "\u202e\u0000\x1b[2J",
    "a" * 70_000,
    "{0.__class__}",
    "%s%n",
    "nan",
    "-inf",
    "!!python/object/apply:os.system",
)
VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    10**400,
    -0.5,
    1e308,
    float("nan"),
    float("inf"),
    [],
    {},
    [[]],
    {"word": {}},
    *TEXTS,
)


@dataclass(frozen=True)
class Canary:
    """An object whose pickle, once it runs, leaves a file: the proof that a stranger's code was run."""

    path: str

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return open, (self.path, "w")


def damaged(data: bytes, others: Sequence[bytes], random: np.random.Generator) -> bytes:
    """A file with one to six faults: bits, numbers, cuts, repeats, and pieces of other files."""
    for _ in range(int(random.integers(1, 7))):
        data = FAULTS[int(random.integers(len(FAULTS)))](data, others, random)
    return data


def _bit(data: bytes, others: Sequence[bytes], random: np.random.Generator) -> bytes:
    changed = bytearray(data)
    for _ in range(int(random.integers(1, 9)) if data else 0):
        changed[_place(data, random)] ^= 1 << int(random.integers(8))
    return bytes(changed)


def _number(data: bytes, others: Sequence[bytes], random: np.random.Generator) -> bytes:
    size = int(random.choice([1, 2, 4, 8]))
    value = INTEGERS[int(random.integers(len(INTEGERS)))] % (1 << 8 * size)
    order = "little" if random.integers(2) else "big"
    at = _place(data, random)
    return data[:at] + value.to_bytes(size, order) + data[at + size :]  # type: ignore[arg-type]


def _cut(data: bytes, others: Sequence[bytes], random: np.random.Generator) -> bytes:
    return data[: _place(data, random)]


def _without_a_piece(data: bytes, others: Sequence[bytes], random: np.random.Generator) -> bytes:
    first, last = sorted((_place(data, random), _place(data, random)))
    return data[:first] + data[last:]


def _repeat(data: bytes, others: Sequence[bytes], random: np.random.Generator) -> bytes:
    first, last = sorted((_place(data, random), _place(data, random)))
    piece = data[first : min(last, first + 4096)]
    return data[:last] + piece * int(random.integers(1, 20)) + data[last:]


def _splice(data: bytes, others: Sequence[bytes], random: np.random.Generator) -> bytes:
    other = others[int(random.integers(len(others)))]
    return data[: _place(data, random)] + other[_place(other, random) :]


def _junk(data: bytes, others: Sequence[bytes], random: np.random.Generator) -> bytes:
    at = _place(data, random)
    return data[:at] + random.bytes(int(random.integers(1, 64))) + data[at:]


FAULTS = (_bit, _number, _cut, _without_a_piece, _repeat, _splice, _junk)


def _place(data: bytes, random: np.random.Generator) -> int:
    """A place in the file; half of the draws lie in its first 200 bytes, where headers are."""
    near = min(len(data), 200) if random.integers(2) else len(data)
    return int(random.integers(max(1, near)))


def odd_value(value: Any, random: np.random.Generator) -> Any:
    """The value with one thing in it, at any depth, replaced by something that has no business there."""
    if isinstance(value, dict) and value and random.random() < 0.85:
        key = str(random.choice(list(value)))
        if random.random() < 0.1:
            return {name: inner for name, inner in value.items() if name != key}
        return {**value, key: odd_value(value[key], random)}
    if isinstance(value, list) and value and random.random() < 0.85:
        at = int(random.integers(len(value)))
        return [*value[:at], odd_value(value[at], random), *value[at + 1 :]]
    return VALUES[int(random.integers(len(VALUES)))]


def odd_json(value: Any, random: np.random.Generator) -> bytes:
    """JSON with one to four odd values, at times nested beyond reason."""
    for _ in range(int(random.integers(1, 5))):
        value = odd_value(value, random)
    text = json.dumps(value, ensure_ascii=bool(random.integers(2)))
    if random.random() < 0.05:
        text = "[" * 100_000 + text
    return text.encode("utf-8", "surrogatepass")


# ---- good files --------------------------------------------------------------------------------------------


def words(count: int = 12) -> list[dict[str, Any]]:
    """Words of jamify's lyrics, with phonemes."""
    return [{"start": 0.2 * k, "end": 0.2 * k + 0.15, "word": "moon", "phoneme": "mun"} for k in range(count)]


def audio_files() -> dict[str, bytes]:
    """Half a second of a tone in every format that is read."""
    time_N = np.arange(RATE_HZ // 2) / RATE_HZ
    tone_NC = (0.3 * np.sin(2 * np.pi * np.array([220.0, 330.0]) * time_N[:, None])).astype(np.float32)
    files = {}
    for name, kind in {"wav": "WAV", "flac": "FLAC", "mp3": "MP3", "ogg": "OGG"}.items():
        file = io.BytesIO()
        soundfile.write(file, tone_NC, RATE_HZ, format=kind)
        files[name] = file.getvalue()
    for name, muxer, codec, rate in (
        ("m4a", "ipod", "aac", RATE_HZ),
        ("aac", "adts", "aac", RATE_HZ),
        ("webm", "webm", "libopus", 48_000),
    ):
        files[name] = _with_av(tone_NC, muxer, codec, rate)
    return files


def sounds_by_kind() -> dict[str, list[bytes]]:
    """The same by the reader that takes them, in every form and with the flaws that files have."""
    known = audio_files()
    time_N = np.arange(RATE_HZ // 2) / RATE_HZ
    tone_NC = (0.3 * np.sin(2 * np.pi * np.array([220.0, 330.0]) * time_N[:, None])).astype(np.float32)

    def made(*args: Any) -> bytes:
        return _with_av(tone_NC, *args)

    wav, mp3 = known["wav"], known["mp3"]
    of_pipe = wav[:40] + b"\xff" * 4 + wav[44:]
    wide = b"RF64" + b"\xff" * 4 + b"WAVEds64" + b"\x1c\0\0\0" + len(wav).to_bytes(8, "little")
    wide += (len(wav) - 44).to_bytes(8, "little") + bytes(12) + wav[12:40] + b"\xff" * 4 + wav[44:]
    unknown = known["flac"][:21] + bytes([known["flac"][21] & 0xF0]) + bytes(4) + known["flac"][26:]
    tag = b"ID3\x04\0\0\0\0\x02\0" + bytes(256)
    return {
        "wav and aiff": [wav, of_pipe, wide, b"BW64" + wide[4:], made("aiff", "pcm_s16be", RATE_HZ)],
        "mp3": [mp3, mp3[417:], tag + mp3 + b"TAG" + bytes(125), mp3 + mp3, made("mp2", "mp2", RATE_HZ)],
        "ogg": [known["ogg"], known["ogg"] * 2, made("ogg", "libopus", 48_000), made("ogg", "flac", RATE_HZ)],
        "flac": [known["flac"], unknown, tag + known["flac"], known["flac"] * 2],
        "mp4": [known["m4a"], made("mov", "pcm_s16le", RATE_HZ), made("mp4", "flac", RATE_HZ)],
        "mka and webm": [
            known["webm"],
            made("matroska", "aac", RATE_HZ),
            made("matroska", "pcm_s16le", RATE_HZ),
        ],
        "wma": [made("asf", "wmav2", RATE_HZ)],
        "aac, caf and w64": [
            known["aac"],
            made("caf", "pcm_s16le", RATE_HZ),
            made("w64", "pcm_s16le", RATE_HZ),
        ],
    }


def _with_av(tone_NC: np.ndarray, muxer: str, codec: str, rate: int) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=muxer) as output:
        stream = output.add_stream(codec, rate=rate, layout="stereo")
        stream.bit_rate = 128_000
        form = stream.codec_context.format
        for start in range(0, len(tone_NC), 4096):
            block_NC = tone_NC[start : start + 4096]
            block = block_NC.T if form.is_planar else block_NC.reshape(1, -1)
            dtype = np.float32
            if form.name.startswith("s16"):
                block, dtype = block * 32_767, np.int16
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block.astype(dtype)), form.name, "stereo")
            frame.sample_rate, frame.pts = rate, start
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return file.getvalue()


def tensor_files(canary: str) -> dict[str, bytes]:
    """A latent and a style as .pt and .npy, and pickles that would run."""
    random = np.random.default_rng(0)
    latent_CT = random.standard_normal((2 * LATENT_CHANNELS, 20)).astype(np.float32)
    style_NS = random.standard_normal((2, STYLE_DIM)).astype(np.float32)
    files = {"latent.pt": pt(torch.from_numpy(latent_CT)), "style.pt": pt(torch.from_numpy(style_NS))}
    for name, array in (("latent.npy", latent_CT), ("style.npy", style_NS)):
        file = io.BytesIO()
        np.save(file, array)
        files[name] = file.getvalue()
    file = io.BytesIO()
    np.save(file, np.array([Canary(canary)], dtype=object), allow_pickle=True)
    files["object.npy"] = file.getvalue()
    files["object.pt"] = pt({"latent": Canary(canary)})
    files["bare.pt"] = pickle.dumps(Canary(canary))
    return files


def pt(value: Any) -> bytes:
    """What torch.save writes."""
    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


def tar_of(members: Mapping[str, bytes], links: Mapping[str, str] | None = None) -> bytes:
    """A tar file of these members, and of symbolic links."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name, data in members.items():
            header = tarfile.TarInfo(name)
            header.size = len(data)
            tar.addfile(header, io.BytesIO(data))
        for name, target in (links or {}).items():
            header = tarfile.TarInfo(name)
            header.type, header.linkname = tarfile.SYMTYPE, target
            tar.addfile(header)
    return file.getvalue()


def shard_files(canary: str) -> list[bytes]:
    """Shards: good, with links and paths that climb, with doubles, and with pickles that would run."""
    tensors = tensor_files(canary)
    lyrics = json.dumps({"word": words(3)}).encode()

    def sample(key: str, latent: str = "latent.pt") -> dict[str, bytes]:
        return {
            f"{key}.json": lyrics,
            f"{key}.latent.pt": tensors[latent],
            f"{key}.style.pt": tensors["style.pt"],
        }

    return [
        tar_of({**sample("a"), **sample("b")}),
        tar_of({**sample("a"), **sample("../../b"), **sample("/c")}),
        tar_of({**sample("a"), **sample("b", "object.pt"), **sample("c", "bare.pt")}),
        tar_of(sample("a"), {"b.latent.pt": "/etc/passwd", "b.json": "../a.json"}),
    ]


def write_checkpoint(folder: Path, config: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> None:
    """``config.json`` and ``model.safetensors``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.safetensors").write_bytes(safetensors.numpy.save(dict(tensors)))
