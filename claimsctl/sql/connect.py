"""Connections to the databases of the house: encrypted, with timeouts, and with errors a person can use.

SQLAlchemy makes those to servers and SQLite, DuckDB is opened as it is.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claimsctl.errors import ConnectError, DriverMissing
from claimsctl.sql import drivers
from claimsctl.sql.connection import Connection
from claimsctl.sql.database import Database
from claimsctl.sql.logins import LOGIN_SECONDS, odbc_text, postgresql_options
from claimsctl.sql.refusals import refusal, unreachable

if TYPE_CHECKING:
    import sqlalchemy as sa

BUSY_SECONDS: Final = 30.0
"""How long another writer of a SQLite file is waited for."""


@contextmanager
def connect(database: Database, *, create: bool = False, read_only: bool = False) -> Iterator[Connection]:
    """A connection to the database, closed at the end.

    `create` makes the file of a DuckDB or SQLite database that is not there yet. ConnectError,
    LoginRefused, DriverMissing or SettingsError say what is wrong, without the password.
    """
    if database.file is not None:
        _check_file(database, database.file, create and not read_only)
    if database.dialect == "duckdb":
        with _duckdb(database, read_only) as opened:
            yield Connection(database, duckdb=opened)
        return
    import sqlalchemy as sa

    driver = None
    if database.dialect == "mssql":
        driver = drivers.odbc_driver_of(database)
        why = unreachable(database)  # Microsoft's driver tries for the whole login timeout
        if why is not None:
            raise why
    engine = _engine(database, driver, read_only)
    try:
        try:
            connection = engine.connect()
        except sa.exc.DBAPIError as error:
            raise refusal(database, error.orig, driver) from None
        except (OSError, ValueError) as error:
            raise refusal(database, error, driver) from None
        except sa.exc.ResourceClosedError:  # SQLAlchemy's own questions to a new connection were not answered
            broken = ConnectionError("the connection broke while it was made")
            raise refusal(database, broken, driver) from None
        with _closing(connection):
            yield Connection(database, engine_connection=connection, driver=driver)
    finally:
        engine.dispose()


@contextmanager
def _closing(connection: sa.Connection) -> Iterator[None]:
    try:
        yield
    finally:
        with suppress(Exception):  # a connection that broke cannot be closed in good order
            connection.close()


def _engine(database: Database, driver: drivers.OdbcDriver | None, read_only: bool) -> sa.Engine:
    import sqlalchemy as sa
    from sqlalchemy.pool import NullPool

    options: dict[str, Any] = {"poolclass": NullPool, "hide_parameters": True}
    if database.dialect == "postgresql":
        module = drivers.psycopg()
        given = postgresql_options(database)
        return sa.create_engine("postgresql+psycopg://", creator=lambda: module.connect(**given), **options)
    if database.dialect == "mssql":
        assert driver is not None
        odbc, text = drivers.pyodbc(), odbc_text(database, driver)
        return sa.create_engine(
            "mssql+pyodbc://",
            creator=lambda: odbc.connect(text, timeout=LOGIN_SECONDS),
            fast_executemany=driver.fast,
            **options,
        )
    if database.dialect == "sqlite":
        engine = sa.create_engine("sqlite://", creator=_sqlite(database, read_only), **options)
        begin = "BEGIN" if read_only else "BEGIN IMMEDIATE"
        # Python's own handling begins no transaction before DDL, and takes the write lock late.
        sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
        return engine
    return _other_engine(database, options)


def _other_engine(database: Database, options: dict[str, Any]) -> sa.Engine:
    import sqlalchemy as sa

    try:
        return sa.create_engine(database.parts.set(password=database.password), **options)
    except ImportError as error:
        missing = error.name or database.parts.get_driver_name()
        raise DriverMissing(
            f"{database.name} needs the package {missing}, which is not installed.",
            hint=f"pip install {missing}",
        ) from None


def _sqlite(database: Database, read_only: bool) -> Callable[[], Any]:
    import sqlite3

    uri = f"{Path(str(database.file)).as_uri()}?mode={'ro' if read_only else 'rw'}"

    def opened() -> sqlite3.Connection:
        connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
        connection.execute("PRAGMA schema_version")  # a file that is no database is noticed here
        return connection

    return opened


@contextmanager
def _duckdb(database: Database, read_only: bool) -> Iterator[Any]:
    """A database of DuckDB; it, and the journal that comes and goes beside it, are private."""
    import duckdb

    before = os.umask(0o077)
    try:
        try:
            opened = duckdb.connect(
                str(database.file), read_only=read_only, config={"autoinstall_known_extensions": False}
            )
        except duckdb.Error as error:
            raise refusal(database, error, None) from None
        with closing(opened):
            yield opened
    finally:
        os.umask(before)


def _check_file(database: Database, file: Path, create: bool) -> None:
    """The file of a database that is one; made private where it shall be created."""
    if file.exists():
        if not file.is_file():
            raise ConnectError(f"{file} is no file.", hint="Name the file of the database.")
        if not os.access(file, os.R_OK):
            raise ConnectError(f"{file} cannot be read.", hint=f"Check who may read it: ls -l '{file}'")
        return
    if not create:
        raise ConnectError(
            f"There is no database {file}.",
            hint=f"claimsctl sql init --to {database.given or database.name} makes it.",
        )
    if not file.parent.is_dir():
        raise ConnectError(f"There is no directory {file.parent}.", hint="Create it, or name another.")
    if database.dialect == "sqlite":  # DuckDB takes no empty file and makes its own
        try:
            os.close(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600))
        except OSError as error:
            raise ConnectError(f"Cannot create {file}: {error.strerror}.") from None
