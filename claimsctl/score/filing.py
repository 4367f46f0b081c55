"""Until when a claim can be filed, from what the payers publish or the house's contracts say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

MEDICARE_DAYS: Final = 365
"""Medicare's year in days, where a share of it is meant (42 CFR 424.44); its last day is the calendar's."""
NEEDED: Final = (
    "claim_id", "service_date_from", "service_date_to", "statement_date_to", "frequency_code",
    "payer_sequence", "payer_key", "is_medicare", "is_self_pay", "is_institutional",
)  # fmt: skip


def filing_terms(limits: Mapping[str, int]) -> list[pl.Expr]:
    """Columns of lines (NEEDED): `filing_days` (Int32), how long the payer takes claims of that service, and
    `filing_deadline` (Date), the last day for it.

    `limits` are days by payer of the registry. Null where no limit is known: of payers that publish none,
    of patients who pay themselves, and, but for Medicare, of corrected and secondary claims, whose time
    runs from a decision of a payer. Rules TMF-001 to TMF-003 reckon the same.
    """
    starts = (
        pl.when("is_institutional")
        .then(pl.coalesce("statement_date_to", "service_date_to", "service_date_from"))
        .otherwise("service_date_from")
    )
    first = (pl.col("frequency_code").fill_null("1") == "1") & (
        pl.col("payer_sequence").fill_null("P") == "P"
    )
    paid = ~pl.col("is_self_pay").fill_null(False)
    medicare = pl.col("is_medicare").fill_null(False)
    published = pl.col("payer_key").replace_strict(dict(limits), default=None, return_dtype=pl.Int32)
    days = pl.when(paid & medicare).then(pl.lit(MEDICARE_DAYS, pl.Int32)).when(paid & first).then(published)
    year = starts.dt.offset_by("1y")
    deadline = pl.when(medicare).then(year).otherwise(starts + pl.duration(days=days))
    return [
        days.alias("filing_days"),
        pl.when(days.is_not_null()).then(deadline).cast(pl.Date).alias("filing_deadline"),
    ]
