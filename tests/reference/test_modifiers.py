"""MOD-002 rejects a line whose modifier is not listed: nothing valid may be missing."""

from __future__ import annotations

import gzip
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from claimsctl.reference import Tables

_CPT = """
22 23 24 25 26 27 32 33 47 50 51 52 53 54 55 56 57 58 59 62 63 66 73 74 76 77 78 79 80 81 82 90 91 92 93 95 96
97 99 1P 2P 3P 8P P1 P2 P3 P4 P5 P6
"""
_RECENT = "AB FQ FR FS FT J5 JK JL JZ LU N1 N2 N3 V4 CO CQ ER QA QB QR G0 X1 X2 X3 X4 X5 TB VM"
_SITE = """
LT RT LC LD LM RC RI E1 E2 E3 E4 FA F1 F2 F3 F4 F5 F6 F7 F8 F9 TA T1 T2 T3 T4 T5 T6 T7 T8 T9
"""
CPT, RECENT, SITE = _CPT.split(), _RECENT.split(), _SITE.split()


def in_force(tables: Tables, code: str, day: date) -> bool:
    rows = tables["modifiers"].frame.filter(
        pl.col("code") == code,
        pl.col("valid_from").is_null() | (pl.col("valid_from") <= day),
        pl.col("valid_to").is_null() | (pl.col("valid_to") >= day),
    )
    return not rows.is_empty()


@pytest.mark.parametrize("code", [*CPT, *RECENT])
def test_known_today(tables: Tables, code: str) -> None:
    assert in_force(tables, code, date(2026, 6, 30))


def test_ambulance_pairs_are_complete(tables: Tables) -> None:
    pairs = {origin + destination for origin in "DEGHIJNPRS" for destination in "DEGHIJNPRSX"}
    assert set(tables["modifiers"].frame.filter("ambulance")["code"]) == pairs
    # GD and JG have ended as HCPCS modifiers, not as ways of an ambulance.
    assert in_force(tables, "GD", date(2026, 6, 30))


@pytest.mark.parametrize(
    ("code", "first", "last"),
    [
        ("JZ", date(2023, 1, 1), None),
        ("93", date(2022, 1, 1), None),
        ("ME", date(2020, 1, 1), date(2024, 12, 31)),
        ("AC", date(2026, 7, 1), None),
        ("CP", date(2016, 1, 1), date(2017, 12, 31)),
    ],
)
def test_dates(tables: Tables, code: str, first: date, last: date | None) -> None:
    assert tables["modifiers"].frame.filter(code=code).select("valid_from", "valid_to").row(0) == (
        first,
        last,
    )


def test_all_of_the_2019_contractor_file_are_listed(tables: Tables, shared: Path) -> None:
    path = shared / "data/reference/hcpcs/HCPC2019_CONTR_ANWEB.txt.gz"
    with gzip.open(path, "rt", encoding="latin-1") as file:
        published = {line[3:5] for line in file if line[:3] == "   " and line[10:11] == "7"}
    assert len(published) == 360
    assert published <= set(tables["modifiers"].frame["code"])


def test_classes_do_not_contradict(tables: Tables) -> None:
    frame = tables["modifiers"].frame
    assert frame.filter(pl.col("pricing") & pl.col("informational")).is_empty()
    assert set(frame.filter("site")["code"]) == set(SITE)
    other = {"24", "25", "27", "57", "58", "59", "78", "79", "91", "XE", "XP", "XS", "XU"}
    assert set(frame.filter("ncci")["code"]) == {*SITE, *other}


def test_cpt_modifiers_have_no_descriptor(tables: Tables) -> None:
    own = pl.col("kind").is_in(["cpt", "cpt_category_2", "physical_status"])
    assert tables["modifiers"].frame.filter(own)["name"].null_count() == len(CPT)
