"""Whatever a line says, it gets a status, and an amount exactly where that is PRICED."""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal

import polars as pl

from claimsctl.price import status
from claimsctl.price.line import OUTPUT, price
from claimsctl.price.schedule import Schedule
from claimsctl.price.terms import Terms
from tests.price.tables import fee_rows, lines, tables
from tests.price.test_anesthesia import given as anesthesia
from tests.price.test_contracts import contract

CODES = [*fee_rows()["code"].unique().sort(), None, "", "0", "ZZZZZ", "é", "99213 "]
MODIFIERS = [None] * 12 + "26 TC 50 51 52 53 54 55 56 59 62 66 73 78 80 AS LT RT AA QK AD GY CQ".split()
MODIFIERS += ["", "é", "5", "500", "25,59"]
AMOUNTS = [Decimal(n) for n in ("1", "1", "1", "2", "3", "0", "-1", "0.5", "0.0001", "99999999999", "150.25")]
CELLS: dict[str, list[object]] = {
    "procedure_code": CODES,
    **{f"modifier_{n}": MODIFIERS for n in range(1, 5)},
    "units": [*AMOUNTS, None],
    "charge_amount": [*AMOUNTS, None],
    "minutes": [None, 0, -5, 1, 48, 10**9],
    "unit_type": [None, "UN", "MJ", "??"],
    "place_of_service": ["11", "11", "22", "24", None, "", "99", "1"],
    "service_date_from": [date(2025, 5, 1), date(2026, 3, 2), None, date(1, 1, 1), date(9999, 12, 31)],
    "medicare_locality": ["10212/99", "10212/99", "01112/18", None, "", "x", "99999/99"],
    "facility_zip": [None, "94102", "970011234", "é", "1"],
    "billing_zip": [None, "30303", "97001", ""],
    "rendering_taxonomy": [None, "363LF0000X", "1041C0700X", "", "é"],
    "payer_id": [None, "87726", "60054", ""],
    "is_institutional": [None, False, False, True],
    "same_patient": [None, 1, 2],
    "same_provider": [None, "1234567893"],
    "claim_number": [None, "C1", "C2"],
}


def anything(count: int, seed: int) -> pl.DataFrame:
    source = random.Random(seed)
    return lines(*({name: source.choice(cells) for name, cells in CELLS.items()} for _ in range(count)))


def test_every_line_has_a_status() -> None:
    fees = contract({"percent_of_medicare": Decimal(120)}, {"code": "99213", "rate": Decimal("80.00")})
    schedule = Schedule(
        anesthesia() | {"fee_schedules": fees, "zip_locality": tables()["zip_locality"]},
        Terms(participating=False, reduced_services_percent=Decimal(50)),
    )
    found = price(anything(4_000, seed=1), schedule)
    assert found.schema == pl.Schema(OUTPUT)
    assert set(found["pricing_status"]) <= set(status.SENTENCES)
    assert len(set(found["pricing_status"])) > 20
    priced = found["pricing_status"] == status.PRICED
    for amount in ("expected_allowed_amount", "adjusted_allowed_amount", "expected_net_amount"):
        assert (found[amount].is_not_null() == priced).all(), amount
        assert (found[amount].drop_nulls() >= 0).all()
    assert (found["pricing_source"].filter(priced).is_not_null()).all()
    assert (found["adjusted_allowed_amount"] <= found["expected_allowed_amount"]).all()
    assert (found["expected_net_amount"] <= found["adjusted_allowed_amount"]).all()


def test_lines_do_not_depend_on_the_lines_beside_them_unless_they_share_a_day() -> None:
    """Each line by itself, and all at once as lines of patients of their own."""
    schedule = Schedule(tables(), Terms())
    frame = anything(60, seed=2).with_columns(
        pl.int_range(pl.len()).alias("same_patient"), pl.lit(None, pl.String).alias("claim_number")
    )
    alone = pl.concat([price(frame.slice(n, 1), schedule) for n in range(frame.height)])
    assert price(frame, schedule).equals(alone)
