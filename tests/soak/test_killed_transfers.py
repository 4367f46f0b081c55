"""Transfers between databases killed at random moments: in the end the target has every claim of the source
that passes once, with all its lines, and the source knows what became of every row."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from claimsctl.sql.ddl import statements
from claimsctl.store.jobs import JobStore
from claimsctl.store.workspace import Workspace
from tests.claims import CLEAN
from tests.commands import FEW_RULES, Command
from tests.soak.conftest import AS_OF, claims_file, rounds, stored
from tests.soak.test_killed_jobs import begun, killed
from tests.sql.conftest import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]  # fixtures

CLAIMS, LINES = 400, 2
ACCEPTED = CLAIMS - sum(n % 12 == 5 for n in range(CLAIMS))
TRANSFER = ("process", "--from", "staging", "--to", "production", "--since", "last", *AS_OF, *FEW_RULES, "-q")
SETTINGS = """
[sql.staging]
url = "{url}"
table = "lines"
watermark = "changed"
write_back = "outcome"
write_back_create = true

[sql.production]
url = "{url}"
phi = "mask"
batch_claims = 50
"""
Database = psycopg.Connection[Any]


@pytest.fixture
def database(postgres_url: str, tmp_path: Path) -> Iterator[Database]:
    """A database with a table of lines, and with our tables, named in the settings as two."""
    workspace = Workspace.open(tmp_path / "workspace")
    workspace.settings_file.write_text(SETTINGS.format(url=postgres_url))
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        for statement in statements("postgresql", None, "claimsctl_", "mask"):
            connection.execute(statement.encode())
        columns = ", ".join(f"{name} text" for name in CLEAN)
        made = f"CREATE TABLE lines (id serial PRIMARY KEY, changed integer, {columns})"
        connection.execute(made.encode())
        yield connection


def put(database: Database, path: Path, number: int) -> None:
    """Add the lines of a file to the source."""
    with path.open(newline="") as file:
        names, *rows = csv.reader(file)
    copied = f"COPY lines (changed, {', '.join(names)}) FROM STDIN"
    with database.cursor() as cursor, cursor.copy(copied.encode()) as copy:
        for row in rows:
            copy.write_row([number, *row])


def numbers(database: Database, query: str) -> tuple[int, ...]:
    row = database.execute(query.encode()).fetchone()
    assert row is not None
    return tuple(int(each) for each in row)


def test_killed_transfers(command: Command, tmp_path: Path, database: Database) -> None:
    workspace, moments = tmp_path / "workspace", random.Random(11)
    for number in range(rounds(2)):
        put(database, claims_file(tmp_path / f"{number}.csv", f"T{number}", CLAIMS, LINES), number)
        killed(
            begun(workspace, "2*/owner.json", *TRANSFER, "--out", tmp_path / f"killed-{number}"),
            moments.uniform(0, 4),
        )
        # Whether it came far enough to be stored or not, the next run brings all of it.
        ended = command(*TRANSFER, "--out", tmp_path / f"again-{number}")
        assert ended.code == 0, ended.err
        runs = number + 1
        assert len(stored(workspace)) == CLAIMS * runs
        assert numbers(database, "SELECT count(*) FROM claimsctl_claims") == (ACCEPTED * runs,)
        missing = (
            "SELECT count(*) FROM lines FULL JOIN claimsctl_claim_lines t"
            " ON t.claim_number = lines.claim_number AND t.line_number = lines.line_number::int"
            " AND t.charge_amount = lines.charge_amount::numeric WHERE lines.charge_amount <> '-1'"
            " AND (lines.id IS NULL OR t.claim_number IS NULL) OR lines.id IS NULL"
        )
        assert numbers(database, missing) == (0,), "the target equals the source"
        told = "SELECT count(*), count(*) FILTER (WHERE status = 'accepted') FROM outcome"
        assert numbers(database, told) == (CLAIMS * LINES * runs, ACCEPTED * LINES * runs)
        assert not [path for path in (workspace / "sending").iterdir() if path.is_dir()]
    jobs = JobStore(Workspace.open(workspace)).list_jobs()
    left = {job.status for job in jobs} - {"INTERRUPTED"}
    assert left == {"COMPLETED_WITH_ERRORS"}, "a job that was stored has got its end"
    assert numbers(database, "SELECT count(*) FROM claimsctl_claims_staging") == (0,)
    assert numbers(database, "SELECT count(*) FROM claimsctl_claims_before") == (0,)
