"""Adapters act wherever a weight is read, start from nothing, resume exactly, and merge to what was trained."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from flows.commands.main import run
from jam_model.checkpoint import build_model, load_model, weights_hash
from jam_model.conditions import Conditions, duration_conditions
from jam_model.config import Dropout, UpdateRule
from jam_model.dit import Jam
from jam_model.flow import flow_loss
from jam_model.train_state import DamagedCheckpoint, TrainState, plain_tensors, write_adapter
from tasks.training.adapter_params import AdapterParams
from tasks.training.adapters import (
    TARGETS,
    add_adapters,
    bare_base,
    extracted,
    merged,
    num_learned,
    read_adapter,
)
from tests.every import every
from tests.tasks.stages.generated.test_generate import TINY, tiny_checkpoint

ALL = AdapterParams(kind="lora", rank=2, alpha=4.0, targets=tuple(TARGETS))
DORA = ALL.model_copy(update={"kind": "dora"})
RULE = UpdateRule(4, 0.01, 0, 0.0, 1.0, (0.9, 0.99), 0.0, 1.0, 0.5)


def base(folder: Path) -> Jam:
    if not folder.exists():
        tiny_checkpoint(folder)
    return load_model(folder)


def stepped(state: TrainState, steps: int) -> TrainState:
    """So many updates down a loss that every weight in use has a part in."""
    for _ in range(steps):
        state.optimiser.zero_grad(set_to_none=True)
        torch.stack([tensor.square().sum() for _, tensor in plain_tensors(state.model)]).sum().backward()
        state.update()
    return state


@torch.no_grad()
def errors(model: Jam) -> torch.Tensor:
    """Of two songs at fixed noise and times."""
    generator, frames = torch.Generator().manual_seed(0), TINY.max_frames
    conditions = Conditions(
        torch.randint(0, 64, (2, 4 * frames), generator=generator),
        torch.randn(2, TINY.style_dim, generator=generator),
        *(torch.full((2,), value) for value in duration_conditions(frames, frames)),
    )
    latents_BTC = torch.randn(2, frames, TINY.latent_channels, generator=generator)
    return flow_loss(model.eval(), latents_BTC, conditions, Dropout(0.0, 0.0, "jam"), generator).per_sample_B


@every("section", [ALL, DORA])
def test_an_adapter_changes_nothing_at_first_and_then_only_its_targets(
    tmp_path: Path, section: AdapterParams
) -> None:
    plain = base(tmp_path / "base").state_dict()
    model = add_adapters(base(tmp_path / "base"), section, seed=1)
    assert {name for name, _ in plain_tensors(model)} == plain.keys()
    assert all(torch.equal(tensor, plain[name]) for name, tensor in plain_tensors(model))
    stepped(TrainState(model, RULE), 2)
    changed = {name for name, tensor in plain_tensors(model) if not torch.equal(tensor, plain[name])}
    linears = {name.removesuffix(".weight") for name in changed}
    assert linears == {name for name in linears if any(one.fullmatch(name) for one in TARGETS.values())}
    assert "transformer.input_embed.proj.weight" in changed  # which fusion and sampler read in slices
    assert sum("self_attn" in name for name in changed) == 4 * TINY.depth
    apart = build_model(TINY, {name: tensor.detach() for name, tensor in plain_tensors(model)})
    torch.testing.assert_close(errors(model), errors(apart), atol=1e-5, rtol=0)
    assert torch.equal(errors(bare_base(model)), errors(base(tmp_path / "base")))
    assert not torch.equal(errors(model), errors(bare_base(model)))
    learned, every = num_learned(model)
    assert 0 < learned < every == sum(tensor.numel() for tensor in plain.values())
    with pytest.raises(ValueError, match=r"adapter\.rank is 99, .* give at most"):
        add_adapters(base(tmp_path / "base"), ALL.model_copy(update={"rank": 99}), seed=1)


@every("section", [ALL, DORA])
def test_the_same_steps_end_in_the_same_bytes_after_a_stop_and_checkpoints_hold_adapters_alone(
    tmp_path: Path, section: AdapterParams
) -> None:
    whole = stepped(TrainState(add_adapters(base(tmp_path / "base"), section, 1), RULE), 4)
    half = stepped(TrainState(add_adapters(base(tmp_path / "base"), section, 1), RULE), 2)
    half.save(tmp_path / "step", {})
    assert (tmp_path / "step" / "model.safetensors").stat().st_size < (
        tmp_path / "base" / "model.safetensors"
    ).stat().st_size / 2
    again = TrainState(add_adapters(base(tmp_path / "base"), section, 1), RULE)
    again.load(tmp_path / "step")
    stepped(again, 2)
    assert again.ema.keys() == whole.ema.keys()
    assert all(torch.equal(again.ema[name], whole.ema[name]) for name in whole.ema)
    with pytest.raises(DamagedCheckpoint, match="not those that are learned here"):
        TrainState(base(tmp_path / "base"), RULE).load(tmp_path / "step")


@every("section", [ALL, DORA])
def test_a_file_of_adapters_on_its_base_is_the_trained_model_and_off_it_is_the_base(
    tmp_path: Path, section: AdapterParams
) -> None:
    plain = base(tmp_path / "base")
    state = stepped(TrainState(add_adapters(base(tmp_path / "base"), section, 1), RULE), 3)
    write_adapter(
        tmp_path / "a.safetensors", state.adapter_tensors(), section.facts(weights_hash(tmp_path / "base"))
    )
    trained = state.ema_model()
    assert trained is not None
    tensors, facts = read_adapter(tmp_path / "a.safetensors")
    assert facts["base"] == weights_hash(tmp_path / "base")
    for strength, expected in ((1.0, trained), (0.0, plain)):
        mine, theirs = merged(plain, tensors, facts, strength).state_dict(), expected.state_dict()
        assert all(torch.equal(mine[name], theirs[name]) for name in theirs), strength
    half = merged(plain, tensors, facts, 0.5).state_dict()
    name = "transformer.proj_out.weight"
    assert torch.equal(half[name], plain.state_dict()[name])
    wrong = {key: value[:, :1] if key.endswith("down") else value for key, value in tensors.items()}
    with pytest.raises(ValueError, match="does not fit these weights; give the base it was learned on"):
        merged(plain, wrong, facts, 1.0)
    other = {**facts, "kind": "lora"} if section is DORA else {**facts, "kind": "dora"}
    with pytest.raises(ValueError, match="does not fit these weights"):
        merged(plain, tensors, other, 1.0)
    save_file(tensors, tmp_path / "nameless.safetensors")
    with pytest.raises(ValueError, match="does not say its base, rank and alpha"):
        read_adapter(tmp_path / "nameless.safetensors")
    for said in ({**facts, "base": "two\nlines"}, facts):  # a name of one line, and float32
        save_file(
            {name: tensor.double() for name, tensor in tensors.items()}, tmp_path / "odd.safetensors", said
        )
        with pytest.raises(ValueError, match="holds float64" if said is facts else "does not say its base"):
            read_adapter(tmp_path / "odd.safetensors")


def test_an_extracted_adapter_holds_the_change_of_low_rank_and_names_what_it_cannot_carry(
    tmp_path: Path,
) -> None:
    plain = base(tmp_path / "base")
    state = stepped(TrainState(add_adapters(base(tmp_path / "base"), ALL, 1), RULE), 3)
    tuned = state.ema_model()
    assert tuned is not None
    for rank, least in ((2, 0.999), (1, 0.4)):
        section = ALL.model_copy(update={"rank": rank})
        tensors, share, left_out = extracted(plain, tuned, section)
        assert least < share <= 1 + 1e-6
        assert not left_out
        if rank == 2:
            again = merged(plain, tensors, section.facts("x"), 1.0).state_dict()
            assert all(torch.allclose(again[n], t, atol=1e-5) for n, t in tuned.state_dict().items())
    again = merged(plain, *_of_dora(plain, tuned), 1.0).state_dict()
    for name, tensor in tuned.state_dict().items():  # rows as long as the tuned ones
        torch.testing.assert_close(again[name].norm(dim=-1), tensor.norm(dim=-1), atol=1e-5, rtol=1e-5)
    with torch.no_grad():
        tuned.transformer.proj_out.bias.add_(1)
    assert extracted(plain, tuned, ALL)[2] == ["transformer.proj_out.bias"]


def _of_dora(plain: Jam, tuned: Jam) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """A DoRA of rank 2 out of a tuned model; what it cannot hold of the change is little."""
    tensors, share, _ = extracted(plain, tuned, DORA)
    assert 0.8 < share <= 1
    return tensors, DORA.facts("x")


def test_adapters_are_merged_by_the_command_on_their_own_base_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    digest = tiny_checkpoint(tmp_path / "base")
    tiny_checkpoint(tmp_path / "other", seed=9)
    state = stepped(TrainState(add_adapters(base(tmp_path / "base"), ALL, 1), RULE), 2)
    (tmp_path / "run").mkdir()
    write_adapter(tmp_path / "run" / "adapter.safetensors", state.adapter_tensors(), ALL.facts(digest))
    given = ["adapters", "merge", str(tmp_path / "base"), str(tmp_path / "run"), str(tmp_path / "out")]
    assert run([*given, "--strength", "0"]) == 0
    assert weights_hash(tmp_path / "out") == digest
    assert run(given) == 2
    assert "is there already; name a new one" in capsys.readouterr().err
    given[2], given[4] = str(tmp_path / "other"), str(tmp_path / "new")
    assert run(given) == 2
    assert f"it was learned on weights with sha256 {digest[:12]}" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
