"""Base units, time and the conversion factor of anesthesia."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache
from typing import Final

import polars as pl

from claimsctl.price import status
from claimsctl.price.terms import Terms
from claimsctl.reference.tables import Table
from tests.price.tables import NUMBER, RELEASES, dated, fee_rows, priced, tables, undated

DATE: Final = date(2025, 10, 15)


@cache
def given() -> dict[str, Table]:
    """Codes 00142 (4 base units) and 01996 (3); Georgia's factor of 2025 (ANES2025) is 20.02 here."""
    rows = fee_rows()
    daily = rows.filter(pl.col("code") == "00142").with_columns(pl.lit("01996").alias("code"))
    bases = pl.DataFrame({"code": ["00142", "01996"], "base_units": [4, 3]})
    factors = pl.DataFrame(
        {
            "edition": ["ANES2025"] * 2,
            "locality": ["10212-99", "01182-18"],
            "conversion_factor": ["20.02", "21.4"],
        }
    ).with_columns(pl.col("conversion_factor").cast(NUMBER))
    return tables(
        mpfs=dated("mpfs", pl.concat([rows, daily]), "release", RELEASES),
        anesthesia_base=undated("anesthesia_base", bases),
        anesthesia_cf=dated("anesthesia_cf", factors, "edition", {"ANES2025": RELEASES["RVU25D"]}),
    )


def line(*modifiers: str, minutes: int | None = 48, **others: object) -> dict[str, object]:
    names = {f"modifier_{n}": modifier for n, modifier in enumerate(modifiers, 1)}
    return {"procedure_code": "00142", "service_date_from": DATE, "minutes": minutes, **names, **others}


def test_base_and_time_units() -> None:
    """Ch. 12 s. 50 G: 48 minutes are 3.2 time units; (4 + 3.2) x 20.02."""
    rows = {
        "alone": (line("AA"), "144.14"),
        "nurse alone": (line("QZ"), "144.14"),
        "directed, two to four": (line("QK"), "72.07"),
        "directed, one": (line("QY"), "72.07"),
        "nurse who is directed": (line("QX", "QS"), "72.07"),
        "physical status": (line("AA", "P3"), "144.14"),
        # 50 minutes are 3.33, rounded 3.3 units; 53 are 3.5333, 3.5; 4.5 minutes are not asked for.
        "rounded down": (line("AA", minutes=50), "146.15"),
        "rounded": (line("AA", minutes=53), "150.15"),
        # Ch. 12 s. 50 D: three base units, no time.
        "supervised": (line("AD"), "60.06"),
        "supervised, no time": (line("AD", minutes=None), "60.06"),
        "daily care has no time": (line("AA", procedure_code="01996", minutes=None), "60.06"),
        "minutes in the units": (line("AA", minutes=None, units=Decimal(48), unit_type="MJ"), "144.14"),
        "California": (line("AA", medicare_locality="01112/18"), "154.08"),
        "in a hospital": (line("AA", place_of_service="22"), "144.14"),
        "without a place": (line("AA", place_of_service=None), "144.14"),
        "no time": (line("AA", minutes=None), status.ANESTHESIA_NO_TIME),
        "no time, negative": (line("AA", minutes=-5), status.ANESTHESIA_NO_TIME),
        "units are not minutes": (line("AA", minutes=None, units=Decimal(48)), status.ANESTHESIA_NO_TIME),
        "no role": (line(minutes=48), status.ANESTHESIA_NO_ROLE),
        "two roles": (line("AA", "QK"), status.CONTRADICTORY_MODIFIERS),
        "no factor there": (line("AA", medicare_locality="04412/20"), status.ANESTHESIA_NO_FACTOR),
        "no factor then": (line("AA", service_date_from=date(2026, 1, 1)), status.ANESTHESIA_NO_FACTOR),
        "no locality": (line("AA", medicare_locality=None), status.NO_LOCALITY),
    }
    found = priced(*(row for row, _ in rows.values()), given=given())
    came = [str(row["expected_allowed_amount"] or row["pricing_status"]) for row in found]
    assert dict(zip(rows, came, strict=True)) == {name: expected for name, (_, expected) in rows.items()}


def test_without_base_units() -> None:
    without = {name: table for name, table in given().items() if name != "anesthesia_base"}
    assert priced(line("AA"), given=without)[0]["pricing_status"] == status.ANESTHESIA_NO_BASE
    assert priced(line("AD"), given=without)[0]["expected_allowed_amount"] == Decimal("60.06")


def test_presence_at_induction_is_told() -> None:
    (found,) = priced(line("AD"), given=given())
    assert found["pricing_note"] == "AD: one more unit is paid for presence at induction, if documented."
    assert (found["conversion_factor"], found["work_rvu"]) == (Decimal("20.02"), None)


def test_qualifying_participants_have_other_factors_from_2026() -> None:
    terms = Terms(qualifying=True)
    assert priced(line("AA"), given=given(), terms=terms)[0]["expected_allowed_amount"] == Decimal("144.14")
