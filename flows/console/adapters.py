"""`jam adapters merge`, `jam adapters extract`: an adapter onto its base, or out of a model that was tuned whole."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from eval.results.plural import counted
from flows.pipelines.checkpoints import checkpoint_at
from flows.run.progress import say
from flows.settings.params import Params
from jam_model.checkpoint import load_model, save_model, weights_hash
from jam_model.training_facts import TRAINING_FILE
from tasks.storage.files import atomic_path
from tasks.trainer.run_folder import ADAPTER_NAME


def merge_adapter(base: Path, adapter: Path, strength: float, out: Path) -> None:
    """A checkpoint in `out`: the base with the adapter's change, `strength` times.

    Raises:
        ValueError: `out` holds something, or the adapter was learned on other weights.
    """
    from tasks.training.adapters import merged, read_adapter

    _check_new(out)
    base = checkpoint_at(base)
    tensors, facts = read_adapter(adapter / ADAPTER_NAME if adapter.is_dir() else adapter)
    if (found := weights_hash(base)) != facts["base"]:
        raise ValueError(
            f"adapter: it was learned on weights with sha256 {facts['base'][:12]}, {base} has {found[:12]}; give its base"
        )
    model = load_model(base)
    digest = save_model(out, merged(model, tensors, facts, strength))
    for folder in (adapter if adapter.is_dir() else adapter.parent, base):
        if (folder / TRAINING_FILE).is_file():
            shutil.copyfile(folder / TRAINING_FILE, out / TRAINING_FILE)
            break
    say(f"adapters: {out} is {base} with {strength:g} times {adapter} (sha256 {digest[:12]})")


def extract_adapter(params: Params, base: Path, tuned: Path, rank: int, out: Path) -> None:
    """The file `out`: the adapter of that rank nearest to what tuning changed.

    Raises:
        ValueError: `out` is there, or the checkpoints are of other sizes.
    """
    from safetensors.torch import save_file

    from tasks.training.adapters import extracted

    _check_new(out)
    if rank < 1:
        raise ValueError(f"rank is {rank}; give 1 or more")
    base, tuned = checkpoint_at(base), checkpoint_at(tuned)
    section = params.adapter.model_copy(update={"rank": rank})
    of_base, of_tuned = load_model(base), load_model(tuned)
    of_base.config = replace(of_base.config, max_frames=of_tuned.config.max_frames)  # no weight depends on it
    tensors, share, left_out = extracted(of_base, of_tuned, section)
    with atomic_path(out) as unfinished:
        save_file(tensors, unfinished, section.facts(weights_hash(base)))
    say(f"adapters: {out} holds {share:.1%} of the squared change of {', '.join(section.targets)}")
    if left_out:
        say(
            f"adapters: {counted(len(left_out), 'other weight')} changed too and are not in it: {left_out[0]} first"
        )


def _check_new(out: Path) -> None:
    if out.exists() and (out.is_file() or any(out.iterdir())):
        raise ValueError(f"out: {out} is there already; name a new one")
