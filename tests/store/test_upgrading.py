"""A store of an older version becomes one of this; a copy of it stays."""

from __future__ import annotations

import stat
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl
import pytest
from run_commit import SCHEME, lines, spill

from claimsctl.errors import StoreError
from claimsctl.store.commit import commit_run
from claimsctl.store.database import bring_up_to_date, open_store
from claimsctl.store.headers import LINE_FACTS, RISK_FACTS
from claimsctl.store.workspace import Workspace
from tests.older import make_older

FACTS = f"SELECT claim_number, number_hash, job_id, {', '.join(LINE_FACTS)} FROM claims ORDER BY ALL"

TOTALS = "SELECT * FROM line_totals ORDER BY code, job_id"


def facts(numbers: range) -> pl.DataFrame:
    """Lines with what schema 3 sums up; the second line of a claim has no price."""
    money = pl.Decimal(18, 4)
    first = pl.col("line_number") == 1
    return lines(numbers).with_columns(
        pl.lit("ALPHA HEALTH").alias("payer_name"),
        pl.when(first).then(pl.lit("99213")).otherwise(pl.lit("36415")).alias("procedure_code"),
        pl.lit("I10").alias("diagnosis_1"),
        pl.when(first).then(pl.lit("E11.9")).alias("diagnosis_2"),
        pl.when(first).then(pl.lit(Decimal("98.51"))).cast(money).alias("expected_allowed_amount"),
        pl.lit(Decimal("1.3")).cast(money).alias("work_rvu"),
    )


def store(workspace: Workspace, *parts: pl.DataFrame) -> None:
    job_id = workspace.new_job_id()
    spill(workspace, job_id, *parts)
    commit_run(workspace, job_id, digest_scheme=SCHEME)


def ask(workspace: Workspace, query: str) -> list[tuple[Any, ...]]:
    with open_store(workspace, write=False) as connection:
        return connection.execute(query).fetchall()


def test_a_commit_sums_up_the_lines(workspace: Workspace) -> None:
    whole = facts(range(3))
    store(workspace, whole.head(3), whole.tail(3))
    found = ask(workspace, f"SELECT {', '.join(LINE_FACTS)} FROM claims ORDER BY claim_number")
    one = ("ALPHA HEALTH", Decimal("98.51"), None, None, Decimal("2.6000"), None, ["36415", "99213"],
           ["E11.9", "I10"])  # fmt: skip
    assert found == [(*one, 0, 0), (*one, 0, 1), (*one, 1, 1)]


@pytest.mark.parametrize("version", [1, 2])
def test_an_upgrade_fills_what_a_commit_would_have_written(workspace: Workspace, version: int) -> None:
    whole = facts(range(3))
    store(workspace, whole.head(3), whole.tail(3))
    store(workspace, facts(range(3, 5)))
    store(workspace, lines(range(9, 10)))  # a file without any of it
    expected = ask(workspace, FACTS)
    totals = ask(workspace, TOTALS)
    assert [(row[1], row[2], row[4]) for row in totals] == [
        ("36415", 3, Decimal("30.3000")), ("36415", 2, Decimal("20.2000")),
        ("99213", 3, Decimal("30.3000")), ("99213", 2, Decimal("20.2000")),
    ]  # fmt: skip
    make_older(workspace, version)
    told: list[str] = []
    assert bring_up_to_date(workspace, notify=told.append)
    assert ask(workspace, FACTS) == expected
    assert ask(workspace, TOTALS) == totals
    assert ask(workspace, "SELECT DISTINCT action, changed_by FROM claim_status_history") == [("run", None)]
    (backup,) = workspace.root.glob("*.backup*")
    assert told == [f"Upgrading the claims store; the old one is kept as {backup}."]
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    with duckdb.connect(str(backup), read_only=True) as old:
        assert old.execute("SELECT count(*) FROM claims").fetchone() == (6,)
        assert old.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone() == (
            str(version),
        )
    assert bring_up_to_date(workspace, notify=told.append)
    assert len(told) == 1


def test_claims_have_no_risk_until_they_are_run_again(workspace: Workspace) -> None:
    store(workspace, facts(range(2)))
    make_older(workspace, 4)
    assert bring_up_to_date(workspace)
    risks = ", ".join((*RISK_FACTS, "held"))
    assert ask(workspace, f"SELECT DISTINCT {risks} FROM claims") == [(None,) * (len(RISK_FACTS) + 1)]
    assert len(list(workspace.root.glob("*.schema-4.backup"))) == 1


def test_an_upgrade_without_the_lines_leaves_blanks(workspace: Workspace) -> None:
    store(workspace, facts(range(2)))
    make_older(workspace, 2)
    for part in (workspace.root / "lines").rglob("part-*.parquet"):
        part.unlink()
    bring_up_to_date(workspace)
    assert ask(workspace, f"SELECT DISTINCT {', '.join(LINE_FACTS)} FROM claims") == [
        (None,) * len(LINE_FACTS)
    ]


def test_an_upgrade_that_fails_leaves_the_store_as_it_was(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(workspace, facts(range(2)))
    make_older(workspace, 2)

    def full(*_: object) -> None:
        raise duckdb.IOException("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("claimsctl.store.upgrading.line_facts", full)
        with pytest.raises(StoreError, match="disk or memory is full"):
            bring_up_to_date(workspace)
    assert ask(workspace, "SELECT value FROM meta") == [("2",)]
    assert bring_up_to_date(workspace)
    assert ask(workspace, "SELECT codes FROM claims LIMIT 1") == [(["36415", "99213"],)]


def test_no_store_needs_no_upgrade(workspace: Workspace) -> None:
    assert not bring_up_to_date(workspace)
    assert not workspace.claims_database.exists()
