"""A job that is undone leaves its target as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from claimsctl.errors import LoadError
from claimsctl.sql.database import Database
from claimsctl.sql.load import deliver
from claimsctl.sql.undo import Undone, undo
from tests.sql.targets import KINDS, brought, claims_outbox, database, left_over, query, run, with_tables
from tests.sql.test_load import FIRST, SECOND


@pytest.fixture(params=KINDS)
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """Each kind of database."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    return with_tables(database(request.param, tmp_path, url))


@pytest.fixture(params=["sqlite", "postgresql"])
def one(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """A file and a server, where DuckDB would say nothing new."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    return with_tables(database(request.param, tmp_path, url))


def rows(target: Database) -> dict[str, list[tuple[object, ...]]]:
    """Claims and lines with all of their columns."""
    return {
        table: sorted(query(target, f"SELECT * FROM {{{table}}}"), key=str)
        for table in ("claims", "claim_lines")
    }


def test_the_versions_before_come_back(target: Database, tmp_path: Path) -> None:
    deliver(claims_outbox(tmp_path, "A", FIRST), target)
    before = rows(target)
    deliver(claims_outbox(tmp_path, "B", SECOND), target)
    with pytest.raises(LoadError, match=r"replaced by B\. Roll back that job first"):
        undo("A", target)
    assert undo("B", target) == Undone(removed=1, restored=2)
    assert rows(target) == before
    assert left_over(target) == {}
    assert brought(target)["jobs"] == [("A", "COMPLETED"), ("B", "ROLLED_BACK")]
    assert undo("B", target) == Undone(0, 0), "a second time changes nothing"
    assert rows(target) == before
    assert undo("A", target) == Undone(removed=4, restored=0)
    assert rows(target) == {"claims": [], "claim_lines": []}


def test_a_job_that_was_undone_can_be_delivered_again(one: Database, tmp_path: Path) -> None:
    box = claims_outbox(tmp_path, "A", FIRST)
    deliver(box, one)
    before = brought(one)
    undo("A", one)
    assert deliver(box, one).inserted == 4
    assert brought(one) == before


def test_what_a_killed_delivery_left_goes_too(one: Database, tmp_path: Path) -> None:
    deliver(claims_outbox(tmp_path, "A", FIRST), one)
    names = "practice_id, claim_number, payer_sequence, line_number, job_id, content_hash, loaded_at"
    run(
        one,
        f"INSERT INTO {{claim_lines_staging}} (stage_job, stage_batch, {names})"
        f" SELECT 'A', 9, {names} FROM {{claim_lines}}",
    )
    undo("A", one)
    assert left_over(one) == {}
    assert query(one, "SELECT count(*) FROM {load_batches}")[0][0] == 0


def test_a_claim_that_the_house_deleted_comes_back_as_it_was(one: Database, tmp_path: Path) -> None:
    deliver(claims_outbox(tmp_path, "A", FIRST), one)
    before = rows(one)
    deliver(claims_outbox(tmp_path, "B", SECOND), one)
    run(one, "DELETE FROM {claims} WHERE claim_number = 'C2'")
    assert undo("B", one) == Undone(removed=1, restored=2)
    assert rows(one) == before
