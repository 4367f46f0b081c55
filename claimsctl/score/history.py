"""What payers decided before a claim: rates of denial by provider and payer, smoothed.

A rate of a claim counts only what was decided before the day of that claim, in training as in scoring;
otherwise a model would be told by its own labels.
"""

from __future__ import annotations

from typing import Final

import polars as pl

DECIDED: Final = pl.Schema(
    {
        "provider": pl.String(),
        "payer": pl.String(),
        "procedure_code": pl.String(),
        "decided_on": pl.Date(),
        "denied": pl.Boolean(),
    }
)
"""A decided claim: its `same_provider`, its payer (`payer_key`, else payer_id), its first procedure, the day
of the decision, and whether it was denied."""

HISTORY: Final = pl.Schema(
    {
        "kind": pl.String(),
        "key": pl.String(),
        "decided_on": pl.Date(),
        "decided": pl.Int64(),
        "denied": pl.Int64(),
    }
)
"""So many claims of a key were `decided` by the end of a day, so many of them `denied`."""

KINDS: Final = ("all", "provider", "payer", "provider_payer", "procedure_payer")
SMOOTHING: Final = 20
"""A rate weighs as if so many more claims had been decided at the rate of all."""


def history_of(decided: pl.DataFrame) -> pl.DataFrame:
    """The HISTORY of decided claims (columns DECIDED), ordered by kind, key and day."""
    known = decided.filter(pl.col("decided_on").is_not_null() & pl.col("denied").is_not_null())
    counts = [
        known.select(pl.lit(kind).alias("kind"), key_of(kind).alias("key"), "decided_on", "denied").filter(
            pl.col("key").is_not_null()
        )
        for kind in KINDS
    ]
    return (
        pl.concat(counts)
        .group_by("kind", "key", "decided_on")
        .agg(pl.len().cast(pl.Int64).alias("decided"), pl.col("denied").sum().cast(pl.Int64))
        .sort("kind", "key", "decided_on")
        .with_columns(pl.col("decided", "denied").cum_sum().over("kind", "key"))
        .select(list(HISTORY))
    )


def key_of(kind: str) -> pl.Expr:
    """The key of a claim (columns provider, payer, procedure_code) in the history of a kind."""
    if kind == "all":
        return pl.lit("")
    parts = [pl.col("procedure_code" if part == "procedure" else part) for part in kind.split("_")]
    return parts[0] if len(parts) == 1 else pl.concat_str(parts, separator="|")


def rates(claims: pl.DataFrame, history: pl.DataFrame | None) -> pl.DataFrame:
    """Smoothed rates before each claim's day, row-aligned: `<kind>_denial_rate` and `provider_decided`;
    `all_denial_rate` is that of all claims, the usual one.

    `claims` has provider, payer, procedure_code and `day`. Null where nothing was decided before.
    """
    names = [f"{kind}_denial_rate" for kind in KINDS[1:]]
    if history is None or not history.height:
        unknown = dict.fromkeys(["all_denial_rate", *names, "provider_decided"], pl.Float64)
        return pl.DataFrame(schema=unknown).clear(claims.height)
    found = claims.select(key_of(kind).alias(kind) for kind in KINDS).with_columns(
        claims["day"].alias("day")
    ).with_row_index("place")  # fmt: skip
    for kind in KINDS:
        found = found.join(_before(found, history, kind), on="place", how="left", maintain_order="left")
    general = pl.col("denied_all") / pl.col("decided_all")
    return found.select(
        pl.when(pl.col("decided_all") > 0).then(general).alias("all_denial_rate"),
        *(
            pl.when(pl.col("decided_all") > 0)
            .then(
                (pl.col(f"denied_{kind}").fill_null(0) + SMOOTHING * general)
                / (pl.col(f"decided_{kind}").fill_null(0) + SMOOTHING)
            )
            .alias(name)
            for kind, name in zip(KINDS[1:], names, strict=True)
        ),
        pl.when(pl.col("decided_all") > 0)
        .then(pl.col("decided_provider").fill_null(0).cast(pl.Float64))
        .alias("provider_decided"),
    )


def _before(claims: pl.DataFrame, history: pl.DataFrame, kind: str) -> pl.DataFrame:
    """What had been decided of each claim's key before its day; rows without any are left out."""
    known = history.filter(pl.col("kind") == kind).select("key", "decided_on", "decided", "denied")
    # Distinct pairs of key and day are few beside the claims.
    asked = (
        claims.select(pl.col(kind).alias("key"), "day")
        .filter(pl.col("key").is_not_null() & pl.col("day").is_not_null())
        .unique()
        .sort("day")
    )
    met = asked.join_asof(
        known.sort("decided_on"), left_on="day", right_on="decided_on", by="key", strategy="backward",
        allow_exact_matches=False, check_sortedness=False,
    ).filter(pl.col("decided").is_not_null())  # fmt: skip
    return claims.select("place", pl.col(kind).alias("key"), "day").join(met, on=["key", "day"]).select(
        "place", pl.col("decided").alias(f"decided_{kind}"), pl.col("denied").alias(f"denied_{kind}")
    )  # fmt: skip
