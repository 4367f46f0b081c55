"""Status changes go through one function, which writes history."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from run_commit import SCHEME, lines, spill

from claimsctl.errors import UsageError
from claimsctl.store.commit import commit_run
from claimsctl.store.database import open_store
from claimsctl.store.lifecycle import BY_RUNS, STATUSES, Origin, check_set, transition
from claimsctl.store.workspace import Workspace

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)


def store(workspace: Workspace, count: int = 3) -> str:
    job_id = workspace.new_job_id()
    spill(workspace, job_id, lines(range(count), rejected=frozenset({2})))
    commit_run(workspace, job_id, digest_scheme=SCHEME)
    return job_id


def change(workspace: Workspace, origin: Origin, *, before: str | None, after: str | None) -> int:
    with open_store(workspace, write=True) as connection:
        connection.execute(
            "CREATE TEMP TABLE changes AS SELECT practice_id, claim_number, payer_sequence, version, "
            "$before::VARCHAR AS from_status, $after::VARCHAR AS to_status, 'a note' AS note, "
            "'REF1' AS payer_reference FROM claims WHERE claim_number = 'C0'",
            {"before": before, "after": after},
        )
        return transition(connection, "changes", origin)


def ask(workspace: Workspace, query: str) -> list[tuple[Any, ...]]:
    with open_store(workspace, write=False) as connection:
        return connection.execute(query).fetchall()


STATE = "SELECT status, is_current, deleted_at FROM claims WHERE claim_number = 'C0'"
LAST = (
    "SELECT version, from_status, to_status, action, changed_by, note, payer_reference, job_id, changed_at "
    "FROM claim_status_history WHERE claim_number = 'C0' ORDER BY changed_at = $at DESC"
)


def test_a_change_of_status_is_written_into_history(workspace: Workspace) -> None:
    store(workspace)
    assert change(workspace, Origin("set", "ann", AT), before="VALIDATED", after="PAID") == 1
    assert ask(workspace, STATE) == [("PAID", True, None)]
    at = AT.replace(tzinfo=None)
    assert ask(workspace, LAST.replace("$at", f"TIMESTAMP '{at}'"))[0] == (
        1, "VALIDATED", "PAID", "set", "ann", "a note", "REF1", None, at,
    )  # fmt: skip
    assert ask(workspace, "SELECT status FROM claims WHERE claim_number <> 'C0' ORDER BY 1") == [
        ("INVALID",), ("VALIDATED",),
    ]  # fmt: skip


def test_a_claim_disappears_and_comes_back_as_it_was(workspace: Workspace) -> None:
    store(workspace)
    change(workspace, Origin("delete", "ann", AT), before="VALIDATED", after=None)
    assert ask(workspace, STATE) == [("VALIDATED", False, AT.replace(tzinfo=None))]
    change(workspace, Origin("restore", "ann", AT), before=None, after="VALIDATED")
    assert ask(workspace, STATE) == [("VALIDATED", True, None)]


def test_an_answer_without_a_change_is_history_too(workspace: Workspace) -> None:
    store(workspace)
    change(workspace, Origin("query", "ann", AT), before="VALIDATED", after="VALIDATED")
    assert ask(workspace, STATE) == [("VALIDATED", True, None)]
    assert ask(workspace, "SELECT count(*) FROM claim_status_history WHERE action = 'query'") == [(1,)]


def test_a_run_writes_the_history_of_its_claims(workspace: Workspace) -> None:
    job = store(workspace)
    found = ask(
        workspace,
        "SELECT claim_number, from_status, to_status, action, job_id, changed_by IS NOT NULL "
        "FROM claim_status_history ORDER BY 1",
    )
    assert found == [
        ("C0", None, "VALIDATED", "run", job, True),
        ("C1", None, "VALIDATED", "run", job, True),
        ("C2", None, "INVALID", "run", job, True),
    ]


def test_a_deleted_claim_that_comes_again_is_a_new_version(workspace: Workspace) -> None:
    store(workspace)
    change(workspace, Origin("delete", "ann", AT), before="VALIDATED", after=None)
    second = store(workspace)
    query = (
        f"SELECT version, is_current, job_id = '{second}' FROM claims WHERE claim_number = 'C0' ORDER BY 1"
    )
    assert ask(workspace, query) == [(1, False, False), (2, True, True)]


@given(before=st.sampled_from(STATUSES), after=st.sampled_from(STATUSES))
def test_what_staff_may_set(before: str, after: str) -> None:
    refused = after in BY_RUNS or (before == "INVALID" and after == "READY_FOR_SUBMISSION")
    if refused:
        with pytest.raises(UsageError, match="process"):
            check_set(before, after)
    else:
        assert check_set(before, f" {after.lower().replace('_', '-')} ") == after


def test_an_unknown_status_is_told_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"'payed' is no status of a claim\. There are INVALID, VALIDATED"):
        check_set("PENDING", "payed")
