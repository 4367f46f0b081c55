"""Connections to a real PostgreSQL: statements, transactions, a server that goes away."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import DBAPIError

from claimsctl.sql.connect import connect
from claimsctl.sql.database import Database, parse_url


@pytest.fixture
def database(postgres_url: str) -> Database:
    return Database("staging", parse_url(postgres_url))


def test_statements_run_with_named_values(database: Database) -> None:
    with connect(database) as connection:
        connection.execute("CREATE TABLE t (a integer, b text)")
        assert connection.execute("INSERT INTO t VALUES (:a, :b)", {"a": 1, "b": "ü :x"}) == 1
        connection.many("INSERT INTO t VALUES (%s, %s)", [(2, "x"), (3, "100%")])
        assert connection.rows("SELECT a, b FROM t ORDER BY a") == [(1, "ü :x"), (2, "x"), (3, "100%")]
        assert connection.rows("SELECT b FROM t WHERE b LIKE '100%'") == [("100%",)]
        assert connection.value("SELECT CAST(:a AS integer) + 1", {"a": 1}) == 2
        read = list(connection.batches("SELECT a FROM t ORDER BY a", size=2))
        assert read == [(("a",), [(1,), (2,)]), (("a",), [(3,)])]


def test_a_transaction_is_whole_or_nothing_and_the_connection_goes_on(database: Database) -> None:
    with connect(database) as connection:
        connection.execute("CREATE TABLE t (a integer)")
        with pytest.raises(DBAPIError), connection.transaction():
            assert connection.execute("INSERT INTO t VALUES (3)") == connection.execute("DELETE FROM no_such")
        assert connection.value("SELECT count(*) FROM t") == 0
        with connection.transaction():
            connection.execute("INSERT INTO t VALUES (1)")
        assert connection.value("SELECT count(*) FROM t") == 1


def test_a_server_that_breaks_the_connection_is_connected_to_again(database: Database) -> None:
    with connect(database) as connection:
        connection.execute("CREATE TABLE t (a integer)")
        with pytest.raises(DBAPIError), connection.transaction():
            assert connection.execute("INSERT INTO t VALUES (3)") == connection.execute(
                "SELECT pg_terminate_backend(pg_backend_pid())"
            )
        assert connection.value("SELECT count(*) FROM t") == 0
