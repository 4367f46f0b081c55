"""An outbox arrives in a database whole and once, whatever was there before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from claimsctl.errors import LoadError, SettingsError
from claimsctl.sql.database import Database, HouseTable
from claimsctl.sql.load import Delivered, deliver
from claimsctl.sql.undo import undo
from claimsctl.validate.findings import FINDING
from tests.sql.lines import line, outbox
from tests.sql.targets import KINDS, brought, claims_outbox, database, left_over, query, run, with_tables

FIRST = {"C1": (2, "10.00"), "C2": (3, "10.00"), "C3": (2, "10.00"), "C4": (1, "10.00")}
SECOND = {"C1": (2, "10.00"), "C2": (1, "11.00"), "C3": (3, "12.00"), "C5": (1, "10.00")}


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


@pytest.fixture
def sqlite(tmp_path: Path) -> Database:
    return with_tables(database("sqlite", tmp_path, ""))


def amounts(target: Database) -> dict[tuple[str, int], tuple[str, str]]:
    """Job and charge of every line."""
    return {
        (number, int(nth)): (job, f"{charge:.2f}")
        for number, nth, job, _, charge, _ in brought(target)["claim_lines"]
    }


def test_what_changed_is_updated_and_the_rest_left_alone(target: Database, tmp_path: Path) -> None:
    assert deliver(claims_outbox(tmp_path, "A", FIRST), target) == Delivered(
        claims=4, inserted=4, updated=0, unchanged=0, lines=8, findings=0, batches=3, already=0, retried=0
    )
    box = claims_outbox(tmp_path, "B", SECOND)
    assert deliver(box, target) == Delivered(
        claims=4, inserted=1, updated=2, unchanged=1, lines=7, findings=0, batches=3, already=0, retried=0
    )
    assert amounts(target) == {
        ("C1", 1): ("A", "10.00"), ("C1", 2): ("A", "10.00"),
        ("C2", 1): ("B", "11.00"),
        ("C3", 1): ("B", "12.00"), ("C3", 2): ("B", "12.00"), ("C3", 3): ("B", "12.00"),
        ("C4", 1): ("A", "10.00"), ("C5", 1): ("B", "10.00"),
    }  # fmt: skip
    assert left_over(target) == {"claims_before": 2, "claim_lines_before": 5}
    once = brought(target)
    again = deliver(box, target)
    assert (again.already, again.inserted, again.updated) == (3, 1, 2), "it tells what the job brought"
    assert brought(target) == once


def test_what_is_left_in_staging_counts_for_nothing(one: Database, tmp_path: Path) -> None:
    """A killed load leaves its rows there; so does a job of another name."""
    box = claims_outbox(tmp_path, "A", FIRST)
    deliver(box, one)
    names = "practice_id, claim_number, payer_sequence, job_id, content_hash, loaded_at, status, line_count"
    run(
        one,
        *(
            f"INSERT INTO {{claims_staging}} (stage_job, stage_batch, {names})"
            f" SELECT '{job}', 1, {names} FROM {{claims}}"
            for job in ("A", "Z")
        ),
        "DELETE FROM {load_batches}", "DELETE FROM {claims}", "DELETE FROM {claim_lines}",
    )  # fmt: skip
    assert deliver(box, one).inserted == 4
    assert left_over(one) == {"claims_staging": 4}, "those of job Z"


def test_texts_arrive_as_they_are(target: Database, tmp_path: Path) -> None:
    notes = ['quo"ted, and 1/2', "two\nlines", "", None, "\\N \\.", "Ünïcode 中文", " blank "]
    lines = [line("C1", nth, line_note=note) for nth, note in enumerate(notes, start=1)]
    deliver(outbox(tmp_path / "A", lines, job="A"), target)
    assert [
        row[0] for row in query(target, "SELECT line_note FROM {claim_lines} ORDER BY line_number")
    ] == notes


def test_findings_and_jobs_arrive(one: Database, tmp_path: Path) -> None:
    found = pl.DataFrame([{"severity": "error", "code": "PAT-008"}] * 3, schema=FINDING)
    box = outbox(tmp_path / "A", [line()], job="A", findings=found)
    assert deliver(box, one).findings == 3
    assert brought(one)["claim_findings"] == [("A", n, "PAT-008") for n in (1, 2, 3)]
    assert brought(one)["jobs"] == [("A", "COMPLETED")]


def test_rows_of_another_version_of_the_job_are_replaced(one: Database, tmp_path: Path) -> None:
    """The record of a job is written anew when the job is delivered after it was taken back."""
    deliver(claims_outbox(tmp_path, "A", {"C1": (1, "10.00")}), one)
    run(one, "UPDATE {jobs} SET status = 'ROLLED_BACK'", "DELETE FROM {load_batches}")
    deliver(claims_outbox(tmp_path, "A", {"C1": (1, "10.00")}), one)
    assert brought(one)["jobs"] == [("A", "COMPLETED")]


def test_a_unique_key_of_the_house_is_named_and_nothing_of_the_batch_stays(
    one: Database, tmp_path: Path
) -> None:
    run(one, "CREATE UNIQUE INDEX house_member ON {claims} (member_id)")
    lines = [
        line(number, 1, member_id=member) for number, member in (("C1", "M1"), ("C2", "M2"), ("C3", "M2"))
    ]
    with pytest.raises(LoadError) as caught:
        deliver(outbox(tmp_path / "A", lines, job="A", batch_claims=1), one)
    assert "2 of 4 batches have arrived whole" in str(caught.value)
    assert "claimsctl jobs resume A" in str(caught.value)
    assert "claims" in caught.value.message
    assert "M2" not in str(caught.value)
    assert "C3" not in str(caught.value)
    assert [row[1] for row in brought(one)["claims"]] == ["C1", "C2"]


def test_what_a_table_cannot_hold_is_told_before_anything_is_sent(tmp_path: Path, postgres_url: str) -> None:
    target = with_tables(database("postgresql", tmp_path, postgres_url))
    run(target, "ALTER TABLE {claims} ALTER member_id TYPE varchar(4)")
    with pytest.raises(LoadError, match=r"nothing was\. claimsctl_claims\.member_id ") as caught:
        deliver(outbox(tmp_path / "A", [line(member_id="SECRET77")], job="A"), target)
    assert "SECRET77" not in str(caught.value)
    assert query(target, "SELECT count(*) FROM {load_batches}") == [(0,)]


def test_a_refused_value_is_not_quoted(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a column is narrowed after the tables were looked at."""
    monkeypatch.setattr("claimsctl.sql.load.look_ahead", lambda *given: [])
    target = with_tables(database("postgresql", tmp_path, postgres_url))
    run(target, "ALTER TABLE {claims} ALTER member_id TYPE varchar(4)")
    with pytest.raises(LoadError) as caught:
        deliver(outbox(tmp_path / "A", [line(member_id="SECRET77")], job="A"), target)
    assert "table claims: a value is too long for its column (22001)" in caught.value.message
    assert "SECRET77" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("table", ["claim_lines", "claim_lines_staging", "load_batches"])
