"""Which errors of a database go away by themselves, and what the others are about."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import duckdb
import psycopg
import pytest

from claimsctl.sql.transient import Fault, fault_of

try:
    from pyodbc import Error, OperationalError
except ImportError:  # without unixODBC: only the module and the arguments are looked at

    class Error(Exception):  # type: ignore[no-redef]
        """An error of a driver."""

        __module__ = "pyodbc"

    class OperationalError(Error):  # type: ignore[no-redef]
        """One of the connection."""

        __module__ = "pyodbc"


def odbc(state: str, number: int, text: str = "") -> Error:
    said = (
        f"[{state}] [Microsoft][ODBC Driver 18 for SQL Server][SQL Server]{text} ({number}) (SQLExecDirectW)"
    )
    return Error(state, said)


def freetds(state: str, number: int, text: str = "") -> Error:
    return Error(state, f"[{state}] [FreeTDS][SQL Server]{text} ({number}) (SQLExecute)")


@pytest.mark.parametrize("made", [odbc, freetds])
@pytest.mark.parametrize(
    "number",
    [1205, 1222, 40197, 40501, 40613, 49918, 49919, 49920, 10928, 10929, 233, 64, 20, 10053, 10054, 10060],
)
def test_what_sql_server_gets_over(made: Callable[[str, int], Error], number: int) -> None:
    fault = fault_of(made("HY000", number))
    assert fault is not None
    assert (fault.verdict, fault.code) == ("again", str(number))


@pytest.mark.parametrize("state", ["08S01", "08001", "HYT00", "HYT01"])
def test_what_an_odbc_driver_gets_over(state: str) -> None:
    fault = fault_of(OperationalError(state, f"[{state}] [FreeTDS]no number here"))
    assert fault is not None
    assert (fault.verdict, fault.code) == ("again", state)


@pytest.mark.parametrize(
    "text",
    [
        "[HY000] [FreeTDS][SQL Server]Unknown error (0) (SQLExecDirectW)",
        "The driver did not supply an error!",
    ],
)
def test_a_connection_that_freetds_loses_without_a_word(text: str) -> None:
    fault = fault_of(Error("HY000", text))
    assert fault == Fault("again", "the connection broke", "HY000")


def test_a_duplicate_key_may_be_a_race_and_its_value_is_not_told() -> None:
    text = (
        "Violation of UNIQUE KEY constraint 'UQ_member'. Cannot insert duplicate key in object 'dbo.claims'. "
        "The duplicate key value is (SECRET77)."
    )
    fault = fault_of(odbc("23000", 2627, text))
    assert fault == Fault(
        "race", "a unique key refuses a row that is there already", "2627", "dbo.claims", "", "UQ_member"
    )
    assert "SECRET77" not in repr(fault)


@pytest.mark.parametrize(
    ("state", "number", "text", "expected"),
    [
        ("23000", 515, "Cannot insert the value NULL into column 'ward', table 'd.dbo.claims'; column "
         "does not allow nulls. INSERT fails.",
         Fault("refused", "a column does not take NULL", "515", "d.dbo.claims", "ward")),
        ("42000", 2628, "String or binary data would be truncated in table 'd.dbo.claims', column "
         "'member_id'. Truncated value: 'SECR'.",
         Fault("refused", "a value is too long for its column", "2628", "d.dbo.claims", "member_id")),
        ("42S02", 208, "Invalid object name 'dbo.claims'.",
         Fault("refused", "a table is missing", "208", "dbo.claims")),
        ("42S22", 207, "Invalid column name 'ward'.",
         Fault("refused", "a column is missing", "207", "", "ward")),
    ],
)  # fmt: skip
def test_what_sql_server_refuses_is_named(state: str, number: int, text: str, expected: Fault) -> None:
    assert fault_of(odbc(state, number, text)) == expected


def test_a_right_that_is_missing_on_sql_server() -> None:
    text = "The INSERT permission was denied on the object 'claims', database 'd', schema 'dbo'."
    fault = fault_of(odbc("42000", 229, text))
    assert fault is not None
    assert (fault.verdict, fault.code) == ("forbidden", "229")


@pytest.mark.parametrize(
    "state", ["40001", "40P01", "55P03", "57P01", "57P02", "57P03", "08000", "08006", "53300"]
)
def test_what_postgresql_gets_over(state: str) -> None:
    fault = fault_of(psycopg.errors.lookup(state)())
    assert fault is not None
    assert (fault.verdict, fault.code) == ("again", state)


def test_a_link_that_broke_has_no_state() -> None:
    fault = fault_of(psycopg.OperationalError("server closed the connection unexpectedly"))
    assert fault == Fault("again", "the connection broke")


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        ("23505", "refused"), ("22001", "refused"), ("42P01", "refused"), ("42501", "forbidden"),
        ("XX000", "refused"),
    ],
)  # fmt: skip
def test_what_postgresql_refuses(state: str, verdict: str) -> None:
    fault = fault_of(psycopg.errors.lookup(state)())
    assert fault is not None
    assert (fault.verdict, fault.transient) == (verdict, False)


def failing(run: Callable[[], object]) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011
        run()
    return caught.value


def test_what_sqlite_says() -> None:
    with sqlite3.connect("file:x?mode=memory&cache=shared", uri=True) as one:
        one.execute("CREATE TABLE t (k INTEGER UNIQUE, n TEXT NOT NULL)")
        one.execute("INSERT INTO t VALUES (1, 'SECRET77')")
        key = failing(lambda: one.execute("INSERT INTO t VALUES (1, 'SECRET77')"))
        null = failing(lambda: one.execute("INSERT INTO t VALUES (2, NULL)"))
        gone = failing(lambda: one.execute("SELECT * FROM absent"))
        other = sqlite3.connect("file:x?mode=memory&cache=shared", uri=True, timeout=0)
        locked = failing(lambda: other.execute("INSERT INTO t VALUES (3, 'c')"))
        other.close()
    one.close()
    code = "SQLITE_CONSTRAINT_UNIQUE"
    reason = "a unique key refuses a row that is there already"
    assert fault_of(key) == Fault("refused", reason, code, "t", "k")
    found = fault_of(null)
    assert found is not None
    assert (found.verdict, found.table, found.column) == ("refused", "t", "n")
    found = fault_of(gone)
    assert found is not None
    assert (found.reason, found.table) == ("a table is missing", "absent")
    found = fault_of(locked)
    assert found is not None
    assert found.verdict == "again"


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("SELECT * FROM absent", "a table is missing"),
        ("SELECT absent FROM t", "a column is missing"),
        ("INSERT INTO t VALUES (1)", "a key or check of the table refuses a row"),
        ("INSERT INTO t VALUES ('SECRET77')", "a value does not fit its column"),
    ],
)
def test_what_duckdb_refuses(statement: str, reason: str) -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t (k INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)")
        fault = fault_of(failing(lambda: connection.execute(statement)))
    assert fault is not None
    assert (fault.verdict, fault.reason) == ("refused", reason)
    assert "SECRET77" not in repr(fault)


def test_a_file_that_another_process_has_open_is_waited_for() -> None:
    error = duckdb.IOException('IO Error: Could not set lock on file "x": Conflicting lock is held in python')
    fault = fault_of(error)
    assert fault is not None
    assert fault.verdict == "again"


def test_an_error_of_no_driver_is_none_of_theirs() -> None:
    assert fault_of(ValueError("a defect")) is None
