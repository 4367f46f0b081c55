"""Functions over lines near another one: overlapping spans, codes that belong together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import polars as pl

from claimsctl.validate.language.aggregates import Aggregate, AggregateKind, refuse_nesting
from claimsctl.validate.language.ast import Call, Node
from claimsctl.validate.language.groups import Scope, group_of
from claimsctl.validate.language.render import render
from claimsctl.validate.language.tables import on_date, table_of
from claimsctl.validate.language.types import LangType, TableInfo
from claimsctl.validate.language.values import WHOLE_DIGITS, Value

if TYPE_CHECKING:
    from claimsctl.validate.language.compiler import Compiler


def _span_in(compiler: Compiler, node: Call, kind: AggregateKind) -> Value:
    """Start and end of spans, then perhaps a condition on the lines that count."""
    refuse_nesting(compiler, node)
    group = group_of(compiler, node.arguments[0])
    inside = compiler.inner()
    values = [inside.compile(part) for part in node.arguments[1:3]]
    for value in values:
        _refuse_unordered(compiler, node, value, values[0])
    condition = node.arguments[3] if len(node.arguments) > 3 else None
    counts = None if condition is None else inside.boolean(condition).expr
    made = _made(compiler, inside, node, kind, group, counts, [value.expr for value in values], None)
    return Value(pl.col(made.name), LangType.INTEGER, node, WHOLE_DIGITS)


def _refuse_unordered(compiler: Compiler, node: Call, value: Value, first: Value) -> None:
    if value.type not in (LangType.DATE, LangType.TIME, LangType.INTEGER, LangType.UNKNOWN):
        raise compiler.error(
            f"{node.function} needs dates, times or whole numbers, this is a {value.type.word}", value.node
        )
    if value.type is not first.type:
        raise compiler.error(
            f"{node.function} needs values of one type: {first.type.word} and {value.type.word}", value.node
        )


def _paired_in(compiler: Compiler, node: Call) -> Value:
    refuse_nesting(compiler, node)
    group = group_of(compiler, node.arguments[0])
    inside = compiler.inner()
    value = inside.compile(node.arguments[1])
    if value.type not in (LangType.TEXT, LangType.UNKNOWN):
        raise compiler.error(f"paired_in needs a text, this is a {value.type.word}", node.arguments[1])
    _, table, columns = table_of(inside, node.arguments[2])
    parts = [value.expr]
    if len(node.arguments) > 3:
        parts.append(on_date(inside, node.arguments[3]))
    pair = None if table is None else _pair(compiler, node.arguments[2], table, columns)
    if pair is None or value.type is LangType.UNKNOWN:
        return Value(pl.lit(None, pl.Boolean), LangType.BOOLEAN, node)
    made = _made(compiler, inside, node, "paired", group, None, parts, pair)
    return Value(pl.col(made.name), LangType.BOOLEAN, node)


def _pair(
    compiler: Compiler, node: Node, table: TableInfo, columns: tuple[str, ...]
) -> tuple[TableInfo, tuple[str, str]]:
    pair = columns or table.names()[:2]
    if len(pair) != 2 or any(table.column(column)[0] is not LangType.TEXT for column in pair):
        raise compiler.error(f"table {table.name} has no two columns of codes to look into", node)
    return table, (pair[0], pair[1])


def _made(
    compiler: Compiler,
    inside: Compiler,
    node: Call,
    kind: AggregateKind,
    group: tuple[str, ...],
    counts: pl.Expr | None,
    parts: list[pl.Expr],
    pair: tuple[TableInfo, tuple[str, str]] | None,
) -> Aggregate:
    keys = Scope(group).node("run")
    made = Aggregate(
        kind,
        group,
        counts,
        render(Call(node.function, (keys, *node.arguments[1:]))),
        frozenset(inside.columns) | frozenset(group),
        frozenset(inside.tables_used),
        LangType.BOOLEAN if kind == "paired" else LangType.INTEGER,
        frozenset((inside.predicates or {}).values()),
        tuple(parts),
        pair=pair,
    )
    return compiler.aggregates.setdefault(made.text, made)


BUILDERS: Mapping[str, Callable[[Compiler, Call], Value]] = {
    "overlapping_in": lambda compiler, node: _span_in(compiler, node, "overlapping"),
    "at_once_in": lambda compiler, node: _span_in(compiler, node, "at_once"),
    "paired_in": _paired_in,
}
