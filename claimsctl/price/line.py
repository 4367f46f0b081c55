"""What every line should pay, and why: the price columns of a frame of claim lines."""

from __future__ import annotations

from typing import Final

import polars as pl

from claimsctl.price import status
from claimsctl.price.arithmetic import DOLLAR, FACTOR_ONE, FOUR_DECIMALS, MONEY, UNIT, money, payable
from claimsctl.price.cases import Case, decided
from claimsctl.price.schedule import Schedule
from claimsctl.price.unit import MODIFIERS, base_amount, keyed, unit_prices

NEEDED: Final = (
    "procedure_code", *MODIFIERS, "units", "charge_amount", "place_of_service", "service_date_from",
    "medicare_locality", "facility_zip", "billing_zip", "is_institutional",
)  # fmt: skip
"""Columns of the typed frame that pricing reads; those that are not there count as blank."""

OUTPUT: Final = {
    "expected_allowed_amount": MONEY,
    "pricing_status": pl.String(),
    "pricing_source": pl.String(),
    "work_rvu": FOUR_DECIMALS,
    "pe_rvu": FOUR_DECIMALS,
    "mp_rvu": FOUR_DECIMALS,
    "total_rvu": FOUR_DECIMALS,
    "gpci_work": FOUR_DECIMALS,
    "gpci_pe": FOUR_DECIMALS,
    "gpci_mp": FOUR_DECIMALS,
    "conversion_factor": FOUR_DECIMALS,
    "modifier_adjustment": pl.String(),
    "limiting_charge": MONEY,
    "expected_net_amount": MONEY,
    "pricing_note": pl.String(),
}
"""Columns that `price` gives."""

_TYPES: Final = {
    "units": pl.Decimal(18, 4),
    "charge_amount": pl.Decimal(18, 4),
    "service_date_from": pl.Date(),
    "is_institutional": pl.Boolean(),
}


def price(frame: pl.DataFrame, schedule: Schedule) -> pl.DataFrame:
    """OUTPUT, aligned with the rows of `frame` (NEEDED columns, typed).

    `expected_allowed_amount` is null where the line is not priced: `pricing_status` says why, a word of
    status.SENTENCES, and `pricing_note` what about this line. RVU and indices are those the amount was
    computed with, of one unit.
    """
    return worked(with_needed(frame), schedule).select(list(OUTPUT))


def with_needed(frame: pl.DataFrame) -> pl.DataFrame:
    """The NEEDED columns, null where the frame lacks them."""
    return frame.select(
        [
            (pl.col(name) if name in frame.columns else pl.lit(None).alias(name)).cast(
                _TYPES.get(name, pl.String())
            )
            for name in NEEDED
        ]
    )


def worked(frame: pl.DataFrame, schedule: Schedule) -> pl.DataFrame:
    """OUTPUT and what it was computed from."""
    numbers, combinations = keyed(frame, schedule)
    unit = _unit_columns(unit_prices(combinations, schedule))
    rows = pl.DataFrame([unit[name].gather(numbers) for name in unit.columns])
    rows = rows.with_columns(frame["units", "charge_amount"].get_columns())
    rows = _decided(rows).with_columns(_cents().alias("cents"))
    priced = pl.col("pricing_status") == status.PRICED
    return rows.with_columns(
        pl.when(priced).then(money(pl.col("cents"))).alias("expected_allowed_amount"),
        pl.lit(None, MONEY).alias("limiting_charge"),
        pl.lit(None, MONEY).alias("expected_net_amount"),
    )


def _unit_columns(unit: pl.DataFrame) -> pl.DataFrame:
    """What lines take from their combination, in the types of OUTPUT."""
    priced = pl.col("status") == status.PRICED

    def shown(name: str, there: str) -> pl.Expr:
        number = (pl.col(there).cast(pl.Decimal(38, 4)) / DOLLAR).cast(FOUR_DECIMALS)
        return pl.when(priced).then(number).alias(name)

    total = pl.col("work") + pl.col("pe") + pl.col("mp")
    return unit.with_columns(total.alias("total")).select(
        pl.col("status").alias("unit_status"),
        pl.col("note").alias("unit_note"),
        pl.when(priced).then(base_amount()).alias("base"),
        pl.when(priced).then("release").alias("pricing_source"),
        shown("work_rvu", "work"),
        shown("pe_rvu", "pe"),
        shown("mp_rvu", "mp"),
        shown("total_rvu", "total"),
        *(shown(name, name) for name in ("gpci_work", "gpci_pe", "gpci_mp")),
        shown("conversion_factor", "factor"),
        pl.when(pl.col("is_capped")).then(pl.lit("OPPS cap")).alias("modifier_adjustment"),
    )


def _cents() -> pl.Expr:
    units = pl.col("units").to_physical().cast(pl.Int128) * UNIT // DOLLAR
    return payable(pl.col("base"), units, pl.lit(FACTOR_ONE, pl.Int128))


def _decided(rows: pl.DataFrame) -> pl.DataFrame:
    """`pricing_status` and `pricing_note` of every line: its combination's, then what its numbers say."""
    units, charge = pl.col("units"), pl.col("charge_amount")
    cases = [
        Case(pl.col("unit_status") != status.PRICED, pl.col("unit_status"), pl.col("unit_note")),
        Case(units.is_null(), status.BAD_UNITS, "No units."),
        Case(units <= 0, status.BAD_UNITS, "Units are not positive."),
        Case(units != units.floor(), status.BAD_UNITS, "The fee schedule pays whole units."),
        Case(charge < 0, status.BAD_CHARGE, "A negative charge is no bill for a service."),
        Case(charge == 0, status.BAD_CHARGE, "Nothing is billed, so nothing is paid."),
        Case(_cents().is_null(), status.TOO_LARGE),
    ]
    found = decided(rows, cases, otherwise=pl.col("unit_note"))
    return found.rename({"status": "pricing_status", "note": "pricing_note"})
