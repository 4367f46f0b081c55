"""The outcome of rows that were read, written into a table beside their source.

One row for each key: the columns of the source that name it, `status` (accepted or rejected), `job_id`,
`error_codes` and `written_at` (UTC). A row of the same key is replaced, so that writing twice does no harm.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from claimsctl.errors import ClaimsctlError, OutputError, PermissionDenied, UsageError
from claimsctl.sql.connect import connect
from claimsctl.sql.connection import Connection
from claimsctl.sql.database import Database, Source
from claimsctl.sql.statement import Statements, find_column, quoted, table_parts, table_text
from claimsctl.sql.texts import texts_of
from claimsctl.sql.transient import Fault, fault_of

if TYPE_CHECKING:
    import polars as pl

OWN: Final = {"status": 10, "job_id": 24, "error_codes": 1000, "written_at": 0}
"""Columns after those of the key, with their length; `written_at` is a timestamp."""
BATCH_ROWS: Final = 2_000
_WAITS: Final = (1.0, 3.0, 9.0)


def write_back(
    database: Database,
    source: Source,
    key: Sequence[str],
    outcomes: pl.DataFrame,
    job_id: str,
    *,
    opened: Callable[..., AbstractContextManager[Connection]] = connect,
    waits: Sequence[float] = _WAITS,
) -> int:
    """Write what became of rows (the key as text, status, error_codes); how many there are.

    Each batch is a transaction of its own; a lost connection is tried again. UsageError says where the table
    is missing or does not fit, OutputError where it cannot be written.
    """
    check_target(database, source)
    for wait in (*waits, None):
        try:
            with opened(database) as connection:
                return _write(connection, source, key, outcomes, job_id)
        except ClaimsctlError:
            raise
        except Exception as error:
            fault = fault_of(error)
            if fault is None:
                raise
            if wait is None or not fault.transient:
                raise _error(database, source, fault) from None
            time.sleep(wait)
    raise AssertionError("unreachable")


def prepare(
    database: Database,
    source: Source,
    key: Sequence[str],
    *,
    opened: Callable[..., AbstractContextManager[Connection]] = connect,
) -> None:
    """See before a run that its outcome can be written: the table fits, or is made where it may be.

    UsageError, PermissionDenied or OutputError say why not.
    """
    check_target(database, source)
    try:
        with opened(database) as connection:
            _columns(connection, source, key)
    except ClaimsctlError:
        raise
    except Exception as error:
        fault = fault_of(error)
        if fault is None:
            raise
        raise _error(database, source, fault) from None


def check_target(database: Database, source: Source) -> None:
    """UsageError where the outcome would go into the very table that is read."""
    assert source.write_back is not None
    if source.table is not None and table_parts(source.table, database) == table_parts(
        source.write_back, database
    ):
        raise UsageError(
            f"{database.name}: write_back names the table that is read.",
            hint="Changing it would make its rows new again. Name a table of its own, and join it.",
        )


def _write(
    connection: Connection, source: Source, key: Sequence[str], outcomes: pl.DataFrame, job_id: str
) -> int:
    names = _columns(connection, source, key)
    written_at = datetime.now(UTC).isoformat(" ", "seconds")[:19]
    done = 0
    for frame in _batches(outcomes, key):
        with connection.transaction():
            _replace(connection, source, names, len(key), frame, job_id, written_at)
        done += frame.height
    return done


def _replace(
    connection: Connection,
    source: Source,
    names: Sequence[str],
    keys: int,
    frame: pl.DataFrame,
    job_id: str,
    written_at: str,
) -> None:
    import polars as pl

    table = table_text(str(source.write_back), connection.database)
    columns = [quoted(name, connection.dialect) for name in names]
    rows = frame.select(
        *frame.columns[:keys], "status", pl.lit(job_id).alias("job_id"),
        pl.col("error_codes").str.slice(0, OWN["error_codes"]), pl.lit(written_at).alias("written_at"),
    )  # fmt: skip
    if connection.dialect == "duckdb":  # its executemany takes a millisecond for each row
        _replace_in_duckdb(connection, table, columns, keys, rows)
        return
    mark = _mark(connection)
    same = " AND ".join(f"{name} = {mark}" for name in columns[:keys])
    connection.many(f"DELETE FROM {table} WHERE {same}", rows.select(rows.columns[:keys]).rows())
    connection.many(
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join([mark] * len(columns))})", rows.rows()
    )


def _replace_in_duckdb(
    connection: Connection, table: str, columns: Sequence[str], keys: int, rows: pl.DataFrame
) -> None:
    came = rows.rename({name: f"n{n}" for n, name in enumerate(rows.columns)})
    connection.raw.register("claimsctl_outcome", came.to_arrow())
    try:
        same = " AND ".join(f"t.{name} = o.n{n}" for n, name in enumerate(columns[:keys]))
        connection.raw.execute(f"DELETE FROM {table} AS t USING claimsctl_outcome AS o WHERE {same}")
        connection.raw.execute(f"INSERT INTO {table} ({', '.join(columns)}) SELECT * FROM claimsctl_outcome")
    finally:
        connection.raw.unregister("claimsctl_outcome")


def _mark(connection: Connection) -> str:
    """How the driver marks the place of a value."""
    assert connection.engine_connection is not None
    style = connection.engine_connection.dialect.paramstyle
    if style in ("format", "pyformat"):
        return "%s"
    if style == "qmark":
        return "?"
    raise UsageError(f"{connection.database.name}: the outcome cannot be written with this driver.")


def _batches(outcomes: pl.DataFrame, key: Sequence[str]) -> Iterator[pl.DataFrame]:
    # Sorted, so that two runs that write at once lock rows in one order.
    yield from outcomes.drop_nulls(list(key)).sort(list(key)).iter_slices(BATCH_ROWS)


def _columns(connection: Connection, source: Source, key: Sequence[str]) -> list[str]:
    """The names of the columns as the table has them; made first where it is missing and may be made."""
    database = connection.database
    target = Source(table=source.write_back)
    try:
        with connection.transaction():
            found = texts_of(connection).columns(Statements(database, target).nothing())
    except Exception as error:
        fault = fault_of(error)
        if fault is None or fault.reason != "a table is missing":
            raise
        if not source.write_back_create:
            raise UsageError(
                f"{database.name}: there is no table {source.write_back} for the outcome.",
                hint=f"Set write_back_create = true in [sql.{database.name}], or create it with the columns "
                f"{', '.join((*key, *OWN))}.",
            ) from None
        return _create(connection, source, key)
    said = f"{database.name}: the outcome"
    return [find_column(found, name, said).name for name in (*key, *OWN)]


def _create(connection: Connection, source: Source, key: Sequence[str]) -> list[str]:
    """Make the table; the columns of its key are of the types that they have in the source."""
    dialect, database = connection.dialect, connection.database
    table = table_text(str(source.write_back), database)
    keys = ", ".join(f"source.{quoted(name, dialect)}" for name in key)
    text = {"mssql": "nvarchar"}.get(dialect, "varchar")
    moment = {"mssql": "datetime2(0)", "sqlite": "text"}.get(dialect, "timestamp")
    own = ", ".join(
        f"CAST(NULL AS {f'{text}({length})' if length else moment}) AS {quoted(name, dialect)}"
        for name, length in OWN.items()
    )
    empty = Statements(database, source).nothing().split(" FROM ", 1)[1]
    if dialect == "mssql":  # the union keeps an identity column from being one here
        made = f"SELECT {keys}, {own} INTO {table} FROM {empty} UNION ALL SELECT {keys}, {own} FROM {empty}"
    else:
        made = f"CREATE TABLE {table} AS SELECT {keys}, {own} FROM {empty}"
    index = quoted(f"{table_parts(str(source.write_back), database)[-1]}_key", dialect)
    with connection.transaction():
        connection.execute(made)
        named = ", ".join(quoted(name, dialect) for name in key)
        connection.execute(f"CREATE UNIQUE INDEX {index} ON {table} ({named})")
    return [*key, *OWN]


def _error(database: Database, source: Source, fault: Fault) -> ClaimsctlError:
    what = f"{database.name}: the outcome cannot be written to {source.write_back}: {fault.reason}"
    of: Any = f" ({fault.column})" if fault.column else ""
    if fault.verdict == "forbidden":
        return PermissionDenied(
            f"{what}.", hint="Have its owner grant SELECT, INSERT and DELETE to the database's user."
        )
    return OutputError(f"{what}{of}.")
