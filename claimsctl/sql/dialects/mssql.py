"""SQL Server 2016 and later, and Azure SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from claimsctl.sql.dialects.grammar import LOCK_SECONDS, Grammar, LockTimeout, Stage, text_literal
from claimsctl.sql.dialects.rows import staged_frame

if TYPE_CHECKING:
    import polars as pl

    from claimsctl.sql.connection import Connection

_CHUNK_ROWS: Final = 5_000
"""Rows of one call with fast_executemany: its memory grows with the call."""
_PARAMETERS: Final = 2_000
"""SQL Server takes 2,100 parameters in a statement; its tools need a few."""
_VALUES_ROWS: Final = 1_000
"""Rows that a VALUES list may have."""


class SQLServer(Grammar):
    """T-SQL. No MERGE: it has races and defects that UPDATE and INSERT under a lock have not."""

    name = "mssql"

    def quote(self, name: str) -> str:
        """A name in brackets."""
        return "[" + name.replace("]", "]]") + "]"

    def code(self, name: str) -> str:
        """As varchar: drivers send nvarchar, which no index on varchar serves."""
        return f"CAST(:{name} AS varchar(64))"

    def update(self, table: str, values: Mapping[str, str], sources: str, where: str) -> str:
        """T-SQL names the alias first."""
        assigned = ", ".join(f"{column} = {value}" for column, value in values.items())
        return f"UPDATE t SET {assigned} FROM {table} AS t, {sources} WHERE {where}"

    def delete(self, table: str, key: Sequence[str], sources: str, where: str) -> str:
        """T-SQL names the alias first."""
        return f"DELETE t FROM {table} AS t, {sources} WHERE {where}"

    def opening(self) -> str:
        """Any error ends the whole transaction, and waiting for a lock ends as well."""
        isolation = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"
        return f"SET XACT_ABORT ON; {isolation}; SET LOCK_TIMEOUT {LOCK_SECONDS * 1000}"

    def lock(self, connection: Connection, *names: str) -> None:
        """Application locks; LockTimeout when another load goes on holding one."""
        taken = connection.value(applocks(names))
        connection.execute("SET NOCOUNT OFF")
        if taken is None or int(taken) < 0:
            raise LockTimeout

    def prepare(self, stage: Stage) -> pl.DataFrame:
        """The rows as they are; their driver takes what Polars gives."""
        return staged_frame(stage)

    def put(self, connection: Connection, stage: Stage, rows: pl.DataFrame) -> None:
        """One message for thousands of rows with fast_executemany, else as many rows as a statement takes."""
        columns = ", ".join(stage.columns[name] for name in rows.columns)
        insert = f"INSERT INTO {stage.name} ({columns}) VALUES "
        row = f"({', '.join('?' * rows.width)})"
        if connection.fast:
            for chunk in rows.iter_slices(_CHUNK_ROWS):
                connection.many(insert + row, chunk.rows())
            return
        most = max(1, min(_VALUES_ROWS, _PARAMETERS // rows.width))
        for chunk in rows.iter_slices(most):
            values = tuple(value for each in chunk.iter_rows() for value in each)
            connection.many(insert + ", ".join([row] * chunk.height), [values])


def applocks(names: Sequence[str]) -> str:
    """Take application locks one after the other; the row says how: 0 at once, 1 after waiting, below 0 not.

    NOCOUNT, because counts of the procedure's own statements would come before the row.
    """
    calls = " ".join(
        f"IF @taken >= 0 EXEC @taken = sp_getapplock @Resource = {text_literal(name)},"
        f" @LockMode = 'Exclusive', @LockOwner = 'Transaction', @LockTimeout = {LOCK_SECONDS * 1000};"
        for name in names
    )
    return f"SET NOCOUNT ON; DECLARE @taken int = 0; {calls} SELECT @taken AS taken"
