"""What is said of the denial risk of a claim: its columns, its band, and what is at stake."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from claimsctl.score.names import HIGH, LOW, MEDIUM

RISK: Final[dict[str, pl.DataType]] = {
    "denial_risk": pl.Float64(),
    "risk_band": pl.String(),
    "risk_source": pl.String(),
    "risk_reasons": pl.String(),
    "expected_loss": pl.Decimal(12, 2),
}
"""Columns of a line. They are those of its claim, the same on each of its lines, so no sum of lines."""
_PARTS: Final = 10_000
"""A risk has four decimals, so that what is at stake can be reckoned exactly."""


@dataclass(frozen=True, slots=True)
class Bands:
    """From which risk on a claim is medium, and from which high."""

    medium: float = 0.2
    high: float = 0.4

    def of(self, risk: pl.Expr) -> pl.Expr:
        """The band of a risk; null for null."""
        return (
            pl.when(risk >= self.high)
            .then(pl.lit(HIGH))
            .when(risk >= self.medium)
            .then(pl.lit(MEDIUM))
            .when(risk.is_not_null())
            .then(pl.lit(LOW))
        )


def risk_columns(scores: pl.DataFrame, expected: pl.DataFrame, source: str, bands: Bands) -> pl.DataFrame:
    """claim_id and RISK, a row for each claim of `scores` (claim_id, denial_risk, risk_reasons).

    `expected` has claim_id and expected_cents (Int64), what the payer should allow for the claim; the loss is
    null where that is. Risks are cut to 0 and 1 and rounded to four decimals, losses to cents, half up.
    """
    risk = pl.col("denial_risk").clip(0.0, 1.0).round(4)
    parts = (risk * _PARTS).round().cast(pl.Int64)
    cents = (pl.col("expected_cents") * parts + _PARTS // 2) // _PARTS
    return (
        scores.join(expected, on="claim_id", how="left", maintain_order="left")
        .with_columns(risk.alias("denial_risk"), (cents.cast(pl.Decimal(38, 2)) / 100).alias("loss"))
        .select(
            "claim_id",
            "denial_risk",
            bands.of(pl.col("denial_risk")).alias("risk_band"),
            pl.lit(source).alias("risk_source"),
            "risk_reasons",
            pl.col("loss").cast(RISK["expected_loss"]).alias("expected_loss"),
        )
    )


def cents_of(amount: pl.Expr) -> pl.Expr:
    """A sum of decimals in cents, half up, as a whole number."""
    return (amount.cast(pl.Decimal(38, 4)) * 100).round(0, mode="half_away_from_zero").cast(pl.Int64)
