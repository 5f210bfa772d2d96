import hashlib

import pytest
import torch
from safetensors.torch import save_file

from jam_model.checkpoint import build_model, load_model, save_model, weights_hash
from tests.every import every


def tensors_of(jam):
    return {name: tensor.clone() for name, tensor in jam.state_dict().items()}


def test_saved_model_comes_back_equal_and_trainable(make_jam, make_conditions, normal, tmp_path):
    jam = make_jam()
    saved_hash = save_model(tmp_path / "model", jam)
    loaded = load_model(tmp_path / "model")
    assert loaded.config == jam.config
    x, time, conditions = normal(2, 12, 4), torch.tensor([0.2, 0.7]), make_conditions(2)
    velocity = loaded(x, time, conditions)
    assert torch.equal(velocity, jam(x, time, conditions))
    velocity.mean().backward()
    assert loaded.transformer.proj_out.weight.grad is not None
    file = tmp_path / "model" / "model.safetensors"
    assert saved_hash == hashlib.sha256(file.read_bytes()).hexdigest() == weights_hash(tmp_path / "model")


def test_equal_weights_give_equal_bytes_and_leave_no_other_file(make_jam, tmp_path):
    assert save_model(tmp_path / "a", make_jam()) == save_model(tmp_path / "b", make_jam())
    assert save_model(tmp_path / "a", make_jam(seed=1)) != weights_hash(tmp_path / "b")
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["config.json", "model.safetensors"]


def test_bare_file_with_released_names_loads_with_a_config(make_jam, tmp_path):
    jam = make_jam()
    tensors = tensors_of(jam)
    assert all(name.startswith("transformer.") for name in tensors)
    save_file(tensors, tmp_path / "jam-0_5.safetensors")
    loaded = load_model(tmp_path / "jam-0_5.safetensors", jam.config)
    assert all(torch.equal(tensor, tensors[name]) for name, tensor in loaded.state_dict().items())
    with pytest.raises(ValueError, match="needs a config"):
        load_model(tmp_path / "jam-0_5.safetensors")


def test_missing_unknown_and_misshapen_keys_are_named(make_jam, tmp_path):
    jam = make_jam()
    tensors = tensors_of(jam)
    tensors["transformer.stranger"] = torch.zeros(1)
    tensors["transformer.proj_out.bias"] = torch.zeros(5)
    del tensors["transformer.duration_pad_bias"]
    save_file(tensors, tmp_path / "weights.safetensors")
    with pytest.raises(ValueError, match=r"1 missing: transformer\.duration_pad_bias") as caught:
        load_model(tmp_path / "weights.safetensors", jam.config)
    assert "1 unknown: transformer.stranger" in str(caught.value)
    assert "transformer.proj_out.bias (5,) instead of (4,)" in str(caught.value)


def test_many_wrong_keys_are_counted_and_five_shown(tiny):
    with pytest.raises(ValueError, match=r"2 unknown: a, b") as caught:
        build_model(tiny, {"a": torch.zeros(1), "b": torch.zeros(1)})
    message = str(caught.value)
    assert message.count("transformer.") == 5
    assert " missing: " in message and " more;" in message


def test_broken_or_absent_files_are_plain_errors(make_jam, tmp_path):
    with pytest.raises(ValueError, match=r"no config\.json"):
        load_model(tmp_path / "nowhere")
    save_model(tmp_path, make_jam())
    file = tmp_path / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ValueError, match="not a whole safetensors file"):
        load_model(tmp_path)
    file.unlink()
    with pytest.raises(ValueError, match="no checkpoint at"):
        load_model(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ValueError, match="is not JSON"):
        load_model(tmp_path)


def test_failed_save_keeps_the_old_weights_and_cleans_up(make_jam, tmp_path, monkeypatch):
    old_hash = save_model(tmp_path, make_jam())

    def full_disk(tensors, path):
        path.write_bytes(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", full_disk)
    with pytest.raises(OSError, match="no space"):
        save_model(tmp_path, make_jam(seed=1))
    assert weights_hash(tmp_path) == old_hash
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "model.safetensors"]


def test_config_nested_beyond_reason_is_a_plain_error(tmp_path):
    (tmp_path / "config.json").write_text("[" * 100_000)
    with pytest.raises(ValueError, match=r"config\.json is not JSON"):
        load_model(tmp_path)


@every("field", ["dim", "depth", "max_frames"])
def test_config_that_asks_for_sizes_beyond_reason_is_refused(tiny, field):
    with pytest.raises(ValueError, match=f"{field} is 1000000000"):
        type(tiny).from_dict({**tiny.to_dict(), field: 10**400})
