"""Codes of a line that stand together in a row of a table: partner()."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import polars as pl

from claimsctl.validate.language.ast import Call, Name, Node, Pattern, Several
from claimsctl.validate.language.columns import expand
from claimsctl.validate.language.relations import DAY, anywhere, key_name, rows_of
from claimsctl.validate.language.tables import on_date, table_of
from claimsctl.validate.language.types import LangType, TableInfo
from claimsctl.validate.language.values import Value, dtype_of

if TYPE_CHECKING:
    from claimsctl.validate.language.compiler import Compiler

_ROW: Final = "row"
_PLACE: Final = "place"
_OTHER: Final = "other"


def _partner(compiler: Compiler, node: Call) -> Value:
    value = compiler.compile(node.arguments[0])
    name, table, columns = table_of(compiler, node.arguments[1])
    others = _others(compiler, node.arguments[2], node.arguments[0])
    date = on_date(compiler, node.arguments[3]) if len(node.arguments) > 3 else None
    if value.type not in (LangType.TEXT, LangType.UNKNOWN):
        raise compiler.error(f"partner needs a text, this is a {value.type.word}", node.arguments[0])
    if table is None or value.type is LangType.UNKNOWN or not others:
        return Value(pl.lit(None, dtype_of(LangType.TEXT)), LangType.TEXT, node)
    if columns and len(columns) != 2:
        raise compiler.error("partner looks into two columns of a table", node.arguments[1])
    pair = columns or table.names()[:2]
    if len(pair) < 2 or any(table.column(column)[0] is not LangType.TEXT for column in pair):
        raise compiler.error(f"table {name} has no two columns of codes", node.arguments[1])
    first, second = pair
    if table.valid_from is None and table.valid_to is None:
        date = None

    def found(cells: pl.Series) -> pl.Series:
        return _first_partner(cells.struct.unnest(), table, (first, second), len(others)).alias(cells.name)

    asked = _told(compiler, node.arguments[0], value.expr, table, first)
    parts = [asked.alias(key_name(0))]
    for n, other in enumerate(others):
        cells = pl.col(other)
        if not table.column(second)[1].has_nulls():  # an open second code stands beside any other
            cells = _told(compiler, Name(other), cells, table, second)
        parts.append(cells.alias(_column(n)))
    parts += [] if date is None else [date.alias(DAY)]
    text = pl.struct(parts).map_batches(found, return_dtype=pl.String, is_elementwise=True)
    return Value(text, LangType.TEXT, node)


def _column(number: int) -> str:
    return f"{_OTHER}{number}"


def _others(compiler: Compiler, node: Node, value: Node) -> Sequence[str]:
    """The columns to look into, without the one that the value itself stands in."""
    match node:
        case Several(items):
            names: Sequence[str] = [item.name for item in items if isinstance(item, Name)]
        case Pattern():
            names = expand(compiler, node, "partner")
        case Name():
            names = [node.name]
        case _:
            raise compiler.error("columns of partner are a pattern such as diagnosis_*", node)
    for name in names:
        kind = compiler.names.types.get(name)
        if kind is not LangType.TEXT:
            problem = f"there is no column {name}" if kind is None else f"{name} is a {kind.word}, not a text"
            raise compiler.error(problem, node)
    kept = [name for name in names if value != Name(name)]
    compiler.columns.update(kept)
    return kept


def _told(compiler: Compiler, node: Node, cells: pl.Expr, table: TableInfo, column: str) -> pl.Expr:
    """The cells without codes that the table does not have in the column at all: most of them. Where
    conditions on a column are decided once per distinct value, that costs next to nothing."""

    def has(asked: pl.Series) -> pl.Series:
        return anywhere(table, column, asked).alias(asked.name)

    has_code = cells.map_batches(has, return_dtype=pl.Boolean, is_elementwise=True)
    held = compiler.apart(node, has_code, f"anywhere in {table.name}({column})")
    return cells if held is has_code else pl.when(held).then(cells)


def _first_partner(frame: pl.DataFrame, table: TableInfo, pair: tuple[str, str], count: int) -> pl.Series:
    """Per row the first of the other codes that a row of the table has beside k0; null where none."""
    value, other = key_name(0), key_name(1)
    nothing = pl.repeat(None, frame.height, dtype=pl.String, eager=True)
    others = [_column(n) for n in range(count) if frame[_column(n)].null_count() < frame.height]
    rows = frame.with_row_index(_ROW).filter(pl.col(value).is_not_null()) if others else frame.clear()
    if rows.is_empty():
        return nothing
    kept = [_ROW, value, *([DAY] if DAY in rows.columns else [])]
    pairs = pl.concat(
        rows.select(*kept, pl.col(column).alias(other), pl.lit(n).alias(_PLACE)).drop_nulls(other)
        for n, column in enumerate(others)
    )
    together = rows_of(table, pair, pairs.drop(_ROW, _PLACE))
    best = pairs.filter(together.is_not_null()).sort(_ROW, _PLACE).unique(_ROW, keep="first")
    return nothing.scatter(best[_ROW], best[other])


BUILDERS: Mapping[str, Callable[[Compiler, Call], Value]] = {"partner": _partner}
