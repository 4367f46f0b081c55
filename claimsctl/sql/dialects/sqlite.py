"""SQLite: every transaction is BEGIN IMMEDIATE (see connect.py), which is the lock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from claimsctl.sql.dialects.grammar import Grammar, Stage
from claimsctl.sql.dialects.rows import staged_frame

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl

    from claimsctl.sql.connection import Connection

_SECONDS: Final = "%Y-%m-%d %H:%M:%S"


class SQLite(Grammar):
    """SQLite 3.33 and later."""

    name = "sqlite"

    def timestamp(self, value: datetime) -> str:
        """As text, the way staged rows have it."""
        return value.strftime(_SECONDS) + ".000"

    def delete(self, table: str, key: Sequence[str], sources: str, where: str) -> str:
        """SQLite deletes from one table; rows are found by their key."""
        theirs = ", ".join(f"t.{column}" for column in key)
        return (
            f"DELETE FROM {table} WHERE ({', '.join(key)}) IN"
            f" (SELECT {theirs} FROM {table} AS t, {sources} WHERE {where})"
        )

    def prepare(self, stage: Stage) -> pl.DataFrame:
        """Values as they are stored."""
        return as_stored(staged_frame(stage))

    def put(self, connection: Connection, stage: Stage, rows: pl.DataFrame) -> None:
        """One executemany; a file is at most a batch."""
        columns = ", ".join(stage.columns[name] for name in rows.columns)
        places = ", ".join("?" * rows.width)
        connection.many(f"INSERT INTO {stage.name} ({columns}) VALUES ({places})", rows.rows())


def as_stored(frame: pl.DataFrame) -> pl.DataFrame:
    """Values as SQLite stores them: its driver knows no decimals, dates and times."""
    import polars as pl
    import polars.selectors as cs

    return frame.with_columns(
        cs.decimal().cast(pl.String),
        cs.date().dt.to_string("%Y-%m-%d"),
        cs.time().dt.to_string("%H:%M:%S"),
        cs.datetime().dt.to_string(f"{_SECONDS}%.3f"),
        cs.boolean().cast(pl.Int8),
    )
