"""Conditions on one text column, kept apart so that they are decided once per distinct value.

A claims file repeats few codes many times: `procedure_code in (...)` costs a look at every row as text,
but next to nothing on the few hundred codes that occur. The engine encodes the column once, decides
each predicate on its distinct values, and spreads the answers; what is left of a rule is logic on
booleans.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from claimsctl.validate.language.ast import Call, IsNull, Name, Node, Not, Pattern, Truth, walk
from claimsctl.validate.language.render import render
from claimsctl.validate.language.types import LangType, Names

if TYPE_CHECKING:
    from claimsctl.validate.language.compiler import Compiler
    from claimsctl.validate.language.values import Value

_FEW_ROWS = 2_000
_FEW_PREDICATES = 1
_SAMPLE = 2_000
_DISTINCT_SHARE = 0.5


@dataclass(frozen=True)
class Predicate:
    """A condition that reads the one text column `column`; equal when `name` is."""

    name: str
    column: str = field(compare=False)
    expr: pl.Expr = field(compare=False, repr=False)


def reads_one_text(node: Node, names: Names) -> bool:
    """Whether a condition names one text column only; cheap, before anything is compiled."""
    found: str | None = None
    for part in walk(node):
        match part:
            case Name(name) if found is None or found == name:
                found = name
            case Name() | Pattern():
                return False
            case Call(function) if function in _SEVERAL_COLUMNS:
                return False
    return found is not None and (found.endswith(":text") or _has_text(found, names))


_SEVERAL_COLUMNS = frozenset(
    {"has_modifier", "any_in", "any_other_in", "count_in", "sum_in", "distinct_in", "min_in", "max_in"}
)


def _has_text(name: str, names: Names) -> bool:
    # text(column) and unreadable(column) read the text of a column of any type
    return names.types.get(name) is LangType.TEXT or name in names.columns


def predicate_of(compiler: Compiler, node: Node, value: Value, columns: set[str]) -> Predicate | None:
    """The predicate a compiled condition is, None where it reads other than one text column.

    Null tests stay where they are: they are cheap as they stand.
    """
    if len(columns) != 1 or isinstance(node, Truth | Name | IsNull):
        return None
    if isinstance(node, Not) and isinstance(node.operand, IsNull | Name):
        return None
    (column,) = columns
    if ":" not in column and compiler.names.types.get(column) is not LangType.TEXT:
        return None
    return named_predicate(column, value.expr, render(node))


def named_predicate(column: str, expr: pl.Expr, text: str) -> Predicate:
    """A predicate named by its text, so that equal conditions of several rules are one."""
    name = "is_" + hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
    return Predicate(name, column, expr)


def with_predicates(frame: pl.DataFrame, predicates: Iterable[Predicate]) -> pl.DataFrame:
    """The frame with one boolean column per predicate."""
    by_column: dict[str, list[Predicate]] = {}
    for predicate in sorted(set(predicates), key=lambda p: p.name):
        by_column.setdefault(predicate.column, []).append(predicate)
    coded = [column for column, members in by_column.items() if _worth_coding(frame[column], members)]
    directly = [p.expr.alias(p.name) for c, members in by_column.items() if c not in coded for p in members]
    if directly:
        small = frame.height < _FEW_ROWS  # planning costs more than it saves
        frame = frame.with_columns(directly) if small else frame.lazy().with_columns(directly).collect()
    return frame.with_columns(_answers(frame, {column: by_column[column] for column in coded}))


def _answers(frame: pl.DataFrame, by_column: dict[str, list[Predicate]]) -> list[pl.Series | pl.Expr]:
    """Predicates decided on the distinct values of their columns, and joined to the rows."""
    answers: list[pl.Series | pl.Expr] = []
    for column, members in by_column.items():
        values = frame.select(pl.col(column).unique())
        decided = values.select(p.expr.alias(p.name) for p in members)
        if decided.height != values.height:  # literals alone do not take the height of the frame
            decided = values.with_columns(p.expr.alias(p.name) for p in members).drop(column)
        # Most conditions have one answer for all values of a part: no need to join that to the rows.
        first = decided.row(0)
        same = decided.select(pl.all().eq_missing(pl.all().first()).all()).row(0)
        varied = []
        for name, answer, constant in zip(decided.columns, first, same, strict=True):
            if constant:
                answers.append(pl.lit(answer, pl.Boolean).alias(name))
            else:
                varied.append(name)
        if varied:
            table = decided.select(varied).with_columns(values[column])
            joined = frame.select(column).join(
                table, on=column, how="left", nulls_equal=True, maintain_order="left"
            )
            answers += joined.drop(column).get_columns()
    return answers


def _worth_coding(values: pl.Series, members: list[Predicate]) -> bool:
    if len(values) < _FEW_ROWS or len(members) <= _FEW_PREDICATES:
        return False
    return values.head(_SAMPLE).n_unique() <= _SAMPLE * _DISTINCT_SHARE
