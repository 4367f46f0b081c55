"""The tables of a target: made where they are missing, looked at where they are there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from claimsctl.errors import ClaimsctlError, OutsideError, UsageError
from claimsctl.security.policy import Phi
from claimsctl.sql.catalog import ColumnType, columns_of, type_of
from claimsctl.sql.column import SHAPES, Shape, SqlTable, shape_of
from claimsctl.sql.connection import Connection
from claimsctl.sql.database import Database
from claimsctl.sql.ddl import DDL_DIALECTS, DdlDialect, schema_statement, sql_type, table_statements
from claimsctl.sql.refusals import statement_refusal
from claimsctl.sql.tables import all_tables


@dataclass(frozen=True, slots=True)
class TableState:
    """One table of a target. `made`: it was missing; `gone`: it is missing and was not to be made.

    `missing` are columns that it lacks, `narrow` those that cannot hold ours: (column, their type, ours).
    `house`: a table of the house, which is looked at only.
    """

    table: str
    name: str
    state: Literal["made", "there", "gone"]
    house: bool = False
    missing: tuple[str, ...] = ()
    narrow: tuple[tuple[str, str, str], ...] = ()

    @property
    def fits(self) -> bool:
        """Whether claims can be written to it."""
        return self.state != "gone" and not self.missing and not self.narrow


def dialect_of(database: Database) -> DdlDialect:
    """The dialect of a target; UsageError for a database that claims can be read from only."""
    if database.dialect not in DDL_DIALECTS:
        raise UsageError(
            f"Claims cannot be written to {database.name} ({database.parts.get_backend_name()}).",
            hint="They can be written to SQL Server, PostgreSQL, DuckDB and SQLite.",
        )
    return database.dialect


def make_tables(connection: Connection, phi: Phi) -> tuple[TableState, ...]:
    """Make the tables that are missing, in one transaction, and look at all of them.

    What is there is never changed. PermissionDenied where the user may not make tables.
    """
    database = connection.database
    dialect = dialect_of(database)
    with _telling(database, "create tables"), connection.transaction():
        schema = schema_statement(dialect, database.schema)
        if schema is not None:
            connection.execute(schema)
        states = []
        for table in all_tables(phi):
            state = _state(database, dialect, table, _seen(connection, dialect, table))
            if state.state == "gone" and not state.house:
                for statement in table_statements(dialect, database.schema, database.prefix, table):
                    connection.execute(statement)
                state = TableState(table.name, state.name, "made")
            states.append(state)
    return tuple(states)


def look_at_tables(connection: Connection) -> dict[Shape, tuple[TableState, ...]]:
    """How the tables suit each way of writing patient data; nothing is made, and each is asked for once."""
    database = connection.database
    dialect = dialect_of(database)
    with _telling(database, "look at tables"):
        seen = {table.name: _seen(connection, dialect, table) for table in all_tables("plain")}
    return {
        phi: tuple(_state(database, dialect, table, seen[table.name]) for table in all_tables(phi))
        for phi in SHAPES
    }


def require_tables(connection: Connection, phi: Phi) -> None:
    """OutsideError where a table is missing that rows are written to."""
    gone = [each.name for each in look_at_tables(connection)[shape_of(phi)] if each.state == "gone"]
    if gone:
        database = connection.database
        more = f" and {len(gone) - 1} more" if len(gone) > 1 else ""
        raise OutsideError(
            f"{database.name} has no table {gone[0]}{more}.",
            hint=f"`claimsctl sql init --to {database.given or database.name}` makes what is missing.",
        )


def _seen(connection: Connection, dialect: DdlDialect, table: SqlTable) -> dict[str, ColumnType]:
    database = connection.database
    schema = database.schema if dialect != "sqlite" else None
    return columns_of(connection, database.table_name(table.name), schema)


def _state(
    database: Database, dialect: DdlDialect, table: SqlTable, seen: Mapping[str, ColumnType]
) -> TableState:
    house = database.tables.get(table.name)
    name = database.table_name(table.name)
    shown = f"{database.schema}.{name}" if database.schema else name
    if not seen:
        return TableState(table.name, shown, "gone", house is not None)
    wanted = _wanted(dialect, table, house.columns if house is not None else {})
    folded = {column.lower(): kind for column, kind in seen.items()} if dialect == "mssql" else seen
    missing, narrow = [], []
    for column, ours in wanted.items():
        theirs = folded.get(column.lower() if dialect == "mssql" else column)
        if theirs is None:
            missing.append(column)
        elif not theirs.holds(ours):
            narrow.append((column, theirs.said, ours.said))
    return TableState(table.name, shown, "there", house is not None, tuple(missing), tuple(narrow))


def _wanted(dialect: DdlDialect, table: SqlTable, mapped: Mapping[str, str]) -> dict[str, ColumnType]:
    """The columns that rows are written to, and what must go into them."""
    return {
        mapped.get(column.name, column.name): type_of(sql_type(dialect, column), nullable=column.nullable)
        for column in table.columns
        if not mapped or column.name in mapped
    }


@contextmanager
def _telling(database: Database, doing: str) -> Iterator[None]:
    """Errors of the driver in words; the statements hold no patient data."""
    try:
        yield
    except ClaimsctlError:
        raise
    except Exception as error:  # every driver has its own
        raise statement_refusal(database, error, doing) from None
