"""How far a source has been read: the highest value of its watermark column, and what stood at it.

Rows may come later with the very value that was read last, so a run also notes a hash of every row that stood
at that value. Where all that stand there the next time are among them, it reads on above the value; else it
reads the rows at it again, all of them, and those that came before are found to be unchanged.
"""

from __future__ import annotations

import zlib
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import numpy as np
import polars as pl

from claimsctl.errors import UsageError
from claimsctl.sql.connection import Connection
from claimsctl.sql.database import Dialect
from claimsctl.sql.statement import Bounds, Column, Statements, literal
from claimsctl.sql.texts import Texts, value_text

_BATCH: Final = 50_000


@dataclass(frozen=True, slots=True)
class Mark:
    """A value of a watermark column as text, and hashes of the rows that had it (packed, as text)."""

    value: str
    seen: str = ""


@dataclass(frozen=True, slots=True)
class Since:
    """What is read of a source: rows with a watermark above `mark`, the last one, or from `given` on.

    Neither: everything, and where that ends is noted for the next time.
    """

    mark: Mark | None = None
    given: str | None = None

    @property
    def moves(self) -> bool:
        """Whether the mark may move to what is read now: a value that was given could jump over rows."""
        return self.given is None or self.mark is None


@dataclass(frozen=True, slots=True)
class Reach:
    """Which rows a run reads, settled before the first is read: `bounds`, and `to`, the highest value.

    `to` is None where no row has a value; `nothing`: no row is new. `blank` rows have no value.
    """

    bounds: Bounds
    to: str | None
    nothing: bool = False
    blank: int = 0


class Watermark:
    """The watermark column of a source, asked over a connection."""

    def __init__(self, connection: Connection, statements: Statements, columns: Sequence[Column],
                 column: Column) -> None:  # fmt: skip
        self._connection = connection
        self._statements = statements
        self._columns = columns
        self._column = column

    def reach(self, since: Since, texts: Texts, claim: str | None) -> Reach:
        """What is to be read now."""
        name = self._statements.name(self._column.name)
        highest_text = _text_of_highest(self._column, name, self._connection.dialect)
        asked = f"{highest_text}, COUNT(*), COUNT(source.{name})"
        ((highest, rows, with_value),) = self._connection.rows(self._statements.aggregate(asked))
        blank = int(rows) - int(with_value)
        to = None if highest is None else value_text(highest)
        high = None if to is None else self._sql(to, highest)
        if since.given is not None:
            low, too = self._sql(since.given, highest), True
        elif since.mark is not None:
            low = self._sql(since.mark.value, highest)
            too = self._changed(since.mark, low, texts)
        else:
            # The first run takes rows without a value too; they would never be seen otherwise.
            return Reach(Bounds(self._column.name, None, high=high, blank_too=True), to, rows == 0, blank)
        bounds = Bounds(self._column.name, low, too, high, claim=claim)
        plain = Bounds(self._column.name, low, too, high)
        nothing = high is None or not self._connection.value(self._statements.aggregate("COUNT(*)", plain))
        return Reach(bounds, to, nothing, blank)

    def at(self, value: str, texts: Texts) -> Mark:
        """The rows that have a value now."""
        sample = self._connection.value(
            self._statements.aggregate(f"MAX(source.{self._statements.name(self._column.name)})")
        )
        return Mark(value, _packed(self._hashes(self._sql(value, sample), texts)))

    def _changed(self, mark: Mark, low: str, texts: Texts) -> bool:
        return not self._hashes(low, texts).is_in(_unpacked(mark.seen).implode()).all()

    def _hashes(self, sql: str, texts: Texts) -> pl.Series:
        """Of the rows that have a value (as SQL)."""
        bounds = Bounds(self._column.name, sql, low_too=True, high=sql)
        query = self._statements.rows(self._columns, texts.text_of, bounds=bounds)
        found = [pl.DataFrame(rows).hash_rows(seed=0) for rows in texts.batches(query, self._columns, _BATCH)]
        return pl.concat(found).unique() if found else pl.Series([], dtype=pl.UInt64)

    def _sql(self, value: str, sample: Any) -> str:
        """A value as SQL of the column's type, of which `sample` is one."""
        dialect = self._connection.dialect
        if dialect in ("postgresql", "duckdb", "mssql"):
            return literal(value, dialect)
        if isinstance(sample, int | float | Decimal) and not isinstance(sample, bool):
            try:
                return format(Decimal(value), "f")
            except ArithmeticError:
                raise UsageError(
                    f"--since {value}: the values of {self._column.name} are numbers.",
                    hint="Give a number, or last.",
                ) from None
        if dialect == "other" and "\\" in value:
            raise UsageError(f"A value of {self._column.name} holds a backslash, which cannot be compared.")
        return literal(value, dialect)


def _packed(hashes: pl.Series) -> str:
    return b64encode(zlib.compress(hashes.sort().to_numpy().tobytes())).decode()


def _unpacked(text: str) -> pl.Series:
    packed = zlib.decompress(b64decode(text)) if text else b""
    return pl.Series(np.frombuffer(packed, dtype=np.uint64))


def _text_of_highest(column: Column, name: str, dialect: Dialect) -> str:
    highest = f"MAX(source.{name})"
    if dialect == "postgresql":
        return f"{highest}::text"
    if dialect == "duckdb":
        return f"CAST({highest} AS VARCHAR)"
    if dialect == "mssql":
        # The driver cuts off what is finer than microseconds; style 126 reads alike in every language.
        moment = column.kind == "moment"
        return f"CONVERT(nvarchar(40), {highest}, 126)" if moment else f"CAST({highest} AS nvarchar(400))"
    return highest
