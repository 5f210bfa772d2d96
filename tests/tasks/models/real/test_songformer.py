"""SongFormer: parts from logits, files that are none of its nets, and from a wav to parts through all three nets."""

from __future__ import annotations

import json
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import load_file, save_file

from flows.settings.params import load_params
from jam_model.frames import SAMPLE_RATE_HZ
from tasks.engine.song import Song
from tasks.lyrics.parts.section_labels import SECTION_LABELS
from tasks.models.description.segmenter import build_segmenter
from tasks.models.real.common import mono_at
from tasks.models.real.import_masks import import_foreign
from tasks.models.real.songformer import hearing
from tasks.models.real.songformer.musicfm import STATE as MUSICFM
from tasks.models.real.songformer.musicfm import STATISTICS, read_musicfm
from tasks.models.real.songformer.net import STATE, read_net
from tasks.models.real.songformer.parts import LABELS, Part, as_ours, parts_of, tidied
from tasks.models.real.songformer.segmenter import CARDS, SongFormer
from tasks.models.real.songformer.tensors import read_archive
from tasks.models.released_weights import Card, find_weights, loading
from tasks.stages.description.sections import Sections
from tests.tasks.models.checkpoints.muq import write_muq
from tests.tasks.models.checkpoints.songformer import DEPTH, WIDTH, write_all, write_musicfm, write_songformer
from tests.tasks.models.refusals import cut_short, refusal
from tests.tasks.models.voices import choosing

torch.set_num_threads(1)
STEP_S = 1 / 8.333
TIDIED = (  # starts and labels, the end; what is left
    ([(0, "intro"), (0.9, "verse"), (20, "outro")], 30, [(0, "verse"), (20, "outro")]),
    ([(0, "intro"), (0.5, "verse"), (0.8, "chorus"), (9, "outro")], 30, [(0, "chorus"), (9, "outro")]),
    ([(0, "verse"), (20, "chorus"), (29.5, "silence")], 30, [(0, "verse"), (20, "chorus")]),
    (
        [(0, "intro"), (10, "intro"), (19, "intro"), (40, "verse")],
        80,
        [(0, "intro"), (19, "intro"), (40, "verse")],
    ),
    ([(0, "verse"), (30, "outro"), (71, "outro")], 80, [(0, "verse"), (30, "outro")]),
    ([(0, "verse")], 0.5, [(0, "verse")]),
)


