"""A trial tells what a database can do, and leaves nothing behind."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from claimsctl.sql.connect import connect
from claimsctl.sql.connection import Connection
from claimsctl.sql.database import Database, parse_url
from claimsctl.sql.init import make_tables
from claimsctl.sql.trial import Step, try_database
from claimsctl.sql.trialtable import TRIAL, differing_columns

NAMES = ("server", "encryption", "tables", "rights", "types", "lock")


def tried(connection: Connection) -> dict[str, Step]:
    steps = list(try_database(connection))
    assert all(step.mend for step in steps if step.state == "wrong")
    return {step.name: step for step in steps}


@pytest.fixture(params=["sqlite", "duckdb", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    if request.param == "postgresql":
        return Database("copy", parse_url(request.getfixturevalue("postgres_url")), schema="house")
    return Database("copy", parse_url(f"{request.param}:///{tmp_path}/a.db"))


def all_names(connection: Connection) -> list[tuple[str, ...]]:
    if connection.dialect == "sqlite":
        return connection.rows("SELECT name FROM sqlite_master ORDER BY name")
    return connection.rows("SELECT table_name FROM information_schema.tables ORDER BY table_name")


def test_a_database_that_is_ready(database: Database) -> None:
    with connect(database, create=True) as connection:
        assert {name: step.state for name, step in tried(connection).items()} == {
            name: "note" if name == "tables" else "ok" for name in NAMES
        }
        make_tables(connection, "mask")
        before = all_names(connection)
        steps = tried(connection)
        assert {step.state for step in steps.values()} == {"ok"}
        assert steps["tables"].says.startswith("All 15 are there, fit for phi = mask")
        assert all_names(connection) == before


def test_tables_made_for_another_way_of_writing_patient_data(tmp_path: Path) -> None:
    database = Database("copy", parse_url(f"sqlite:///{tmp_path}/a.db"), phi="encrypt")
    with connect(database, create=True) as connection:
        make_tables(connection, "mask")
        step = tried(connection)["tables"]
    assert (step.state, step.says) == ("wrong", "They were made for phi = mask, and settings say encrypt.")


def test_rights_that_are_missing_are_named(postgres_url: str) -> None:
    owner = Database("copy", parse_url(postgres_url))
    writer = replace(owner, url=owner.parts.set(username="writer").render_as_string())
    with connect(owner) as connection:
        connection.execute("DROP ROLE IF EXISTS writer")
        connection.execute("CREATE ROLE writer LOGIN")
        with connect(writer) as theirs:
            rights = tried(theirs)["rights"]
            assert (rights.state, "may not create tables" in rights.says) == ("wrong", True)
            assert "claimsctl sql ddl" in str(rights.mend)
            assert tried(theirs)["types"].state == "ok", "in a temporary table"
        make_tables(connection, "plain")
        connection.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO writer")
        connection.execute("REVOKE DELETE ON claimsctl_claims FROM writer")
    with connect(writer) as theirs:
        rights_said = [step for step in try_database(theirs) if step.name == "rights"]
    assert [(step.state, step.says) for step in rights_said] == [
        ("wrong", "Not granted: DELETE on claimsctl_claims."),
        ("note", "May not create tables, which only claimsctl sql init needs."),
    ]


def test_what_comes_back_changed_is_named() -> None:
    row = tuple(value for _, value in TRIAL)
    nulls = (None,) * len(TRIAL)
    assert differing_columns([row, nulls]) == []
    names = [column.name for column, _ in TRIAL]
    spoilt = dict(zip(names, row, strict=True))
    spoilt |= {"unicode_text": "Zo? ", "money": Decimal("9999999999.990001"), "fixed_code": "1"}
    zero = dict(zip(names, nulls, strict=True)) | {"number": 0}
    assert differing_columns([tuple(spoilt.values()), tuple(zero.values())]) == [
        "fixed_code", "unicode_text", "money", "null of number",
    ]  # fmt: skip
    assert differing_columns([row]) == ["1 rows of 2"]
