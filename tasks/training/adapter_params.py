"""The settings of adapters (section `adapter`: kind, rank, alpha, targets), which need no torch."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from tasks.engine.stage import Section

Target = Literal["attention", "mlp", "fusion", "lyrics"]
LORA: Literal["lora"] = "lora"


class AdapterParams(Section):
    """`rank`: 0 learns all weights. `alpha` / `rank` scales the change. `targets`: groups of linears that are changed.
    `kind`: lora changes a weight by a product of low rank; dora its direction so, and the length of each row by itself.
    """

    kind: Literal["lora", "dora"]
    rank: int = Field(ge=0)
    alpha: float = Field(gt=0)
    targets: tuple[Target, ...] = Field(min_length=1)

    @model_serializer(mode="wrap")
    def _dumped(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without `kind` where it is lora: runs made before there was another keep their names."""
        values: dict[str, Any] = dump(self)
        return {name: value for name, value in values.items() if (name, value) != ("kind", LORA)}

    def facts(self, base: str) -> dict[str, str]:
        """What an adapter file says of itself; `base`: sha256 of the weights it belongs to."""
        return {
            **({} if self.kind == LORA else {"kind": self.kind}),
            "rank": str(self.rank),
            "alpha": str(self.alpha),
            "targets": ",".join(self.targets),
            "base": base,
        }

    @property
    def chosen(self) -> AdapterParams | None:
        """These, where adapters are learned."""
        return self if self.rank else None
