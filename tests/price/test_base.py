"""Amounts by date, place and locality, and why a line is not priced."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Final

import polars as pl
import pytest

from claimsctl.errors import UsageError
from claimsctl.price import status
from claimsctl.price.line import OUTPUT, price
from claimsctl.price.locality import NO_DEFAULT, normal
from claimsctl.price.schedule import Schedule
from claimsctl.price.terms import Terms
from claimsctl.reference.tables import Edition, Table
from tests.price.tables import (
    NUMBER,
    RELEASES,
    amounts,
    dated,
    fee_rows,
    lines,
    one,
    priced,
    tables,
    undated,
)

OCTOBER: Final = date(2025, 10, 15)
OFFICIAL: Final = {
    "01112/05": "1339.81",
    "01112/69": None,
    "04412/20": "863.56",
    "10212/99": "847.71",
    "15202/00": "872.49",
}
"""PFREV25C, code 76145."""


@pytest.mark.parametrize("place", OFFICIAL)
def test_official_amounts_of_2025(place: str) -> None:
    found = one(procedure_code="76145", service_date_from=OCTOBER, medicare_locality=place)
    if OFFICIAL[place] is None:
        assert found["pricing_status"] == status.UNKNOWN_LOCALITY
    else:
        assert found["expected_allowed_amount"] == Decimal(OFFICIAL[place])


def test_all_figures_of_an_amount_are_told() -> None:
    found = one(procedure_code="76145", service_date_from=OCTOBER, medicare_locality="01112/05")
    assert found == {
        **dict.fromkeys(OUTPUT),
        "expected_allowed_amount": Decimal("1339.81"),
        "pricing_status": "PRICED",
        "pricing_source": "RVU25D",
        "work_rvu": Decimal(0),
        "pe_rvu": Decimal("29.03"),
        "mp_rvu": Decimal("0.51"),
        "total_rvu": Decimal("29.54"),
        "gpci_work": Decimal("1.088"),
        "gpci_pe": Decimal("1.419"),
        "gpci_mp": Decimal("0.445"),
        "conversion_factor": Decimal("32.3465"),
        "adjusted_allowed_amount": Decimal("1339.81"),
        # 2 % of the 80 % that are Medicare's share.
        "statutory_adjustment": "sequestration:2%",
        "expected_net_amount": Decimal("1318.37"),
    }


def test_units_times_the_amount_that_is_published() -> None:
    """A unit is 14.4185..., published as 14.42: four are 57.68, not 57.67, the exact sum rounded."""
    found = priced(*({"procedure_code": "96372", "units": units} for units in (1, 4)))
    assert amounts(found) == [Decimal("14.42"), Decimal("57.68")]


def test_the_facility_rate_in_a_facility() -> None:
    office, hospital = priced({"place_of_service": "11"}, {"place_of_service": "22"})
    assert (office["pe_rvu"], hospital["pe_rvu"]) == (Decimal("1.46"), Decimal("0.33"))


def test_release_by_service_date() -> None:
    found = priced({"service_date_from": OCTOBER}, {"service_date_from": date(2026, 1, 1)})
    assert [row["pricing_source"] for row in found] == ["RVU25D", "RVU26C"]
    assert [row["conversion_factor"] for row in found] == [Decimal("32.3465"), Decimal("33.4009")]


def test_a_fee_ends_with_its_release() -> None:
    found = one(service_date_from=date(2027, 1, 1))
    assert (found["pricing_status"], found["expected_allowed_amount"]) == (status.NO_EDITION, None)


def test_a_loaded_release_goes_before_the_starter_of_its_name() -> None:
    """The starter serves January to June, the loaded one from July: its name means the loaded one."""
    given = tables()
    half = {"RVU26C": (date(2026, 7, 1), date(2026, 12, 31))}
    of_2026 = fee_rows().filter(pl.col("release") == "RVU26C")
    given["mpfs"] = dated("mpfs", of_2026, "release", half)
    common = of_2026.filter(pl.col("code") != "99214")
    given["mpfs_starter"] = dated("mpfs_starter", common, "release", RELEASES)
    schedule = Schedule(given, Terms(), edition="RVU26C")
    rows = lines({"procedure_code": "99213"}, {"procedure_code": "99214"})
    assert price(rows, schedule)["pricing_source"].to_list() == ["RVU26C", "RVU26C"]
    starter = Schedule(given, Terms(), edition="RVU26C (starter)")
    assert price(rows, starter)["pricing_status"].to_list() == ["PRICED", status.NOT_ON_DATE]


def test_all_lines_by_one_release() -> None:
    schedule = Schedule(tables(), Terms(), edition="RVU25D")
    found = price(lines({}, {"service_date_from": date(2031, 1, 1)}, {"service_date_from": None}), schedule)
    assert found["pricing_source"].to_list() == ["RVU25D", "RVU25D", None]
    assert found["conversion_factor"].to_list() == [Decimal("32.3465"), Decimal("32.3465"), None]
    with pytest.raises(UsageError, match="no release RVU19A"):
        Schedule(tables(), Terms(), edition="RVU19A")


def test_qualifying_participants_have_their_own_factor_from_2026() -> None:
    rows = [{"service_date_from": OCTOBER}, {}]
    found = priced(*rows, terms=Terms(qualifying=True))
    assert [row["conversion_factor"] for row in found] == [Decimal("32.3465"), Decimal("33.5675")]
    without = {name: table for name, table in tables().items() if name != "conversion_factors"}
    assert one(terms=Terms(qualifying=True), given=without)["pricing_status"] == status.NO_CONVERSION_FACTOR


def test_work_floor() -> None:
    assert one()["gpci_work"] == Decimal("1.000")
    assert one(terms=Terms(work_floor=False))["gpci_work"] == Decimal("0.991")
    by_edition = Terms(work_floor_by_edition={"RVU26C": False})
    found = priced({}, {"service_date_from": OCTOBER}, terms=by_edition)
    assert [row["gpci_work"] for row in found] == [Decimal("0.991"), Decimal("1.000")]


def test_professional_technical_and_whole_service() -> None:
    rows = [
        {"procedure_code": "71046", "modifier_2": m, "service_date_from": OCTOBER} for m in (None, "26", "TC")
    ]
    whole, professional, technical = priced(*rows)
    assert (professional["work_rvu"], technical["work_rvu"]) == (whole["work_rvu"], Decimal(0))
    assert sum(amounts([professional, technical])) == whole["expected_allowed_amount"]


def test_imaging_is_capped_at_the_opps_amount() -> None:
    rows = fee_rows().with_columns(
        pl.when(pl.col("code") == "71046").then(pl.lit("0.5").cast(NUMBER)).otherwise("opps_pe_nonfacility")
        .alias("opps_pe_nonfacility")
    )  # fmt: skip
    capped = tables(mpfs=dated("mpfs", rows, "release", RELEASES))
    found = one(procedure_code="71046", given=capped, medicare_locality="99999/01")
    # (0.21 + 0.5 + 0.05) x 33.4009, where the fee would have been (0.21 + 0.76 + 0.02) x 33.4009.
    assert (found["expected_allowed_amount"], found["modifier_adjustment"]) == (Decimal("25.38"), "OPPS cap")
    assert (found["pe_rvu"], found["mp_rvu"]) == (Decimal("0.5"), Decimal("0.05"))


@pytest.mark.parametrize("text", ["01112/05", "01112-05", "1112/5", " 01112 05 ", "0111205"])
def test_spellings_of_a_locality(text: str) -> None:
    assert normal(text) == "01112-05"
    assert one(medicare_locality=text)["gpci_pe"] == Decimal("1.410")


def test_locality_of_the_line_then_the_default_then_the_zip() -> None:
    nowhere = {"medicare_locality": None}
    by_zip = priced(
        nowhere | {"facility_zip": "94102-1234", "billing_zip": "30303"},
        nowhere | {"billing_zip": "303031234"},
        {"medicare_locality": "10212/99", "facility_zip": "94102"},
    )
    assert [row["gpci_pe"] for row in by_zip] == [Decimal("1.410"), Decimal("0.892"), Decimal("0.892")]
    default = Terms(locality="01112/05")
    found = priced(nowhere | {"billing_zip": "30303"}, {}, terms=default)
    assert [row["gpci_pe"] for row in found] == [Decimal("1.410"), Decimal("0.892")]


def test_nine_digits_where_five_do_not_decide() -> None:
    nine = pl.DataFrame({"zip": ["970011234", "970015678"], "locality": ["01112-05", "10212-99"]})
    given = tables(zip9_locality=undated("zip9_locality", nine))
    zips = ("97001-1234", "970015678", "97001", "97001-0000", "30303-1234")
    found = priced(*({"medicare_locality": None, "billing_zip": code} for code in zips), given=given)
    georgia, nowhere = Decimal("0.892"), None
    assert [row["gpci_pe"] for row in found] == [Decimal("1.41"), georgia, nowhere, nowhere, georgia]
    assert [row["pricing_note"] for row in found[2:4]] == [
        "Give all nine digits, or the locality itself.",
        "The table of ZIP+4 codes (zip9_locality) does not have it: load it, or give the locality.",
    ]


def test_a_zip_code_that_says_nothing_is_told_from_none() -> None:
    from_april = Edition("ZIP5", date(2026, 4, 1), None, 1)
    rows = pl.DataFrame({"zip": ["94102"], "locality": ["01112-05"], "plus_four": [False]})
    given = tables(zip_locality=Table("zip_locality", rows, (from_april,), "test", ""))
    zips = ("94102", "9410", "94102x", None)
    found = priced(*({"medicare_locality": None, "billing_zip": code} for code in zips), given=given)
    assert [row["pricing_status"] for row in found] == [status.NO_LOCALITY] * 4
    unread = "The ZIP code does not have five or nine digits; a leading zero may be lost."
    assert [row["pricing_note"] for row in found] == [
        "No table of ZIP codes (zip_locality) is for the service date: load that of the date, or give the"
        " locality.",
        unread,
        unread,
        NO_DEFAULT,
    ]


def test_a_default_locality_that_is_none_is_an_error() -> None:
    with pytest.raises(UsageError, match="is no Medicare locality"):
        Schedule(tables(), Terms(locality="San Francisco"))


def test_california_under_either_contractor() -> None:
    found = priced(*({"medicare_locality": text} for text in ("01182/18", "01112/18")))
    assert found[0] == found[1]
    assert found[0]["pricing_status"] == "PRICED"


def test_starter_table_serves_where_no_release_is_loaded() -> None:
    given = tables()
    only_2026 = {"RVU26C": RELEASES["RVU26C"]}
    rows = fee_rows()
    given["mpfs"] = dated("mpfs", rows.filter(pl.col("release") == "RVU26C"), "release", only_2026)
    given["mpfs_starter"] = dated("mpfs_starter", rows.filter(pl.col("code") != "99214"), "release", RELEASES)
    found = priced(
        {},
        {"service_date_from": OCTOBER},
        {"service_date_from": OCTOBER, "procedure_code": "11111"},
        given=given,
    )
    assert [row["pricing_source"] for row in found] == ["RVU26C", "RVU25D (starter)", None]
    assert found[2]["pricing_status"] == status.NO_FEE_ROW
    assert found[2]["pricing_note"] == (
        "RVU25D (starter) has common codes only: load the release itself (mpfs)."
    )


WHY: Final = {
    "blank code": ({"procedure_code": None}, status.NO_CODE),
    "no date": ({"service_date_from": None}, status.NO_DATE),
    "before all releases": ({"service_date_from": date(2024, 12, 31)}, status.NO_EDITION),
    "unknown code": ({"procedure_code": "9921X"}, status.NO_FEE_ROW),
    "bundled": ({"procedure_code": "99024"}, status.BUNDLED),
    "contractor": ({"procedure_code": "22899"}, status.CONTRACTOR_PRICED),
    "restricted, no RVU": ({"procedure_code": "15824"}, status.CONTRACTOR_PRICED),
    "anesthesia": ({"procedure_code": "00142"}, status.ANESTHESIA_NO_BASE),
    "not covered": ({"procedure_code": "99397"}, status.NOT_COVERED),
    "not valid": ({"procedure_code": "99242"}, status.NOT_VALID),
    "excluded by regulation": ({"procedure_code": "J1885"}, status.EXCLUDED),
    "excluded by statute": ({"procedure_code": "36415"}, status.EXCLUDED),
    "no such part": ({"modifier_1": "26"}, status.MODIFIER_NOT_VALID),
    "broken off, no row": ({"procedure_code": "11042", "modifier_1": "53"}, status.CONTRACTOR_PRICED),
    "both parts": (
        {"procedure_code": "71046", "modifier_1": "26", "modifier_3": "TC"},
        status.CONTRADICTORY_MODIFIERS,
    ),
    "two modifiers in a cell": ({"modifier_1": "25,59"}, status.BAD_MODIFIER),
    "no place": ({"place_of_service": None}, status.NO_PLACE),
    "unknown place": ({"place_of_service": "98"}, status.NO_PLACE),
    "whole test in a hospital": ({"procedure_code": "71046", "place_of_service": "22"}, status.NOT_PAID_HERE),
    "incident to in a hospital": (
        {"procedure_code": "96372", "place_of_service": "21"},
        status.NOT_PAID_HERE,
    ),
    "no locality": ({"medicare_locality": None}, status.NO_LOCALITY),
    "unreadable locality": ({"medicare_locality": "GEORGIA"}, status.UNKNOWN_LOCALITY),
    "unknown locality": ({"medicare_locality": "10212/07"}, status.UNKNOWN_LOCALITY),
    "ZIP in several": ({"medicare_locality": None, "billing_zip": "97001"}, status.ZIP4_NEEDED),
    "ZIP in none": ({"medicare_locality": None, "billing_zip": "00000"}, status.NO_LOCALITY),
    "no units": ({"units": None}, status.BAD_UNITS),
    "zero units": ({"units": Decimal(0)}, status.BAD_UNITS),
    "negative units": ({"units": Decimal(-1)}, status.BAD_UNITS),
    "half a unit": ({"units": Decimal("0.5")}, status.BAD_UNITS),
    "zero charge": ({"charge_amount": Decimal("0.00")}, status.BAD_CHARGE),
    "negative charge": ({"charge_amount": Decimal("-80.00")}, status.BAD_CHARGE),
    "too large": ({"units": Decimal("999999999")}, status.TOO_LARGE),
    "institutional": ({"is_institutional": True}, status.NOT_PROFESSIONAL),
}


@pytest.mark.parametrize("case", WHY)
def test_why_a_line_is_not_priced(case: str) -> None:
    row, expected = WHY[case]
    found = one(**row)
    assert found["pricing_status"] == expected, found["pricing_note"]
    assert found["expected_allowed_amount"] is None


def test_every_bad_line_at_once_beside_good_ones() -> None:
    rows: list[Mapping[str, object]] = [row for row, _ in WHY.values()]
    found = priced({}, *rows, {})
    assert [row["pricing_status"] for row in found] == ["PRICED", *(s for _, s in WHY.values()), "PRICED"]
    assert found[0] == found[-1]


def test_code_of_another_release() -> None:
    rows = fee_rows().filter((pl.col("code") != "99214") | (pl.col("release") == "RVU26C"))
    given = tables(mpfs=dated("mpfs", rows, "release", RELEASES))
    found = one(procedure_code="99214", service_date_from=OCTOBER, given=given)
    assert found["pricing_status"] == status.NOT_ON_DATE


def test_without_any_table() -> None:
    found = one(given={"pos": tables()["pos"]})
    assert found["pricing_status"] == status.NO_EDITION
    assert found["pricing_note"] == "No physician fee schedule is loaded."


def test_without_a_gpci_of_the_year() -> None:
    rows = tables()["gpci"].frame.filter(pl.col("valid_from") == date(2025, 1, 1)).drop("valid_to")
    given = tables(gpci=dated("gpci", rows.with_columns(pl.lit("GPCI2025").alias("e")), "e",
                              {"GPCI2025": RELEASES["RVU25D"]}))  # fmt: skip
    assert one(given=given)["pricing_note"] == "No GPCI edition covers the service date."


def test_no_lines() -> None:
    found = price(lines().clear(), Schedule(tables(), Terms()))
    assert found.schema == pl.Schema(OUTPUT)


def test_every_status_has_a_sentence() -> None:
    words = {value for name, value in vars(status).items() if name.isupper() and isinstance(value, str)}
    assert words == set(status.SENTENCES)
    assert all(sentence.endswith(".") for sentence in status.SENTENCES.values())
