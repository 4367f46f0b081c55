"""Functions over other lines of the run: each becomes a column the engine computes once per group."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import polars as pl

from claimsctl.validate.language.ast import Call, Name, Node, Pattern
from claimsctl.validate.language.columns import distinct_of, expand
from claimsctl.validate.language.functions import FUNCTIONS, GROUPS
from claimsctl.validate.language.predicates import Predicate
from claimsctl.validate.language.render import render
from claimsctl.validate.language.types import LangType, TableInfo, did_you_mean
from claimsctl.validate.language.values import COLUMN_DIGITS, SUM_DIGITS, WHOLE_DIGITS, Value, summable

if TYPE_CHECKING:
    from claimsctl.validate.language.compiler import Compiler

AggregateKind = Literal[
    "count", "sum", "distinct", "several", "min", "max", "overlapping", "at_once", "between", "paired"
]
SPAN_KINDS: frozenset[AggregateKind] = frozenset({"overlapping", "at_once", "between"})


@dataclass(frozen=True)
class Aggregate:
    """A value computed over the lines that share `group` (key columns, sorted) and given to each of them.

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

    @property
    def name(self) -> str:
        """Stable column name, from the text alone."""
        return "agg_" + hashlib.blake2b(self.text.encode(), digest_size=8).hexdigest()

    def part(self, number: int) -> str:
        """Column of one of the parts."""
        return f"{self.name}__{number}"


def group_of(compiler: Compiler, node: Node) -> tuple[str, ...]:
    """The columns whose values the lines of a group share, sorted."""
    if isinstance(node, Call) and node.function == "by":
        if not node.arguments:
            raise compiler.error("by needs at least one column", node, "write by(claim_id, procedure_code)")
        keys = []
        for argument in node.arguments:
            if not isinstance(argument, Name):
                raise compiler.error("by takes columns and facts only", argument)
            if argument.name not in compiler.names.types:
                raise compiler.unknown_name(argument)
            keys.append(argument.name)
        return tuple(sorted(set(keys)))
    if isinstance(node, Name) and node.name in GROUPS:
        for key in GROUPS[node.name]:
            if key not in compiler.names.types:
                raise compiler.error(f"the group {node.name} needs {key}, which does not exist here", node)
        return tuple(sorted(GROUPS[node.name]))
    hint = f"groups are {', '.join(GROUPS)} and by(column, ...)"
    if isinstance(node, Name):
        if node.name in compiler.names.types:
            hint = f"write by({node.name})"
        else:
            hint = did_you_mean(node.name, GROUPS) or hint
    raise compiler.error("a group of lines is needed here", node, hint)


def _aggregate(
    compiler: Compiler, node: Call, kind: AggregateKind, compile_inner: Callable[[Compiler, Node], Value]
) -> tuple[Aggregate, Value | None]:
    refuse_nesting(compiler, node)
    group = group_of(compiler, node.arguments[0])
    inside = compiler.inner()
    value = compile_inner(inside, node.arguments[1]) if len(node.arguments) > 1 else None
    if value is not None and value.type is LangType.DURATION:
        raise compiler.error("a duration stands only after a date and + or -", value.node)
    keys = Call("by", tuple(Name(key) for key in group))
    canonical = Call(f"{kind}_in", (keys, *node.arguments[1:]))
    result = LangType.INTEGER if kind in ("count", "distinct") or value is None else value.type
    made = Aggregate(
        kind,
        group,
        None if value is None else value.expr,
        render(canonical),
        frozenset(inside.columns) | frozenset(group),
        frozenset(inside.tables_used),
        result,
        frozenset((inside.predicates or {}).values()),
    )
    return compiler.aggregates.setdefault(made.text, made), value


def refuse_nesting(compiler: Compiler, node: Call) -> None:
    """An error where a function over lines stands inside another one."""
    if compiler.inside_aggregate:
        raise compiler.error(
            f"{node.function} cannot stand inside another function over groups of lines", node
        )


def _condition(compiler: Compiler, node: Node) -> Value:
    return compiler.boolean(node)


def _any_in(compiler: Compiler, node: Call) -> Value:
    aggregate, _ = _aggregate(compiler, node, "count", _condition)
    return Value(pl.col(aggregate.name) > 0, LangType.BOOLEAN, node)


def _any_other_in(compiler: Compiler, node: Call) -> Value:
    aggregate, _ = _aggregate(compiler, node, "count", _condition)
    here = compiler.boolean(node.arguments[1]).expr.fill_null(False)
    return Value(pl.col(aggregate.name) > here.cast(pl.Int64), LangType.BOOLEAN, node)


def _count_in(compiler: Compiler, node: Call) -> Value:
    aggregate, _ = _aggregate(compiler, node, "count", _condition)
    return Value(pl.col(aggregate.name), LangType.INTEGER, node, WHOLE_DIGITS)


def _summand(compiler: Compiler, node: Node) -> Value:
    value = compiler.number(node, "sum_in")
    return Value(summable(value), value.type, node, value.digits)


def _sum_in(compiler: Compiler, node: Call) -> Value:
    aggregate, _ = _aggregate(compiler, node, "sum", _summand)
    digits = WHOLE_DIGITS if aggregate.result_type is LangType.INTEGER else SUM_DIGITS + 8
    return Value(pl.col(aggregate.name), aggregate.result_type, node, digits)


def _plain(compiler: Compiler, node: Call, kind: AggregateKind) -> Value:
    aggregate, value = _aggregate(compiler, node, kind, lambda inside, part: inside.compile(part))
    assert value is not None
    if value.type in (LangType.NULL, LangType.BOOLEAN) and kind != "distinct":
        hint = "any_in(group, condition) looks for a line" if value.type is LangType.BOOLEAN else None
        raise compiler.error(f"{node.function} needs a text, number, date or time", node.arguments[1], hint)
    # A literal has few digits, but the answer is a column like any other.
    digits = WHOLE_DIGITS if kind == "distinct" else max(value.digits, COLUMN_DIGITS)
    return Value(pl.col(aggregate.name), aggregate.result_type, node, digits)


def _distinct_in(compiler: Compiler, node: Call) -> Value:
    if not isinstance(node.arguments[1], Pattern):
        return _plain(compiler, node, "distinct")
    refuse_nesting(compiler, node)
    group = group_of(compiler, node.arguments[0])
    found = expand(compiler, node.arguments[1], "distinct_in")
    inside = compiler.inner()
    own = distinct_of(inside, Call("distinct_of", (node.arguments[1],), pos=node.pos)).expr
    keys = Call("by", tuple(Name(key) for key in group))
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
