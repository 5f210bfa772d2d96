"""Demucs separates as demucs itself does, from both forms of released weights, and runs no code of theirs."""

from __future__ import annotations

import json
import os
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from safetensors import safe_open
from safetensors.torch import save_file

from tasks.engine.stage import BadModel
from tasks.models.separator import build_separator, grouped
from tests.every import every
from tests.tasks.models.checkpoints.demucs import (
    SOURCES,
    package_of,
    tiny_htdemucs,
    write_demucs,
    write_pickle,
)
from tests.tasks.models.voices import demucs_params, mix

SHARES = [[1.0, 0.0, 0.5, 1.0], [0.0, 1.0, 0.5, 3.0]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_demucs(tmp_path_factory.mktemp("demucs") / "bag")


def stems_of(folder: Path, mix_CN: np.ndarray, **settings: Any) -> dict[str, np.ndarray]:
    return build_separator(demucs_params(folder, **settings)).stems(mix_CN)


@pytest.mark.parametrize("form", ["safetensors", "th"])
def test_a_bag_separates_as_demucs_does_whatever_its_form(tmp_path: Path, form: Any) -> None:
    from demucs.apply import BagOfModels, apply_model

    mix_CN = mix(1.1)
    mono_N = torch.from_numpy(mix_CN).mean(0)
    normal = (torch.from_numpy(mix_CN) - mono_N.mean()) / (mono_N.std() + 1e-8)
    models = [tiny_htdemucs(number) for number in range(2)]
    for model in models:
        model.load_state_dict({name: tensor.half() for name, tensor in model.state_dict().items()})
    theirs = apply_model(BagOfModels(models, SHARES), normal[None], shifts=0, split=True, overlap=0.3)[0]
    ours = stems_of(write_demucs(tmp_path, form, SHARES), mix_CN, overlap=0.3)
    for name, their_CN in zip(SOURCES, theirs, strict=True):
        expected_CN = (their_CN * (mono_N.std() + 1e-8) + mono_N.mean()).numpy()
        assert ours[name].shape == mix_CN.shape and ours[name].dtype == np.float32
        assert np.abs(ours[name] - expected_CN).max() < 1e-5
        assert np.abs(expected_CN).max() > 1e-3


@pytest.mark.parametrize("elder", ["demucs.hdemucs.HDemucs", "demucs.demucs.Demucs"])
def test_elders_of_htdemucs_separate_too_with_a_segment_the_bag_sets(tmp_path: Path, elder: str) -> None:
    from demucs.apply import BagOfModels, apply_model

    module, _, name = elder.rpartition(".")
    torch.manual_seed(1)
    model = getattr(import_module(module), name)(list(SOURCES), channels=8, depth=6, segment=10).eval()
    write_pickle(tmp_path, "0badcafe", package_of(model))
    (tmp_path / "mdx.yaml").write_text(yaml.safe_dump({"models": ["0badcafe"], "segment": 0.5}))
    model.load_state_dict({key: tensor.half() for key, tensor in model.state_dict().items()})
    mix_CN = mix(0.8)
    mono_N = torch.from_numpy(mix_CN).mean(0)
    mean, deviation = mono_N.mean(), mono_N.std() + 1e-8
    normal = (torch.from_numpy(mix_CN) - mean) / deviation
    theirs = apply_model(BagOfModels([model], segment=0.5), normal[None], shifts=0, split=True)[0]
    ours = stems_of(tmp_path, mix_CN)
    expected = (theirs * deviation + mean).numpy()
    assert max(np.abs(ours[n] - expected[i]).max() for i, n in enumerate(SOURCES)) < 1e-5


def test_the_same_mix_gives_the_same_vocals_and_batches_do_not_matter(folder: Path) -> None:
    mix_CN = mix(1.3)
    before = mix_CN.tobytes()
    separator = build_separator(demucs_params(folder, batch_size=1))
    vocals_N = separator.separate(mix_CN)
    assert vocals_N.tobytes() == separator.separate(mix_CN).tobytes() and mix_CN.tobytes() == before
    assert vocals_N.tobytes() == separator.stems(mix_CN)["vocals"].mean(axis=0).tobytes()
    batched_N = build_separator(demucs_params(folder, batch_size=3)).separate(mix_CN)
    assert np.abs(vocals_N - batched_N).max() < 1e-5


def test_half_precision_comes_near(folder: Path) -> None:
    mix_CN = mix(0.6)
    full, half = (stems_of(folder, mix_CN, precision=p)["vocals"] for p in ("float32", "bfloat16"))
    assert 0 < np.abs(full - half).max() < 0.05 * np.abs(full).max()


@every("num_samples", [1_000, 20_000])
def test_short_and_silent_mixes_are_separated(folder: Path, num_samples: int) -> None:
    silent = stems_of(folder, np.zeros((2, num_samples), np.float32))
    assert all(
        np.isfinite(stem_CN).all() and stem_CN.shape == (2, num_samples) for stem_CN in silent.values()
    )


def test_two_and_four_stems_add_up_to_what_was_separated(tmp_path: Path) -> None:
    six = (*SOURCES, "guitar", "piano")
    parts = stems_of(write_demucs(tmp_path, sources=six), mix(0.6))
    assert set(parts) == set(six)
    two, four = grouped(parts, "two"), grouped(parts, "four")
    assert list(two) == ["vocals", "accompaniment"] and list(four) == ["drums", "bass", "other", "vocals"]
    assert np.allclose(four["other"], parts["other"] + parts["guitar"] + parts["piano"])
    for found in (two, four):
        assert np.allclose(sum(found.values()), sum(parts.values()), atol=1e-6)


def test_identity_is_the_content_and_known_without_building(folder: Path, tmp_path: Path) -> None:
    identity = demucs_params(folder).identity()
    assert identity.startswith("demucs-v1@") and identity == build_separator(demucs_params(folder)).identity
    other = write_demucs(tmp_path, weights=[[1.0] * 4])
    assert demucs_params(other).identity() != identity


class Hostile:
    """Unpickled, it would write a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.path}",)


@every("place", ["klass", "args", "state", "training_args"])
def test_a_hostile_pickle_is_refused_and_not_run(tmp_path: Path, place: str) -> None:
    marker = tmp_path / "ran"
    package = {**package_of(tiny_htdemucs()), place: Hostile(marker)}
    write_pickle(tmp_path, "00000000", package)
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump({"models": ["00000000"]}))
    with pytest.raises(BadModel, match="cannot be loaded as Demucs") as refused:
        build_separator(demucs_params(tmp_path))
    assert "\n" not in str(refused.value) and not marker.exists()


def test_metadata_that_names_another_class_is_refused_and_not_called(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    write_demucs(tmp_path)
    metadata = {"klass": "os.system", "args": json.dumps([f"touch {marker}"]), "kwargs": "{}"}
    save_file({"w": torch.ones(1)}, tmp_path / "00000000.safetensors", metadata=metadata)
    with pytest.raises(BadModel, match=r"is of class os.system, not demucs.htdemucs"):
        build_separator(demucs_params(tmp_path))
    assert not marker.exists()


def test_a_file_that_is_not_what_its_name_says_is_refused(tmp_path: Path) -> None:
    write_demucs(tmp_path, "th")
    path = next(tmp_path.glob("*.th"))
    path.rename(tmp_path / "00000000-0badc0de.th")
    with pytest.raises(BadModel, match=r"its name says 0badc0de; get it again"):
        build_separator(demucs_params(tmp_path))


@every(
    ("bag", "fault"),
    [
        ({"models": ["11111111"]}, r"holds 0 files of model 11111111"),
        ({"models": ["../secret"]}, r"lists no models; give the .yaml of a released bag"),
        ([1, 2], r"lists no models"),
        ({"models": ["00000000"], "weights": [[1.0]]}, r"cannot be loaded as Demucs"),
    ],
)
def test_a_bag_that_cannot_be_put_together_is_refused(tmp_path: Path, bag: Any, fault: str) -> None:
    write_demucs(tmp_path)
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(bag))
    with pytest.raises(BadModel, match=fault):
        build_separator(demucs_params(tmp_path))


def test_a_folder_with_two_bags_is_refused(tmp_path: Path) -> None:
    write_demucs(tmp_path)
    (tmp_path / "other.yaml").write_text("models: [00000000]")
    with pytest.raises(BadModel, match=r"holds 2 .yaml files; give a folder with one bag"):
        build_separator(demucs_params(tmp_path))


def test_a_model_that_its_bag_has_only_in_the_other_form_is_not_read(tmp_path: Path) -> None:
    """The revision covers one form: weights it does not cover are never used."""
    write_demucs(tmp_path, weights=[[1.0] * 4])
    write_pickle(tmp_path, "11111111", package_of(tiny_htdemucs()))
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump({"models": ["11111111"]}))
    with pytest.raises(BadModel, match="holds 0 files of model 11111111"):
        build_separator(demucs_params(tmp_path))


def test_models_that_know_no_vocals_are_refused(tmp_path: Path) -> None:
    write_demucs(tmp_path, sources=("speech", "noise"))
    with pytest.raises(
        BadModel, match=r"separates speech, noise .*give a bag that separates bass, drums, vocals"
    ):
        build_separator(demucs_params(tmp_path))


def test_quantised_weights_are_refused(tmp_path: Path) -> None:
    write_demucs(tmp_path)
    path = tmp_path / "00000000.safetensors"
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    save_file({"w": torch.ones(1)}, path, metadata={**metadata, "structure": "{}"})
    with pytest.raises(BadModel, match="holds quantised weights"):
        build_separator(demucs_params(tmp_path))
