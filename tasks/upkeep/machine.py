"""What this machine offers: packages, processors, memory, GPUs and room on the disk."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from pathlib import Path
from typing import Any

from tasks.engine.fingerprint import installed
from tasks.storage.object_store import StorePath

PACKAGES = ("torch", "ray", "prefect", "webdataset", "dvc")


def machine(root: Path) -> dict[str, Any]:
    """Versions, counts and gigabytes; the disk is that of the work folder `root`."""
    import torch

    page = os.sysconf("SC_PAGE_SIZE")
    root = Path(tempfile.gettempdir()) if isinstance(root, StorePath) else root.resolve()  # a store's spool
    existing = next(folder for folder in (root, *root.parents) if folder.exists())
    gpus = [torch.cuda.get_device_properties(number) for number in range(torch.cuda.device_count())]
    return {
        "python": platform.python_version(),
        **{name: installed(name) for name in PACKAGES},
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * page / 1e9, 1),
        "gpus": [f"{gpu.name} {gpu.total_memory / 1e9:.0f} GB" for gpu in gpus],
        "free_disk_gb": round(shutil.disk_usage(existing).free / 1e9, 1),
        "wds_secure": os.environ.get("WDS_SECURE") == "1",
    }
