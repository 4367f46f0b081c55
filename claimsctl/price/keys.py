"""What of a line decides its price, and the few combinations of it that a file repeats."""

from __future__ import annotations

from typing import Final

import polars as pl

from claimsctl.price.locality import NEEDED as WHERE
from claimsctl.price.locality import located
from claimsctl.price.names import MODIFIERS
from claimsctl.price.schedule import Schedule

NEEDED: Final = (
    "procedure_code", *MODIFIERS, "units", "unit_type", "minutes", "charge_amount", "place_of_service",
    "service_date_from", "medicare_locality", "facility_zip", "billing_zip", "rendering_taxonomy", "payer_id",
    "payer_key", "is_institutional", "same_patient", "same_provider", "billing_npi", "claim_id",
    "claim_number", "row_index",
)  # fmt: skip
"""Columns and facts of the typed frame that pricing reads; those that are not there count as blank."""

KEY: Final = (
    "procedure_code", *MODIFIERS, "period", "place_of_service", "locality", "locality_status",
    "locality_note", "is_institutional", "provider_percent", "payer", "contract_block",
)  # fmt: skip
"""What a combination is made of."""

AMOUNT: Final = pl.Decimal(18, 4)
_TYPES: Final = {
    "units": AMOUNT,
    "charge_amount": AMOUNT,
    "minutes": pl.Int64(),
    "service_date_from": pl.Date(),
    "is_institutional": pl.Boolean(),
    "row_index": pl.UInt32(),
}
_KEYS: Final = ("same_patient", "same_provider", "claim_id")
"""Only compared, so they are taken as they are."""


def with_needed(frame: pl.DataFrame) -> pl.DataFrame:
    """The NEEDED columns in their types, null where the frame lacks them; rows are numbered where they
    are not."""
    if "row_index" not in frame.columns:
        frame = frame.with_row_index("row_index")
    columns = []
    for name in NEEDED:
        if name not in frame.columns:
            columns.append(pl.lit(None, _TYPES.get(name, pl.String())).alias(name))
        else:
            cell = pl.col(name)
            columns.append(cell if name in _KEYS else cell.cast(_TYPES.get(name, pl.String())))
    return frame.select(columns)


def keyed(frame: pl.DataFrame, schedule: Schedule) -> tuple[pl.Series, pl.DataFrame]:
    """The distinct combinations (KEY), and the number of its combination for every row."""
    day = frame["service_date_from"]
    rows = frame.with_columns(
        schedule.numbered(day).alias("period"),
        _percents(frame["rendering_taxonomy"], schedule),
        *schedule.contracts.of_lines(frame["payer_key", "payer_id"], day),
    )
    rows = rows.with_columns(located(rows.select(*WHERE, "period"), schedule).get_columns())
    keys = rows.select(KEY)
    combinations = keys.unique(maintain_order=True).with_row_index("combination")
    numbers = keys.join(combinations, on=KEY, how="left", nulls_equal=True, maintain_order="left")
    return numbers["combination"], combinations.drop("combination")


def _percents(taxonomies: pl.Series, schedule: Schedule) -> pl.Series:
    """What the fee schedule pays the rendering provider, in hundredths of a percent; null: all of it."""
    known = taxonomies.unique().drop_nulls()
    percents = [schedule.terms.percent(taxonomy) for taxonomy in known]
    hundredths = [None if percent is None else int(percent * 100) for percent in percents]
    found = pl.Series("provider_percent", hundredths, dtype=pl.Int32)
    return taxonomies.replace_strict(known, found, default=None, return_dtype=pl.Int32).alias(
        "provider_percent"
    )
