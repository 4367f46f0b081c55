"""What judges claims: a risk from 0 to 1, and what moved it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import polars as pl

TOP: Final = 3
"""So many contributions are told of a claim."""

PREDICTION: Final = pl.Schema(
    {
        "claim_id": pl.UInt64(),
        "denial_risk": pl.Float64(),
        **{f"reason_{n}": pl.String() for n in range(1, TOP + 1)},
        **{f"weight_{n}": pl.Float64() for n in range(1, TOP + 1)},
    }
)
"""A judged claim: `reason_n` names the feature that raised the risk most, second, third, and `weight_n` by
how much (of no unit, comparable within a claim); null where fewer raised it."""


class ScoringModel(Protocol):
    """Something that judges claims by their features."""

    @property
    def source(self) -> str:
        """What `risk_source` says: rules, or model:<name>."""

    @property
    def needed(self) -> Sequence[str]:
        """Features it reads, by name; further columns of the house as `x_<name>`."""

    def predict(self, features: pl.DataFrame) -> pl.DataFrame:
        """PREDICTION, row-aligned; `features` has claim_id, and what is needed but absent is null."""
