"""What a report was made with: the settings that decide values, and no others."""

from __future__ import annotations

from flows.settings.params import load_params
from flows.settings.params_files import BASE
from tests.every import every


@every(
    "setting",
    [
        "models.codec.stable_audio.device=cpu",
        "models.separator.demucs.overlap=0.5",  # not chosen
        "engine.num_workers=3",
        "songs.path=/elsewhere",
    ],
)
def test_paths_devices_and_models_not_chosen_are_no_part_of_a_report(setting: str) -> None:
    assert load_params(settings=[setting]).decides() == load_params().decides()
    real = BASE.parent / "params" / "real.yaml"
    assert "weights" not in load_params(real).decides()["models"]["codec"]["stable_audio"]


@every("setting", ["fit.max_grad_norm=3.0", "sampler.num_steps=3", "models.judge.model=coin"])
def test_what_decides_values_is_part_of_a_report(setting: str) -> None:
    assert load_params(settings=[setting]).decides() != load_params().decides()
