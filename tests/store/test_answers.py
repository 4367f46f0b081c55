"""Answers enter a store of an older version, and a run that comes later leaves them alone."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from claimsctl.errors import StoreError
from claimsctl.store import answers as store_answers
from claimsctl.store.answers import ANSWER, Stored, commit_answers
from claimsctl.store.database import open_store
from claimsctl.store.workspace import Workspace
from tests.claims import claim, write_csv
from tests.conftest import Process
from tests.older import make_older


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path / "workspace")


def answers(path: Path, *rows: dict[str, object]) -> Path:
    usual: dict[str, object] = {
        "practice_id": "default", "payer_sequence": "P", "asked_at": datetime.fromisoformat("2026-06-30"),
        "outcome": "found", "status": "PAID", "paid_amount": Decimal("80.00"),
    }  # fmt: skip
    full = [dict.fromkeys(ANSWER) | usual | {"key": n} | row for n, row in enumerate(rows)]
    pl.DataFrame(full, schema=ANSWER).write_parquet(path)
    return path


def ask(workspace: Workspace, query: str) -> list[tuple[object, ...]]:
    with open_store(workspace, write=False) as connection:
        return connection.execute(query).fetchall()


def test_a_store_of_schema_3_takes_answers(run: Process, workspace: Workspace, tmp_path: Path) -> None:
    run(write_csv(tmp_path / "claims.csv", [claim("C-1"), claim("C-2")]))
    make_older(workspace, 3)
    part = answers(tmp_path / "part.parquet", {"claim_number": "C-1"}, {"claim_number": "C-9"})
    assert commit_answers(workspace, "20260630-120000-0001", [part]) == Stored(found=1, new=1, changed=2)
    assert len(list(workspace.root.glob("*.schema-3.backup"))) == 1
    found = ask(workspace, "SELECT claim_number, status, paid_amount, origin FROM claims ORDER BY 1")
    assert found == [
        ("C-1", "PAID", Decimal("80.00"), None),
        ("C-2", "VALIDATED", None, None),
        ("C-9", "PAID", Decimal("80.00"), "status"),
    ]


def test_two_answers_about_one_claim_change_it_once(workspace: Workspace, tmp_path: Path) -> None:
    part = answers(
        tmp_path / "part.parquet",
        {"claim_number": "C-1", "outcome": "not_found", "status": "NOT_FOUND", "paid_amount": None},
        {"claim_number": "c-1", "status": "DENIED", "paid_amount": None},
        {"claim_number": None, "outcome": "not_found", "status": "NOT_FOUND"},
    )
    stored = commit_answers(workspace, "20260630-120000-0001", [part])
    assert (stored.new, stored.changed, stored.unnamed) == (1, 1, 1)
    assert ask(workspace, "SELECT claim_number, status FROM claims") == [("C-1", "DENIED")]
    assert len(ask(workspace, "SELECT 1 FROM claim_answers")) == 2


def test_practices_do_not_share_claims(workspace: Workspace, tmp_path: Path) -> None:
    part = answers(
        tmp_path / "part.parquet", {"claim_number": "C-1"}, {"claim_number": "C-1", "practice_id": "oak"}
    )
    assert commit_answers(workspace, "20260630-120000-0001", [part]).new == 2


def test_a_deleted_claim_stays_deleted(run: Process, workspace: Workspace, tmp_path: Path) -> None:
    from claimsctl.inquiry.changing import delete_claims
    from claimsctl.inquiry.finding import Named

    run(write_csv(tmp_path / "claims.csv", [claim("C-1")]))
    delete_claims(workspace, [Named("C-1")])
    part = answers(tmp_path / "part.parquet", {"claim_number": "C-1"})
    stored = commit_answers(workspace, "20260630-120000-0001", [part])
    assert (stored.found, stored.new, stored.unnamed) == (0, 0, 1)
    assert ask(workspace, "SELECT status, is_current FROM claims") == [("VALIDATED", False)]


def test_what_fails_leaves_the_store_as_it_was(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import duckdb

    commit_answers(workspace, "20260630-120000-0001", [answers(tmp_path / "a", {"claim_number": "C-1"})])

    def full(*_: object, **__: object) -> int:
        raise duckdb.IOException("No space left on device")

    monkeypatch.setattr("claimsctl.store.answers.transition", full)
    with pytest.raises(StoreError, match="full"):
        commit_answers(workspace, "20260630-120000-0002", [answers(tmp_path / "b", {"claim_number": "C-2"})])
    assert ask(workspace, "SELECT claim_number FROM claims") == [("C-1",)]
    assert len(ask(workspace, "SELECT 1 FROM claim_answers")) == 1


@pytest.mark.parametrize("memory", ["1MB", "32MB"])
def test_answers_that_need_more_memory_get_it(
    memory: str, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit that runs out of memory leaves nothing behind, and is tried again with more."""
    monkeypatch.setattr("claimsctl.store.answers._LITTLE", memory)
    tried: list[bool] = []
    within = store_answers._within

    def noted(*given: Any) -> Stored | None:
        stored = within(*given)
        tried.append(stored is not None)
        return stored

    monkeypatch.setattr("claimsctl.store.answers._within", noted)
    part = answers(tmp_path / "part.parquet", *({"claim_number": f"C-{n}"} for n in range(3_000)))
    assert commit_answers(workspace, "20260630-120000-0001", [part]) == Stored(new=3_000, changed=3_000)
    assert tried == [memory == "32MB"]
    counted = "SELECT count(*), count(DISTINCT claim_number) FROM {}"
    for table in ("claims", "claim_answers", "claim_status_history"):
        assert ask(workspace, counted.format(table)) == [(3_000, 3_000)]
    assert not list(workspace.root.glob("tmp/*"))
