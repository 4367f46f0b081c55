"""DuckDB: it takes the rows of an outbox as they lie in memory, and has one writer only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from claimsctl.sql.dialects.grammar import Grammar, Stage
from claimsctl.sql.dialects.rows import staged_frame

if TYPE_CHECKING:
    import polars as pl

    from claimsctl.sql.connection import Connection

_ROWS: Final = "claimsctl_rows"


class DuckDB(Grammar):
    """DuckDB 1.4 and later."""

    name = "duckdb"

    def prepare(self, stage: Stage) -> pl.DataFrame:
        """The rows; DuckDB itself does not read all files that are encrypted."""
        return staged_frame(stage)

    def put(self, connection: Connection, stage: Stage, rows: pl.DataFrame) -> None:
        """INSERT from Arrow, without a detour through Python."""
        columns = ", ".join(stage.columns[name] for name in rows.columns)
        given = ", ".join(self.quote(name) for name in rows.columns)
        connection.raw.register(_ROWS, rows.to_arrow())
        try:
            connection.execute(f"INSERT INTO {stage.name} ({columns}) SELECT {given} FROM {_ROWS}")
        finally:
            connection.raw.unregister(_ROWS)
