"""What payers decided against what was said of the claims before, month by month of their service."""

from __future__ import annotations

from typing import Any, Final

import polars as pl

FEW: Final = 30
"""A month with fewer decided claims says little."""
_FAR: Final = 3.0
"""So many standard errors between the share denied and the mean risk are no chance."""
_LEAST: Final = 0.03
"""A smaller difference does not matter, however sure it is."""
_MOST: Final = 12


def monthly(decided: pl.DataFrame, source: str) -> dict[str, Any] | None:
    """The last twelve months of decided claims that `source` had scored; None where there are none.

    `decided` has service_from, denied, denial_risk and risk_source. Each month has claims, `predicted` (the
    mean risk) and `denied` (the share); it is `off` where the two are further apart than chance explains.
    `off` of all says whether a month is.
    """
    known = decided.filter(
        (pl.col("risk_source") == source)
        & pl.col("denial_risk").is_not_null()
        & pl.col("denied").is_not_null()
    )
    if not known.height:
        return None
    risk = pl.col("denial_risk")
    months = (
        known.group_by(pl.col("service_from").dt.strftime("%Y-%m").alias("month"))
        .agg(
            pl.len().alias("claims"),
            risk.sort().mean().alias("predicted"),
            pl.col("denied").mean().alias("share"),
            (risk * (1 - risk)).sort().sum().alias("variance"),
        )
        .filter(pl.col("month").is_not_null())
        .sort("month")
        .tail(_MOST)
    )
    apart = (pl.col("share") - pl.col("predicted")).abs()
    error = pl.col("variance").sqrt() / pl.col("claims")
    off = (pl.col("claims") >= FEW) & (apart > _LEAST) & (apart > _FAR * error)
    told = months.select(
        "month",
        "claims",
        pl.col("predicted").round(4),
        pl.col("share").round(4).alias("denied"),
        off.alias("off"),
    ).to_dicts()
    return {"months": told, "off": any(month["off"] for month in told)}
