"""Importing real models' packages where they were not built for: a host without CUDA.

On such a host two packages of the field fail at import though nothing we use of them needs what is missing:
torchaudio's compiled extension links against CUDA, and `x_clip` (whose tokenizer MuQ-MuLan uses) imports
torchvision. Both are masked here, for the process, before the import; no installed file is touched, and a test
says when a mask may go. A third mask is for safety: with the package `kernels`, transformers before 5.3 runs code from
the hub that a config.json names (CVE-2026-4372); here that package is never there.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, NoReturn, cast

import torch

TORCHAUDIO_EXTENSION = "torchaudio._extension"


def import_foreign(name: str) -> ModuleType:
    """``importlib.import_module`` for a package that imports torchaudio, x_clip or transformers, masked where need be.

    Raises:
        ImportError: the package is not installed, or fails for another reason.
    """
    sys.modules.setdefault("kernels", cast(ModuleType, None))
    if torch.version.cuda is None:
        mask_torchaudio()
    if importlib.util.find_spec("torchvision") is None:
        mask_x_clip()
    return importlib.import_module(name)


def mask_torchaudio() -> None:
    """Lets torchaudio import without its extension: transforms work, `forced_align` says it cannot."""
    if "torchaudio" in sys.modules:
        return
    extension: Any = ModuleType(TORCHAUDIO_EXTENSION)
    extension._IS_TORCHAUDIO_EXT_AVAILABLE = False
    extension._IS_ALIGN_AVAILABLE = False
    extension._check_cuda_version = lambda: None
    extension.fail_if_no_align = _refusing
    sys.modules.setdefault(TORCHAUDIO_EXTENSION, extension)


def mask_x_clip() -> None:
    """Lets the modules of x_clip be imported one by one, without its package module."""
    spec = importlib.machinery.PathFinder.find_spec("x_clip")
    if "x_clip" in sys.modules or spec is None or spec.submodule_search_locations is None:
        return
    package = ModuleType("x_clip")
    package.__path__ = list(spec.submodule_search_locations)
    package.__spec__ = spec
    sys.modules["x_clip"] = package


def _refusing(function: Callable[..., Any]) -> Callable[..., Any]:
    def refuse(*args: Any, **kwargs: Any) -> NoReturn:
        raise RuntimeError(f"torchaudio's {function.__name__} needs its compiled extension, built for CUDA")

    return refuse
