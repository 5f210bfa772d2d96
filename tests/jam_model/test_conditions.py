import pytest
import torch

from jam_model.conditions import Conditions, duration_conditions
from jam_model.config import JAM_0_5, JamConfig
from tests.every import every


def test_durations_equal_the_released_example():
    start_time, duration_abs, duration_rel = duration_conditions(1032, max_frames=5000)
    assert start_time == 0
    assert duration_abs == pytest.approx(0.62579, abs=1e-5)
    assert duration_rel == pytest.approx(0.2064, abs=1e-9)


def test_durations_of_a_crop_say_where_it_lies_in_the_song():
    start_time, _, duration_rel = duration_conditions(300, max_frames=300, start_frame=57, total_frames=900)
    assert start_time == 57 / 900
    assert duration_rel == pytest.approx(1.0, abs=1e-12)


@every(
    ("arguments", "message"),
    [((0, 10), "num_frames 0"), ((11, 10), "exceeds max_frames 10"), ((5, 10, 3, 7), "song of 7 frames")],
)
def test_frames_outside_song_or_model_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        duration_conditions(*arguments)


def test_cat_of_slices_gives_the_batch_back(make_conditions):
    batch = make_conditions(5)
    parts = Conditions.cat([batch[:2], batch[2:3], batch[torch.tensor([3, 4])]])
    assert len(parts) == 5
    for name in (name for name, tensor in vars(batch).items() if tensor is not None):
        assert torch.equal(getattr(parts, name), getattr(batch, name))


def test_config_survives_its_dict_and_names_wrong_fields():
    values = JAM_0_5.to_dict()
    assert JamConfig.from_dict(values) == JAM_0_5
    values["depht"] = values.pop("depth")
    with pytest.raises(ValueError, match=r"missing fields \['depth'\], unknown fields \['depht'\]"):
        JamConfig.from_dict(values)


@every(
    ("field", "value"),
    [
        ("dim", 40),
        ("heads", 3),
        ("depth", 0),
        ("max_frames", 2.5),
        ("use_implicit_duration", 1),
        ("text_dim", 5),
    ],
)
def test_impossible_sizes_are_refused_by_name(tiny, field, value):
    with pytest.raises(ValueError, match=field if field != "heads" else "dim 32 does not split into 3 heads"):
        JamConfig.from_dict({**tiny.to_dict(), field: value})
