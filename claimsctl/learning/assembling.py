"""From gathered claims whose outcome is known to what a training reads, whatever they came from."""

from __future__ import annotations

import polars as pl

from claimsctl.process.rulebook import Rulebook
from claimsctl.score.features import FEATURES, features_of


def known_features(gathered: pl.DataFrame, history: pl.DataFrame | None, rulebook: Rulebook) -> pl.DataFrame:
    """The features of gathered claims, row-aligned; today says nothing of claims that are decided."""
    limits = rulebook.tables["timely_filing"].frame.select(
        payer_key="payer_id", filing_limit_days=pl.col("filing_limit_days").cast(pl.Int64, strict=False)
    )
    return features_of(gathered, history, None, filing_limits=limits)


def kinds_of(features: pl.DataFrame) -> dict[str, str]:
    """The kinds of those features that differ between the claims."""
    return {each.name: each.kind for each in FEATURES if features[each.name].n_unique() > 1}


def dollars_of(features: pl.DataFrame) -> pl.Series:
    """What a denial costs: the expected payment, else the charge, else 1; never less than 0."""
    costs = pl.coalesce("expected_amount", "charge", pl.lit(1.0)).clip(0.0, None).alias("dollars")
    return features.select(costs)["dollars"]
