"""Which errors of a database are worth another try, and what a permanent one is about.

The texts of drivers quote values ("The duplicate key value is (...)"), so nothing of them is shown but
what is a name: of a table, column or constraint. Sources: SQL Server "Database engine events and errors"
and "Transient connection errors" of Azure SQL, PostgreSQL appendix A, sqlite.org/rescode.html.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, Literal

Verdict = Literal["again", "race", "refused", "forbidden"]
"""again: goes away by itself; race: another writer may have been quicker, so once more; else permanent."""

_MSSQL_AGAIN: Final = {
    1205: "deadlock", 1222: "lock time-out", 3960: "snapshot conflict",
    40197: "the service is busy", 40501: "the service is busy", 40613: "the database is not available now",
    49918: "the service is busy", 49919: "the service is busy", 49920: "the service is busy",
    10928: "the service's limit of sessions", 10929: "the service is busy", 4221: "the replica is not ready",
    20: "the connection broke", 64: "the connection broke", 233: "the connection broke",
    10053: "the connection broke", 10054: "the connection broke", 10060: "the connection broke",
    6005: "the server is stopping", 6006: "the server is stopping", 596: "the session was ended",
}  # fmt: skip
_MSSQL_RACE: Final = frozenset({2601, 2627})
_MSSQL_FORBIDDEN: Final = frozenset({229, 230, 262, 297, 300, 916, 1088, 4060, 15247, 18456})
_POSTGRES_AGAIN: Final = {
    "40001": "a conflict with another transaction", "40P01": "deadlock", "55P03": "lock time-out",
    "57P01": "the server is stopping", "57P02": "the server crashed", "57P03": "the server is starting",
    "57P05": "the session was idle too long", "53300": "too many connections",
    "25P03": "the session was idle too long", "25006": "the server takes no changes now",
}  # fmt: skip
_BROKEN: Final = "the connection broke"
_HELD: Final = "another program holds the file"
_ODBC_AGAIN: Final = {
    "08S01": _BROKEN, "08001": _BROKEN, "08003": _BROKEN, "08007": _BROKEN, "08S02": _BROKEN,
    "HYT00": "time-out", "HYT01": "time-out", "40001": "deadlock",
}  # fmt: skip
_FREETDS_BROKEN: Final = re.compile(r"Unknown error \(0\)|did not supply an error")
"""What FreeTDS says of a connection that is lost during a statement or COMMIT; only the next says 08S01."""
_ODBC_NUMBER: Final = re.compile(r"\((\d{1,6})\) \(SQL\w+\)|\((\d{1,6})\)")

# Names in the texts of servers. Never the rest of them.
_NAMED: Final = {
    "column": re.compile(
        r"column name '([^']+)'|[Cc]olumn '([^']+)'|column \"([^\"]+)\""
        r"|(?:NOT NULL|UNIQUE|CHECK) constraint failed: \w+\.(\w+)$"
    ),
    "table": re.compile(
        r"object(?: name)? '([^']+)'|table '([^']+)'|relation \"([^\"]+)\"|denied for table (\w+)"
        r"|no such table: (\S+)|(?:UNIQUE|NOT NULL) constraint failed: (\w+)\."
        r"|Table with name (\S+) does not exist"
    ),
    "constraint": re.compile(
        r"constraint '([^']+)'|constraint \"([^\"]+)\"|unique index '([^']+)'|CHECK constraint failed: (\w+)"
    ),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """An error of a database in words that hold no value of a row.

    `reason` is a phrase ("deadlock"); `code` the number or state of the server; the names are empty where
    the driver does not tell them.
    """

    verdict: Verdict
    reason: str
    code: str = ""
    table: str = ""
    column: str = ""
    constraint: str = ""

    @property
    def transient(self) -> bool:
        """Whether the same may succeed a little later."""
        return self.verdict in ("again", "race")


def fault_of(error: BaseException) -> Fault | None:
    """What a driver's error says; None for an error that comes from no driver."""
    error = getattr(error, "orig", None) or error
    module = type(error).__module__.partition(".")[0]
    if module == "psycopg":
        return _postgresql(error)
    if module == "pyodbc":
        return _odbc(error)
    if module == "sqlite3":
        return _sqlite(error)
    if module in ("duckdb", "_duckdb"):
        return _duckdb(error)
    return None


def _postgresql(error: Any) -> Fault:
    state = error.sqlstate or ""
    names = {
        name: getattr(error.diag, f"{name}_name", None) or "" for name in ("table", "column", "constraint")
    }
    if state in _POSTGRES_AGAIN:
        return Fault("again", _POSTGRES_AGAIN[state], state)
    if state[:2] == "08" or (not state and type(error).__name__ == "OperationalError"):
        return Fault("again", _BROKEN, state)
    if not names["table"] and not names["column"]:
        names = _names(str(error))
    if state == "42501":
        return Fault("forbidden", "a right is missing", state, **names)
    return Fault("refused", _POSTGRES_REASONS.get(state, "an error of the server"), state, **names)


