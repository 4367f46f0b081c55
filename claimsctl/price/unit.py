"""The price of one unit of every combination of code, modifiers, period, place and payer in a frame.

A file repeats few combinations many times. Each is priced once; its lines take the result by number.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from claimsctl.price import anesthesia, modifiers, status
from claimsctl.price.arithmetic import CENT, FACTOR_ONE, WIDE
from claimsctl.price.cases import Case, decided
from claimsctl.price.fees import ROW, fee_rows, with_amounts
from claimsctl.price.marks import with_marks
from claimsctl.price.schedule import FEE_TABLES, STARTER, Schedule

HOSPITAL: Final = ("19", "21", "22", "23")
"""Places where the technical part is the hospital's (Pub 100-04 ch. 13 s. 20.2)."""
BY_RATE: Final = pl.col("rate").is_not_null()
"""A contract has a rate for the line: Medicare's amount does not matter."""
ANESTHESIA: Final = pl.col("fee_status") == "J"


def unit_prices(combinations: pl.DataFrame, schedule: Schedule) -> pl.DataFrame:
    """Every combination with its fee row, indices and contract, and what they come to.

    `base` is the amount of one unit in ten-thousandths of a dollar, `factor` what modifiers and a percent of
    Medicare make of it, in 10^-15; `status`, `note`, `source` and `adjustment` are texts of the line.
    """
    rows = with_amounts(_looked_up(combinations, schedule))
    rows = modifiers.effects(anesthesia.with_units(rows, schedule), schedule.terms)
    base = (
        pl.when(BY_RATE).then("rate").when(ANESTHESIA).then("anesthesia_cf").otherwise(pl.col("cents") * CENT)
    )
    percent = pl.col("contract_factor").fill_null(pl.lit(FACTOR_ONE, WIDE))
    percent_text = modifiers.percent_text(pl.col("contract_factor"))
    medicare = pl.col("release")
    source = (
        pl.when(BY_RATE)
        .then("contract")
        .when(pl.col("contract").is_not_null())
        .then(pl.format("{}: {} of {}", "contract", percent_text, medicare))
        .otherwise(medicare)
    )
    cap = pl.when(pl.col("is_capped") & ~BY_RATE).then(pl.lit("OPPS cap"))
    rows = rows.with_columns(
        base.alias("base"),
        (pl.col("factor") * percent // FACTOR_ONE).alias("factor"),
        source.alias("source"),
        modifiers.joined([cap, pl.col("adjustment")], ";").alias("adjustment"),
    )
    return decided(rows, _cases(schedule), otherwise=pl.col("said"))


def _looked_up(combinations: pl.DataFrame, schedule: Schedule) -> pl.DataFrame:
    fees = fee_rows(schedule)
    codes = fees.select(ROW[:2]).unique().with_columns(pl.lit(True).alias("has_code"))
    known = fees.select(ROW[1]).unique().with_columns(pl.lit(True).alias("is_known"))
    rows = schedule.contracts.matched(with_marks(combinations))
    numbers = schedule.period_of_release
    if schedule.contracts.releases:
        named = pl.col("contract_release")
        found = named.replace_strict(numbers, default=None, return_dtype=pl.UInt32)
        rows = rows.with_columns(
            pl.when(named.is_null()).then("period").otherwise(found).alias("period"),
            (named.is_not_null() & found.is_null()).alias("is_unknown_release"),
        )
    else:
        rows = rows.with_columns(pl.lit(False).alias("is_unknown_release"))
    return (
        rows.with_columns(pl.col("period").is_null().alias("is_undated"))
        .join(schedule.period_frame, on="period", how="left", maintain_order="left")
        .join(fees.with_columns(pl.lit(True).alias("has_row")), on=ROW, how="left", maintain_order="left")
        .join(codes, on=ROW[:2], how="left", maintain_order="left")
        .join(known, on=ROW[1], how="left", maintain_order="left")
        .join(schedule.gpcis, on=["gpci_block", "locality"], how="left", maintain_order="left")
        .join(schedule.places, on="place_of_service", how="left", maintain_order="left")
    )


def _cases(schedule: Schedule) -> list[Case]:
    """Why a combination is not priced, the first reason first."""
    always = [
        Case(pl.col("procedure_code").is_null(), status.NO_CODE),
        *modifiers.always(),
        *modifiers.cases(BY_RATE, schedule.terms),
        *anesthesia.cases(BY_RATE),
    ]
    medicare = [
        *_no_fee_row(schedule),
        *_by_status(),
        *_no_place(),
        Case(pl.col("no_cf") | pl.col("cf").is_null(), status.NO_CONVERSION_FACTOR),
    ]
    # A contract's rate is paid whatever the fee schedule says of the code.
    return [
        *always[:3],
        *(Case(case.when & ~BY_RATE, case.status, case.note) for case in medicare[:-1]),
        *always[3:],
        Case(medicare[-1].when & ~BY_RATE & ~ANESTHESIA, medicare[-1].status),
    ]


def _no_fee_row(schedule: Schedule) -> list[Case]:
    missing = pl.col("has_row").is_null()
    release = pl.col("release")
    nothing = "No release of the physician fee schedule covers the service date."
    if not schedule.releases:
        nothing = "No physician fee schedule is loaded."
    no_row = pl.format("{} has no row for modifier {}.", release, "own_row")
    broken_off = "A procedure that was broken off (53) is priced by individual consideration."
    starter = f"{{}} has common codes only: load the release itself ({FEE_TABLES[0]})."

    return [
        Case(pl.col("is_institutional").fill_null(False), status.NOT_PROFESSIONAL),
        Case(
            pl.col("is_unknown_release"),
            status.NO_EDITION,
            pl.format("The contract names {}, which is not loaded.", "contract_release"),
        ),
        Case(pl.col("is_undated"), status.NO_DATE),
        Case(release.is_null(), status.NO_EDITION, nothing),
        Case(
            missing & pl.col("has_code") & (pl.col("own_row") == "53"), status.CONTRACTOR_PRICED, broken_off
        ),
        Case(missing & pl.col("has_code"), status.MODIFIER_NOT_VALID, no_row),
        Case(
            missing & pl.col("is_known"),
            status.NOT_ON_DATE,
            pl.format("{} does not have the code; another release does.", release),
        ),
        Case(missing & release.str.ends_with(STARTER), status.NO_FEE_ROW, pl.format(starter, release)),
        Case(missing, status.NO_FEE_ROW, pl.format("Not in {}.", release)),
    ]


def _by_status() -> list[Case]:
    letter = pl.col("fee_status")
    no_rvu = pl.sum_horizontal("work", "pe_nonfacility", "pe_facility", "mp") == 0
    return [
        *(
            Case(letter == each, word, pl.format("Status {} in {}.", letter, "release"))
            for each, word in status.BY_FEE_STATUS.items()
            if word != status.PRICED
        ),
        Case(
            no_rvu & ~ANESTHESIA,
            status.CONTRACTOR_PRICED,
            pl.format("No RVU in {} (status {}).", "release", letter),
        ),
    ]


def _no_place() -> list[Case]:
    technical = (pl.col("pctc") == "1") & (pl.col("own_row") != "26") | pl.col("pctc").is_in(["3", "4"])
    in_hospital = pl.col("place_of_service").is_in(HOSPITAL)
    split = "The technical part is the hospital's: bill the professional part (26)."
    incident = "Incident to a physician's service: not paid for patients of a hospital."
    return [
        Case(pl.col("facility").is_null() & ~ANESTHESIA, status.NO_PLACE),
        Case(in_hospital & technical, status.NOT_PAID_HERE, split),
        Case(in_hospital & (pl.col("pctc") == "5"), status.NOT_PAID_HERE, incident),
        Case(pl.col("locality_status").is_not_null(), pl.col("locality_status"), pl.col("locality_note")),
        Case(
            pl.col("gpci_edition").is_null() & ~ANESTHESIA,
            status.NO_EDITION,
            "No GPCI edition covers the service date.",
        ),
        Case(
            pl.col("gpci_work").is_null() & ~ANESTHESIA,
            status.UNKNOWN_LOCALITY,
            pl.format("Not in {}.", "gpci_edition"),
        ),
    ]
