"""jamify's yaml files become a params file: the published numbers, what had no counterpart, and refusals in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.commands.main import run
from flows.settings.params import load_params
from flows.settings.params_files import BASE

DPO = """
project_root: .
wandb: {project: Songs, name: third, mode: offline}
training:
  resume_from_safetensors: theirs.safetensors
  grad_accumulation_steps: 4
  learning_rate: 5.0e-7
  max_steps: 20000
  num_warmup_updates: 1000
  save_per_updates: 100
  log_every: 8
  max_grad_norm: 10
  beta_dpo: 2000
  lucky_number: 7
model:
  num_channels: 64
  cfm: {sft: none, max_frames: "${max_frames}", num_channels: "${model.num_channels}", dual_drop_prob: [0.1, 0.5], no_edit: true}
  dit: {max_frames: "${max_frames}", mel_dim: "${model.num_channels}", dim: 1408, depth: 16, heads: 16, ff_mult: 4, text_dim: 512,
        conv_layers: 4, grad_ckpt: true, use_implicit_duration: true}
data:
  train_dataset: {dpo_json_path: pairs.json, max_frames: "${max_frames}", filler: average_repeat, lrc_upsample_factor: "${up}"}
  train_dataloader: {batch_size: 1, pin_memory: true}
max_frames: 5000
up: 4
seed: 42
"""
INFER = """
evaluation: {num_samples: 3, ignore_style: true, num_style_secs: 30, output_dir: out,
             sample_kwargs: {steps: 50, dual_cfg: [4.7, 2.6], cfg_range: [0.05, 1], batch_infer_num: 2}}
"""


def bring(text: str, folder: Path, *more: str) -> tuple[int, Path]:
    source, out = folder / "theirs.yaml", folder / "ours.yaml"
    source.write_text(text)
    return run(["import", "--yaml", str(source), "--out", str(out), *more]), out


@pytest.mark.slow
def test_a_trainers_yaml_gives_the_published_settings_and_lists_what_had_no_counterpart(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, out = bring(DPO, tmp_path)
    said = capfd.readouterr().out
    assert code == 0 and "jam dpo --params" in said
    for line in (
        "training.lucky_number: there is no such setting",
        "pin_memory",
        "model.dit.heads: its model never",
    ):
        assert line in said and line in out.read_text()
    found, published = load_params(out), load_params(BASE.parent / "params/jam_dpo.yaml")
    same = set(type(found.dpo).model_fields) - {"validate_every_steps"}
    same -= {
        "num_workers",
        "threads_per_worker",
        "gpus_per_worker",
        "precision",
        "keep_checkpoints",
        "draws_by",
    }
    for name in same:
        assert getattr(found.dpo, name) == getattr(published.dpo, name), name
    assert found.jam.model_copy(update={"filler": "average_sparse"}) == published.jam
    assert (found.jam.filler, found.start.dpo) == ("average_repeat", "theirs.safetensors")
    assert (found.wandb.project, found.wandb.name, found.wandb.mode) == ("Songs", "third", "offline")
    assert bring(DPO, tmp_path)[0] == 2 and "name a new file" in capfd.readouterr().err

    (tmp_path / "i").mkdir()
    code, out = bring(INFER, tmp_path / "i")
    assert code == 0
    assert "batch_infer_num: give it to jam generate --candidates" in capfd.readouterr().out
    asked = load_params(out)
    assert (asked.prompt.num_samples, asked.prompt.style) == (3, "none")
    sampler = (asked.sampler.num_steps, asked.sampler.style_guidance_scale, asked.sampler.interval)
    assert sampler == (49, 4.7, (0.05, 1.0))

    wrong = {
        "a: &b [1]\nc: *b": "is not plain YAML",
        "training: {seed: 1}\nmax_frames: 8\nmodel: {dit: {max_frames: 9}}": "at once",
        "songs: here": "neither `training` nor `evaluation`",
        "training:\n  max_steps: ${nobody}": "names no value",
        "training: {max_steps: ten}": "give a whole number",
        "training: {learning_rate: 1}\nlrc_upsample_factor: 2": "no model here has another than 4",
        "training: {save_per_updates: 7, log_every: 2}": "cannot be taken over",
        'training: {lucky: 1, "a.b": 2}': "is no plain name",
    }
    for number, (text, reason) in enumerate(wrong.items()):
        folder = tmp_path / f"w{number}"
        folder.mkdir()
        code, out = bring(text, folder)
        told = capfd.readouterr().err
        assert code == 2 and reason in told and not out.exists(), (text, told)
        assert len(told.strip().splitlines()) == 1
    assert run(["import", "--out", str(tmp_path / "x")]) == 2
    assert "give --shards, --yaml, or --captions" in capfd.readouterr().err
