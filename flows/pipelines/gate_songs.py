"""The gate of a round: its policy and its control sing the same validation songs as every policy before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from flows.pipelines.listening_stages import listening_chain
from flows.run.prefect_tasks import run_stages
from flows.settings.params import Params
from flows.settings.work_folder import WorkFolder
from jam_model.checkpoint import weights_hash
from tasks.engine.table import Table
from tasks.models.phonemizer import Phonemizer, build_phonemizer
from tasks.preference.gate import PolicyScores
from tasks.preference.gate_scores import GATE_COLUMNS, policy_scores, unrewarded
from tasks.prompts.columns import PROMPTED_COLUMNS
from tasks.prompts.prompts import Prompt, gate_sources, policy_system
from tasks.stages.reward import Reward


@dataclass(frozen=True)
class GateSongs:
    """Sings and scores the gate's prompts. The songs of a round lie in ``rounds/<k>/gate``."""

    params: Params
    work: WorkFolder
    prompts: Sequence[Prompt]

    @cached_property
    def phonemizer(self) -> Phonemizer:
        """What asked and heard words are said with."""
        return build_phonemizer(self.params.phonemizer)

    def sing(self, number: int, checkpoints: Mapping[str, Path]) -> dict[str, PolicyScores]:
        """The scores of each checkpoint of a round, by its name, and of nothing that was sung before."""
        params, gate = self.params, self.params.gate
        weights = {name: weights_hash(path) for name, path in checkpoints.items()}
        systems = [
            policy_system(name, name, weights[name], params.sampler, self.prompts) for name in checkpoints
        ]
        table = Table(self.work.round(number) / "gate", PROMPTED_COLUMNS)
        table.admit(gate_sources(systems, gate.takes, gate.seed), params.engine.partition_size)
        chain = listening_chain(
            params,
            table,
            {weights[name]: path for name, path in checkpoints.items()},
            [Reward(params.reward, params.judge)],
        )
        run_stages([chain], params.engine, self.work.receipts / f"gate-{number}")
        rows = [row for row in chain.rows(GATE_COLUMNS) if row["drop_reason"] != "source_gone"]
        others = unrewarded(params.reward, params.judge)
        return {
            name: policy_scores(
                self.prompts, [row for row in rows if row["system"] == name], self.phonemizer, others
            )
            for name in checkpoints
        }