def test_a_missing_table_is_named(one: Database, tmp_path: Path, table: str) -> None:
    run(one, f"DROP TABLE {{{table}}}")
    with pytest.raises(LoadError, match=r"a table is missing|is not there") as caught:
        deliver(claims_outbox(tmp_path, "A", FIRST), one)
    assert table in caught.value.message
    assert "sql init" in str(caught.value)


def test_rows_that_a_trigger_swallows_are_noticed(sqlite: Database, tmp_path: Path) -> None:
    run(
        sqlite,
        "CREATE TRIGGER swallow BEFORE INSERT ON {claim_lines} WHEN new.line_number = 2"
        " BEGIN SELECT RAISE(IGNORE); END",
    )
    with pytest.raises(LoadError, match="claim_lines: 8 rows were sent and 5 arrived") as caught:
        deliver(claims_outbox(tmp_path, "A", FIRST, batch_claims=10), sqlite)
    assert "A trigger of the table" in str(caught.value)
    assert brought(sqlite)["claims"] == []


def test_a_house_table_takes_what_it_has_columns_for(target: Database, tmp_path: Path) -> None:
    """Its own rows, which no job wrote, are updated like others and come back like others."""
    run(
        target,
        'CREATE TABLE "Bills" ("Number" varchar(50) NOT NULL, "Total" decimal(14, 2), "Job" varchar(32),'
        ' "Hash" bigint, "Clerk" varchar(20))',
        """INSERT INTO "Bills" VALUES ('C2', 7, NULL, NULL, 'Ann'), ('C9', 1, NULL, NULL, 'Bob')""",
    )
    columns = {"claim_number": "Number", "charge_total": "Total", "job_id": "Job", "content_hash": "Hash"}
    house = replace(target, tables={"claims": HouseTable("Bills", columns)})
    deliver(claims_outbox(tmp_path, "A", FIRST), house)
    bills = 'SELECT "Number", "Total", "Job", "Clerk" FROM "Bills" ORDER BY 1'
    assert [(number, int(total), job, clerk) for number, total, job, clerk in query(house, bills)] == [
        ("C1", 20, "A", None), ("C2", 30, "A", "Ann"), ("C3", 20, "A", None), ("C4", 10, "A", None),
        ("C9", 1, None, "Bob"),
    ]  # fmt: skip
    assert undo("A", house).removed == 3
    assert [tuple(row[:3]) for row in query(house, bills)] == [("C2", 7, None), ("C9", 1, None)]


def test_a_house_table_must_tell_what_changed(sqlite: Database, tmp_path: Path) -> None:
    house = replace(
        sqlite, tables={"claims": HouseTable("Bills", {"claim_number": "Number", "job_id": "Job"})}
    )
    with pytest.raises(SettingsError, match="Bills has no column for content_hash of claims"):
        deliver(claims_outbox(tmp_path, "A", FIRST), house)


def test_progress_counts_batches_that_have_arrived(sqlite: Database, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    deliver(claims_outbox(tmp_path, "A", FIRST), sqlite, progress=lambda done, of: seen.append((done, of)))
    assert seen == [(1, 3), (2, 3), (3, 3)]
