"""Functions over several columns of a line, and over columns as they stand in the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import polars as pl

from claimsctl.validate.language.ast import (
    And,
    Between,
    Call,
    Comparison,
    In,
    IsNull,
    Like,
    Name,
    Node,
    Or,
    Pattern,
    Several,
    Text,
)
from claimsctl.validate.language.places import stand_in
from claimsctl.validate.language.types import LangType, did_you_mean, text_column
from claimsctl.validate.language.unknown import unknown_name
from claimsctl.validate.language.values import Value, every, some

if TYPE_CHECKING:
    from claimsctl.validate.language.compiler import Compiler

_MODIFIERS = ("modifier_1", "modifier_2", "modifier_3", "modifier_4")


def _has_modifier(compiler: Compiler, node: Call) -> Value:
    codes = tuple(argument for argument in node.arguments if isinstance(argument, Text))
    present = [name for name in _MODIFIERS if name in compiler.names.types]
    terms = tuple(In(Name(name), codes) for name in present)
    compiler.spell(node, Or(terms))
    return Value(
        some([compiler.boolean(term).expr for term in terms]).fill_null(False), LangType.BOOLEAN, node
    )


def expand(compiler: Compiler, node: Node, function: str) -> tuple[str, ...]:
    """The columns a pattern stands for."""
    if not isinstance(node, Pattern):
        raise compiler.error(f"columns of {function} is a pattern such as diagnosis_*", node)
    found = compiler.names.expand(node.pattern)
    if not found:
        hint = did_you_mean(node.pattern, compiler.names.patterns())
        raise compiler.error(f"no columns match {node.pattern}", node,
                      hint or f"patterns are {', '.join(compiler.names.patterns())}")  # fmt: skip
    return found


def _needs_it(node: Node) -> bool:
    """True when the condition can only be true for an `it` that is not null."""
    match node:
        case Comparison(operands):
            return Name("it") in operands
        case Between(operand) | In(operand) | Like(operand):
            return operand == Name("it")
        case And(terms):
            return any(_needs_it(term) for term in terms)
        case Or(terms):
            return all(_needs_it(term) for term in terms)
        case Call("known" | "matches" | "starts_with" | "ends_with" | "contains" | "valid_npi", arguments):
            first = arguments[0] if arguments else None
            return Name("it") in (first.items if isinstance(first, Several) else (first,))
        case _:
            return False


def _met(compiler: Compiler, node: Call) -> tuple[list[Node], list[pl.Expr]]:
    """Per column of the pattern: what must hold, and where it does; false or null where it does not."""
    condition = node.arguments[1] if len(node.arguments) > 1 else None
    terms, met = list[Node](), list[pl.Expr]()
    for column in expand(compiler, node.arguments[0], node.function):
        compiler.columns.add(column)
        filled = pl.col(column).is_not_null()
        if condition is None:
            terms.append(IsNull(Name(column), negated=True))
            met.append(filled)
            continue
        terms.append(stand_in(condition, "it", column))
        held = compiler.boolean(terms[-1]).expr
        met.append(held if _needs_it(condition) else held & filled)
    return terms, met


def _any_of(compiler: Compiler, node: Call) -> Value:
    terms, met = _met(compiler, node)
    compiler.spell(node, Or(tuple(terms)))
    return Value(some(met).fill_null(False), LangType.BOOLEAN, node)


def _count_of(compiler: Compiler, node: Call) -> Value:
    return Value(pl.sum_horizontal(_met(compiler, node)[1]).cast(pl.Int64), LangType.INTEGER, node, 2)


def _all_of(compiler: Compiler, node: Call) -> Value:
    parts = []
    for column in expand(compiler, node.arguments[0], node.function):
        compiler.columns.add(column)
        held = compiler.boolean(stand_in(node.arguments[1], "it", column)).expr
        parts.append(pl.col(column).is_null() | held)
    return Value(every(parts), LangType.BOOLEAN, node)


def distinct_of(compiler: Compiler, node: Call) -> Value:
    """The number of different values of several columns."""
    found = expand(compiler, node.arguments[0], node.function)
    kinds = {compiler.names.types[column].word for column in found}
    if len(kinds) > 1:
        raise compiler.error(
            f"the columns of distinct_of are of different types: {', '.join(sorted(kinds))}",
            node.arguments[0],
        )
    compiler.columns.update(found)
    first_seen = [pl.col(found[0]).is_not_null()]
    for index, column in enumerate(found[1:], 1):
        repeats = some([pl.col(column) == pl.col(earlier) for earlier in found[:index]]).fill_null(False)
        first_seen.append(pl.col(column).is_not_null() & ~repeats)
    return Value(pl.sum_horizontal(first_seen).cast(pl.Int64), LangType.INTEGER, node, 2)


def _file_column(compiler: Compiler, node: Call) -> str:
    argument = node.arguments[0]
    if not isinstance(argument, Name):
        raise compiler.error(f"{node.function} takes a column of the file", argument)
    if argument.name not in compiler.names.types:
        raise unknown_name(compiler, argument)
    if argument.name not in compiler.names.columns:
        raise compiler.error(f"{argument.name} is a fact, not a column of the file", argument)
    return argument.name


def _read(compiler: Compiler, column: str) -> pl.Expr:
    compiler.columns.add(column)
    return pl.col(column)


def _given(compiler: Compiler, node: Call) -> Value:
    column = _file_column(compiler, node)
    plain = compiler.names.types[column] is LangType.TEXT
    expr = _read(compiler, column if plain else text_column(column)).is_not_null()
    return Value(expr, LangType.BOOLEAN, node)


def _unreadable(compiler: Compiler, node: Call) -> Value:
    column = _file_column(compiler, node)
    if compiler.names.types[column] is LangType.TEXT:
        raise compiler.error(f"{column} is text, which is always readable", node.arguments[0],
                      "unreadable() is for dates, times and numbers")  # fmt: skip
    original = _read(compiler, text_column(column))
    return Value(original.is_not_null() & _read(compiler, column).is_null(), LangType.BOOLEAN, node)


def _text(compiler: Compiler, node: Call) -> Value:
    column = _file_column(compiler, node)
    same = compiler.names.types[column] is LangType.TEXT and column not in compiler.names.rewritten
    return Value(_read(compiler, column if same else text_column(column)), LangType.TEXT, node)


def _misplaced(compiler: Compiler, node: Call) -> Value:
    hint = {
        "beside": "it stands in conditions on `it`, and where `value` is a numbered column",
        "before": "write it as the columns of partner, where `it` or `value` is a numbered column",
    }
    raise compiler.error(f"{node.function} has no meaning here", node, hint[node.function])


BUILDERS: Mapping[str, Callable[[Compiler, Call], Value]] = {
    "has_modifier": _has_modifier,
    "any_of": _any_of,
    "all_of": _all_of,
    "count_of": _count_of,
    "distinct_of": distinct_of,
    "given": _given,
    "unreadable": _unreadable,
    "text": _text,
    "beside": _misplaced,
    "before": _misplaced,
}
