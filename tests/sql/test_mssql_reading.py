"""Reading from SQL Server through real drivers: every value its text, in order, and what is new."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from claimsctl.errors import PermissionDenied, UsageError
from claimsctl.security.spills import read_spill
from claimsctl.sql.connect import connect
from claimsctl.sql.database import Database, Source
from claimsctl.sql.marks import Since
from claimsctl.sql.reading import Ask, fetch
from tests.tds.remote import RemoteServer

LINES = Source(table="lines", watermark="changed")
CREATE = """CREATE TABLE lines ([id] int NOT NULL PRIMARY KEY, claim varchar(20), amount decimal(12, 2),
    dos date, note nvarchar(max), paid bit, changed datetime2(3), code char(5))"""
ROWS = """INSERT INTO lines VALUES
    (3, 'C2', 99999999.99, NULL, NULL, 0, '2026-01-06 09:30:00.250', NULL),
    (1, 'C1', 120.5, '2026-01-05', N'a, "b" Ω', 1, '2026-01-05 08:00:00', '99213'),
    (2, 'C1', 0.1, '2026-01-05', '', NULL, '2026-01-05 08:00:00', '0591F')"""


def lines_of(database: Database) -> str:
    return "lines" if database.schema is None else f"[{database.schema}].lines"


def made(database: Database) -> Database:
    """The database with a table of three lines."""
    with connect(database) as connection:
        connection.execute(CREATE.replace("lines", lines_of(database)))
        connection.execute(ROWS.replace("lines", lines_of(database)))
    return database


@pytest.fixture
def staging(mssql: Database) -> Database:
    return made(mssql)


def rows(database: Database, ask: Ask, directory: Path) -> pl.DataFrame:
    file = directory / f"{len(list(directory.iterdir()))}.parquet"
    return read_spill(fetch(database, ask, file, batch_rows=2, waits=(0, 0)).path)


def test_every_value_is_its_text_in_the_order_of_the_key(staging: Database, tmp_path: Path) -> None:
    read = rows(staging, Ask(LINES), tmp_path)
    assert set(read.dtypes) == {pl.String()}
    assert read.to_dict(as_series=False) == {
        "id": ["1", "2", "3"], "claim": ["C1", "C1", "C2"], "amount": ["120.50", "0.10", "99999999.99"],
        "dos": ["2026-01-05", "2026-01-05", None], "note": ['a, "b" Ω', "", None],
        "paid": ["true", None, "false"], "code": ["99213", "0591F", None],
        "changed": ["2026-01-05 08:00:00", "2026-01-05 08:00:00", "2026-01-06 09:30:00.250000"],
    }  # fmt: skip


def test_conditions_orders_and_queries(staging: Database, tmp_path: Path) -> None:
    ordered = Ask(replace(LINES, order_by=("amount",)))
    assert rows(staging, ordered, tmp_path)["id"].to_list() == ["2", "1", "3"]
    few = Ask(replace(LINES, where="claim = 'C1'"), where="id > 1 OR note = ';--'")
    assert rows(staging, few, tmp_path)["id"].to_list() == ["2"]
    assert rows(staging, Ask(LINES, limit=2), tmp_path)["id"].to_list() == ["1", "2"]
    query = Source(query=f"SELECT id, claim FROM {lines_of(staging)} WHERE id < 3", order_by=("id",))
    assert rows(staging, Ask(query), tmp_path)["id"].to_list() == ["1", "2"]
    with pytest.raises(UsageError, match="there is no table or view lins"):
        rows(staging, Ask(replace(LINES, table="lins")), tmp_path)
    with pytest.raises(UsageError, match="column"):
        rows(staging, Ask(LINES, where="amonut > 1"), tmp_path)


def test_only_what_is_new(staging: Database, tmp_path: Path) -> None:
    first = fetch(staging, Ask(LINES, since=Since()), tmp_path / "first.parquet")
    assert first.rows == 3
    assert fetch(staging, Ask(LINES, since=Since(first.mark)), tmp_path / "none.parquet").nothing
    with connect(staging) as connection:
        connection.execute(f"INSERT INTO {lines_of(staging)} (id, changed) VALUES (4, '2026-01-07')")
    assert rows(staging, Ask(LINES, since=Since(first.mark)), tmp_path)["id"].to_list() == ["4"]


def test_a_lost_connection_and_a_deadlock_are_tried_again(
    tds: RemoteServer, tds_database: Database, tmp_path: Path
) -> None:
    staging = made(tds_database)
    tds.drop(matching=r"^SELECT .*FROM .*lines.*ORDER BY")
    tds.error(1205, matching=r"^SELECT .*FROM .*lines.*ORDER BY", nth=2)
    assert rows(staging, Ask(LINES), tmp_path)["id"].to_list() == ["1", "2", "3"]


def test_a_right_that_is_missing_is_named(tds: RemoteServer, tds_database: Database, tmp_path: Path) -> None:
    staging = made(tds_database)
    tds.deny("SELECT", "lines")
    with pytest.raises(PermissionDenied, match="lines"):
        rows(staging, Ask(LINES), tmp_path)
