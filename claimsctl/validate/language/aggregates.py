"""Functions over other lines: each becomes a column the engine computes once per group."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import polars as pl

from claimsctl.validate.language.ast import Call, Node, Pattern
from claimsctl.validate.language.columns import distinct_of, expand
from claimsctl.validate.language.functions import FUNCTIONS
from claimsctl.validate.language.groups import DAY, Scope, Source, group_of, scope_of
from claimsctl.validate.language.predicates import Predicate
from claimsctl.validate.language.render import render
from claimsctl.validate.language.types import LangType, TableInfo
from claimsctl.validate.language.unknown import require_stored
from claimsctl.validate.language.values import COLUMN_DIGITS, SUM_DIGITS, WHOLE_DIGITS, Value, summable

if TYPE_CHECKING:
    from claimsctl.validate.language.compiler import Compiler

AggregateKind = Literal[
    "count", "sum", "distinct", "several", "min", "max", "overlapping", "at_once", "paired"
]
SPAN_KINDS: frozenset[AggregateKind] = frozenset({"overlapping", "at_once"})


@dataclass(frozen=True)
class Aggregate:
    """A value computed over the lines of `source` that share `group` (key columns, sorted) with a line and
    stand in its `window` (see groups.Scope), and given to that line.

    `count`: lines where `inner` (boolean, None for every line) is true; null does not count. `sum`,
    `min`, `max`: of `inner`, nulls left out, null when nothing is left. `distinct`: number of
    different values that are not null. `several`: of all `parts` together; `own` is what the line alone
    has. Spans (`SPAN_KINDS`): as `spans.span_column` says, of `parts`, where `inner` is true. `paired`: of
    `parts`, the code and perhaps a day, in `pair`. Null for lines where a key is null. Equal when `text` is.
    """

    kind: AggregateKind = field(compare=False)
    group: tuple[str, ...] = field(compare=False)
    inner: pl.Expr | None = field(compare=False, repr=False)
    text: str
    columns: frozenset[str] = field(compare=False)
    tables: frozenset[str] = field(compare=False)
    result_type: LangType = field(compare=False)
    predicates: frozenset[Predicate] = field(default=frozenset(), compare=False, repr=False)
    parts: tuple[pl.Expr, ...] = field(default=(), compare=False, repr=False)
    own: pl.Expr | None = field(default=None, compare=False, repr=False)
    pair: tuple[TableInfo, tuple[str, str]] | None = field(default=None, compare=False, repr=False)
    source: Source = field(default="run", compare=False)
    window: tuple[int, int] | None = field(default=None, compare=False)

    @cached_property
    def name(self) -> str:
        """Stable column name, from the text alone."""
        return "agg_" + hashlib.blake2b(self.text.encode(), digest_size=8).hexdigest()

    def part(self, number: int) -> str:
        """Column of one of the parts."""
        return f"{self.name}__{number}"


def _aggregate(
    compiler: Compiler, node: Call, kind: AggregateKind, compile_inner: Callable[[Compiler, Node], Value]
) -> tuple[Sequence[Aggregate], Value | None]:
    """One aggregate per source of lines, that of the run first."""
    refuse_nesting(compiler, node)
    scope = scope_of(compiler, node.arguments[0])
    inside = compiler.inner()
    value = compile_inner(inside, node.arguments[1]) if len(node.arguments) > 1 else None
    if value is not None and value.type is LangType.DURATION:
        raise compiler.error("a duration stands only after a date and + or -", value.node)
    if "history" in scope.sources:
        for column in sorted(inside.columns):
            require_stored(compiler, column, node.arguments[1])
        compiler.needs_history |= scope.sources == ("history",)
    result = LangType.INTEGER if kind in ("count", "distinct") or value is None else value.type
    made = [
        Aggregate(
            kind,
            scope.keys,
            None if value is None else value.expr,
            render(Call(f"{kind}_in", (scope.node(source), *node.arguments[1:]))),
            frozenset(inside.columns) | frozenset(scope.keys) | ({DAY} if scope.window else frozenset()),
            frozenset(inside.tables_used),
            result,
            frozenset((inside.predicates or {}).values()),
            source=source,
            window=scope.window,
        )
        for source in scope.sources
    ]
    return [compiler.aggregates.setdefault(each.text, each) for each in made], value


def _total(found: Sequence[Aggregate]) -> pl.Expr:
    """The value over all sources. Earlier runs that are not read add nothing; a null key gives null."""
    run, *earlier = (pl.col(each.name) for each in found)
    if not earlier:
        return run
    if found[0].kind in ("count", "sum"):
        return run + earlier[0].fill_null(0)
    return (pl.min_horizontal if found[0].kind == "min" else pl.max_horizontal)(run, *earlier)


def refuse_nesting(compiler: Compiler, node: Call) -> None:
    """An error where a function over lines stands inside another one."""
    if compiler.inside_aggregate:
        raise compiler.error(
            f"{node.function} cannot stand inside another function over groups of lines", node
        )


def _condition(compiler: Compiler, node: Node) -> Value:
    return compiler.boolean(node)


def _any_in(compiler: Compiler, node: Call) -> Value:
    found, _ = _aggregate(compiler, node, "count", _condition)
    return Value(_total(found) > 0, LangType.BOOLEAN, node)


def _any_other_in(compiler: Compiler, node: Call) -> Value:
    found, _ = _aggregate(compiler, node, "count", _condition)
    if found[0].source == "history":
        return Value(_total(found) > 0, LangType.BOOLEAN, node)
    here = compiler.boolean(node.arguments[1]).expr.fill_null(False)
    return Value(_total(found) > here.cast(pl.Int64), LangType.BOOLEAN, node)


def _count_in(compiler: Compiler, node: Call) -> Value:
    found, _ = _aggregate(compiler, node, "count", _condition)
    return Value(_total(found), LangType.INTEGER, node, WHOLE_DIGITS)


def _summand(compiler: Compiler, node: Node) -> Value:
    value = compiler.number(node, "sum_in")
    return Value(summable(value), value.type, node, value.digits)


def _sum_in(compiler: Compiler, node: Call) -> Value:
    found, _ = _aggregate(compiler, node, "sum", _summand)
    digits = WHOLE_DIGITS if found[0].result_type is LangType.INTEGER else SUM_DIGITS + 8
    return Value(_total(found), found[0].result_type, node, digits)


def _plain(compiler: Compiler, node: Call, kind: AggregateKind) -> Value:
    found, value = _aggregate(compiler, node, kind, lambda inside, part: inside.compile(part))
    assert value is not None
    if kind == "distinct" and len(found) > 1:
        apart = "write distinct_in(by(...), ...) and distinct_in(history(...), ...)"
        raise compiler.error("distinct_in does not take with_history", node.arguments[0], apart)
    if value.type in (LangType.NULL, LangType.BOOLEAN) and kind != "distinct":
        hint = "any_in(group, condition) looks for a line" if value.type is LangType.BOOLEAN else None
        raise compiler.error(f"{node.function} needs a text, number, date or time", node.arguments[1], hint)
    # A literal has few digits, but the answer is a column like any other.
    digits = WHOLE_DIGITS if kind == "distinct" else max(value.digits, COLUMN_DIGITS)
    return Value(_total(found), found[0].result_type, node, digits)


def _distinct_in(compiler: Compiler, node: Call) -> Value:
    if not isinstance(node.arguments[1], Pattern):
        return _plain(compiler, node, "distinct")
    refuse_nesting(compiler, node)
    group = group_of(compiler, node.arguments[0])
    found = expand(compiler, node.arguments[1], "distinct_in")
    inside = compiler.inner()
    own = distinct_of(inside, Call("distinct_of", (node.arguments[1],), pos=node.pos)).expr
    keys = Scope(group).node("run")
    made = Aggregate(
        "several", group, pl.struct(list(found)), render(Call("distinct_in", (keys, node.arguments[1]))),
        frozenset(found) | frozenset(group), frozenset(), LangType.INTEGER,
        parts=tuple(pl.col(name) for name in found), own=own,
    )  # fmt: skip
    made = compiler.aggregates.setdefault(made.text, made)
    return Value(pl.col(made.name), LangType.INTEGER, node, WHOLE_DIGITS)


BUILDERS: Mapping[str, Callable[[Compiler, Call], Value]] = {
    "any_in": _any_in,
    "any_other_in": _any_other_in,
    "count_in": _count_in,
    "sum_in": _sum_in,
    "distinct_in": _distinct_in,
    "min_in": lambda compiler, node: _plain(compiler, node, "min"),
    "max_in": lambda compiler, node: _plain(compiler, node, "max"),
}
assert set(BUILDERS) <= set(FUNCTIONS)
