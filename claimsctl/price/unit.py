"""The price of one unit of every combination of code, modifiers, period, place and locality in a frame.

A file repeats few combinations many times. Each is priced once; its lines take the result by number.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from claimsctl.price import status
from claimsctl.price.arithmetic import DOLLAR, fee
from claimsctl.price.cases import Case, decided
from claimsctl.price.locality import NEEDED as WHERE
from claimsctl.price.locality import located
from claimsctl.price.schedule import FEE_TABLES, STARTER, Schedule

MODIFIERS: Final = tuple(f"modifier_{n}" for n in range(1, 5))
KEY: Final = (
    "procedure_code", *MODIFIERS, "period", "place_of_service", "locality", "locality_status",
    "locality_note", "is_institutional",
)  # fmt: skip
OWN_ROWS: Final = ("26", "TC", "53")
"""Modifiers that may have rows of their own in the fee schedule."""
HOSPITAL: Final = ("19", "21", "22", "23")
"""Places where the technical part is the hospital's (Pub 100-04 ch. 13 s. 20.2)."""


def keyed(frame: pl.DataFrame, schedule: Schedule) -> tuple[pl.Series, pl.DataFrame]:
    """The distinct combinations (KEY), and the number of its combination for every row."""
    rows = frame.with_columns(schedule.numbered(frame["service_date_from"]).alias("period"))
    where = located(rows.select(*WHERE, "period"), schedule)
    keys = rows.with_columns(where.get_columns()).select(KEY)
    combinations = keys.unique(maintain_order=True).with_row_index("combination")
    numbers = keys.join(combinations, on=KEY, how="left", nulls_equal=True, maintain_order="left")
    return numbers["combination"], combinations.drop("combination")


def has(*modifiers: str) -> pl.Expr:
    """Whether a line has one of the modifiers."""
    return pl.any_horizontal([pl.col(m).is_in(modifiers).fill_null(False) for m in MODIFIERS])


def unit_prices(combinations: pl.DataFrame, schedule: Schedule) -> pl.DataFrame:
    """Every combination with its fee row, indices, `cents` of one unit, and `status` and `note`."""
    looked = _looked_up(combinations, schedule)
    return decided(_computed(looked), _cases(schedule), otherwise=pl.lit(None, pl.String))


def _looked_up(combinations: pl.DataFrame, schedule: Schedule) -> pl.DataFrame:
    own_row = pl.coalesce([pl.when(has(modifier)).then(pl.lit(modifier)) for modifier in OWN_ROWS])
    fees = schedule.fees.with_columns(pl.lit(True).alias("has_row"))
    keys = ["fee_block", "procedure_code", "own_row"]
    fees = fees.rename({"block": "fee_block", "code": "procedure_code", "modifier": "own_row"})
    whole_service = fees.filter(pl.col("own_row") == "")
    known = whole_service.select("procedure_code").unique().with_columns(pl.lit(True).alias("is_known"))
    return (
        combinations.join(schedule.period_frame, on="period", how="left", maintain_order="left")
        .with_columns(own_row.fill_null("").alias("own_row"))
        .join(fees, on=keys, how="left", maintain_order="left")
        .join(
            whole_service.select(*keys[:2], pl.col("has_row").alias("has_code")),
            on=keys[:2], how="left", maintain_order="left",
        )
        .join(known, on="procedure_code", how="left", maintain_order="left")
        .join(schedule.gpcis, on=["gpci_block", "locality"], how="left", maintain_order="left")
        .join(schedule.places, on="place_of_service", how="left", maintain_order="left")
    )  # fmt: skip


def _computed(rows: pl.DataFrame) -> pl.DataFrame:
    """Indices, factor and RVU that count, and `cents`, capped where the OPPS amount is lower."""
    facility, floor = pl.col("facility"), pl.col("floor")

    def setting(name: str) -> pl.Expr:
        in_facility, outside = pl.col(f"{name}_facility"), pl.col(f"{name}_nonfacility")
        # A code that is done in facilities only may have no figure outside of them.
        return pl.when(facility).then(in_facility).when(facility.not_()).then(outside).fill_null(
            pl.when(facility.is_not_null()).then(pl.lit(0, pl.Int128))
        )  # fmt: skip

    rows = rows.with_columns(
        setting("pe").alias("pe"),
        setting("opps_pe").alias("opps_pe"),
        pl.when(floor).then("gpci_work_floor").otherwise("gpci_work").alias("gpci_work"),
        pl.coalesce("period_factor", "factor").alias("factor"),
    )
    indices = tuple(pl.col(f"gpci_{part}") for part in ("work", "pe", "mp"))
    work, factor = pl.col("work"), pl.col("factor")
    uncapped = fee(work, pl.col("pe"), pl.col("mp"), indices, factor)
    cap = fee(work, pl.col("opps_pe"), pl.col("opps_mp"), indices, factor)
    has_cap = (pl.col("opps_pe") > 0) | (pl.col("opps_mp") > 0)
    rows = rows.with_columns(uncapped.alias("uncapped_cents"), pl.when(has_cap).then(cap).alias("opps_cents"))
    capped = pl.col("opps_cents") < pl.col("uncapped_cents")
    return rows.with_columns(
        capped.fill_null(False).alias("is_capped"),
        pl.min_horizontal("uncapped_cents", "opps_cents").alias("cents"),
        pl.when(capped).then("opps_pe").otherwise("pe").alias("pe"),
        pl.when(capped).then("opps_mp").otherwise("mp").alias("mp"),
    )


