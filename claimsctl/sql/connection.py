"""An open connection: one way to run statements, whatever the database."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from claimsctl.sql.database import Database, Dialect
from claimsctl.sql.drivers import OdbcDriver

if TYPE_CHECKING:
    import sqlalchemy as sa

_NAMED: Final = re.compile(r"(?<![:\w\\]):(\w+)(?!:)")
"""A value's place in a statement, as SQLAlchemy sees it."""


class Connection:
    """An open connection. Statements name values as `:name`; outside `transaction` each is committed.

    `fast`: parameters of a batch go in one message (only told of mssql). `raw` is the driver's own
    connection (psycopg, pyodbc, sqlite3, duckdb), `engine_connection` SQLAlchemy's (None for DuckDB).
    Errors of statements are the driver's, for the caller to judge; see failures.py.
    """

    def __init__(
        self,
        database: Database,
        *,
        engine_connection: sa.Connection | None = None,
        duckdb: Any = None,
        driver: OdbcDriver | None = None,
    ) -> None:
        self.database = database
        self.engine_connection = engine_connection
        self.driver = driver
        self._duckdb = duckdb
        self._inside = False

    @property
    def dialect(self) -> Dialect:
        """The dialect of the database."""
        return self.database.dialect

    @property
    def fast(self) -> bool:
        """Whether the driver sends batches of parameters at once."""
        return self.driver is None or self.driver.fast

    @property
    def raw(self) -> Any:
        """The driver's own connection."""
        if self.engine_connection is None:
            return self._duckdb
        return self.engine_connection.connection.dbapi_connection

    @property
    def in_transaction(self) -> bool:
        """Whether `transaction` is under way."""
        return self._inside

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One transaction: committed at the end, rolled back by any exception. Inside another: part of it.

        On SQLite it takes the write lock at once. A connection of FreeTDS is made anew after a rollback.
        """
        if self._inside:
            yield
            return
        self._inside = True
        try:
            if self.engine_connection is None:
                yield from self._duckdb_transaction()
            else:
                yield from self._engine_transaction(self.engine_connection)
        finally:
            self._inside = False

    def _engine_transaction(self, connection: sa.Connection) -> Iterator[None]:
        begun = connection.begin()
        try:
            yield
            begun.commit()
        except BaseException:
            if self.driver is not None and self.driver.freetds:
                self.discard()
            with suppress(Exception):  # the connection may be gone; what went wrong first is told
                begun.rollback()
            raise

    def _duckdb_transaction(self) -> Iterator[None]:
        self._duckdb.begin()
        try:
            yield
            self._duckdb.commit()
        except BaseException:
            with suppress(Exception):
                self._duckdb.rollback()
            raise

    def execute(self, statement: str, values: Mapping[str, Any] | None = None) -> int:
        """Run a statement; how many rows it changed, -1 where the driver does not tell."""
        if self.engine_connection is None:
            ran = self._duckdb.execute(*_for_duckdb(statement, values))
            row = ran.fetchone() if [each[0] for each in ran.description or ()] == ["Count"] else None
            return int(row[0]) if row is not None else -1
        with self.transaction():
            return int(self._run(statement, values).rowcount)

    def rows(self, statement: str, values: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        if self.engine_connection is None:
            return list(self._duckdb.execute(*_for_duckdb(statement, values)).fetchall())
        with self.transaction():
            return [tuple(row) for row in self._run(statement, values).fetchall()]

    def value(self, statement: str, values: Mapping[str, Any] | None = None) -> Any:
        """The first value of a query's first row; None where there is no row."""
        found = self.rows(statement, values)
        return found[0][0] if found else None

    def batches(
        self, statement: str, values: Mapping[str, Any] | None = None, size: int = 10_000
    ) -> Iterator[tuple[tuple[str, ...], list[tuple[Any, ...]]]]:
        """The rows of a query, `size` at a time and never all in memory, each with the columns' names."""
        if self.engine_connection is None:
            ran = self._duckdb.cursor().execute(*_for_duckdb(statement, values))
            names = tuple(each[0] for each in ran.description)
            while rows := ran.fetchmany(size):
                yield names, rows
            return
        with self.transaction():
            result = self._run(statement, values, stream_results=True, max_row_buffer=size)
            names = tuple(result.keys())
            for rows in result.partitions(size):
                yield names, [tuple(row) for row in rows]

    def many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement in the driver's own notation (? or %s) for every row, as one call of the driver."""
        with self.transaction():
            if self.engine_connection is None:
                self._duckdb.executemany(statement, rows)
                return
            cursor = self.raw.cursor()
            try:
                if self.dialect == "mssql":
                    cursor.fast_executemany = self.fast
                cursor.executemany(statement, rows)
            finally:
                cursor.close()

    def discard(self) -> None:
        """Throw the driver's connection away; the next statement makes a new one."""
        if self.engine_connection is not None:
            with suppress(Exception):
                self.engine_connection.invalidate()

    def _run(self, statement: str, values: Mapping[str, Any] | None, **options: Any) -> sa.CursorResult[Any]:
        import sqlalchemy as sa

        assert self.engine_connection is not None
        if values is None:
            return self.engine_connection.exec_driver_sql(
                statement, execution_options={"no_parameters": True, **options}
            )
        return self.engine_connection.execute(sa.text(statement), values, execution_options=options)


def _for_duckdb(statement: str, values: Mapping[str, Any] | None) -> tuple[Any, ...]:
    """A statement and its values in DuckDB's notation."""
    if values is None:
        return (statement,)
    return _NAMED.sub(r"$\1", statement), {name: values[name] for name in _NAMED.findall(statement)}
