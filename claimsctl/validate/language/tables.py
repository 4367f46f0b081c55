"""Reference tables: known() and lookup(), by a code or by several columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import polars as pl

from claimsctl.validate.language import codes
from claimsctl.validate.language.ast import Call, Node, Several, Text
from claimsctl.validate.language.relations import DAY, key_name, related, rows_of
from claimsctl.validate.language.render import render
from claimsctl.validate.language.types import ExpressionError, LangType, TableInfo, did_you_mean
from claimsctl.validate.language.values import Value, dtype_of, every

if TYPE_CHECKING:
    from claimsctl.validate.language.compiler import Compiler

_NAMED = re.compile(r"(\w+)(?:\(\s*(\w+(?:\s*,\s*\w+)*)\s*\))?")
"""`pos`, or with the columns to look into: `roster(npi, payer_id)`."""


def table_of(compiler: Compiler, node: Node) -> tuple[str, TableInfo | None, tuple[str, ...]]:
    """Name, table and columns of a literal; the table is None when it is declared and not loaded."""
    assert isinstance(node, Text)
    written = _NAMED.fullmatch(node.value)
    if written is None:
        raise compiler.error(
            f"'{node.value}' is no table",
            node,
            "write 'table', or 'table(column, column)' to look into these",
        )
    name = written[1]
    if name not in compiler.declared:
        raise compiler.error(f"unknown table '{name}'", node, did_you_mean(name, compiler.declared))
    columns = tuple(part.strip() for part in (written[2] or "").split(",") if part.strip())
    table = compiler.tables.get(name)
    if table is None:
        if name not in compiler.optional:
            compiler.tables_used.add(name)
            compiler.missing.add(name)
        return name, None, columns
    compiler.tables_used.add(name)
    for column in columns:
        if column not in table.names():
            raise no_column(compiler, table, column, node)
    return name, table, columns


def no_column(compiler: Compiler, table: TableInfo, column: str, node: Node) -> ExpressionError:
    """The error for a column that a table does not have."""
    hint = did_you_mean(column, table.names()) or f"it has {', '.join(table.names())}"
    return compiler.error(f"table {table.name} has no column '{column}'", node, hint)


def _keys(
    compiler: Compiler, node: Call, table: TableInfo | None, columns: tuple[str, ...]
) -> tuple[list[Value], tuple[str, ...]]:
    """What is looked up, and the columns it is looked up in: the first ones where none are named."""
    asked, written = node.arguments[0], node.arguments[1]
    parts = asked.items if isinstance(asked, Several) else (asked,)
    values = [compiler.compile(part) for part in parts]
    if columns and len(columns) != len(parts):
        raise compiler.error(
            f"{_counted(len(columns), 'column')} for {_counted(len(parts), 'value')}", written,
            "name as many columns as there are values in brackets",
        )  # fmt: skip
    if table is None:
        return values, columns
    columns = columns or table.names()[: len(parts)]
    if len(columns) < len(parts):
        raise compiler.error(f"table {table.name} has only {_counted(len(columns), 'column')}", written)
    for value, column in zip(values, columns, strict=True):
        wanted = table.column(column)[0]
        if value.type is not LangType.UNKNOWN and value.type.word != wanted.word:
            what = "codes" if column == table.key else column
            raise compiler.error(
                f"the {what} of table {table.name} are {wanted.word}, this is a {value.type.word}", value.node
            )
    return values, columns


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def on_date(compiler: Compiler, node: Node) -> pl.Expr:
    """The day of a look-up."""
    value = compiler.compile(node)
    if value.type is not LangType.DATE:
        raise compiler.error(f"on_date must be a date, this is a {value.type.word}", node)
    return value.expr


def _known(compiler: Compiler, node: Call) -> Value:
    _, table, columns = table_of(compiler, node.arguments[1])
    values, columns = _keys(compiler, node, table, columns)
    date = on_date(compiler, node.arguments[2]) if len(node.arguments) > 2 else None
    if table is None or any(value.type is LangType.UNKNOWN for value in values):
        return Value(pl.lit(None, dtype=pl.Boolean), LangType.BOOLEAN, node)
    undated = table.valid_from is None and table.valid_to is None and table.starts is None
    if related(table, columns):
        return _known_row(compiler, node, values, table, columns, None if undated else date)
    (value,) = values
    if date is None or undated:
        return Value(codes.among_all(value.expr, table), LangType.BOOLEAN, node)
    if table.valid_from is None and table.valid_to is None:  # every row is in force as long as the table is
        held = compiler.apart(node.arguments[0], codes.among_all(value.expr, table), f"{table.name} ever")
        held = pl.when(~(date.is_null() & held)).then(held)
        return Value(_where_served(held, table, date), LangType.BOOLEAN, node)

    def apart(found: pl.Expr, period: str) -> pl.Expr:
        return compiler.apart(node.arguments[0], found, f"{table.name} {period}")

    if not codes.is_large(table):
        held = codes.in_force(value.expr, table, date, apart)
    else:
        row = _row_of(compiler, node, value.expr, table, date)
        unknown = date.is_null() & codes.among_all(value.expr, table)
        held = pl.when(value.expr.is_not_null() & ~unknown).then(row.is_not_null())
    return Value(_where_served(held, table, date), LangType.BOOLEAN, node)


def _where_served(held: pl.Expr, table: TableInfo, date: pl.Expr) -> pl.Expr:
    """Before the oldest edition and between two the answer is unknown, which no rule counts as a finding."""
    for first, last in table.gaps:
        held = pl.when(date.is_between(first, last)).then(pl.lit(None, pl.Boolean)).otherwise(held)
    return held if table.starts is None else pl.when(date >= pl.lit(table.starts)).then(held)


def _known_row(
    compiler: Compiler,
    node: Call,
    values: Sequence[Value],
    table: TableInfo,
    columns: tuple[str, ...],
    date: pl.Expr | None,
) -> Value:
    row = _related_row(compiler, node, values, table, columns, date)
    asked = every([value.expr.is_not_null() for value in values])
    if date is None:
        return Value(pl.when(asked).then(row.is_not_null()), LangType.BOOLEAN, node)
    held = pl.when(asked & ~(date.is_null() & row.is_not_null())).then(row.is_not_null())
    return Value(_where_served(held, table, date), LangType.BOOLEAN, node)


def _related_row(
    compiler: Compiler,
    node: Call,
    values: Sequence[Value],
    table: TableInfo,
    columns: tuple[str, ...],
    date: pl.Expr | None,
) -> pl.Expr:
    """Number of the row that a look-up by other than the code alone finds; null when there is none."""

    def found(asked: pl.Series) -> pl.Series:
        return rows_of(table, columns, asked.struct.unnest()).alias(asked.name)

    parts = [value.expr.alias(key_name(n)) for n, value in enumerate(values)]
    parts += [] if date is None else [date.alias(DAY)]
    row = pl.struct(parts).map_batches(found, return_dtype=pl.UInt32, is_elementwise=True)
    asked = ", ".join(render(value.node) for value in values)
    day = "" if date is None else f" on {render(node.arguments[-1])}"
    return compiler.shared(row, f"row of {table.name}({', '.join(columns)}): {asked}{day}")


def _lookup(compiler: Compiler, node: Call) -> Value:
    _, table, columns = table_of(compiler, node.arguments[1])
    values, columns = _keys(compiler, node, table, columns)
    date = on_date(compiler, node.arguments[3]) if len(node.arguments) > 3 else None
    column = node.arguments[2]
    assert isinstance(column, Text)
    if table is None:
        return Value(pl.lit(None), LangType.UNKNOWN, node)
    if column.value not in table.names():
        raise no_column(compiler, table, column.value, column)
    kind, series = table.column(column.value)
    if any(value.type is LangType.UNKNOWN for value in values) or not table.says(column.value):
        return Value(pl.lit(None, dtype=dtype_of(kind)), kind, node)
    if related(table, columns):
        row = _related_row(compiler, node, values, table, columns, date)
        row = row if date is None else pl.when(date.is_not_null()).then(row)
        return Value(pl.lit(series).gather(row), kind, node)
    (value,) = values
    if date is None or codes.is_timeless(table):
        return Value(codes.newest_of(value.expr, table, column.value, series), kind, node)
    if codes.is_large(table):
        return Value(pl.lit(series).gather(_row_of(compiler, node, value.expr, table, date)), kind, node)
    return Value(codes.of_the_day(value.expr, table, series, date), kind, node)


def _row_of(compiler: Compiler, node: Call, key: pl.Expr, table: TableInfo, date: pl.Expr) -> pl.Expr:
    """Number of the first row of a large table for a code on a date, shared by rules that ask the same."""
    asked, day = render(node.arguments[0]), render(node.arguments[-1])
    return compiler.shared(codes.row_of_the_day(key, table, date), f"row of {table.name}: {asked} on {day}")


def _served(compiler: Compiler, node: Call) -> Value:
    _, table, _ = table_of(compiler, node.arguments[0])
    date = on_date(compiler, node.arguments[1])
    held = pl.lit(None, pl.Boolean) if table is None else _where_served(pl.lit(True), table, date)
    return Value(held, LangType.BOOLEAN, node)


def _ends(compiler: Compiler, node: Call) -> Value:
    _, table, _ = table_of(compiler, node.arguments[0])
    return Value(pl.lit(table.ends if table is not None else None, pl.Date), LangType.DATE, node)


BUILDERS: Mapping[str, Callable[[Compiler, Call], Value]] = {
    "known": _known,
    "lookup": _lookup,
    "served": _served,
    "ends": _ends,
}
