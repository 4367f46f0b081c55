"""Codes of a line that stand together in a row of a table: partner()."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import polars as pl

from claimsctl.validate.language.ast import Call, Name, Node, Pattern, Several
from claimsctl.validate.language.columns import expand
from claimsctl.validate.language.relations import DAY, key_name, rows_of
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

    parts = [value.expr.alias(key_name(0))]
    parts += [pl.col(other).alias(_column(n)) for n, other in enumerate(others)]
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


def _first_partner(frame: pl.DataFrame, table: TableInfo, pair: tuple[str, str], count: int) -> pl.Series:
    """Per row the first of the other codes that a row of the table has beside k0; null where none."""
    value = key_name(0)
    asked = frame.select(value).unique().drop_nulls()
    known = asked.filter(rows_of(table, pair[:1], asked).is_not_null())
    rows = frame.with_row_index(_ROW).join(known, on=value, how="semi")
    if rows.is_empty():
        return pl.repeat(None, frame.height, dtype=pl.String, eager=True)
    kept = [_ROW, value, *([DAY] if DAY in frame.columns else [])]
    pairs = pl.concat(
        rows.select(*kept, pl.col(_column(n)).alias(key_name(1)), pl.lit(n).alias(_PLACE))
        for n in range(count)
    ).drop_nulls(key_name(1))
    together = rows_of(table, pair, pairs.select(pl.all().exclude(_ROW, _PLACE)))
    best = (
        pairs.filter(together.is_not_null())
        .sort(_ROW, _PLACE)
        .unique(_ROW, keep="first", maintain_order=True)
        .select(_ROW, pl.col(key_name(1)).alias(_OTHER))
    )
    return (
        frame.with_row_index(_ROW).select(_ROW).join(best, on=_ROW, how="left", maintain_order="left")[_OTHER]
    )


BUILDERS: Mapping[str, Callable[[Compiler, Call], Value]] = {"partner": _partner}
