"""Which claims to look at first, and why."""

from __future__ import annotations

import csv
import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from claimsctl.errors import UsageError
from claimsctl.inquiry.changing import set_status
from claimsctl.inquiry.filters import Filters
from claimsctl.inquiry.finding import Named
from claimsctl.inquiry.worklist import COLUMNS, worklist
from claimsctl.pipeline import Setting, process
from claimsctl.price.terms import Terms
from claimsctl.process.request import Request
from claimsctl.process.rulebook import Rulebook, load_rulebook
from claimsctl.settings_tables import ScoringSettings
from claimsctl.store.database import open_store
from claimsctl.store.workspace import Workspace
from claimsctl.validate.ruleset import Selection
from tests.claims import claim, write_csv
from tests.cli.conftest import command, read_once
from tests.commands import Command
from tests.conftest import AS_OF

__all__ = ["command", "read_once"]  # fixtures

WARNED = {"prior_auth_number": "NA"}
ROWS = [
    claim("A1"),
    claim("A2", **WARNED),
    claim("A3", service_date_from="2026-04-11", service_date_to="2026-04-11"),
    claim("A4", charge_amount="-5"),
    claim("A5", procedure_code="99215", charge_amount="300.00", payer_name="=cmd|x", **WARNED),
]


@pytest.fixture(scope="module")
def book() -> Rulebook:
    few = Selection(only=frozenset({"FIN-001", "FIN-002", "AUT-006", "FILE-*"}))
    return load_rulebook(few, terms=Terms(locality="10112/00"))


@pytest.fixture
def workspace(tmp_path: Path, book: Rulebook) -> Workspace:
    place = Workspace.open(tmp_path / "workspace")
    path = write_csv(tmp_path / "c.csv", ROWS)
    request = Request((str(path),), run_date=AS_OF, out=tmp_path / "out", hold_above=0.3)
    process(request, book, Setting(place, scoring=ScoringSettings()))
    return place


def listed(workspace: Workspace, today: date = AS_OF, **filters: Any) -> dict[str, dict[str, Any]]:
    found = worklist(workspace, Filters(**filters), today=today, limit=None)
    return {str(item["claim_number"]): dict(item) for item in found.items}


def test_claims_with_most_at_stake_come_first(workspace: Workspace) -> None:
    found = listed(workspace)
    assert list(found) == ["A3", "A5", "A2", "A1"]
    late = found["A3"]
    assert (late["days_left"], str(late["filing_deadline"])) == (10, "2026-07-10")
    whole, loss = late["expected_allowed_amount"], late["expected_loss"]
    cents = int((whole - loss) * 100) * 20 // 30
    assert late["at_stake"] == loss + Decimal(cents) / 100, "20 of the last 30 days have passed"
    assert late["reason"].startswith("15 days or fewer are left to file it")
    assert late["fix"] == "Send this claim first."
    assert found["A2"]["at_stake"] == found["A2"]["expected_loss"]
    assert "(AUT-006)" in found["A2"]["reason"]
    assert found["A2"]["fix"]
    assert not found["A2"]["fix"].startswith("See "), "what the finding suggests"
    assert [item["rank"] for item in found.values()] == [1, 2, 3, 4]
    last = listed(workspace, date(2026, 7, 10))["A3"]
    assert last["at_stake"] == last["expected_allowed_amount"], "on the last day all of it is at stake"
    passed = listed(workspace, date(2026, 7, 11))["A3"]
    assert (passed["days_left"], passed["at_stake"]) == (-1, passed["expected_loss"])
    early = listed(workspace, date(2026, 7, 10) - timedelta(days=30))["A3"]
    assert early["at_stake"] == early["expected_loss"]


