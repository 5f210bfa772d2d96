"""No config beside weights chooses code: entries of its JSON by which transformers and diffusers would fetch or import some are refused, and a config too large for one.

The loaders here name their classes themselves and trust no remote code, so no such entry is needed; a file that has one is not
the file that was released, or is for another loader.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tasks.engine.stage import BadModel

NAMES_CODE = frozenset(
    {
        "_attn_implementation_internal",
        "_custom_pipeline",
        "auto_map",
        "custom_generate",
        "custom_pipelines",
        "trust_remote_code",
    }
)
KERNELS = frozenset({"_attn_implementation", "attn_implementation"})
OWN_KERNELS = (None, "eager", "sdpa", "flash_attention_2", "flex_attention")
"""Attention kernels of transformers itself; any other value names a repository."""
MAX_BYTES = 10_000_000


def refuse_code(setting: str, folder: Path) -> None:
    """Holds every config in a folder of weights against what no config may say.

    Raises:
        BadModel: one chooses code, or is no JSON, or far too large for a config.
    """
    for path in sorted({*folder.glob("*config*.json"), folder / "model_index.json"}):
        if not path.is_file():
            continue
        if path.stat().st_size > MAX_BYTES:
            raise BadModel(
                f"{setting}: {path} is larger than {MAX_BYTES} bytes, which no config is; get it again"
            )
        try:
            config = json.loads(path.read_bytes())
        except (ValueError, RecursionError):
            raise BadModel(f"{setting}: {path} is no whole JSON; get it again") from None
        if (named := next(_code_in(config), None)) is not None:
            raise BadModel(
                f"{setting}: {path} chooses code by `{named}`; no config may: take the entry out, or give the released weights"
            )


def _code_in(config: Any) -> Iterator[str]:
    """Names of the entries that choose code, at any depth."""
    waiting = [config]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            for name, entry in value.items():
                if name in NAMES_CODE or (name in KERNELS and entry not in OWN_KERNELS):
                    yield name
            waiting += value.values()
