"""URLs of databases: what is taken, what is refused, and that no password is ever shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from claimsctl.errors import UsageError
from claimsctl.sql.database import Database, HouseTable, is_url, name_of, parse_url


@pytest.mark.parametrize(
    ("given", "kept", "dialect", "name"),
    [
        ("postgres://u@h/db", "postgresql+psycopg://u@h/db", "postgresql", "h-db"),
        ("postgresql://u:@h/db", "postgresql+psycopg://u@h/db", "postgresql", "h-db"),
        ("postgresql://u@h:5433/db", "postgresql+psycopg://u@h:5433/db", "postgresql", "h-db"),
        ("mssql://u@h/db", "mssql+pyodbc://u@h/db", "mssql", "h-db"),
        ("sqlite:////data/a b%20.db", "sqlite:////data/a b%20.db", "sqlite", "a_b_20"),
        ("sqlite:///a.db", "sqlite:////base/a.db", "sqlite", "a"),
        ("duckdb:///in/a.duckdb", "duckdb:////base/in/a.duckdb", "duckdb", "a"),
    ],
)
def test_a_url_is_brought_into_its_one_form(given: str, kept: str, dialect: str, name: str) -> None:
    url = parse_url(given, base=Path("/base"))
    assert url == kept
    assert Database("x", url).dialect == dialect
    assert name_of(url) == name


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("sqlserver://u@h/db", "Did you mean mssql+pyodbc://user@host:1433/database?"),
        ("postgre://u@h/db", "Did you mean postgresql://user@host/database?"),
        ("duckbd:///a.duckdb", "Did you mean duckdb:////path/file.duckdb?"),
        ("abc://h/db", "Known are postgresql://user@host/database, mssql+pyodbc://"),
        ("sqlite://a.db", "names no file. Write it as sqlite:////path/file.db."),
        ("sqlite:///:memory:", "names no file"),
        ("postgresql://u@h", "names no database. Write it as postgresql://user@host/database."),
        ("mssql://u@h:port/db", "cannot be read. Write it as mssql+pyodbc://user@host:1433/database."),
    ],
)
def test_what_cannot_be_meant_says_what_can(given: str, said: str) -> None:
    with pytest.raises(UsageError, match="The database URL") as caught:
        parse_url(given)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "given",
    [
        "postgresql://u:Geheim7@h/db", "postgresql://u:Ge@heim7@h/db", "postgresql://u:Ge/heim7@h/db",
        "mssql://u@h/db?PWD=Geheim7", "mssql://h/db?odbc_connect=PWD%3DGeheim7",
        "postgresql://u@h/db?password=Geheim7", "mysql://u:Geheim7@h/db", "mssql://u:Geheim7@h:x/db",
    ],
)  # fmt: skip
def test_a_password_in_a_url_is_refused_and_not_repeated(given: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_url(given)
    assert "heim7" not in str(caught.value)


def test_the_two_ways_that_work_are_named() -> None:
    with pytest.raises(UsageError) as caught:
        parse_url("postgresql://u:Geheim7@h/db")
    for way in ('password = "env:NAME"', "CLAIMSCTL_SQL_PASSWORD", "PGPASSWORD", "~/.pgpass"):
        assert way in str(caught.value)


def test_no_text_of_a_database_shows_its_password() -> None:
    database = Database("production", parse_url("mssql://loader@db.example/claims"), password="Geheim7")
    assert "Geheim7" not in repr(database) + str(database) + database.place
    assert database.place == "claims at db.example:1433 as loader"


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("postgresql://u@localhost/db", True), ("postgresql:///db?host=/run/postgresql", True),
        ("postgresql://u@10.0.0.7/db", False), ("postgresql://u@db.example/db", False),
    ],
)  # fmt: skip
def test_local_is_where_no_network_lies_between(url: str, local: bool) -> None:
    assert Database("x", parse_url(url)).local is local


def test_a_url_is_told_from_a_name() -> None:
    assert is_url("sqlite:////a.db")
    assert is_url("sqlserver://h/d")
    assert not is_url("production")


def test_tables_of_the_house_take_the_place_of_ours() -> None:
    database = Database("x", "sqlite:////a.db", tables={"claims": HouseTable("ClaimHeader")})
    assert database.table_name("claims") == "ClaimHeader"
    assert database.table_name("jobs") == "claimsctl_jobs"
