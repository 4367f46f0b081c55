"""Prices in a run: their columns, their totals, and what is said of lines without one."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from claimsctl.facts.priced import TYPES
from claimsctl.price.line import OUTPUT
from claimsctl.price.terms import Terms
from claimsctl.process.rulebook import UNPRICED, Rulebook, load_rulebook
from claimsctl.validate.ruleset import Selection
from tests.claims import claim, write_csv

LOCALITY = "10112/00"  # Alabama
FEW = Selection(only=frozenset({"FIN-001", "FIN-002", "FILE-*"}))


@pytest.fixture(scope="module")
def book() -> Rulebook:
    return load_rulebook(FEW, terms=Terms(locality=LOCALITY))


@pytest.fixture
def rows() -> list[dict[str, str]]:
    return [
        claim("A1", procedure_code="99213", units="2", charge_amount="500.00"),
        claim("A2", procedure_code="99214", charge_amount="200.00"),
        claim("A3", procedure_code="G9999", charge_amount="200.00"),
        claim("A4", procedure_code="99213", charge_amount="-5"),
    ]


def test_prices_stand_in_the_accepted_lines_and_the_summary(
    run: Any, book: Rulebook, rows: list[dict[str, str]], tmp_path: Path
) -> None:
    summary = run(write_csv(tmp_path / "claims.csv", rows), book=book, out=tmp_path / "out")
    lines = pl.read_parquet(tmp_path / "out" / "accepted.parquet")
    assert lines.schema["expected_allowed_amount"] == pl.Decimal(12, 2)
    assert list(TYPES) == [*OUTPUT, "charge_ceiling"]
    assert set(OUTPUT) <= set(lines.columns)
    found = dict(zip(lines["claim_number"], lines["expected_allowed_amount"], strict=True))
    assert found["A1"] > found["A2"] > 0
    assert found["A3"] is None
    assert lines.filter(claim_number="A3")["pricing_status"].item() != "PRICED"
    pricing = summary["pricing"]
    assert pricing["lines"] == 4
    assert pricing["priced"] == 2
    assert sum(pricing["not_priced"].values()) == 2
    whole = Decimal(pricing["expected_allowed_amount"])
    assert whole == found["A1"] + found["A2"]
    assert (
        sum(Decimal(each["expected_allowed_amount"]) for each in pricing["by_source"])
        == found["A1"] + found["A2"]
    )
    office = next(each for each in pricing["productivity"] if each["procedure_code"] == "99213")
    one = lines.filter(claim_number="A1")["total_rvu"].item()
    assert (Decimal(office["total_rvu"]), office["units"], office["month"]) == (one * 2, "2", "2026-05")
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["pricing"] == pricing


def test_rejected_lines_are_priced_apart(
    run: Any, book: Rulebook, rows: list[dict[str, str]], tmp_path: Path
) -> None:
    rows[1]["charge_amount"] = "abc"
    pricing = run(write_csv(tmp_path / "claims.csv", rows), book=book)["pricing"]
    whole, clean = (
        Decimal(pricing[n]) for n in ("expected_allowed_amount", "accepted_expected_allowed_amount")
    )
    assert whole > clean > 0


def test_the_parts_of_a_file_make_no_difference(run: Any, book: Rulebook, tmp_path: Path) -> None:
    rows = [claim(f"B{n}", procedure_code=("99213", "99214", "97110")[n % 3]) for n in range(60)]
    path = write_csv(tmp_path / "claims.csv", rows)
    one, other = (run(path, book=book, batch_size=size)["pricing"] for size in (1_000, 7))
    assert one == other
    assert one["priced"] == 60


def test_without_terms_nothing_is_priced(run: Any, rows: list[dict[str, str]], tmp_path: Path) -> None:
    book = load_rulebook(FEW)
    summary = run(write_csv(tmp_path / "claims.csv", rows), book=book, out=tmp_path / "out")
    assert summary["pricing"] is None
    assert not set(OUTPUT) & set(pl.read_parquet(tmp_path / "out" / "accepted.parquet").columns)


def test_rules_that_read_prices_do_not_run_without_them(tmp_path: Path) -> None:
    pack = tmp_path / "house.toml"
    pack.write_text(
        """
[pack]
name = "house"
title = "House"
[[rule]]
code = "HOUSE-001"
name = "charge_covers_the_fee"
severity = "warning"
category = "house"
level = "line"
fields = ["charge_amount"]
rule_expression = "charge_amount >= expected_allowed_amount"
error_message = "The charge is below the expected amount {expected_allowed_amount}."
suggestion = "Raise it."
why = "The lesser of both is paid."
source = "House"
passes = [{ charge_amount = "90.00", expected_allowed_amount = "90.00" }]
fails = [{ charge_amount = "89.99", expected_allowed_amount = "90.00" }]
"""
    )
    without = load_rulebook(FEW, [pack])
    chosen = Selection(only=frozenset({"HOUSE-001"}))
    unpriced, priced = load_rulebook(chosen, [pack]), load_rulebook(chosen, [pack], terms=Terms())
    assert without.ruleset.not_run[-1].code == "HOUSE-001"
    assert {note.code: note.reason for note in unpriced.ruleset.not_run}["HOUSE-001"] == UNPRICED
    assert [check.rule.code for check in priced.ruleset.checks] == ["HOUSE-001"]


def test_services_of_a_day_reduce_each_other_wherever_they_stand(
    run: Any, book: Rulebook, tmp_path: Path
) -> None:
    therapy = {"procedure_code": "97140", "modifier_1": "GP", "member_id": "XYQ44100"}
    between = [claim(f"C{n}") for n in range(300)]
    rows = [claim("T1", **{**therapy, "procedure_code": "97110"}), *between, claim("T2", **therapy)]
    path = write_csv(tmp_path / "claims.csv", rows)
    found = []
    for batch in (1_000, 100):
        run(path, book=book, batch_size=batch, out=tmp_path / f"out{batch}")
        lines = pl.read_parquet(tmp_path / f"out{batch}" / "accepted.parquet")
        found.append(lines.select("claim_number", "expected_allowed_amount", "modifier_adjustment").rows())
    assert found[0] == found[1]
    together = {number: amount for number, amount, _ in found[0] if number.startswith("T")}
    alone = [
        Decimal(run(write_csv(tmp_path / "one.csv", [row]), book=book)["pricing"]["expected_allowed_amount"])
        for row in (rows[0], rows[-1])
    ]
    assert 0 < sum(together.values()) < sum(alone)
    assert [number for number, _, said in found[0] if said] in (["T1"], ["T2"])


@pytest.mark.parametrize(("charge", "told"), [("4000.00", 0), ("40000.00", 1)])
def test_a_charge_is_compared_with_the_fee_before_modifiers_reduce_it(
    run: Any, tmp_path: Path, charge: str, told: int
) -> None:
    book = load_rulebook(Selection(only=frozenset({"FIN-016"})), terms=Terms(locality=LOCALITY))
    assistant = claim("A1", procedure_code="27447", modifier_1="AS", charge_amount=charge)
    summary = run(write_csv(tmp_path / "claims.csv", [assistant]), book=book)
    assert Decimal(summary["pricing"]["expected_allowed_amount"]) < 400
    assert [each["rows"] for each in summary["findings_by_code"] if each["code"] == "FIN-016"] == [1] * told
