"""A trial of a database: driver, encryption, login, rights, and every type there and back.

It writes invented values into a table of its own, within a transaction that is rolled back: nothing is left
behind, even by a trial that is killed.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final, Literal

from claimsctl.errors import ClaimsctlError
from claimsctl.sql.column import Shape, shape_of
from claimsctl.sql.connection import Connection
from claimsctl.sql.database import Database
from claimsctl.sql.ddl import DdlDialect, schema_statement
from claimsctl.sql.dialects import LockTimeout, grammar_of
from claimsctl.sql.init import TableState, dialect_of, look_at_tables
from claimsctl.sql.logins import checks_certificate
from claimsctl.sql.refusals import statement_refusal
from claimsctl.sql.trialtable import TRIAL, TrialTable, differing_columns

_WRITING: Final = ("SELECT", "INSERT", "UPDATE", "DELETE")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was tried; `mend` says what to do where it is not ok. Texts hold no patient data."""

    name: str
    state: Literal["ok", "note", "wrong"]
    says: str
    mend: str | None = None


def try_database(connection: Connection) -> Iterator[Step]:
    """The steps of a trial, in order, over a connection that is open; never raises for what it finds."""
    dialect = dialect_of(connection.database)
    yield from server_steps(connection)
    looked = look_at_tables(connection)
    there = [state.name for state in looked["plain"] if state.state == "there"]
    yield from guarded("tables", connection, lambda: _tables(connection.database, looked))
    refused = _refusal_to_create(connection, dialect)
    yield from guarded("rights", connection, lambda: _rights(connection, dialect, there, refused))
    yield from guarded("types", connection, lambda: _types(connection, dialect, refused is not None))
    yield from guarded("lock", connection, lambda: _lock(connection))


def server_steps(connection: Connection) -> Iterator[Step]:
    """What the server is, and whether the connection is encrypted; of any database."""
    yield from guarded("server", connection, lambda: _server(connection))
    yield from guarded("encryption", connection, lambda: _encryption(connection))


def guarded(name: str, connection: Connection, look: Callable[[], Iterator[Step]]) -> Iterator[Step]:
    """The steps of `look`; what keeps it from looking is one more of them."""
    try:
        yield from look()
    except ClaimsctlError as error:
        yield Step(name, "wrong", error.message, error.hint)
    except LockTimeout:
        yield Step(name, "wrong", "The user is granted no application lock.", "Ask its administrator.")
    except Exception as error:  # every driver has its own; the values of a trial are invented
        told = statement_refusal(connection.database, error, f"try {name}")
        yield Step(name, "wrong", told.message, told.hint)


_VERSIONS: Final = {
    "mssql": "SELECT CAST(SERVERPROPERTY('ProductVersion') AS varchar(60))",
    "postgresql": "SELECT current_setting('server_version')",
    "sqlite": "SELECT sqlite_version()",
    "duckdb": "SELECT version()",
}
_USERS: Final = {"mssql": "SELECT SUSER_SNAME()", "postgresql": "SELECT current_user"}
_PRODUCTS: Final = {
    "mssql": "SQL Server", "postgresql": "PostgreSQL", "sqlite": "SQLite", "duckdb": "DuckDB",
}  # fmt: skip


def _server(connection: Connection) -> Iterator[Step]:
    dialect = connection.dialect
    if dialect == "other":
        yield Step("server", "ok", f"{connection.database.parts.get_backend_name()}, logged in.")
        return
    version = connection.value(_VERSIONS[dialect])
    user = f", logged in as {connection.value(_USERS[dialect])}" if dialect in _USERS else ""
    yield Step("server", "ok", f"{_PRODUCTS[dialect]} {version}{user}.")


