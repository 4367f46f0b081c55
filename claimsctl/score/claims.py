"""What every score needs to know of a claim as a whole, put together from parts of its lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from claimsctl.score.filing import NEEDED as FILING
from claimsctl.score.filing import filing_terms
from claimsctl.score.risk import cents_of

OF_HISTORY: Final = (
    "same_provider", "payer_id", "procedure_code", "received_date", "last_service_date",
)  # fmt: skip
"""What is read of lines only where there is a history to compare with."""
NEEDED: Final = (*FILING, "charge_amount", "expected_allowed_amount")
"""Columns and facts of lines, as they stand in a typed frame."""
_MONEY: Final = pl.Decimal(38, 4)


def gather_claims(
    lines: pl.DataFrame, limits: Mapping[str, int], *, with_history: bool = False
) -> pl.DataFrame:
    """One row for each claim of a part of lines (NEEDED), in the order of their first lines.

    claim_id, first_day, filing_days and filing_deadline (its earliest), expected and charged (of its priced
    lines, null where none is), and what a history is asked by.
    """
    charged = pl.when(pl.col("expected_allowed_amount").is_not_null()).then("charge_amount")
    asked = {
        "provider": pl.col("same_provider"),
        "payer": pl.coalesce("payer_key", pl.col("payer_id").str.to_uppercase()),
        "procedure_code": pl.col("procedure_code"),
        "received_date": pl.col("received_date"),
    }
    named = [expr.alias(f"asked_{name}") for name, expr in asked.items()] if with_history else []
    return (
        lines.lazy()
        .select(
            "claim_id", pl.col("service_date_from").alias("first_day"), *filing_terms(limits),
            pl.col("expected_allowed_amount").cast(_MONEY).alias("expected"),
            charged.cast(_MONEY).alias("charged"),
            *([*named, pl.col("last_service_date").alias("last_day")] if with_history else []),
        )
        .group_by("claim_id", maintain_order=True)
        .agg(_together([*(f"asked_{name}" for name in asked), "last_day"] if with_history else []))
        .collect(engine="in-memory")
    )  # fmt: skip


def put_claims_together(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """What `gather_claims` gave for several parts, in file order, as one row for each claim."""
    gathered = pl.concat(parts)
    asked = [name for name in gathered.columns if name.startswith("asked_") or name == "last_day"]
    return gathered.group_by("claim_id", maintain_order=True).agg(_together(asked))


def _together(asked: Sequence[str]) -> list[pl.Expr]:
    # The sum of no numbers is 0 in Polars, where a claim without a price has no amount.
    sums = [
        pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).sum()).alias(name)
        for name in ("expected", "charged")
    ]
    firsts = [pl.col(name).first(ignore_nulls=True) for name in asked if name != "last_day"]
    last = [pl.col("last_day").max()] if "last_day" in asked else []
    return [pl.col("first_day", "filing_days", "filing_deadline").min(), *sums, *firsts, *last]


def claims_of(gathered: pl.DataFrame) -> pl.DataFrame:
    """Gathered claims as scores read them: expected_cents and priced_charge_cents (Int64), and, for the
    history, provider, payer, procedure_code and day."""
    cents = [
        cents_of(pl.col("expected")).alias("expected_cents"),
        cents_of(pl.col("charged")).alias("priced_charge_cents"),
    ]
    if "last_day" not in gathered.columns:
        return gathered.with_columns(cents)
    return gathered.with_columns(
        *cents,
        *(pl.col(f"asked_{name}").alias(name) for name in ("provider", "payer", "procedure_code")),
        pl.coalesce("asked_received_date", "last_day", "first_day").alias("day"),
    )
