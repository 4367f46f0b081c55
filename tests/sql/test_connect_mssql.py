"""Connections to SQL Server through real ODBC drivers: statements, refusals, tables, a trial."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy.exc import DBAPIError

from claimsctl.errors import ClaimsctlError, ConnectError, LoginRefused, PermissionDenied
from claimsctl.sql.catalog import columns_of
from claimsctl.sql.connect import connect
from claimsctl.sql.database import Database
from claimsctl.sql.init import make_tables
from claimsctl.sql.trial import try_database
from tests.tds.fixtures import database_of
from tests.tds.remote import RemoteServer


def named(database: Database, table: str) -> str:
    return f"[{database.schema or 'dbo'}].[{table}]"


def test_statements_run_with_named_values(mssql: Database) -> None:
    table = named(mssql, "t")
    with connect(mssql) as connection:
        connection.execute(f"CREATE TABLE {table} (a int, b nvarchar(20), c decimal(12, 2))")
        inserted = connection.execute(
            f"INSERT INTO {table} VALUES (:a, :b, :c)", {"a": 1, "b": "ü :x", "c": None}
        )
        assert inserted == 1
        connection.many(f"INSERT INTO {table} (a, b) VALUES (?, ?)", [(2, "x"), (3, "100%")])
        assert connection.rows(f"SELECT a, b FROM {table} ORDER BY a") == [(1, "ü :x"), (2, "x"), (3, "100%")]
        assert connection.value(f"SELECT count(*) FROM {table} WHERE a > :a", {"a": 1}) == 2
        assert [len(rows) for _, rows in connection.batches(f"SELECT a FROM {table}", size=2)] == [2, 1]
        seen = columns_of(connection, "T", mssql.schema)
    assert {name: (kind.said, kind.family) for name, kind in seen.items()} == {
        "a": ("int", "integer"), "b": ("nvarchar(20)", "text"), "c": ("decimal(12,2)", "decimal"),
    }  # fmt: skip


def test_a_transaction_is_whole_or_nothing_and_the_connection_goes_on(mssql: Database) -> None:
    table = named(mssql, "t")
    with connect(mssql) as connection:
        connection.execute(f"CREATE TABLE {table} (a int)")
        with pytest.raises(DBAPIError), connection.transaction():
            assert connection.execute(f"INSERT INTO {table} VALUES (3)") == connection.execute(
                "DELETE FROM no_such_table"
            )
        assert connection.value(f"SELECT count(*) FROM {table}") == 0
        with connection.transaction():
            connection.execute(f"INSERT INTO {table} VALUES (1)")
        assert connection.value(f"SELECT count(*) FROM {table}") == 1


def test_tables_are_made_once_and_a_trial_leaves_nothing(mssql: Database) -> None:
    counted = "SELECT count(*) FROM INFORMATION_SCHEMA.TABLES"
    with connect(mssql) as connection:
        assert {state.state for state in make_tables(connection, "encrypt")} == {"made"}
        again = make_tables(connection, "encrypt")
        assert {(state.state, state.fits) for state in again} == {("there", True)}
        before = connection.value(counted)
        steps = list(try_database(connection))
        assert [step for step in steps if step.state == "wrong"] == []
        assert len(steps) == 6
        assert connection.value(counted) == before


def refused(database: Database) -> ClaimsctlError:
    with pytest.raises(ClaimsctlError) as caught, connect(database):
        pass
    assert "Geheim7" not in str(caught.value)
    assert "Not-a-real" not in str(caught.value)
    return caught.value


def test_why_a_server_lets_nobody_in(tds_database: Database, tds: RemoteServer) -> None:
    wrong = refused(replace(tds_database, password="Geheim7"))
    assert isinstance(wrong, LoginRefused)
    assert "refuses the user loader or the password" in str(wrong)
    gone = refused(replace(tds_database, url=tds_database.url.replace("/claims", "/gone")))
    assert isinstance(gone, ConnectError)
    assert "the server has no database gone" in str(gone)
    tds.stop()
    stopped = refused(tds_database)
    tds.start()
    assert f"nothing listens at port {tds.port}" in str(stopped)


def test_encryption_is_insisted_on_and_certificates_are_checked(driver: str, tds: RemoteServer) -> None:
    trusting = database_of(tds, driver, encrypt="yes", trust_server_certificate=True)
    with connect(trusting) as connection:
        said = {step.name: step.says for step in try_database(connection)}["encryption"]
        assert "the certificate of the server is not checked" in said
        freetds = connection.driver is not None and connection.driver.freetds
    strict = refused(replace(trusting, trust_server_certificate=False))
    if freetds:
        assert "cannot be told to check the server's certificate" in str(strict)
    else:
        assert isinstance(strict, ConnectError)
        assert "the certificate of the server is not trusted" in str(strict)


def test_a_user_who_may_make_no_tables(tds_database: Database, tds: RemoteServer) -> None:
    tds.deny("CREATE TABLE")
    with connect(tds_database) as connection, pytest.raises(PermissionDenied, match="may not create tables"):
        make_tables(connection, "plain")


def test_a_connection_that_breaks_while_it_is_made(tds_database: Database, tds: RemoteServer) -> None:
    """SQLAlchemy asks a new connection for the server's version and more."""
    tds.drop(matching="SELECT")
    with pytest.raises(ConnectError, match="cannot be reached") as broken, connect(tds_database):
        pass
    assert broken.value.exit_code == 4
