"""What payers said, brought into a database: the last answer on each claim, and every change of a status."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from claimsctl.asking.request import Place, StatusRequest
from claimsctl.asking.run import check_status
from claimsctl.errors import ClaimsctlError, ConnectError
from claimsctl.jobs.delivering import deliver_rest
from claimsctl.payers.inquiry import Answer, Match
from claimsctl.process.sending import deliverable
from claimsctl.sql import load
from claimsctl.sql.database import Database
from claimsctl.sql.ddl import statements
from claimsctl.store.jobs import JobStore
from claimsctl.store.workspace import Workspace
from tests.asking.conftest import AS_OF, row, status_file
from tests.asking.fakes import AT, FakeAsker, error, paid

TOLD = "SELECT claim_number, status, paid_amount, payer_claim_number FROM claimsctl_claim_status ORDER BY 1"


@pytest.fixture
def target(tmp_path: Path) -> Database:
    path = tmp_path / "target.db"
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements("sqlite", None, "claimsctl_", "mask"):
            connection.execute(statement)
        connection.commit()
    return Database("production", f"sqlite:///{path}", phi="mask", given="production")


def rows(target: Database, query: str) -> list[tuple[Any, ...]]:
    assert target.file is not None
    with closing(sqlite3.connect(target.file)) as connection:
        return connection.execute(query).fetchall()


def asked(place: Place, target: Database, file: Path, asker: FakeAsker | None = None) -> dict[str, Any]:
    place = replace(place, databases=(target,), asker=asker or FakeAsker(paid))
    return check_status(StatusRequest(AS_OF, (str(file),), to=("production",)), place)


@contextmanager
def out_of_reach() -> Iterator[None]:
    def refuse(*_: object, **__: object) -> None:
        raise ConnectError("production has gone away.")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(load, "deliver", refuse)
        yield


def test_answers_and_changes_arrive(place: Place, target: Database, tmp_path: Path) -> None:
    def answer(inquiry: Any) -> Answer:
        return error(inquiry) if inquiry.values["claim_number"] == "C-2" else paid(inquiry)

    file = status_file(tmp_path / "ask.csv", row("C-1"), row("C-2"), row("C-3"))
    summary = asked(place, target, file, FakeAsker(answer))
    assert summary["sent"]["production"]["statuses"] == 2
    told = rows(target, TOLD)
    assert [(number, status, Decimal(str(amount))) for number, status, amount, _ in told] == [
        ("C-1", "PAID", Decimal(100)), ("C-3", "PAID", Decimal(100)),
    ]  # fmt: skip
    changes = rows(
        target,
        "SELECT claim_number, change_number, from_status, to_status FROM claimsctl_claim_status_history",
    )
    assert sorted(changes) == [("C-1", 1, None, "PAID"), ("C-3", 1, None, "PAID")]
    ((command, status, failed),) = rows(target, "SELECT command, status, rows_read FROM claimsctl_jobs")
    assert (command, status, failed) == ("check-status", "COMPLETED_WITH_ERRORS", 3)


def test_a_later_answer_takes_the_place_of_the_first(place: Place, target: Database, tmp_path: Path) -> None:
    pending = Match("PENDING", category_code="P1", payer_claim_number="ICN-1")
    file = status_file(tmp_path / "ask.csv", row("C-1"))
    asked(place, target, file, FakeAsker(lambda i: Answer(i.key, "uhc", "found", AT, (pending,))))
    asked(place, target, file)
    assert [row[:2] for row in rows(target, TOLD)] == [("C-1", "PAID")]
    changes = rows(
        target, "SELECT from_status, to_status FROM claimsctl_claim_status_history ORDER BY job_id"
    )
    assert changes == [(None, "PENDING"), ("PENDING", "PAID")]


def test_what_could_not_be_delivered_is_gone_on_with(
    place: Place, target: Database, workspace: Workspace, tmp_path: Path
) -> None:
    file = status_file(tmp_path / "ask.csv", row("C-1"))
    with out_of_reach(), pytest.raises(ClaimsctlError) as refused:
        asked(place, target, file)
    job = JobStore(workspace).list_jobs(limit=1)[0]
    assert refused.value.exit_code == 4
    assert f"claimsctl jobs resume {job.job_id}" in str(refused.value)
    assert job.status == "FAILED"
    left = deliverable(workspace, job)
    assert left is not None
    deliver_rest(workspace, job, left, [target], lambda _text: None, lambda *_: None)
    assert [row[:2] for row in rows(target, TOLD)] == [("C-1", "PAID")]
    job = JobStore(workspace).get(job.job_id)
    assert (job.status, job.error) == ("COMPLETED", None)
    assert deliverable(workspace, job) is None