def _encryption(connection: Connection) -> Iterator[Step]:
    """What the server says of this very connection."""
    database = connection.database
    if database.file is not None:
        yield Step("encryption", "ok", "A file of this machine; nothing goes over a network.")
        return
    if connection.dialect == "other":
        yield Step("encryption", "note", "Not known: its own driver decides, by what the URL says.")
        return
    if connection.dialect == "postgresql":
        found = connection.rows("SELECT ssl, version, cipher FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        on, words = found[0][0], " ".join(str(word) for word in found[0][1:] if word)
    else:
        on, words = _of_session(connection), ""
    checked = checks_certificate(database, connection.driver)
    unproved = "" if checked else "; the certificate of the server is not checked (docs/sql.md)"
    if on is None and database.encrypt != "no":
        yield Step("encryption", "note", f"The driver insists on it, the server does not tell{unproved}.")
    elif on:
        yield Step("encryption", "ok", f"TLS is in force{f' ({words})' if words else ''}{unproved}.")
    elif database.local:
        yield Step("encryption", "ok", "None, and none is needed: the server is this machine.")
    else:
        yield Step(
            "encryption", "note", "None, as settings say: patient data goes over the network as it is.",
            'Have TLS turned on there, and take encrypt = "no" out of the settings.',
        )  # fmt: skip


_ENCRYPTED: Final = "SELECT encrypt_option FROM sys.dm_exec_connections WHERE session_id = @@SPID"


def _of_session(connection: Connection) -> bool | None:
    """Whether SQL Server encrypts; None where the user may not know."""
    with suppress(Exception):  # which right it takes differs by version
        said = connection.value(
            "SELECT encrypt_option FROM sys.dm_exec_connections WHERE session_id = @@SPID"
        )
        if said is not None:
            return str(said).strip().upper() == "TRUE"
    return None


def _tables(database: Database, looked: Mapping[Shape, tuple[TableState, ...]]) -> Iterator[Step]:
    """Whether they are there and wide enough for the way in which patient data is written."""
    decided = database.phi
    wanted = shape_of(decided or "plain")
    states = looked[wanted]
    given = database.given or database.name
    if all(state.state == "gone" for state in states):
        yield Step("tables", "note", "There are none yet.", f"claimsctl sql init --to {given} makes them.")
        return
    suits = [phi for phi, each in looked.items() if all(state.fits for state in each)]
    if wanted in suits or (decided is None and suits):
        ways = [decided if decided is not None and each == wanted else each for each in suits]
        yield Step("tables", "ok", f"All {len(states)} are there, fit for phi = {' or '.join(ways)}.")
    elif suits:
        yield Step(
            "tables", "wrong", f"They were made for phi = {' or '.join(suits)}, and settings say {decided}.",
            "Change the setting, or make new tables under another prefix.",
        )  # fmt: skip
    else:
        unfit = [state.name for state in states if not state.fits]
        yield Step(
            "tables", "wrong", f"Missing, or without room for our columns: {', '.join(unfit)}.",
            f"claimsctl sql init --to {given} makes missing ones and names columns.",
        )  # fmt: skip


def _refusal_to_create(connection: Connection, dialect: DdlDialect) -> ClaimsctlError | None:
    """Why the user may make no tables; None: they may."""
    try:
        with _rolled_back(connection):
            _create(connection, dialect, TrialTable(connection.database, dialect))
    except Exception as error:  # every driver has its own
        return statement_refusal(connection.database, error, "create tables")
    return None


def _create(connection: Connection, dialect: DdlDialect, table: TrialTable) -> None:
    schema = schema_statement(dialect, connection.database.schema)
    if schema is not None and not table.temporary:
        connection.execute(schema)
    connection.execute(table.create())


def _rights(
    connection: Connection, dialect: DdlDialect, there: Sequence[str], refused: ClaimsctlError | None
) -> Iterator[Step]:
    """To make tables, and to write into those that are there."""
    lacking = list(_lacking(connection, dialect, there))
    if lacking:
        yield Step(
            "rights",
            "wrong",
            f"Not granted: {', '.join(lacking)}.",
            "Ask its administrator for these rights.",
        )
    if refused is None:
        rest = "." if lacking else ", read, insert, update, delete."
        yield Step("rights", "ok", f"May create tables{rest}")
    elif there:
        yield Step("rights", "note", "May not create tables, which only claimsctl sql init needs.")
    else:
        mend = f"{refused.hint or ''} Or have its administrator run what claimsctl sql ddl prints."
        yield Step("rights", "wrong", refused.message, mend.strip())


def _lacking(connection: Connection, dialect: DdlDialect, there: Sequence[str]) -> Iterator[str]:
    """Rights on tables that are there which the user does not have."""
    if dialect not in ("mssql", "postgresql"):
        return
    asked = {
        "mssql": "SELECT HAS_PERMS_BY_NAME(:name, 'OBJECT', :right)",
        "postgresql": "SELECT has_table_privilege(:name, :right)",
    }[dialect]
    schema = connection.database.schema
    for shown in there:
        bare = shown.removeprefix(f"{schema}.") if schema else shown
        name = grammar_of(connection.database).table(schema, bare)
        for right in _WRITING:
            if not connection.value(asked, {"name": name, "right": right}):
                yield f"{right} on {shown}"


@contextmanager
def _rolled_back(connection: Connection) -> Iterator[None]:
    """A transaction of which nothing stays."""
    with suppress(_RolledBack), connection.transaction():
        yield
        raise _RolledBack


class _RolledBack(Exception):
    """Ends such a transaction."""


def _types(connection: Connection, dialect: DdlDialect, temporary: bool) -> Iterator[Step]:
    """A row of edge values and one of nulls, written, changed, read back and deleted."""
    table = TrialTable(connection.database, dialect, temporary=temporary)
    differing: list[str] = []
    with _rolled_back(connection):
        _create(connection, dialect, table)
        connection.execute(table.insert(), table.values({}))
        connection.execute(table.insert(), table.values({column.name: None for column, _ in TRIAL}))
        connection.execute(f"UPDATE {table.name} SET {table.quote('number')} = 7 WHERE 1 = 0")
        listed = ", ".join(table.quote(column.name) for column, _ in TRIAL)
        nulls_last = f"CASE WHEN {table.quote('code')} IS NULL THEN 1 ELSE 0 END"
        read = connection.rows(f"SELECT {listed} FROM {table.name} ORDER BY {nulls_last}")
        differing = differing_columns(read)
        connection.execute(f"DELETE FROM {table.name}")
    if differing:
        yield Step(
            "types", "wrong", f"Come back changed: {', '.join(differing)}.",
            "Check the encoding and collation of the database, and the driver's version.",
        )  # fmt: skip
    else:
        yield Step("types", "ok", f"{len(TRIAL)} columns of every type, and nulls, came back as they went.")


def _lock(connection: Connection) -> Iterator[Step]:
    """The lock that keeps two loads apart."""
    with _rolled_back(connection):
        grammar_of(connection.database).lock(connection, f"claimsctl/trial/{secrets.token_hex(4)}")
    yield Step("lock", "ok", "Two loads at once would wait for each other.")
