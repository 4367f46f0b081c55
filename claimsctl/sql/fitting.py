"""Whether values of one of our columns fit a column of a database, as conditions on rows."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from claimsctl.sql.catalog import ColumnType
from claimsctl.sql.column import SqlColumn

if TYPE_CHECKING:
    import polars as pl

_WHOLE: Final = {
    "tinyint": (0, 2**8 - 1), "smallint": (-(2**15), 2**15 - 1), "int2": (-(2**15), 2**15 - 1),
    "mediumint": (-(2**23), 2**23 - 1), "bigint": (-(2**63), 2**63 - 1), "int8": (-(2**63), 2**63 - 1),
}  # fmt: skip
"""What goes into the kinds of whole numbers that are not of the width of their family."""
_WHOLE_OF: Final = {"integer": (-(2**31), 2**31 - 1), "bigint": _WHOLE["bigint"]}
_WINDOWS: Final = bytes(set(range(0x80, 0xA0)) - {0x81, 0x8D, 0x8F, 0x90, 0x9D}).decode("cp1252")
# A varchar of SQL Server holds the characters of its code page, in the United States Windows-1252; every
# other one becomes a question mark, without an error.
_LOST: Final = rf"[^\x00-\x7f\xa0-\xff{_WINDOWS}]"
_RARE: Final = r"[\x{10000}-\x{10ffff}]"
"""Characters that take two places in an nvarchar."""


def misfits(column: SqlColumn, kind: ColumnType, dialect: str) -> Iterator[tuple[str, pl.Expr]]:
    """What could be wrong with values of `column` in a column of that kind, and the rows where it is."""
    import polars as pl

    value = pl.col(column.name)
    if not kind.nullable:
        yield "must have a value", value.is_null()
    if dialect == "sqlite":
        return
    if column.kind in ("code", "text"):
        yield from _texts(value, kind, dialect)
    elif column.kind == "decimal":
        yield from _numbers(value, column.scale, kind)
    elif column.kind in ("integer", "bigint"):
        yield from _numbers(value, 0, kind)
    elif kind.family == "text":
        yield from _length(value.cast(pl.String), kind, dialect)
    elif not _same_kind(column, kind):
        yield f"is of type {kind.said}, which takes no {column.kind}", value.is_not_null()


def _same_kind(column: SqlColumn, kind: ColumnType) -> bool:
    if column.kind == "date" and kind.family == "timestamp":
        return True
    if column.kind == "flag" and kind.family in ("integer", "bigint"):
        return True
    return column.kind == kind.family


def _texts(value: pl.Expr, kind: ColumnType, dialect: str) -> Iterator[tuple[str, pl.Expr]]:
    import polars as pl

    if kind.family == "text":
        yield from _length(value, kind, dialect)
        return
    reads: dict[str, pl.Expr] = {
        "integer": value.cast(pl.Int64, strict=False),
        "bigint": value.cast(pl.Int64, strict=False),
        "decimal": value.cast(pl.Float64, strict=False),
        "float": value.cast(pl.Float64, strict=False),
        "date": value.str.to_date("%Y-%m-%d", strict=False),
        "timestamp": value.str.to_date("%Y-%m-%d", strict=False),
    }
    read = reads.get(kind.family)
    wrong = value.is_not_null() if read is None else value.is_not_null() & read.is_null()
    yield f"is of type {kind.said}, which takes no such text", wrong
    if kind.family in ("integer", "bigint"):
        yield from _numbers(value.cast(pl.Int64, strict=False), 0, kind)


def _length(value: pl.Expr, kind: ColumnType, dialect: str) -> Iterator[tuple[str, pl.Expr]]:
    unicode = dialect != "mssql" or kind.said.lower().lstrip().startswith("n")
    if kind.length:
        long = value.str.len_chars()
        if dialect == "mssql" and unicode:
            long = long + value.str.count_matches(_RARE)
        yield f"takes {kind.length} characters", long > kind.length
    if not unicode:
        yield f"is {kind.said}, which loses characters outside Windows-1252", value.str.contains(_LOST)


def _numbers(value: pl.Expr, scale: int, kind: ColumnType) -> Iterator[tuple[str, pl.Expr]]:
    """Numbers of so many decimals, exactly: decimals are compared as decimals, never as floats."""
    import polars as pl

    match kind.family:
        case "decimal" if kind.digits:
            if scale > kind.scale:
                yield f"takes {kind.scale} decimals", value != value.round(kind.scale)
            most = kind.digits - kind.scale
            limit = pl.lit(Decimal(10) ** most, pl.Decimal(38, scale)) if most + scale < 38 else None
            if limit is not None:
                yield (
                    f"takes {most} digits before the point",
                    value.abs().cast(pl.Decimal(38, scale)) >= limit,
                )
        case "integer" | "bigint":
            if scale:
                yield "takes no decimals", value != value.floor()
            low, high = _WHOLE.get(kind.said.lower().partition("(")[0].strip(), _WHOLE_OF[kind.family])
            whole = value.cast(pl.Int128)
            yield f"takes numbers from {low:,} to {high:,}", (whole < low) | (whole > high)
        case "decimal" | "float":
            pass
        case "text":
            if kind.length:
                yield f"takes {kind.length} characters", value.cast(pl.String).str.len_chars() > kind.length
        case _:
            yield f"is of type {kind.said}, which takes no number", value.is_not_null()
