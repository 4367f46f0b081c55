"""A trial of a source: driver, encryption, login, and whether its rows can be read as settings say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from claimsctl.sql.connection import Connection
from claimsctl.sql.database import Database
from claimsctl.sql.reading import Ask, fetch
from claimsctl.sql.statement import Column, find_column
from claimsctl.sql.trial import Step, guarded, server_steps
from claimsctl.sql.writeback import check_target


def try_source(connection: Connection) -> Iterator[Step]:
    """The steps of the trial, in order; one row is read, into a private file that is removed at once."""
    yield from server_steps(connection)
    yield from guarded("source", connection, lambda: _source(connection.database))


def _source(database: Database) -> Iterator[Step]:
    source = database.source
    if source.table is None and source.query is None:
        yield Step(
            "source", "note", "Settings name neither a table nor a query, so nothing was read.",
            f"Set one of them in [sql.{database.name}].",
        )  # fmt: skip
        return
    with TemporaryDirectory() as directory:
        fetched = fetch(database, Ask(source, limit=1), Path(directory) / "row.parquet")
    columns = [Column(name) for name in fetched.columns]
    if source.watermark is not None:
        find_column(columns, source.watermark, "watermark")
    if source.write_back is not None:
        check_target(database, source)
    what = source.table or "The query"
    key = f"; rows are known by {', '.join(fetched.key)}" if fetched.key else ""
    empty = "" if fetched.rows else "; there is no row"
    yield Step("source", "ok", f"{what} can be read: {len(columns)} columns{key}{empty}.")
    for note in fetched.notes:
        yield Step("source", "note", note)
