"""Anesthesia: base units and time units, times a conversion factor of its own.

Time units are minutes divided by 15, rounded to one decimal (Pub 100-04 ch. 12 s. 50 G). Who does the work
alone is paid whole (AA, QZ), direction of others and who is directed half (QK, QX, QY), supervision of more
than four (AD) three base units without time (ch. 12 s. 50 B-D, 140.3). The physical status (P1-P6) and QS,
G8, G9, GC change nothing.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from claimsctl.price import status
from claimsctl.price.arithmetic import UNIT, WIDE, half_up
from claimsctl.price.cases import Case
from claimsctl.price.marks import ROLES
from claimsctl.price.schedule import Schedule

UNTIMED: Final = ("01953", "01995", "01996")
"""Codes that are paid by base units alone."""
SUPERVISED_UNITS: Final = 3
MINUTES: Final = 15
_ANESTHESIA: Final = pl.col("fee_status") == "J"


def with_units(rows: pl.DataFrame, schedule: Schedule) -> pl.DataFrame:
    """The rows with `base_units` (thousandths), `anesthesia_cf` (ten-thousandths), and whether time counts
    (`is_timed`: null where the code is no anesthesia)."""
    rows = rows.join(
        schedule.anesthesia_bases, on=["base_block", "procedure_code"], how="left", maintain_order="left"
    ).join(
        schedule.anesthesia_factors, on=["anesthesia_block", "locality"], how="left", maintain_order="left"
    )
    supervised = pl.lit(SUPERVISED_UNITS * UNIT, WIDE)
    return rows.with_columns(
        pl.when(pl.col("is_supervision")).then(supervised).otherwise("base_units").alias("base_units"),
        pl.when(_ANESTHESIA)
        .then(~(pl.col("is_supervision") | pl.col("procedure_code").is_in(UNTIMED)))
        .alias("is_timed"),
    )


def cases(by_rate: pl.Expr) -> list[Case]:
    """Why anesthesia is not priced."""
    unknown = "The conversion factors of localities for qualifying participants are not published here."
    return [
        Case(_ANESTHESIA & pl.col("base_units").is_null(), status.ANESTHESIA_NO_BASE),
        Case(
            _ANESTHESIA & ~pl.col("has_role") & ~by_rate,
            status.ANESTHESIA_NO_ROLE,
            f"Give one of {', '.join(ROLES)}.",
        ),
        Case(_ANESTHESIA & pl.col("no_anesthesia_cf") & ~by_rate, status.ANESTHESIA_NO_FACTOR, unknown),
        Case(_ANESTHESIA & pl.col("anesthesia_cf").is_null() & ~by_rate, status.ANESTHESIA_NO_FACTOR),
    ]


def units(minutes: pl.Expr) -> pl.Expr:
    """Base and time units of a line in thousandths; null without time that the code needs."""
    tenths = half_up(minutes.cast(WIDE) * 10, MINUTES)
    time = pl.when(minutes > 0).then(tenths * (UNIT // 10))
    return pl.col("base_units") + pl.when("is_timed").then(time).otherwise(0)