def _cases(schedule: Schedule) -> list[Case]:
    """Why a combination is not priced, the first reason first."""
    modifiers = [pl.col(m) for m in MODIFIERS]
    malformed = pl.any_horizontal([~m.str.contains(r"^[0-9A-Z]{2}$").fill_null(True) for m in modifiers])
    starter = pl.col("release").str.ends_with(STARTER)
    missing = [name for name in FEE_TABLES if name not in schedule.missing]
    fee_status = pl.col("fee_status")
    by_status = [
        Case(fee_status == letter, word, pl.format("Status {} in {}.", fee_status, "release"))
        for letter, word in status.BY_FEE_STATUS.items()
        if word != status.PRICED
    ]
    no_rvu = pl.sum_horizontal("work", "pe_nonfacility", "pe_facility", "mp") == 0
    technical = (pl.col("pctc") == "1") & (pl.col("own_row") != "26") | pl.col("pctc").is_in(["3", "4"])
    in_hospital = pl.col("place_of_service").is_in(HOSPITAL)
    return [
        Case(pl.col("is_institutional"), status.NOT_PROFESSIONAL),
        Case(pl.col("procedure_code").is_null(), status.NO_CODE),
        Case(pl.col("period").is_null(), status.NO_DATE),
        Case(malformed, status.BAD_MODIFIER),
        Case(has("26") & has("TC"), status.CONTRADICTORY_MODIFIERS, "26 and TC are the whole service."),
        Case(
            pl.col("release").is_null(),
            status.NO_EDITION,
            "No release of the physician fee schedule covers the service date."
            if missing else "No physician fee schedule is loaded.",
        ),
        Case(
            pl.col("has_row").is_null() & pl.col("has_code") & (pl.col("own_row") == "53"),
            status.CONTRACTOR_PRICED,
            "A procedure that was broken off (53) is priced by individual consideration.",
        ),
        Case(
            pl.col("has_row").is_null() & pl.col("has_code"),
            status.MODIFIER_NOT_VALID,
            pl.format("{} has no row for modifier {}.", "release", "own_row"),
        ),
        Case(
            pl.col("has_row").is_null() & pl.col("is_known"),
            status.NOT_ON_DATE,
            pl.format("{} does not have the code; another release does.", "release"),
        ),
        Case(
            pl.col("has_row").is_null() & starter,
            status.NO_FEE_ROW,
            pl.format("{} has common codes only: load the release itself (mpfs).", "release"),
        ),
        Case(pl.col("has_row").is_null(), status.NO_FEE_ROW, pl.format("Not in {}.", "release")),
        Case(fee_status == "J", status.ANESTHESIA_NO_BASE),
        *by_status,
        Case(no_rvu, status.CONTRACTOR_PRICED, pl.format("No RVU in {} (status {}).", "release", fee_status)),
        Case(pl.col("facility").is_null(), status.NO_PLACE),
        Case(
            in_hospital & technical,
            status.NOT_PAID_HERE,
            "The technical part is the hospital's: bill the professional part (26).",
        ),
        Case(
            in_hospital & (pl.col("pctc") == "5"),
            status.NOT_PAID_HERE,
            "Incident to a physician's service: not paid for patients of a hospital.",
        ),
        Case(pl.col("locality_status").is_not_null(), pl.col("locality_status"), pl.col("locality_note")),
        Case(
            pl.col("gpci_edition").is_null(), status.NO_EDITION, "No GPCI edition covers the service date."
        ),
        Case(
            pl.col("gpci_work").is_null(),
            status.UNKNOWN_LOCALITY,
            pl.format("Not in {}.", "gpci_edition"),
        ),
        Case(pl.col("no_factor") | pl.col("factor").is_null(), status.NO_CONVERSION_FACTOR),
    ]  # fmt: skip


def base_amount() -> pl.Expr:
    """The amount of one unit in ten-thousandths of a dollar."""
    return pl.col("cents") * (DOLLAR // 100)
