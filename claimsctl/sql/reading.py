"""Reading a source: its rows, as text, into one private Parquet file, in one read-only transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claimsctl.errors import ClaimsctlError, OutputError, UsageError
from claimsctl.sql.connect import connect
from claimsctl.sql.connection import Connection
from claimsctl.sql.database import Database, Source
from claimsctl.sql.failing import reading_error
from claimsctl.sql.marks import Mark, Reach, Since, Watermark
from claimsctl.sql.rowsfile import writing_rows
from claimsctl.sql.statement import Column, Statements, find_column, literal, table_parts
from claimsctl.sql.texts import Texts, refuse_bytes, texts_of
from claimsctl.sql.transient import fault_of

if TYPE_CHECKING:
    import pyarrow as pa

Connect = Callable[..., AbstractContextManager[Connection]]
BATCH_ROWS: Final = 20_000
WAITS: Final = (1.0, 3.0, 9.0)
"""Seconds before the fetch is tried again after a lost connection."""
_CONTINUED: Final = ("postgresql", "mssql", "sqlite", "duckdb")


@dataclass(frozen=True)
class Ask:
    """What is wanted of a source: its rows `where` a further condition holds, `limit` of them at most.

    `since` asks for what is new by the watermark of the source; `claim` then says, given the columns, which
    one names the claim: a claim of which any row is new is read whole. None: each row stands alone.
    """

    source: Source
    where: str | None = None
    since: Since | None = None
    limit: int | None = None
    claim: Callable[[Sequence[str]], str | None] = lambda _names: None


@dataclass(frozen=True)
class Fetched:
    """What was read: a Parquet file with text columns in the order read.

    `mark` is how far it goes by the watermark, None where that was not asked, or only a part was read
    (`limit`). `nothing`: no row is new since then. `key` is the primary key of a table, `notes` are sentences
    for the user.
    """

    path: Path
    columns: tuple[str, ...]
    rows: int
    mark: Mark | None = None
    nothing: bool = False
    key: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass
class _Plan:
    """One fetch, settled before its first row: columns, order, bounds. It outlives a lost connection."""

    statements: Statements
    columns: list[Column]
    key: tuple[str, ...]
    order: tuple[str, ...]
    unique: bool
    reach: Reach | None
    notes: list[str]
    last: dict[str, Any] = field(default_factory=dict)


def fetch(
    database: Database,
    ask: Ask,
    into: Path,
    *,
    batch_rows: int = BATCH_ROWS,
    progress: Callable[[int], None] = lambda _rows: None,
    opened: Connect = connect,
    waits: Sequence[float] = WAITS,
) -> Fetched:
    """Read the rows of a source into the file `into` (0600), which must not exist; memory stays flat.

    A lost connection is tried again: from the last row read where the rows come in the order of the table's
    primary key, else from the beginning. UsageError names a table or column that there is not,
    PermissionDenied a missing right, ConnectError what could not be reached.
    """
    plan: _Plan | None = None
    with writing_rows(into) as file:
        for wait in (*waits, None):
            try:
                with opened(database, read_only=True) as connection, connection.transaction():
                    _begin(connection)
                    texts = texts_of(connection)
                    if plan is None:
                        plan = _planned(connection, texts, database, ask)
                    for rows in _batches(texts, plan, ask, database, file.rows, batch_rows):
                        file.write(rows)
                        if plan.unique:
                            plan.last = {name: rows.column(name)[-1].as_py() for name in plan.order}
                        progress(file.rows)
                    file.close(plan.columns)
                    mark = _mark(connection, texts, plan, ask)
                return Fetched(
                    into, tuple(each.name for each in plan.columns), file.rows, mark,
                    plan.reach is not None and plan.reach.nothing, plan.key, tuple(plan.notes),
                )  # fmt: skip
            except ClaimsctlError as error:
                if wait is None or plan is None or not error.retryable or isinstance(error, OutputError):
                    raise
                file.again(keep=bool(plan.last))
            except Exception as error:
                fault = fault_of(error)
                if fault is None:
                    raise
                if wait is None or not fault.transient:
                    raise reading_error(database, ask.source, error, fault) from None
                file.again(keep=plan is not None and bool(plan.last))
            if plan is not None and plan.last:
                plan.notes.append(
                    f"The connection was lost after {file.rows:,} rows; reading went on from there, so rows "
                    "after that are as they were then."
                )
            time.sleep(wait)
    raise AssertionError("unreachable")


def look(database: Database, ask: Ask, *, opened: Connect = connect) -> bool:
    """Whether there is anything new by the watermark (or at all); without reading the rows."""
    try:
        with opened(database, read_only=True) as connection, connection.transaction():
            _begin(connection)
            texts = texts_of(connection)
            plan = _planned(connection, texts, database, ask)
            return plan.reach is None or not plan.reach.nothing
    except ClaimsctlError:
        raise
    except Exception as error:
        fault = fault_of(error)
        if fault is None:
            raise
        raise reading_error(database, ask.source, error, fault) from None


def _begin(connection: Connection) -> None:
    if connection.dialect == "postgresql":
        connection.raw.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        # Text is to be the same whatever the server's and the user's defaults are.
        connection.raw.execute(
            "SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL intervalstyle = 'iso_8601'; "
            "SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'"
        )
    if connection.dialect == "duckdb":
        connection.raw.execute("SET python_enable_replacements = false")  # a table is never one of our frames


def _planned(connection: Connection, texts: Texts, database: Database, ask: Ask) -> _Plan:
    statements = Statements(database, ask.source, ask.where)
    columns = texts.columns(statements.nothing())
    refuse_bytes(columns)
    notes: list[str] = []
    key = primary_key(connection, database, ask.source)
    named = tuple(find_column(columns, each, "order_by").name for each in ask.source.order_by)
    order = (*named, *(each for each in key if each not in named))
    kinds = {each.name: each.kind for each in columns}
    unique = bool(key) and order == key and database.dialect in _CONTINUED
    unique = unique and not any(kinds[each] in ("float", "moment") for each in key)
    if not order:
        notes.append(
            f"{database.name}: nothing says in which order the rows are to be read, so row numbers may "
            "differ the next time. Name columns with order_by."
        )
    reach = None
    if ask.since is not None:
        if ask.source.watermark is None:
            raise UsageError(
                f"{database.name} has no watermark, so nobody can tell what is new.",
                hint=f"Name the column that grows with every change: watermark in [sql.{database.name}].",
            )
        column = find_column(columns, ask.source.watermark, "watermark")
        claim = ask.claim([each.name for each in columns])
        reach = Watermark(connection, statements, columns, column).reach(ask.since, texts, claim)
        if reach.blank and reach.bounds.low is not None:
            notes.append(
                f"{database.name}: {reach.blank:,} rows have no value in {column.name}; --since does not see "
                "them."
            )
    return _Plan(statements, columns, key, order, unique, reach, notes)


def _batches(
    texts: Texts, plan: _Plan, ask: Ask, database: Database, done: int, batch_rows: int
) -> Iterator[pa.Table]:
    if plan.reach is not None and plan.reach.nothing:
        return
    after = None
    if plan.last:
        after = plan.statements.past(
            plan.order, [literal(str(value), database.dialect) for value in plan.last.values()]
        )
    query = plan.statements.rows(
        plan.columns,
        texts.text_of,
        bounds=plan.reach.bounds if plan.reach is not None else None,
        order=plan.order,
        after=after,
        limit=None if ask.limit is None else ask.limit - done,
    )
    yield from texts.batches(query, plan.columns, batch_rows)


def _mark(connection: Connection, texts: Texts, plan: _Plan, ask: Ask) -> Mark | None:
    reach = plan.reach
    if reach is None or reach.to is None or reach.nothing or ask.limit is not None:
        return None
    column = find_column(plan.columns, reach.bounds.column, "watermark")
    return Watermark(connection, plan.statements, plan.columns, column).at(reach.to, texts)


def primary_key(connection: Connection, database: Database, source: Source) -> tuple[str, ...]:
    """Columns of the primary key of a source that is a table; empty where it has none, or is a query."""
    if source.query is not None or source.table is None:
        return ()
    *schema, table = table_parts(source.table, database)
    if connection.engine_connection is None:
        found = connection.rows(
            "SELECT constraint_column_names FROM duckdb_constraints() WHERE constraint_type = 'PRIMARY KEY' "
            f"AND table_name = {literal(table, 'duckdb')} "
            f"AND schema_name = {literal(schema[-1] if schema else 'main', 'duckdb')}"
        )
        return tuple(found[0][0]) if found else ()
    import sqlalchemy as sa

    try:
        found_key = sa.inspect(connection.engine_connection).get_pk_constraint(
            table, schema=".".join(schema) or None
        )
    except (sa.exc.NoSuchTableError, NotImplementedError):
        return ()
    return tuple(found_key.get("constrained_columns") or ())