class Runs:
    """What an archive must not run: it would leave a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return shutil.copyfile, (__file__, str(self.path))


def test_parts_begin_where_a_bound_is_likeliest_within_12_s_and_short_ends_are_swallowed() -> None:
    labels_SL = np.full((400, 128), -1.0)
    labels_SL[:, 60] = 50.0  # no label of this data set
    for first, last, label in ((0, 130, 0), (130, 250, 26), (250, 390, 2), (390, 400, 6)):
        labels_SL[first:last, label] = 4.0
    bounds_S = np.full(400, -6.0)
    bounds_S[[130, 250, 390]] = 2.0
    bounds_S[[60, 190]] = 1.0  # nearer than 12 s to a likelier one
    parts, end_s = parts_of(bounds_S, labels_SL)
    assert parts == [
        (0, "intro"),
        (130 * STEP_S, "pre-chorus"),
        (250 * STEP_S, "chorus"),
        (390 * STEP_S, "silence"),
    ]
    assert end_s == pytest.approx(400 * STEP_S)
    assert [as_ours(part.label) for part in parts] == ["intro", "pre_chorus", "chorus", "other"]
    assert {as_ours(label) for label in LABELS.values()} == set(SECTION_LABELS)
    for before, end, after in TIDIED:
        assert tidied([Part(*part) for part in before], end) == after, before
    for bounds in (np.zeros(1), np.full(300, -900.0), np.full(5, 900.0)):
        assert parts_of(bounds, labels_SL[: len(bounds)])[0][0] == (0, "intro")
    with pytest.raises(ValueError, match="no step"):
        parts_of(np.zeros(0), labels_SL)


def test_a_file_that_is_none_of_the_nets_is_refused_in_a_line_that_names_the_tensor(tmp_path: Path) -> None:
    averaged = load_file(write_songformer(tmp_path / "net") / STATE)
    plain = {name.removeprefix("ema_model."): held for name, held in averaged.items() if "." in name}
    heard, of_names = torch.randn(1, 12, 4 * WIDTH), []
    for tensors in (averaged, plain):
        save_file(tensors, tmp_path / "net" / STATE)
        of_names.append([side.tolist() for side in read_net(tmp_path / "net")(heard, 5)])
    assert of_names[0] == of_names[1]
    query = "transformer.transformer.layers.2.1.to_q.weight"
    for said, spoilt in {
        f"lacks {query}": {name: held for name, held in averaged.items() if not name.endswith(query)},
        "more than the net: lm_head and 1 others": plain
        | {name: torch.zeros(1) for name in ("lm_head", "more")},
        f"{query} is [128, 31], and must be [128, 32]": plain | {query: torch.zeros(128, 31)},
        f"{query} holds what is no finite number": plain | {query: torch.full((128, 32), torch.nan)},
        f"{query} holds int8": plain | {query: torch.zeros(128, 32, dtype=torch.int8)},
        "lacks transformer.transformer.rotary_pos_emb.inv_freq": {"a": torch.zeros(1)},
    }.items():
        save_file(spoilt, tmp_path / "net" / STATE)
        assert said in said_of(CARDS[0], tmp_path / "net", read_net), said
    cut_short(tmp_path / "net" / STATE, 2)
    assert "ends before its last tensor" in said_of(CARDS[0], tmp_path / "net", read_net)

    folder = write_musicfm(tmp_path / "musicfm", extra=Runs(tmp_path / "ran"))
    assert read_musicfm(folder).conformer.num_heard == WIDTH and not (tmp_path / "ran").exists()
    state = read_archive(folder / MUSICFM)["state_dict"]
    norm, few = "model.conv.conv.1.bn2.running_var", [f"model.conformer.layers.{DEPTH - 1}.", "model.a"]
    for said, held in {
        "lacks conv.conv.1.bn2.running_var": {"state_dict": {n: of for n, of in state.items() if n != norm}},
        "running_var is [9], and must be [8]": {"state_dict": state | {norm: torch.ones(9)}},
        "running_var says [8] and holds 4 bytes": {"state_dict": state | {norm: torch.ones(1).expand(8)}},
        "more than the net: a": {"state_dict": state | {few[1]: torch.ones(1)}},
        "it has 10 layers": {"state_dict": {n: of for n, of in state.items() if not n.startswith(few[0])}},
        "no tensors under state_dict": {"state_dict": {"model.a": 3}},
    }.items():
        torch.save(held, folder / MUSICFM)
        assert said in said_of(CARDS[1], folder, read_musicfm), said
    with zipfile.ZipFile(folder / MUSICFM, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(10_000))
    assert "is compressed" in said_of(CARDS[1], folder, read_musicfm)
    (folder / MUSICFM).write_bytes(pickle.dumps(Runs(tmp_path / "ran")))
    assert "not a zip file" in said_of(CARDS[1], folder, read_musicfm)
    cut_short(write_musicfm(folder) / MUSICFM)
    assert "ends before its last byte" in said_of(CARDS[1], folder, read_musicfm)
    write_musicfm(folder)
    for statistics in ({"melspec_2048_mean": 6.7}, {"melspec_2048_mean": 6.7, "melspec_2048_std": 0}, [1]):
        (folder / STATISTICS).write_text(json.dumps(statistics))
        assert "msd_stats.json" in said_of(CARDS[1], folder, read_musicfm)
    (folder / STATISTICS).unlink()
    assert "holds no msd_stats.json" in said_of(CARDS[1], folder, read_musicfm)
    assert not (tmp_path / "ran").exists()


@pytest.mark.slow
def test_a_wav_becomes_parts_through_three_nets_that_hear_as_their_packages_do(tmp_path: Path) -> None:
    params = choosing(load_params().sections, "songformer", **write_all(tmp_path))
    segmenter = build_segmenter(params)
    assert isinstance(segmenter, SongFormer) and segmenter.identity == params.identity()
    sound_N = sound(46.0)
    soundfile.write(
        tmp_path / "song.wav", np.stack([sound_N, sound_N], axis=1), SAMPLE_RATE_HZ, subtype="FLOAT"
    )
    columns = dict.fromkeys(Sections.reads) | {
        "audio": {"path": "song.wav", "bytes": None},
        "duration_s": 46.0,
    }
    stage = Sections(params, load_params().ingest)
    rows = stage.one(Song("a", columns, root=str(tmp_path)))["sections"]
    assert [row["start_s"] for row in rows] == [0.0, *(row["end_s"] for row in rows[:-1])]
    assert rows[-1]["end_s"] == 46.0 and {row["source"] for row in rows} == {"heard"} and len(rows) > 1
    assert {row["label"] for row in rows} <= set(SECTION_LABELS)
    assert segmenter.segment(np.zeros((2, 1000), np.float32)) == ()

    audio_1N = torch.from_numpy(mono_at(np.stack([sound_N, sound_N]), hearing.RATE_HZ))[None]
    muq = (
        import_foreign("muq").MuQ.from_pretrained(params.songformer.muq_weights, local_files_only=True).eval()
    )
    with torch.inference_mode():
        whole = muq(audio_1N, output_hidden_states=True).hidden_states[10]
        torch.testing.assert_close(segmenter.ears[1].hear(audio_1N, "float32"), whole, atol=2e-5, rtol=0)
        (near,) = hearing.heard(segmenter.ears, audio_1N[0], "float32")
        assert near.shape == (1, whole.shape[1], 4 * WIDTH)
        first = segmenter.ears[1].hear(audio_1N[:, : hearing.NEAR], "float32")
        torch.testing.assert_close(near[:, :750, WIDTH : 2 * WIDTH], first)
        torch.testing.assert_close(near[..., 3 * WIDTH :], whole, atol=2e-5, rtol=0)
    assert len(segmenter.logits(audio_1N[0].numpy())[0]) == whole.shape[1] // 3

    write_muq(tmp_path / "muq", depth=DEPTH, width=WIDTH // 2)
    assert "it takes 128 numbers a frame" in refusal(lambda: build_segmenter(params))
    nowhere = choosing(params, "songformer", params.songformer.weights, musicfm_weights="/nowhere")
    assert "sections.songformer.musicfm_weights: /nowhere does not exist" in refusal(
        lambda: nowhere.identity()
    )


def said_of(card: Card, folder: Path, read: Callable[[Path], object]) -> str:
    """The line with which a folder of weights is refused."""

    def load() -> None:
        with loading(card, find_weights(card, str(folder), None)) as path:
            read(path)

    return refusal(load)


def sound(seconds: float) -> np.ndarray:
    """Stretches of 5 to 15 s that are silent, of noise, or of a low or high tone, float32 [N] at 44.1 kHz."""
    random, stretches = np.random.default_rng(3), []
    while sum(map(len, stretches)) < seconds * SAMPLE_RATE_HZ:
        times_N = np.arange(int(random.uniform(5, 15) * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
        kinds = (
            np.zeros(len(times_N)),
            0.2 * random.standard_normal(len(times_N)),
            0.3 * np.sin(2 * np.pi * random.uniform(60, 200) * times_N),
            0.1 * np.sin(2 * np.pi * random.uniform(2000, 8000) * times_N),
        )
        stretches.append(kinds[len(stretches) % 4])
    return np.concatenate(stretches)[: round(seconds * SAMPLE_RATE_HZ)].astype(np.float32)
