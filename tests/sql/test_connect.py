"""Connections to files: one way to run statements, transactions that are whole, errors that help."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from claimsctl.errors import ConnectError, DriverMissing
from claimsctl.sql.connect import connect
from claimsctl.sql.database import Database, parse_url


@pytest.fixture(params=["sqlite", "duckdb"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    return Database("copy", parse_url(f"{request.param}:///{tmp_path}/in%20 ?.db"))


def test_statements_run_with_named_values(database: Database) -> None:
    with connect(database, create=True) as connection:
        connection.execute("CREATE TABLE t (a integer, b varchar(20))")
        assert connection.execute("INSERT INTO t VALUES (:a, :b)", {"a": 1, "b": "ü :x"}) == 1
        connection.many("INSERT INTO t VALUES (?, ?)", [(2, "x"), (3, "100%")])
        assert connection.execute("UPDATE t SET b = 'q' WHERE a = 2") == 1
        assert connection.rows("SELECT a, b FROM t ORDER BY a") == [(1, "ü :x"), (2, "q"), (3, "100%")]
        assert connection.value("SELECT count(*) FROM t WHERE a > :a", {"a": 1}) == 2
        assert connection.value("SELECT a FROM t WHERE a = 9") is None
        read = list(connection.batches("SELECT a FROM t ORDER BY a", size=2))
        assert read == [(("a",), [(1,), (2,)]), (("a",), [(3,)])]


def test_a_transaction_is_whole_or_nothing(database: Database) -> None:
    with connect(database, create=True) as connection:
        connection.execute("CREATE TABLE t (a integer)")
        with connection.transaction():
            connection.execute("INSERT INTO t VALUES (1)")
            with connection.transaction():  # part of the outer one
                connection.execute("INSERT INTO t VALUES (2)")
        with pytest.raises(Exception, match="no_such"), connection.transaction():
            assert connection.execute("INSERT INTO t VALUES (3)") + connection.execute("DELETE FROM no_such")
        assert not connection.in_transaction
        assert connection.rows("SELECT a FROM t ORDER BY a") == [(1,), (2,)]


def test_the_file_is_private(database: Database) -> None:
    with connect(database, create=True) as connection:
        connection.execute("CREATE TABLE t (a integer)")
        connection.execute("INSERT INTO t VALUES (1)")
        assert database.file is not None
        modes = {path.name: path.stat().st_mode & 0o777 for path in database.file.parent.iterdir()}
    assert set(modes.values()) == {0o600}, modes


def test_a_file_that_is_not_there_is_not_made_by_the_way(database: Database) -> None:
    with pytest.raises(ConnectError, match="claimsctl sql init --to copy makes it"), connect(database):
        pass
    assert database.file is not None
    assert not database.file.exists()


def test_a_file_that_is_no_database(database: Database) -> None:
    assert database.file is not None
    database.file.write_bytes(b"claim_number,charge\n" * 500)
    with pytest.raises(ConnectError, match="cannot be opened as a"), connect(database):
        pass


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    lost = Database("copy", parse_url(f"sqlite:///{tmp_path}/lost/a.db"))
    with pytest.raises(ConnectError, match="There is no directory"), connect(lost, create=True):
        pass


def test_what_is_only_read_cannot_be_changed(database: Database) -> None:
    with connect(database, create=True) as connection:
        connection.execute("CREATE TABLE t (a integer)")
    with connect(database, read_only=True) as connection:
        assert connection.value("SELECT count(*) FROM t") == 0
        with pytest.raises(Exception, match=r"read-?only"):
            connection.execute("INSERT INTO t VALUES (1)")


def test_a_duckdb_that_another_process_holds(tmp_path: Path) -> None:
    database = Database("copy", parse_url(f"duckdb:///{tmp_path}/a.duckdb"))
    hold = f"import duckdb; c = duckdb.connect({str(database.file)!r}); print('held', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(ConnectError, match="Another process has"), connect(database):
            pass
        process.communicate(b"\n")


def test_parameters_do_not_stand_in_errors(tmp_path: Path) -> None:
    database = Database("copy", parse_url(f"sqlite:///{tmp_path}/a.db"))
    with connect(database, create=True) as connection:
        connection.execute("CREATE TABLE t (a integer CHECK (a < 5), b text)")
        with pytest.raises(Exception, match="CHECK constraint") as caught:
            connection.execute("INSERT INTO t VALUES (:a, :b)", {"a": 7, "b": "Okafor"})
    assert "Okafor" not in str(caught.value)


def test_a_database_whose_package_is_missing_names_it() -> None:
    database = Database("old", parse_url("oracle+oracledb://u@h/db"))
    with pytest.raises(DriverMissing, match="pip install oracledb"), connect(database):
        pass
