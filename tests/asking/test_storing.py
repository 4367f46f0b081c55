"""Answers in the store: statuses and history, claims that only a payer told of, and who ignores them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from claimsctl.asking.request import Place, StatusRequest
from claimsctl.asking.run import check_status
from claimsctl.inquiry.filters import Filters
from claimsctl.inquiry.finding import Named
from claimsctl.inquiry.showing import show_claim
from claimsctl.payers.inquiry import Answer, Inquiry, Match
from claimsctl.store.database import open_store
from claimsctl.store.workspace import Workspace
from tests.asking.conftest import AS_OF, Check, row, status_file
from tests.asking.fakes import AT, FakeAsker, error
from tests.claims import claim, write_csv
from tests.conftest import Process


def ask(workspace: Workspace, query: str) -> list[tuple[Any, ...]]:
    with open_store(workspace, write=False) as connection:
        return connection.execute(query).fetchall()


def test_an_answer_changes_the_claim_and_its_history(
    run: Process, check: Check, workspace: Workspace, tmp_path: Path
) -> None:
    run(write_csv(tmp_path / "claims.csv", [claim("C-1")]))
    summary = check(status_file(tmp_path / "ask.csv", row("c-1")))
    assert summary["stored"] == {"found": 1, "new": 0, "changed": 1, "unnamed": 0, "repeated": False}
    story = show_claim(workspace, Named("C-1"))
    assert (story.claim["status"], str(story.claim["paid_amount"])) == ("PAID", "100.00")
    last = story.history[-1]
    assert [last[n] for n in ("action", "from_status", "to_status", "payer_reference", "note")] == [
        "query", "VALIDATED", "PAID", "ICN-c-1", "F1 65",
    ]  # fmt: skip
    (answer,) = story.answers
    assert (answer["outcome"], answer["route"], str(answer["paid_amount"])) == ("found", "uhc", "100.00")
    assert story.lines


def test_a_claim_nobody_stored_has_a_status_only(
    run: Process, check: Check, workspace: Workspace, tmp_path: Path
) -> None:
    summary = check(status_file(tmp_path / "ask.csv", row("C-1")))
    assert summary["stored"]["new"] == 1
    story = show_claim(workspace, Named("C-1"))
    assert (story.claim["status"], story.claim["lines"], story.lines) == ("PAID", 0, [])
    processed = run(write_csv(tmp_path / "claims.csv", [claim("C-1"), claim("C-2")]))
    assert processed["claims"]["accepted"] == 2  # type: ignore[index]
    assert processed["duplicates"]["found"] == 0  # type: ignore[index]
    story = show_claim(workspace, Named("C-1"))
    assert (story.claim["status"], story.claim["version"]) == ("PAID", 2), "what the payer said stays"
    assert story.lines


def test_the_payers_number_finds_the_claim(check: Check, workspace: Workspace, tmp_path: Path) -> None:
    check(status_file(tmp_path / "one.csv", row("C-1")))
    pending = Match("PENDING", category_code="P1", payer_claim_number="ICN-C-1")
    asker = FakeAsker(lambda i: Answer(i.key, "uhc", "found", AT, (pending,)))
    again = check(status_file(tmp_path / "two.csv", row("ICN-C-1")), asker=asker)
    assert (again["stored"]["found"], again["stored"]["new"]) == (1, 0)
    assert ask(workspace, "SELECT claim_number, status FROM claims") == [("C-1", "PENDING")]


@pytest.mark.parametrize("kind", ["not_found", "error", "unknown"])
def test_what_says_nothing_does_not_undo_a_payment(
    check: Check, workspace: Workspace, tmp_path: Path, kind: str
) -> None:
    file = status_file(tmp_path / "one.csv", row("C-1"))
    check(file)

    def answer(inquiry: Inquiry) -> Answer:
        if kind == "error":
            return error(inquiry)
        if kind == "unknown":
            return Answer(inquiry.key, "uhc", "found", AT, (Match("UNKNOWN", category_code="Z9"),))
        return Answer(inquiry.key, "uhc", "not_found", AT)

    check(file, asker=FakeAsker(answer))
    assert ask(workspace, "SELECT status FROM claims") == [("PAID",)]
    queries = ask(workspace, "SELECT from_status, to_status FROM claim_status_history ORDER BY changed_at")
    assert queries == [(None, "PAID"), ("PAID", "PAID")][: 1 if kind == "error" else 2]
    assert len(ask(workspace, "SELECT 1 FROM claim_answers")) == 2


def test_claims_of_the_store_are_asked_about(
    run: Process, place: Place, workspace: Workspace, tmp_path: Path
) -> None:
    lines = [
        claim("C-1", line_number="1", payer_id="87726"),
        claim("C-1", line_number="2", payer_id="87726", procedure_code="93000"),
        claim("C-2", payer_id="87726"),
    ]
    run(write_csv(tmp_path / "claims.csv", lines))
    asker = FakeAsker()
    request = StatusRequest(AS_OF, filters=Filters(status=("VALIDATED",)))
    summary = check_status(request, replace(place, asker=asker))
    assert [each.values["claim_number"] for each in asker.asked] == ["C-1", "C-2"]
    first = asker.asked[0].values
    given = lines[0]
    assert (first["patient_last_name"], first["member_id"]) == (
        given["patient_last_name"],
        given["member_id"],
    )
    assert isinstance(first["patient_dob"], date)
    assert summary["stored"]["changed"] == 2


def test_a_stored_claim_is_answered_in_its_practice(
    run: Process, place: Place, workspace: Workspace, tmp_path: Path
) -> None:
    run(write_csv(tmp_path / "claims.csv", [claim("C-1", payer_id="87726")]), practice_id="gone")
    check_status(StatusRequest(AS_OF, filters=Filters()), place)
    found = ask(workspace, "SELECT practice_id, status FROM claims")
    assert found == [("gone", "PAID")], "also where the settings have no such practice any more"


def test_claims_without_lines_are_asked_about_again(place: Place, check: Check, tmp_path: Path) -> None:
    check(status_file(tmp_path / "ask.csv", row("C-1")))
    asker = FakeAsker()
    check_status(StatusRequest(AS_OF, filters=Filters()), replace(place, asker=asker))
    (asked,) = asker.asked
    assert (asked.values["claim_number"], asked.values["patient_first_name"]) == ("C-1", "Ada")
    assert asked.values["patient_dob"] == date(1979, 3, 14)


def test_stale_claims_are_those_not_asked_for_a_while(
    place: Place, check: Check, workspace: Workspace, tmp_path: Path
) -> None:
    from datetime import datetime

    from claimsctl.inquiry.columns import ordering
    from claimsctl.inquiry.listing import list_claims

    check(status_file(tmp_path / "ask.csv", row("C-1")))  # AT: 30 June 2026, noon

    def listed(before: datetime) -> int:
        filters = Filters(not_queried_since=before)
        return list_claims(
            workspace, filters, columns=("claim_number", "queried_at"), order=ordering(None), limit=None
        ).total

    days = (datetime.fromisoformat(day) for day in ("2026-06-30", "2026-07-01"))
    assert [listed(day) for day in days] == [0, 1]


def test_answers_are_stored_once(check: Check, workspace: Workspace, tmp_path: Path) -> None:
    from claimsctl.store.answers import ANSWER, commit_answers

    check(status_file(tmp_path / "ask.csv", row("C-1")))
    ((job,),) = ask(workspace, "SELECT DISTINCT job_id FROM claim_answers")
    import polars as pl

    part = tmp_path / "part.parquet"
    pl.DataFrame(schema=ANSWER).write_parquet(part)
    assert commit_answers(workspace, job, [part]).repeated


def test_sandbox_answers_are_not_stored(check: Check, workspace: Workspace, tmp_path: Path) -> None:
    summary = check(status_file(tmp_path / "ask.csv", row("C-1")), sandbox="http://127.0.0.1:1")
    assert summary["stored"] is None
    assert not workspace.claims_database.exists()


def test_names_in_the_store_stay_sealed(check: Check, workspace: Workspace, tmp_path: Path) -> None:
    check(status_file(tmp_path / "ask.csv", row("C-1")))
    for path in workspace.root.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            for name in (b"Whitfield", b"914402217", b"1979-03-14", b"the-id"):
                assert name not in content, f"{path} holds {name.decode()}"
