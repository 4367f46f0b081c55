"""A job of questions: what is asked, what is written, what the summary says."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from claimsctl.asking.request import Place
from claimsctl.errors import OutsideError, SettingsError
from claimsctl.payers.inquiry import Answer, Inquiry, Match
from tests.asking.conftest import Check, row, status_file
from tests.asking.fakes import AT, FakeAsker, error, paid


def rows_of(path: str | Path) -> list[dict[str, str]]:
    with Path(path).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_each_claim_is_asked_once_and_told(check: Check, place: Place, tmp_path: Path) -> None:
    file = status_file(
        tmp_path / "ask.csv", row("C-1"), row("C-2", "14212"), row("C-3", dob="13/45/1979"), row("C-4")
    )
    summary = check(file)
    assert isinstance(place.asker, FakeAsker)
    assert [each.values["claim_number"] for each in place.asker.asked] == ["C-1", "C-4"]
    assert {each.payer_id for each in place.asker.asked} == {"87726"}
    assert summary["status"] == "COMPLETED_WITH_ERRORS"
    assert summary["claims"] == {
        "read": 4, "answered": 2, "failed": 0, "rejected": 2, "skipped": 0, "not_asked": 0,
    }  # fmt: skip
    assert (summary["answers"]["paid"], str(summary["paid_amount"])) == (2, "200.00")
    assert summary["errors"] == {"validation": 2, "api": 0, "network": 0, "auth": 0}
    status = rows_of(summary["outputs"]["status"])
    assert [(each["claim_number"], each["status"], each["paid_amount"]) for each in status] == [
        ("C-1", "PAID", "100.00"), ("C-4", "PAID", "100.00"),
    ]  # fmt: skip
    assert json.loads(status[0]["raw"]) == {"clm507Cd": "F1"}
    errors = [each for each in rows_of(summary["outputs"]["errors"]) if each["claim_number"]]
    assert [(e["claim_number"], e["error_type"], e["code"]) for e in errors] == [
        ("C-3", "validation", "PAT-006"), ("C-2", "validation", "ASK-002"),
    ]  # fmt: skip
    assert "claimsctl payers map add 14212" in errors[1]["suggestion"]
    written = "".join(path.read_text("utf-8") for path in file.parent.rglob("*.csv") if path != file)
    assert "Whitfield" not in written
    assert "914402217" not in written


def test_lines_of_a_claim_make_one_question(check: Check, tmp_path: Path) -> None:
    asker = FakeAsker()
    first, second = row("C-1"), row("C-1", day="05/09/2026", charge="35.50")
    check(status_file(tmp_path / "ask.csv", first, second), asker=asker)
    (asked,) = asker.asked
    assert (str(asked.values["service_date_from"]), str(asked.values["service_date_to"])) == (
        "2026-05-04", "2026-05-09",
    )  # fmt: skip
    assert str(asked.values["charge_amount"]) == "165.00", "the header says that it is the total"


def test_kinds_of_answers(check: Check, tmp_path: Path) -> None:
    def answer(inquiry: Inquiry) -> Answer:
        number = inquiry.values["claim_number"]
        if number == "C-1":
            return Answer(inquiry.key, "uhc", "not_found", AT)
        if number == "C-2":
            return error(inquiry, "auth", "401", retryable=True)
        denied = Match("DENIED", category_code="F2", payer_claim_number="P-2", adjustments=("CO-45", "PR-1"))
        return Answer(inquiry.key, "uhc", "found", AT, (*paid(inquiry).matches, denied), partial=True,
                      error_type="api", error_code="DETAIL", error_message="No detail.")  # fmt: skip

    file = status_file(tmp_path / "ask.csv", row("C-1"), row("C-2"), row("C-3"))
    summary = check(file, asker=FakeAsker(answer))
    assert summary["answers"] | {"paid": 1, "not_found": 1} == summary["answers"]
    assert summary["errors"] == {"validation": 0, "api": 0, "network": 0, "auth": 1}
    assert (summary["partial"], summary["several_matches"]) == (1, 1)
    (other,) = rows_of(summary["outputs"]["matches"])
    assert (other["match"], other["status"], other["adjustments"]) == ("2", "DENIED", "CO-45;PR-1")
    errors = rows_of(summary["outputs"]["errors"])
    assert [(e["error_type"], e["severity"], e["retryable"]) for e in errors] == [
        ("auth", "error", "true"), ("api", "warning", "false"),
    ]  # fmt: skip


def test_a_route_out_of_reach_leaves_the_others(check: Check, tmp_path: Path) -> None:
    asker = FakeAsker(fails={"availity": OutsideError("Route availity cannot be reached.")})
    summary = check(status_file(tmp_path / "ask.csv", row("C-1"), row("C-2", "AETNA")), asker=asker)
    assert summary["claims"]["not_asked"] == 1
    assert summary["errors"]["network"] == 1
    (route,) = [each for each in summary["routes"] if each["trouble"]]
    assert route["trouble"] == "Route availity cannot be reached."
    (lost,) = rows_of(summary["outputs"]["errors"])
    assert (lost["claim_number"], lost["error_type"], lost["retryable"]) == ("C-2", "network", "true")


def test_where_nobody_can_be_reached_nothing_is_written(check: Check, tmp_path: Path) -> None:
    asker = FakeAsker(fails={"uhc": OutsideError("Route uhc cannot be reached.")})
    with pytest.raises(OutsideError, match="jobs resume"):
        check(status_file(tmp_path / "ask.csv", row("C-1")), asker=asker, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_missing_credentials_are_named(check: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UHC_ID")
    with pytest.raises(SettingsError, match="environment variable UHC_ID is not set"):
        check(status_file(tmp_path / "ask.csv", row("C-1")))


def test_young_answers_are_not_asked_for_again(check: Check, tmp_path: Path) -> None:
    file = status_file(tmp_path / "ask.csv", row("C-1"), row("C-2"))
    asker = FakeAsker(_now)
    check(file, asker=asker)
    again = check(file, asker=asker)
    assert (asker.times["C-1"], again["cached"], again["answers"]["paid"]) == (1, 2, 2)
    check(file, asker=asker, fresh=True)
    assert asker.times["C-1"] == 2
    asker.minutes = 0
    check(file, asker=asker)
    assert asker.times["C-1"] == 3


def test_errors_and_old_answers_are_asked_for_again(check: Check, tmp_path: Path) -> None:
    file = status_file(tmp_path / "ask.csv", row("C-1"), row("C-2"))
    asker = FakeAsker(lambda inquiry: error(inquiry) if inquiry.key == 0 else paid(inquiry))  # AT is long ago
    check(file, asker=asker)
    check(file, asker=asker)
    assert asker.times == {"C-1": 2, "C-2": 2}


def test_results_as_parquet(check: Check, tmp_path: Path) -> None:
    import polars as pl

    summary = check(status_file(tmp_path / "ask.csv", row("C-1")), format="parquet")
    found = pl.read_parquet(summary["outputs"]["status"])
    assert found["status"].to_list() == ["PAID"]
    assert str(found["paid_amount"][0]) == "100.00"


def _now(inquiry: Inquiry) -> Answer:
    from dataclasses import replace
    from datetime import UTC, datetime

    return replace(paid(inquiry), asked_at=datetime.now(UTC))


def test_a_practice_bills_and_the_map_knows_better(place: Place, tmp_path: Path) -> None:
    from dataclasses import replace

    from claimsctl.asking.request import StatusRequest
    from claimsctl.asking.run import check_status
    from claimsctl.settings_payers import AccountSettings, PayerMapSettings
    from claimsctl.settings_tables import PracticeSettings
    from tests.asking.conftest import AS_OF

    settings: Any = replace(
        place.settings,
        practice={"oak": PracticeSettings(name="Oak", npi="1234567893", tax_id="04-4410291")},
        payer_account={"two": AccountSettings({"client_secret": "env:UHC_ID"})},
        payer_map={"INS001": PayerMapSettings(payer_id="UHC", tax_id="111111111", account="two")},
    )
    asker = FakeAsker()
    file = status_file(tmp_path / "ask.csv", row("C-1"), row("C-2", "INS001"))
    check_status(
        StatusRequest(AS_OF, (str(file),), practice_id="oak"), replace(place, settings=settings, asker=asker)
    )
    assert [each.practice["tax_id"] for each in asker.asked] == ["111111111", "111111111"]
    assert asker.asked[0].practice["name"] == "Oak"
    assert dict(asker.accounts[0].credentials) == {"client_id": "the-id", "client_secret": "the-id"}
