"""Foreign weights become a checkpoint that says where it came from; what cannot be one is refused before anything is written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from flows.settings.params import load_params
from jam_model.checkpoint import CONFIG_FILE, WEIGHTS_FILE, load_config, load_model, sha256_of
from jam_model.training_facts import read_facts
from tasks.training.params import JamParams
from tasks.training.start import StartParams, bring_start, check_start, fitting, start_config
from tests.tasks.stages.generated.test_generate import TINY, tiny_checkpoint

NONE = load_params().start
JAM = JamParams(**{**{name: getattr(TINY, name) for name in JamParams.model_fields}, "heads": 4})


def asked(**said: str) -> StartParams:
    return NONE.model_copy(update={"preset": "jam", **said})


def bare(folder: Path) -> Path:
    """Tiny weights without a config."""
    tiny_checkpoint(folder / "made")
    return (folder / "made" / "model.safetensors").rename(folder / "bare.safetensors")


def test_a_bare_file_becomes_a_checkpoint_that_keeps_its_terms(tmp_path: Path) -> None:
    file, kept = bare(tmp_path), tmp_path / "start"
    params = asked(licence="CC-BY-4.0", trained_on="ten songs")
    start = bring_start(str(file), params, JAM, 99, kept)
    assert start.config == load_config(start.checkpoint)
    assert (start.config.dim, start.config.heads, start.config.max_frames) == (TINY.dim, 4, 99)
    assert any("4 heads and max_frames 99 are those of preset jam" in line for line in start.lines)
    begun = read_facts(start.checkpoint).begun_from
    assert begun is not None
    assert (begun.sha256, begun.licence) == (sha256_of(file), "CC-BY-4.0")
    assert "weights of bare.safetensors" in begun.sentence
    assert "trained on ten songs" in begun.sentence
    again = bring_start(str(file), params, JAM, 99, kept)
    assert again.checkpoint == start.checkpoint
    assert fitting(start.config, JAM) == JAM
    other = bring_start(str(file), asked(licence="MIT"), JAM, 99, kept)
    assert other.checkpoint != start.checkpoint  # said otherwise, so another card


def test_a_checkpoint_of_this_project_brings_its_config_and_its_facts(tmp_path: Path) -> None:
    tiny_checkpoint(tmp_path / "made")
    start = bring_start(str(tmp_path / "made"), NONE, JAM, 99, tmp_path / "start")
    assert start.config == TINY
    mine, theirs = load_model(start.checkpoint).state_dict(), load_model(tmp_path / "made").state_dict()
    assert all(torch.equal(mine[name], theirs[name]) for name in theirs)


def test_weights_that_cannot_be_begun_with_are_refused_in_one_line_and_leave_nothing(tmp_path: Path) -> None:
    file, kept = bare(tmp_path), tmp_path / "start"
    tensors = load_model(file, TINY).state_dict()
    wrong = {**tensors, "transformer.proj_out.bias": torch.zeros(3)}
    del wrong["transformer.norm_out.linear.bias"]
    save_file(wrong, tmp_path / "wrong.safetensors")
    save_file({"encoder.weight": torch.zeros(2, 2)}, tmp_path / "other.safetensors")
    (tmp_path / "half.safetensors").write_bytes(file.read_bytes()[:-9])
    for name, params, said in (
        ("bare.safetensors", NONE, "name a preset"),
        (
            "wrong.safetensors",
            asked(),
            r"1 missing: transformer\.norm_out\.linear\.bias; 1 wrong shape: .*\(3,\)",
        ),
        ("other.safetensors", asked(), "these are other weights"),
        ("half.safetensors", asked(), "is not a whole safetensors file"),
        ("none.safetensors", asked(), "does not exist"),
        ("made", asked(), "holds none of"),
    ):
        with pytest.raises(ValueError, match=said) as caught:
            bring_start(str(tmp_path / name), params, JAM, 99, kept)
        assert "\n" not in str(caught.value), name
    assert not kept.exists()
    with pytest.raises(ValueError, match="name a preset"):
        check_start(str(file), NONE)
    assert check_start(str(file), asked()) == file
    save_file(tensors | {"transformer.proj_out.bias": torch.zeros(3)}, tmp_path / "bias.safetensors")
    torch.save(load_file(tmp_path / "bias.safetensors"), tmp_path / "bias.pt")
    (tmp_path / "ours").mkdir()
    shutil.copy(tmp_path / "bias.safetensors", tmp_path / "ours" / WEIGHTS_FILE)
    (tmp_path / "ours" / CONFIG_FILE).write_text(json.dumps(TINY.to_dict()))
    for name, params in (("bias.safetensors", asked()), ("bias.pt", asked()), ("ours", NONE)):
        with pytest.raises(
            ValueError, match=rf"weights: .*/{name}.*: no fit .* 1 wrong shape: .*bias \(3,\)"
        ):
            start_config(str(tmp_path / name), params, JAM, 99)
    with pytest.raises(ValueError, match="their latent_channels is 64, that of the songs here 32"):
        fitting(TINY, JAM.model_copy(update={"latent_channels": 32}))
