"""What a database says of its tables, and whether a column holds what another does."""

from __future__ import annotations

from pathlib import Path

import pytest

from claimsctl.sql.catalog import columns_of, type_of
from claimsctl.sql.connect import connect
from claimsctl.sql.database import Database, parse_url

TABLE = """CREATE TABLE seen (
  code char(5) NOT NULL, name varchar(60), note text, amount decimal(12, 2), big bigint, small integer,
  born date, loaded timestamp
)"""


@pytest.fixture(params=["sqlite", "duckdb", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    if request.param == "postgresql":
        return Database("copy", parse_url(request.getfixturevalue("postgres_url")))
    return Database("copy", parse_url(f"{request.param}:///{tmp_path}/a.db"))


def test_columns_and_their_types(database: Database) -> None:
    with connect(database, create=True) as connection:
        connection.execute(TABLE)
        seen = columns_of(connection, "seen", None)
        families = {name: kind.family for name, kind in seen.items()}
        assert columns_of(connection, "unseen", None) == {}
        if database.dialect != "sqlite":
            assert columns_of(connection, "seen", "another") == {}
    assert families == {
        "code": "text", "name": "text", "note": "text", "amount": "decimal", "big": "bigint",
        "small": "integer", "born": "date", "loaded": "timestamp",
    }  # fmt: skip
    assert (seen["amount"].digits, seen["amount"].scale) == (12, 2)
    assert not seen["code"].nullable
    assert seen["name"].nullable
    if database.dialect != "duckdb":  # which keeps no lengths
        assert (seen["code"].length, seen["name"].length, seen["note"].length) == (5, 60, 0)


@pytest.mark.parametrize(
    ("there", "wanted", "holds"),
    [
        ("nvarchar(60)", "varchar(60)", True), ("nvarchar(60)", "nvarchar(80)", False),
        ("nvarchar(max)", "nvarchar(80)", True), ("varchar(80)", "nvarchar(max)", False),
        ("decimal(14,2)", "decimal(12, 2)", True), ("decimal(12,2)", "decimal(12,4)", False),
        ("decimal(14,4)", "decimal(12,4)", True), ("numeric", "decimal(12,2)", True),
        ("bigint", "int", True), ("int", "bigint", False), ("float", "decimal(12,2)", False),
        ("datetime2(3)", "date", True), ("date", "datetime2", False), ("bit", "boolean", True),
        ("character varying(10)", "char(10)", True), ("timestamp(3) without time zone", "timestamp", True),
    ],
)  # fmt: skip
def test_what_a_column_holds(there: str, wanted: str, holds: bool) -> None:
    assert type_of(there).holds(type_of(wanted)) is holds
