"""What the risks of a run came to: claims by band, what is at stake, what is held, and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

import polars as pl

from claimsctl.process.routing import CLAIM_LAST
from claimsctl.score.names import BETWEEN, HIGH, LOW, MEDIUM

_MOST: Final = 10
"""So many reasons stand in summary.json."""


@dataclass
class RiskBook:
    """Takes decided parts; knows the totals at the end."""

    bands: Counter[str] = field(default_factory=Counter)
    losses: dict[str, Decimal] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    held_claims: int = 0
    held_loss: Decimal = Decimal(0)
    risk_ten_thousandths: int = 0

    def add(self, frame: pl.DataFrame, held: pl.Series | None) -> None:
        """Count the claims whose last line is in the part."""
        closing = (frame["row_index"] == frame[CLAIM_LAST]) & frame["denial_risk"].is_not_null()
        claims = frame.filter(closing)
        if not claims.height:
            return
        parts = (pl.col("denial_risk") * 10_000).round().cast(pl.Int64).sum()
        self.risk_ten_thousandths += int(claims.select(parts).item())
        sums = claims.group_by("risk_band").agg(pl.len(), pl.col("expected_loss").sum())
        for band, count, loss in sums.iter_rows():
            self.bands[band] += count
            self.losses[band] = self.losses.get(band, Decimal(0)) + (loss or Decimal(0))
        for text, count in claims["risk_reasons"].drop_nulls().value_counts().iter_rows():
            for reason in text.split(BETWEEN):
                self.reasons[reason] += count
        if held is not None:
            kept = frame.filter(closing & held)
            self.held_claims += kept.height
            self.held_loss += Decimal(str(kept["expected_loss"].sum() or 0))

    def summary(self, source: str) -> dict[str, object]:
        """The `scoring` of summary.json; amounts in dollars, as text."""
        claims = self.bands.total()
        often = sorted(self.reasons.items(), key=lambda item: (-item[1], item[0]))
        mean = round(self.risk_ten_thousandths / claims / 10_000, 4) if claims else None
        return {
            "source": source,
            "claims": claims,
            "mean_risk": mean,
            "expected_loss": _dollars(sum(self.losses.values(), Decimal(0))),
            "by_band": [
                {"band": band, "claims": self.bands[band], "expected_loss": _dollars(self.losses.get(band))}
                for band in (HIGH, MEDIUM, LOW)
            ],
            "held": {"claims": self.held_claims, "expected_loss": _dollars(self.held_loss)},
            "reasons": [{"reason": reason, "claims": count} for reason, count in often[:_MOST]],
        }


def _dollars(amount: Decimal | None) -> str:
    return f"{amount or Decimal(0):.2f}"
