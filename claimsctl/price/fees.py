"""What the fee schedule says of a code in a place: its row, and the amount of one unit."""

from __future__ import annotations

from typing import Final

import polars as pl

from claimsctl.price.arithmetic import DOLLAR, WIDE, exact_fee, fee, half_up
from claimsctl.price.schedule import Schedule

ROW: Final = ("fee_block", "procedure_code", "own_row")
"""What names a fee row: block of days, code, and 26, TC, 53 or "" (the whole service)."""
PLACE: Final = ("facility", "floor", "gpci_work", "gpci_work_floor", "gpci_pe", "gpci_mp", "period_cf")
"""What turns a fee row into an amount."""


def fee_rows(schedule: Schedule) -> pl.DataFrame:
    """The fee rows of a schedule, keyed by ROW."""
    return schedule.fees.rename({"block": "fee_block", "code": "procedure_code", "modifier": "own_row"})


def with_amounts(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with a fee row and PLACE, with the figures that count and `cents` of one unit.

    `uncapped_cents`: by the RVU of the fee schedule; `opps_cents`: by those of the OPPS cap, null where the
    code has none; `cents` is the lower one, and `pe` and `mp` those it was computed with.
    """
    # A code that is done in facilities only may have no figure outside of them.
    facility = pl.col("facility")

    def setting(name: str) -> pl.Expr:
        here = pl.when(facility).then(f"{name}_facility").otherwise(f"{name}_nonfacility")
        return pl.when(facility.is_not_null()).then(here.fill_null(0))

    rows = rows.with_columns(
        setting("pe").alias("pe"),
        setting("opps_pe").alias("opps_pe"),
        pl.when("floor").then("gpci_work_floor").otherwise("gpci_work").alias("gpci_work"),
        pl.coalesce("period_cf", "cf").alias("cf"),
    )
    work, cf = pl.col("work"), pl.col("cf")
    cap = fee(work, pl.col("opps_pe"), pl.col("opps_mp"), _INDICES, cf)
    has_cap = (pl.col("opps_pe") > 0) | (pl.col("opps_mp") > 0)
    rows = rows.with_columns(
        fee(work, pl.col("pe"), pl.col("mp"), _INDICES, cf).alias("uncapped_cents"),
        pl.when(has_cap).then(cap).alias("opps_cents"),
    )
    capped = (pl.col("opps_cents") < pl.col("uncapped_cents")).fill_null(False)
    return rows.with_columns(
        capped.alias("is_capped"),
        pl.min_horizontal("uncapped_cents", "opps_cents").alias("cents"),
        pl.when(capped).then("opps_pe").otherwise("pe").alias("pe"),
        pl.when(capped).then("opps_mp").otherwise("mp").alias("mp"),
    )


_INDICES: Final = tuple(pl.col(f"gpci_{part}") for part in ("work", "pe", "mp"))


def with_half_practice_expense() -> pl.Expr:
    """Cents of one unit at half its practice expense, as therapy after the first unit is paid."""
    twice = exact_fee(2 * pl.col("work"), pl.col("pe"), 2 * pl.col("mp"), _INDICES, pl.col("cf"))
    return half_up(twice, 2 * DOLLAR**3 // 100)


def practice_expense() -> pl.Expr:
    """What the practice expense of one unit is worth, to compare: PE x GPCI."""
    return (pl.col("pe") * pl.col("gpci_pe")).cast(WIDE)


def other_row(rows: pl.DataFrame, schedule: Schedule, code: pl.Expr, own_row: str) -> pl.DataFrame:
    """Aligned: the amounts of another fee row of each row's block and place (nulls: there is none)."""
    wanted = rows.select(
        "fee_block", code.alias("procedure_code"), pl.lit(own_row).alias("own_row"), "facility", "floor",
        "gpci_work", pl.col("gpci_work").alias("gpci_work_floor"), "gpci_pe", "gpci_mp", "period_cf",
    )  # fmt: skip
    found = wanted.join(fee_rows(schedule), on=ROW, how="left", maintain_order="left")
    return with_amounts(found)
