"""Tables of a target are made once, and those that are there are looked at and left alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from claimsctl.errors import PermissionDenied, UsageError
from claimsctl.security.policy import Phi
from claimsctl.sql.connect import connect
from claimsctl.sql.database import Database, HouseTable, parse_url
from claimsctl.sql.init import dialect_of, look_at_tables, make_tables
from claimsctl.sql.tables import all_tables

TABLES = len(all_tables("plain"))


@pytest.fixture(params=["sqlite", "duckdb", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    if request.param == "postgresql":
        return Database("copy", parse_url(request.getfixturevalue("postgres_url")), schema="house")
    return Database("copy", parse_url(f"{request.param}:///{tmp_path}/a.db"))


@pytest.mark.parametrize("phi", ["plain", "encrypt"])
def test_they_are_made_once(database: Database, phi: Phi) -> None:
    with connect(database, create=True) as connection:
        assert {state.state for state in look_at_tables(connection)[phi]} == {"gone"}
        assert [state.state for state in make_tables(connection, phi)] == ["made"] * TABLES
        again = make_tables(connection, phi)
        assert [state.state for state in again] == ["there"] * TABLES
        assert all(state.fits for state in again)


def test_what_is_missing_or_too_narrow_is_named_and_left_alone(tmp_path: Path) -> None:
    database = Database("copy", parse_url(f"sqlite:///{tmp_path}/a.db"), prefix="x_")
    with connect(database, create=True) as connection:
        connection.execute("CREATE TABLE x_load_batches (job_id varchar(8), batch integer, claims_rows date)")
        states = {state.table: state for state in make_tables(connection, "plain")}
        batches = states["load_batches"]
        assert (batches.name, batches.state, batches.fits) == ("x_load_batches", "there", False)
        assert "loaded_at" in batches.missing
        assert batches.narrow == (
            ("job_id", "varchar(8)", "varchar(32)"), ("claims_rows", "date", "bigint"),
        )  # fmt: skip
        assert states["claims"].state == "made"
        seen = [row[1] for row in connection.rows("PRAGMA table_info(x_load_batches)")]
        assert seen == ["job_id", "batch", "claims_rows"]


def test_tables_of_the_house_are_never_made(tmp_path: Path) -> None:
    house = {
        "claims": HouseTable("ClaimHeader", {"claim_number": "ClaimNo", "content_hash": "Hash"}),
        "jobs": HouseTable("Runs"),
    }
    database = Database("copy", parse_url(f"sqlite:///{tmp_path}/a.db"), tables=house)
    with connect(database, create=True) as connection:
        connection.execute("CREATE TABLE ClaimHeader (ClaimNo varchar(50), Hash bigint, Other date)")
        states = {state.table: state for state in make_tables(connection, "plain")}
    assert states["claims"].fits
    assert (states["jobs"].state, states["jobs"].fits, states["jobs"].house) == ("gone", False, True)
    assert states["claims_staging"].state == "made"


def test_a_user_who_may_make_no_tables(postgres_url: str) -> None:
    owner = Database("copy", parse_url(postgres_url))
    with connect(owner) as connection:
        connection.execute("DROP ROLE IF EXISTS reader")
        connection.execute("CREATE ROLE reader LOGIN")
    reader = replace(owner, url=owner.parts.set(username="reader").render_as_string())
    with connect(reader) as connection:
        with pytest.raises(PermissionDenied, match="may not create tables: permission denied"):
            make_tables(connection, "plain")
        assert look_at_tables(connection)["plain"][0].state == "gone"


def test_a_database_that_is_only_read_from() -> None:
    with pytest.raises(UsageError, match="cannot be written to old \\(mysql\\)"):
        dialect_of(Database("old", "mysql+pymysql://u@h/d"))
