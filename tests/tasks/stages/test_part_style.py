"""Part styles: sections become parts of a song, stand in its sample, and reach training by frame."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch

from flows.settings.params import load_params
from jam_model.batches import Batches, fixed_batches
from jam_model.frames import frame_middles_s
from jam_model.part_styles.parts import PART_STYLES
from jam_model.shard_index import EXTRAS
from jam_model.shards import Shards, decode_sample
from tasks.stages.description.part_style import PartStyle, parts_of_sections
from tasks.stages.pack import Pack, PackParams
from tests.jam_model.test_shards import write_folder
from tests.tasks.stages.test_pack import packable
from tests.tasks.tiny import write_song

SILENCE_C = np.zeros(64, np.float32)


def section(label: str, start_s: float, end_s: float) -> dict[str, object]:
    return {"label": label, "text": None, "start_s": start_s, "end_s": end_s, "source": "times"}


def packed_members(song, extras=(PART_STYLES,)) -> dict[str, bytes]:
    data = Pack(PackParams(tensor_format="npy", extras=extras)).one(song)["sample"]
    with tarfile.open(fileobj=io.BytesIO(data + bytes(1024))) as tar:
        return {member.name.partition(".")[2]: tar.extractfile(member).read() for member in tar}


def test_sections_become_styles_of_parts_which_reach_training_by_frame(tmp_path: Path) -> None:
    rows = [section("verse", 0.5, 4.0), section("chorus", 7.0, 9.0), section("bridge", 9.0, 9.5)]
    parts = parts_of_sections([*rows, section("outro", 9.5, 14.0)], 12.0)
    told = [(part.label, part.start_s, part.end_s) for part in parts]
    assert told == [("verse", 0.0, 4.0), ("", 4.0, 7.0), ("chorus", 7.0, 9.5), ("outro", 9.5, 12.0)]
    assert [part.label for part in parts_of_sections([], 3.0)] == [""]

    write_song(tmp_path / "a.wav", 6.0)
    heard = packable("a-1", frames=129).with_columns(
        audio={"path": "a.wav", "bytes": None}, sections=[section("verse", 0, 3), section("chorus", 3, 6)]
    )
    heard = PartStyle(load_params().models.style_encoder).one(
        type(heard)(heard.song_id, heard.columns, root=str(tmp_path))
    )
    styles_KS = np.asarray(heard[PART_STYLES], np.float32)
    np.testing.assert_allclose(np.linalg.norm(styles_KS, axis=1), [1, 1], atol=1e-5)
    members = packed_members(heard)
    assert "parts" not in json.loads(packed_members(packable("a-1"), ())["json"])
    shards = Shards(write_folder(tmp_path / "s", [{"a-1": members}]), extras=(PART_STYLES,))
    batch = Batches(shards, SILENCE_C, 40, 0.0, 1, 0).at([0]).conditions
    assert np.array_equal(batch.part_styles_BKS[0], styles_KS)
    whole_KT = shards[0].extras[PART_STYLES].weights_KT(frame_middles_s(129))
    start = round(float(batch.start_time_B[0]) * 129)
    assert np.array_equal(batch.part_weights_BKT[0], whole_KT[:, start : start + 40])
    meant = Batches(shards, SILENCE_C, 40, 0.0, 1, 0, part_style_dropout=1.0).at([0]).conditions
    np.testing.assert_allclose(meant.part_styles_BKS[0, 0], styles_KS.mean(axis=0), atol=1e-3)
    assert torch.equal(meant.part_weights_BKT, torch.ones(1, 1, 40))
    assert torch.equal(meant.start_time_B, batch.start_time_B), "crops are those without dropout"
    assert next(fixed_batches(shards, SILENCE_C, 200, 1)).conditions.part_weights_BKT.shape == (1, 2, 200)
    plain = Batches(Shards(tmp_path / "s"), SILENCE_C, 40, 0.0, 1, 0).at([0]).conditions
    assert plain.part_styles_BKS is None and torch.equal(plain.style_BS, batch.style_BS)

    for key, value, message in (
        ("style", 2, "style 2 is no row of its 2 styles"),
        ("end_s", -1, "is no span of seconds"),
        ("label", 3, "its label is no text"),
    ):
        facts = json.loads(members["json"])
        facts["parts"][0][key] = value
        with pytest.raises(ValueError, match=message):
            decode_sample("a-1", {**members, "json": json.dumps(facts).encode()}, "s", (PART_STYLES,))
    with pytest.raises(ValueError, match=f"lacks its {PART_STYLES}"):
        decode_sample(
            "a-1", {k: v for k, v in members.items() if k != EXTRAS[PART_STYLES]}, "s", (PART_STYLES,)
        )
