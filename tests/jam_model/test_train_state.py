"""An update is AdamW on clipped gradients, and the average of the weights starts young: by the formulas, in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from jam_model.config import UpdateRule
from jam_model.train_state import DamagedCheckpoint, TrainState, check_checkpoint

RULE = UpdateRule(
    steps=100,
    learning_rate=0.01,
    warmup_steps=2,
    decay_fraction=0.5,
    min_lr_ratio=0.1,
    betas=(0.9, 0.99),
    weight_decay=0.1,
    max_grad_norm=1.0,
    ema_decay=0.9,
)


def set_gradients(train_state: TrainState, seed: int) -> dict[str, np.ndarray]:
    """Random gradients, far above the norm they are clipped to."""
    generator = torch.Generator().manual_seed(seed)
    for weight in train_state.model.parameters():
        weight.grad = torch.randn(weight.shape, generator=generator)
    return {name: weight.grad.double().numpy() for name, weight in train_state.model.named_parameters()}


def test_three_updates_and_their_average_are_those_of_the_formulas(make_jam) -> None:
    train_state = TrainState(make_jam(), RULE)
    weights = {name: w.detach().double().numpy().copy() for name, w in train_state.model.named_parameters()}
    ema = {name: w.copy() for name, w in weights.items()}
    first, second = ({name: np.zeros_like(w) for name, w in weights.items()} for _ in range(2))
    for step in range(1, 4):
        gradients = set_gradients(train_state, step)
        norm = np.sqrt(sum((g**2).sum() for g in gradients.values()))
        assert train_state.update()["grad_norm"] == pytest.approx(norm, rel=1e-5)
        rate = RULE.learning_rate * min(1.0, step / RULE.warmup_steps)
        assert train_state.learning_rate == pytest.approx(rate)
        decay = min(RULE.ema_decay, (1 + step) / (10 + step))
        for name, w in weights.items():
            clipped = gradients[name] * min(1.0, RULE.max_grad_norm / norm)
            first[name] = 0.9 * first[name] + 0.1 * clipped
            second[name] = 0.99 * second[name] + 0.01 * clipped**2
            towards = (first[name] / (1 - 0.9**step)) / (np.sqrt(second[name] / (1 - 0.99**step)) + 1e-8)
            weights[name] = w * (1 - rate * RULE.weight_decay) - rate * towards
            ema[name] = decay * ema[name] + (1 - decay) * weights[name]
    for name, weight in train_state.model.named_parameters():
        np.testing.assert_allclose(weight.detach().numpy(), weights[name], atol=2e-5, err_msg=name)
        np.testing.assert_allclose(train_state.ema[name].numpy(), ema[name], atol=2e-5, err_msg=name)


def test_a_gradient_that_is_not_finite_changes_nothing(make_jam) -> None:
    train_state = TrainState(make_jam(), RULE)
    before = {name: weight.clone() for name, weight in train_state.model.state_dict().items()}
    set_gradients(train_state, 1)
    next(train_state.model.parameters()).grad.view(-1)[0] = float("nan")
    with pytest.raises(FloatingPointError, match="gradient norm is nan at step 0; lower the learning rate"):
        train_state.update()
    assert train_state.step == 0
    assert all(torch.equal(before[name], weight) for name, weight in train_state.model.state_dict().items())
    scaled = TrainState(make_jam(), RULE, scaled=True)
    for skipped in (1.0, 0.0):
        scaled.optimiser.zero_grad(set_to_none=True)
        total = torch.stack([weight.sum() for weight in scaled.model.parameters()]).sum()
        scaled.backward(total * (float("inf") if skipped else 1.0))
        assert scaled.update() == {"skipped": skipped}
        same = [torch.equal(before[name], weight) for name, weight in scaled.model.state_dict().items()]
        assert all(same) if skipped else not any(same)
    assert scaled.scaler is not None and scaled.scaler.get_scale() == 2.0**15


def test_a_checkpoint_with_one_byte_changed_is_refused_by_its_name(make_jam, tmp_path) -> None:
    train_state = TrainState(make_jam(), RULE)
    set_gradients(train_state, 1)
    train_state.update()
    train_state.save(tmp_path / "step-1", {"seconds": 2.0})
    assert check_checkpoint(tmp_path / "step-1")["seconds"] == 2.0
    for path in sorted(path for path in (tmp_path / "step-1").iterdir() if path.name != "state.json"):
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        with pytest.raises(DamagedCheckpoint, match=path.name):
            TrainState(make_jam(), RULE).load(tmp_path / "step-1")
        path.write_bytes(whole)
    assert TrainState(make_jam(seed=2), RULE).load(tmp_path / "step-1")["step"] == 1
