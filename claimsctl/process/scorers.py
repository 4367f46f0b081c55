"""What scores the claims of a run: points, or a model (process.modelled)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from claimsctl.score.points import PointsScore


class Scorer(Protocol):
    """Something that scores claims, from what it gathers of the parts of their lines."""

    @property
    def source(self) -> str:
        """What `risk_source` says."""

    @property
    def needed(self) -> Collection[str]:
        """Columns and facts it reads of lines."""

    @property
    def own(self) -> Mapping[str, str]:
        """Unmapped columns of inputs (x_<name>) that it reads, and the kind of each (score.own)."""

    def gather(self, lines: pl.DataFrame, findings: pl.DataFrame) -> pl.DataFrame | None:
        """A row for each claim of a part of lines, of what it needs beside claims and findings."""

    def together(self, parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
        """What `gather` gave for several parts as one row for each claim."""

    def score(
        self, claims: pl.DataFrame, findings: pl.DataFrame, gathered: pl.DataFrame | None
    ) -> pl.DataFrame:
        """claim_id, denial_risk and risk_reasons of each of `claims` (of `claims_of`)."""

    def drift(self) -> Mapping[str, object] | None:
        """How far the claims scored so far are from those that it was made with; None where it cannot say."""


@dataclass(frozen=True)
class PointsScorer:
    """Points as a Scorer: they need nothing but claims and findings."""

    points: PointsScore

    @property
    def source(self) -> str:
        """What `risk_source` says."""
        return self.points.source

    @property
    def needed(self) -> Collection[str]:
        """Nothing beside what every run with scores reads."""
        return ()

    @property
    def own(self) -> Mapping[str, str]:
        """None: points know nothing of the house's own columns."""
        return {}

    def gather(self, lines: pl.DataFrame, findings: pl.DataFrame) -> None:
        """Nothing."""

    def together(self, parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
        """Nothing."""
        return pl.DataFrame()

    def score(
        self, claims: pl.DataFrame, findings: pl.DataFrame, gathered: pl.DataFrame | None
    ) -> pl.DataFrame:
        """claim_id, denial_risk and risk_reasons of each claim."""
        return self.points.score(claims, findings)

    def drift(self) -> None:
        """Points were not made from claims."""
