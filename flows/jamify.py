"""jamify's data, brought in: its shards become safe ones that `jam train` can use, its DPO list is learned from."""

from __future__ import annotations

from pathlib import Path

from flows.pipelines.round import fit_pairs
from flows.pipelines.runs import checkpoint_of
from flows.run.progress import progress_bar, say
from flows.settings.params import Params
from flows.settings.project import Project, writes_work
from jam_model.shard_index import TRAIN, VALIDATION
from tasks.models.phonemizer import build_phonemizer
from tasks.preference.jamify_pairs import read_pair_list
from tasks.shards.convert_foreign import REFUSED_NAME, Importer, import_shards
from tasks.shards.read_foreign import shards_of
from tasks.training.train import TrainResult


def bring_in_shards(params: Params, where: str, out: Path) -> int:
    """Convert the shards of a folder or pattern into `out`; returns how many samples were taken.

    Raises:
        ValueError: no shards, or none of their samples could be taken.
    """
    importer = Importer(
        build_phonemizer(params.models.phonemizer),
        params.phonemize.max_unknown_share,
        params.group,
        params.pack.tensor_format,
    )
    paths = shards_of(where)
    with progress_bar("import", "shards") as show:
        imported = import_shards(paths, out, importer, show)
    reasons = ", ".join(f"{reason} {count}" for reason, count in imported.reasons.items())
    if not imported.num_samples:
        raise ValueError(
            f"import: no sample of {where} could be taken ({reasons or 'there is none'}); see {out / REFUSED_NAME}"
        )
    refused = (
        f"; refused {len(imported.refused)} ({reasons}), listed in {out / REFUSED_NAME}" if reasons else ""
    )
    say(f"import: {imported.num_samples} samples of {len(paths)} shards in {out}{refused}")
    return imported.num_samples


@writes_work("dpo")
def learn_pair_list(project: Project, path: Path, posteriors: bool) -> TrainResult:
    """``jam dpo --pairs LIST``: preference training from the fine-tuned model on jamify's DPO list; no gate holds it.

    The run lies in ``checkpoints/pairs``; entries of the split ``validation`` are held out. `posteriors`: what the
    list's candidates are, jamify's ``vae_sampled: false``.

    Raises:
        ValueError: there is no fine-tuned model, no such list, or no pair in it to learn from.
    """
    pairs = read_pair_list(path, vae_sampled=not posteriors)
    learn, check = ([pair for pair in pairs if pair.prompt.split == split] for split in (TRAIN, VALIDATION))
    say(f"pairs: {len(learn)} of {len(pairs)} entries to learn from, {len(check)} held out")
    policy, out = checkpoint_of(project.work.checkpoint("sft")), project.work.checkpoint("pairs")
    result = fit_pairs(project, "pairs", project.params.dpo, (learn, check), policy, None, out)
    say(f"pairs: {result.checkpoint}")
    return result
