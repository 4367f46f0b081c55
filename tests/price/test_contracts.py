"""What a payer agreed to comes before Medicare."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Final

import polars as pl

from claimsctl.price import status
from claimsctl.price.line import price
from claimsctl.price.schedule import Schedule
from claimsctl.price.terms import Terms
from claimsctl.reference.formats import house as house_file
from claimsctl.reference.releases import Opened, Wanted
from claimsctl.reference.tables import Edition, Table
from tests.price.tables import HERE, day, dollars, lines, one, priced, tables

AMOUNT: Final = pl.Decimal(14, 4)


def contract(*rows: Mapping[str, object], name: str = "own-2026") -> Table:
    """fee_schedules as loaded from a file of that name; payer 87726 where a row has none."""
    types: dict[str, pl.DataType | type[pl.DataType]] = {
        "payer_id": pl.String, "code": pl.String, "modifier": pl.String, "place": pl.String,
        "valid_from": pl.Date, "valid_to": pl.Date, "rate": AMOUNT, "percent_of_medicare": AMOUNT,
        "release": pl.String, "lesser_of_charge": pl.Boolean,
    }  # fmt: skip
    cells = [[{"payer_id": "87726", **row}.get(column) for column in types] for row in rows]
    frame = pl.DataFrame(cells, schema=types, orient="row")
    return Table("fee_schedules", frame, (Edition(name, None, None, frame.height),), "", "")


@cache
def house() -> dict[str, Table]:
    fees = contract(
        {"percent_of_medicare": Decimal(120)},
        {"code": "10002", "rate": Decimal("150.25")},
        {"code": "10002", "modifier": "50", "rate": Decimal("200.00")},
        {"code": "10002", "modifier": "26", "rate": Decimal("40.00")},
        {"code": "10002", "place": "22", "rate": Decimal("90.00")},
        {"code": "10003", "percent_of_medicare": Decimal("80.5")},
        {"code": "10004", "rate": Decimal("50.00"), "valid_to": date(2026, 3, 1)},
        {"code": "10004", "rate": Decimal("60.00"), "valid_from": date(2026, 3, 2)},
        {"code": "10005", "rate": Decimal("500.00"), "lesser_of_charge": True},
        {"code": "A0425", "rate": Decimal("8.1250")},
        {"code": "99999", "rate": Decimal("33.00")},
        {"payer_id": "aetna", "code": "10001", "rate": Decimal("77.00")},
    )
    return dollars(*({"code": f"1000{n}", "fee": str(100 * n)} for n in range(1, 7))) | {
        "fee_schedules": fees
    }


def line(code: str, *modifiers: str, units: str = "1", **others: object) -> dict[str, object]:
    names = {f"modifier_{n}": modifier for n, modifier in enumerate(modifiers, 1)}
    usual = {"payer_id": "87726", "claim_number": code + "".join(modifiers) + units}
    return {"procedure_code": code, "units": Decimal(units), **usual, **names, **others}


def test_which_row_of_a_contract_counts() -> None:
    rows = {
        "rate": (line("10002"), "150.25"),
        "rate of a modifier, which does nothing more": (line("10002", "50"), "200.00"),
        "rate of a part": (line("10002", "26"), "40.00"),
        "no rate of a part: all codes": (line("10002", "TC"), status.MODIFIER_NOT_VALID),
        "modifier before place": (line("10002", "50", place_of_service="22"), "200.00"),
        "place": (line("10002", place_of_service="22"), "90.00"),
        "modifiers of a rate": (line("10002", "80"), "24.04"),
        "modifiers on their usual terms": (line("99999", "80"), "5.28"),
        "both sides on usual terms": (line("99999", "50"), "49.50"),
        "share of a rate": (line("10002", "54"), "120.20"),
        "share without a fee row": (line("99999", "54"), status.CONTRACTOR_PRICED),
        "broken off before anesthesia": (line("10002", "73"), "75.13"),
        "broken off after it": (line("10002", "74"), "150.25"),
        "percent": (line("10003"), "241.50"),
        "percent, modifiers": (line("10003", "50"), "362.25"),
        "percent of all codes": (line("10001"), "120.00"),
        "the row that began later": (line("10004"), "60.00"),
        "row before": (line("10004", service_date_from=date(2026, 3, 1), claim_number="old"), "50.00"),
        "below the charge": (line("10005", charge_amount=Decimal("620.00")), "500.00"),
        "above the charge": (line("10005", "25", charge_amount=Decimal("480.10")), "480.10"),
        "no charge to compare": (line("10005", "59"), "500.00"),
        "miles": (line("A0425", units="12.5"), "101.56"),
        "parts of units": (line("10002", units="1.5"), status.BAD_UNITS),
        "code that Medicare does not know": (line("99999"), "33.00"),
        "other spelling of the payer": (line("10001", payer_id=None, payer_key="AETNA"), "77.00"),
        "another payer": (line("10001", payer_id="60054", claim_number="other"), "100.00"),
        "no payer": (line("10001", payer_id=None, claim_number="none"), "100.00"),
        "no code": (line("10001", "GY"), status.NOT_COVERED),
    }
    found = day(*(row for row, _ in rows.values()), given=house())
    came = [str(row["expected_allowed_amount"] or row["pricing_status"]) for row in found]
    assert dict(zip(rows, came, strict=True)) == {name: expected for name, (_, expected) in rows.items()}


def test_the_source_is_told() -> None:
    found = day(line("10002"), line("10003"), line("10001", payer_id="1"), given=house())
    assert [row["pricing_source"] for row in found] == [
        "contract own-2026",
        "contract own-2026: 80.5% of RVU26C",
        "RVU26C",
    ]
    assert [row["total_rvu"] for row in found] == [None, Decimal(300), Decimal(100)]


def test_a_rate_needs_no_place_no_locality_and_no_fee_schedule() -> None:
    only = {"fee_schedules": house()["fee_schedules"]}
    nowhere = {"medicare_locality": None, "place_of_service": None, "service_date_from": date(2031, 1, 1)}
    (found,) = priced(line("10002", **nowhere), given=only)
    assert found["expected_allowed_amount"] == Decimal("150.25")
    (medicare,) = priced(line("10003", **nowhere), given=only)
    assert medicare["pricing_status"] == status.NO_EDITION


def test_percent_of_a_named_release() -> None:
    """99213 in 2025, by the fee schedule of 2026: 110 % of it."""
    fees = contract(
        {"percent_of_medicare": Decimal(110), "release": "RVU26C"},
        {"code": "99214", "percent_of_medicare": Decimal(110), "release": "RVU19A"},
    )
    given = tables(fee_schedules=fees)
    old = {"service_date_from": date(2025, 10, 15)}
    found, unknown = priced(
        {"payer_id": "87726", **old}, {"payer_id": "87726", "procedure_code": "99214", **old}, given=given
    )
    of_2026 = one(service_date_from=date(2026, 2, 1))
    assert found["pricing_source"] == "contract own-2026: 110% of RVU26C"
    assert found["conversion_factor"] == of_2026["conversion_factor"]
    assert found["expected_allowed_amount"] == (
        Decimal(str(of_2026["expected_allowed_amount"])) * Decimal("1.1")
    ).quantize(Decimal("0.01"))
    assert unknown["pricing_status"] == status.NO_EDITION
    assert unknown["pricing_note"] == "The contract names RVU19A, which is not loaded."


def test_statutory_percents_are_medicares_alone() -> None:
    nurse = {"rendering_taxonomy": "363LF0000X"}
    found = day(
        line("10002", **nurse), line("10003", **nurse), given=house(), terms=Terms(participating=False)
    )
    for row in found:
        assert row["adjusted_allowed_amount"] == row["expected_net_amount"] == row["expected_allowed_amount"]
        assert (row["statutory_adjustment"], row["limiting_charge"]) == (None, None)


def test_only_percents_of_medicare_are_ranked() -> None:
    rates = day(line("10002", claim_number="C"), line("10004", claim_number="C"), given=house())
    assert [row["expected_allowed_amount"] for row in rates] == [Decimal("150.25"), Decimal("60.00")]
    percents = day(line("10001", claim_number="C"), line("10003", claim_number="C"), given=house())
    assert [row["expected_allowed_amount"] for row in percents] == [Decimal("60.00"), Decimal("241.50")]


def test_the_contract_of_the_documentation_loads(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "pricing.md").read_text("utf-8")
    (text,) = re.findall(r"```text\n(# claimsctl table: fee_schedules\n.*?)```", page, flags=re.DOTALL)
    path = tmp_path / "contract.csv"
    path.write_text(text)
    (release,) = house_file.FORMATS[0].read(Opened.of(path), Wanted())
    table = Table("fee_schedules", release.frame, (Edition("contract", None, None, 4),), "", "")
    given = dollars({"code": "90837", "fee": "100"}, {"code": "99213", "fee": "90"}) | {
        "fee_schedules": table
    }
    rows = [line("90837", charge_amount=Decimal("142.00")), line("99213"), line("99213", payer_id="60054")]
    found = day(*(row | {"claim_number": str(n)} for n, row in enumerate(rows)), given=given)
    assert [str(row["expected_allowed_amount"] or row["pricing_note"]) for row in found] == [
        "142.00",
        "The contract names RVU26B, which is not loaded.",
        "108.00",
    ]


def test_a_pinned_release_leaves_rates_alone() -> None:
    schedule = Schedule(house(), Terms(), edition="RVU26C")
    rows = [line(code, medicare_locality=HERE) for code in ("10002", "10003")]
    found = price(lines(*rows), schedule)
    assert found["expected_allowed_amount"].to_list() == [Decimal("150.25"), Decimal("241.50")]