def test_only_claims_that_have_not_gone_out(workspace: Workspace) -> None:
    set_status(workspace, Named("A3"), "SUBMITTED")
    assert list(listed(workspace)) == ["A5", "A2", "A1"]
    assert list(listed(workspace, held=True)) == ["A5", "A2"]
    assert list(listed(workspace, band=("low",))) == ["A1"]
    assert list(listed(workspace, risk_above=0.3)) == ["A5", "A2"]
    rejected = listed(workspace, status=("INVALID",))["A4"]
    assert rejected["denial_risk"] is None
    assert rejected["reason"].endswith(("(FIN-001)", "(FIN-002)"))
    assert rejected["fix"]
    with pytest.raises(UsageError, match="is no band"):
        listed(workspace, band=("worst",))
    for path in workspace.root.rglob("found-*"):
        path.unlink()
    assert listed(workspace)["A2"]["fix"] == "See `claimsctl rules explain AUT-006`."


def test_the_command(workspace: Workspace, command: Command, tmp_path: Path) -> None:
    day = ("--as-of", "2026-06-30")
    shown = list(csv.DictReader(command("worklist", "--top", "2", *day).out.splitlines()))
    assert [row["claim_number"] for row in shown] == ["A3", "A5"]
    assert list(shown[0]) == list(COLUMNS)
    assert shown[1]["payer_name"] == "'=cmd|x"
    told = json.loads(command("worklist", "--json", *day).out)
    assert told["total"] == 4
    assert Decimal(told["at_stake"]) == sum(Decimal(each["at_stake"]) for each in told["claims"])
    assert command("worklist", "--out", "list.csv", *day).out == "4 claims of 4: list.csv\n"
    assert command("worklist", "--out", "list.csv", *day).code == 2
    assert command("worklist", "--out", "list.doc", *day).code == 2
    command("worklist", "--out", "list.xlsx", "--yes", *day)
    book = pl.read_excel("list.xlsx", engine="calamine")
    assert book["claim_number"].to_list() == ["A3", "A5", "A2", "A1"]
    assert float(book["at_stake"][2]) == float(shown_stake(told, "A2"))
    lines = command("claims", "list", "--held", "--columns", "claim,risk,held").out.splitlines()
    assert sorted(lines[1:]) == ["A2,0.36,yes", "A5,0.36,yes"]
    assert "0.36 medium (rules)" in command("claims", "show", "A2").out


def shown_stake(told: dict[str, Any], number: str) -> str:
    return str(next(each["at_stake"] for each in told["claims"] if each["claim_number"] == number))


def test_what_payers_decided_before_counts(workspace: Workspace, book: Rulebook, tmp_path: Path) -> None:
    """Ten claims of one provider were denied, twenty of another paid: the next of the first is riskier."""
    day = date(2026, 6, 1)
    with open_store(workspace, write=True) as connection:
        connection.execute(
            """
            INSERT INTO claims BY NAME SELECT 'default' AS practice_id, 'D' || n AS claim_number,
                'P' AS payer_sequence, n AS claim_id, 1 AS version, true AS is_current,
                if(n < 10, 'DENIED', 'PAID') AS status, '87726' AS payer_id, ['99213'] AS codes,
                if(n < 10, '1497758544', '1245319599') AS rendering_npi
            FROM range(30) t(n)
            """
        )
        connection.execute(
            """
            INSERT INTO claim_status_history BY NAME SELECT practice_id, claim_number, payer_sequence,
                version, status AS to_status, $day AS changed_at, 'set' AS action
            FROM claims WHERE claim_number LIKE 'D%'
            """,
            {"day": day},
        )
    new = [
        claim("E1", rendering_npi="1497758544", service_date_from="2026-06-02", service_date_to="2026-06-02"),
        claim("E2", rendering_npi="1245319599", service_date_from="2026-06-02", service_date_to="2026-06-02"),
        claim("E3", rendering_npi="1497758544", service_date_from="2026-06-01", service_date_to="2026-06-01"),
    ]
    request = Request((str(write_csv(tmp_path / "e.csv", new)),), run_date=AS_OF, out=tmp_path / "e")
    summary = process(request, book, Setting(workspace, scoring=ScoringSettings()))
    assert summary["scoring"]["history"] == {"decided": 30, "denied": 10}  # type: ignore[index]
    first, second, third = pl.read_parquet(tmp_path / "e" / "accepted.parquet")["risk_reasons"]
    assert first == "Claims of this provider were denied more often than usual"
    assert second is None
    assert third is None, "on the day of this claim nothing had been decided yet"
