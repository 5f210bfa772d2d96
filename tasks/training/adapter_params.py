"""The settings of adapters (section `adapter`), which need no torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tasks.engine.stage import Section

Target = Literal["attention", "mlp", "fusion", "lyrics"]


class AdapterParams(Section):
    """`rank`: 0 learns all weights. `alpha` / `rank` scales the change. `targets`: groups of linears that are changed."""

    rank: int = Field(ge=0)
    alpha: float = Field(gt=0)
    targets: tuple[Target, ...] = Field(min_length=1)

    def facts(self, base: str) -> dict[str, str]:
        """What an adapter file says of itself; `base`: sha256 of the weights it belongs to."""
        return {
            "rank": str(self.rank),
            "alpha": str(self.alpha),
            "targets": ",".join(self.targets),
            "base": base,
        }

    @property
    def chosen(self) -> AdapterParams | None:
        """These, where adapters are learned."""
        return self if self.rank else None