_POSTGRES_REASONS: Final = {
    "23505": "a unique key refuses a row that is there already",
    "23502": "a column does not take NULL",
    "23503": "a foreign key refuses a row",
    "23514": "a check of the table refuses a value",
    "22001": "a value is too long for its column",
    "22003": "a number is too large for its column",
    "22021": "a character is not in the encoding of the database",
    "22P05": "a character is not in the encoding of the database",
    "42P01": "a table is missing",
    "42703": "a column is missing",
    "53100": "the disk of the server is full",
    "53200": "the server has no memory left",
}
_MSSQL_REASONS: Final = {
    2601: "a unique index refuses a row that is there already",
    2627: "a unique key refuses a row that is there already",
    515: "a column does not take NULL",
    547: "a foreign key or check refuses a value",
    8152: "a value is too long for its column",
    2628: "a value is too long for its column",
    8115: "a number is too large for its column",
    208: "a table is missing",
    207: "a column is missing",
    1105: "the file group of the database is full",
    9002: "the log of the database is full",
}


def _odbc(error: BaseException) -> Fault:
    """An error of pyodbc: its arguments are the state and a text that ends with the server's number."""
    state = str(error.args[0]) if error.args else ""
    text = str(error.args[1]) if len(error.args) > 1 else ""
    numbers = [int(one or other) for one, other in _ODBC_NUMBER.findall(text)]
    number = next((n for n in numbers if n in _MSSQL_AGAIN or n in _MSSQL_RACE), None)
    names = _names(text)
    if number is None:
        number = next((n for n in numbers if n in _MSSQL_REASONS or n in _MSSQL_FORBIDDEN), None)
    code = str(number) if number is not None else state
    if number in _MSSQL_RACE:
        return Fault("race", _MSSQL_REASONS[number], code, **names)
    if number in _MSSQL_FORBIDDEN:
        return Fault("forbidden", "a right is missing", code, **names)
    if number in _MSSQL_REASONS:
        return Fault("refused", _MSSQL_REASONS[number], code, **names)
    if number in _MSSQL_AGAIN:
        return Fault("again", _MSSQL_AGAIN[number], code)
    if state == "HY000" and _FREETDS_BROKEN.search(text):
        return Fault("again", _BROKEN, code)
    if state in _ODBC_AGAIN:
        return Fault("again", _ODBC_AGAIN[state], code)
    return Fault("refused", _ODBC_REASONS.get(state, "an error of the server"), code, **names)


_ODBC_REASONS: Final = {
    "22001": "a value is too long for its column",
    "22003": "a number is too large for its column",
    "23000": "a key or check of the table refuses a row",
    "42S02": "a table is missing",
    "42S22": "a column is missing",
}


def _sqlite(error: Any) -> Fault:
    import sqlite3

    name = getattr(error, "sqlite_errorname", "") or ""
    text, names = str(error), _names(str(error))
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL")):
        return Fault("again", _HELD, name)
    if name.startswith(("SQLITE_READONLY", "SQLITE_PERM", "SQLITE_AUTH", "SQLITE_CANTOPEN")):
        return Fault("forbidden", "the file may not be written", name)
    if name.startswith("SQLITE_FULL"):
        return Fault("refused", "the disk is full", name)
    if isinstance(error, sqlite3.IntegrityError):
        key = "PRIMARYKEY" in name or "UNIQUE" in name
        reason = (
            "a unique key refuses a row that is there already"
            if key
            else "a check of the table refuses a value"
        )
        return Fault("refused", reason, name, **names)
    missing = "a table is missing" if "no such table" in text else "an error of the database"
    missing = "a column is missing" if "no column named" in text or "no such column" in text else missing
    return Fault("refused", missing, name, **names)


def _duckdb(error: BaseException) -> Fault:
    kind, text = type(error).__name__, str(error)
    if "Could not set lock" in text or "Conflicting lock" in text:
        return Fault("again", _HELD, kind)
    if kind == "TransactionException":
        return Fault("again", "a conflict with another transaction", kind)
    if "Permission denied" in text or "read-only" in text:
        return Fault("forbidden", "the file may not be written", kind)
    reasons = {
        "ConstraintException": "a key or check of the table refuses a row",
        "ConversionException": "a value does not fit its column",
        "OutOfRangeException": "a number is too large for its column",
        "CatalogException": "a table is missing",
        "BinderException": "a column is missing",
        "OutOfMemoryException": "there is not enough memory",
        "IOException": "the file cannot be read or written",
    }
    return Fault("refused", reasons.get(kind, "an error of the database"), kind, **_names(text))


def _names(text: str) -> dict[str, str]:
    """Table, column and constraint that a text of a server names; empty where it names none."""
    found = {}
    for name, pattern in _NAMED.items():
        match = pattern.search(text)
        found[name] = next((group for group in match.groups() if group), "") if match else ""
    return found
