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
    packs: list[pl.Series] = []
    bits: list[pl.Expr] = []
    for column, members in by_column.items():
        values, places = _coded(frame[column])
        decided = values.to_frame().with_columns(p.expr.alias(p.name) for p in members).drop(column)
        # Most conditions have one answer for all values of a part: no need to spread that over the rows.
        same = decided.select(pl.all().eq_missing(pl.all().first()).all()).row(0)
        flags: dict[bool, list[pl.Series]] = {True: [], False: []}
        for answer, constant in zip(decided.get_columns(), same, strict=True):
            if constant:
                answers.append(pl.lit(answer[0], pl.Boolean).alias(answer.name))
            elif not answer.null_count() or (answer.null_count() == 1 and answer[-1] is None):
                flags[answer.null_count() == 1].append(answer)
            else:
                answers.append(answer.gather(places))
        for nullable, found in flags.items():
            for start in range(0, len(found), _BITS):
                pack = _packed(found[start : start + _BITS], nullable).gather(places)
                packs.append(pack.alias(f"pack_{len(packs)}"))
                bits += [
                    ((pl.col(packs[-1].name) & (1 << bit)) != 0).alias(answer.name)
                    for bit, answer in enumerate(found[start : start + _BITS])
                ]
    return [*answers, *pl.DataFrame(packs).select(bits).get_columns()]


_BITS = 62


def _packed(answers: list[pl.Series], nullable: bool) -> pl.Series:
    """Up to 62 answers per value as bits of one number: spreading a number over the rows is cheaper
    than spreading 62 booleans. `nullable`: all of them are null for the value null, which is last."""
    total = pl.sum_horizontal(
        pl.lit(a).fill_null(False).cast(pl.Int64) * (1 << bit) for bit, a in enumerate(answers)
    )
    numbers = pl.select(total.alias("pack")).to_series()
    if not nullable:
        return numbers
    return numbers.scatter([len(numbers) - 1], None)


def _coded(column: pl.Series) -> tuple[pl.Series, pl.Series]:
    """The distinct values of a text column, null last if there is one, and each row's place among them."""
    codes = column.cast(pl.Categorical(pl.Categories.random()))
    distinct = codes.drop_nulls().unique()
    places = distinct.to_physical()
    values = distinct.cast(pl.String).gather(places.arg_sort()).alias(column.name)
    assert places.max() in (None, len(places) - 1)  # codes count up from 0 in categories of our own
    rows = codes.to_physical()
    if column.null_count():
        values = values.append(pl.Series([None], dtype=pl.String))
        rows = rows.fill_null(len(places))
    return values, rows


def _worth_coding(values: pl.Series, members: list[Predicate]) -> bool:
    if len(values) < _FEW_ROWS or len(members) <= _FEW_PREDICATES:
        return False
    return values.head(_SAMPLE).n_unique() <= _SAMPLE * _DISTINCT_SHARE
