"""Comparison, between, in, like and arithmetic."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from claimsctl.validate.language import coderange
from claimsctl.validate.language.ast import (
    Arithmetic,
    Between,
    Comparison,
    Date,
    Duration,
    In,
    Like,
    Name,
    Node,
    Null,
    Number,
    Range,
    Text,
    Time,
)
from claimsctl.validate.language.types import LangType
from claimsctl.validate.language.values import Value, aligned, calculate, every, some

if TYPE_CHECKING:
    from claimsctl.validate.language.compiler import Compiler

_UNKNOWN = pl.lit(None, dtype=pl.Boolean)


def comparison(compiler: Compiler, node: Comparison) -> pl.Expr:
    """`a < b`, or every link of a chain."""
    values = [compiler.compile(operand) for operand in node.operands]
    links = zip(values, node.operators, values[1:], strict=False)
    return every([compared(compiler, left, operator, right, node) for left, operator, right in links])


def compared(compiler: Compiler, left: Value, operator: str, right: Value, node: Node) -> pl.Expr:
    """One comparison of two values of one type."""
    check_comparable(compiler, left, right, node, operator)
    if LangType.UNKNOWN in (left.type, right.type):
        return _UNKNOWN
    a, b = aligned(left, right)
    match operator:
        case "=":
            return a == b
        case "<>":
            return a != b
        case "<":
            return a < b
        case "<=":
            return a <= b
        case ">":
            return a > b
        case _:
            return a >= b


def check_comparable(compiler: Compiler, left: Value, right: Value, node: Node, operator: str) -> None:
    """Raise an error that explains why two values cannot be compared."""
    for side, other in ((right, left), (left, right)):
        if side.type is LangType.NULL:
            wanted = "is not null" if operator == "<>" else "is null"
            raise compiler.error("a comparison with null is never true", side.node, f"write {wanted}")
        if side.type is LangType.DURATION:
            hint = _days_hint(side.node) if other.type.is_number else None
            raise compiler.error("a duration stands only after a date and + or -", side.node, hint)
    if LangType.UNKNOWN in (left.type, right.type):
        return
    if left.type.word != right.type.word:
        culprit, other = (left, right) if left.constant and not right.constant else (right, left)
        raise compiler.error(
            f"cannot compare {_described(left)} with {_described(right)}",
            culprit.node,
            _repair(culprit, other),
        )
    if left.type is LangType.BOOLEAN and operator not in ("=", "<>", "in"):
        raise compiler.error("conditions have no order", node, "only = and <> compare them")


def _days_hint(node: Node) -> str:
    days = f": write {node.amount}" if isinstance(node, Duration) and node.unit == "days" else ""
    return f"the difference of two dates is a number of days{days}"


def _described(value: Value) -> str:
    name = f" {value.node.name}" if isinstance(value.node, Name) else ""
    return f"the {value.type.word}{name}" if name else f"a {value.type.word}"


def _repair(culprit: Value, other: Value) -> str | None:
    match culprit.node, other.type:
        case Number(number), LangType.TEXT:
            return f"write '{number}'"
        case Text(text), LangType.DATE:
            return (
                f"write date '{text}'"
                if re.fullmatch(r"\d{4}-\d\d-\d\d", text)
                else "write date '2026-01-31'"
            )
        case Text(_), LangType.TIME:
            return "write time '08:30'"
        case Text(text), kind if kind.is_number and re.fullmatch(r"-?\d+(\.\d+)?", text):
            return f"write {text}"
        case ((Date() | Time()), LangType.TEXT):
            return "write it as a text in single quotes"
    if {culprit.type.word, other.type.word} == {"text", "number"}:
        return "number(...) reads a text as a number"
    return None


def between(compiler: Compiler, node: Between) -> pl.Expr:
    """`x between low and high`; null when it depends on a null."""
    value, low, high = (compiler.compile(part) for part in (node.operand, node.low, node.high))
    held = compared(compiler, value, ">=", low, node) & compared(compiler, value, "<=", high, node)
    return ~held if node.negated else held


def membership(compiler: Compiler, node: In) -> pl.Expr:
    """`x in (...)` as SQL: with a null in the list the answer is true or null, never false."""
    value = compiler.compile(node.operand)
    if value.type in (LangType.NULL, LangType.DURATION):
        raise compiler.error(f"in needs a value on its left, this is a {value.type.word}", value.node)
    found: list[pl.Expr] = []
    literals: list[object] = []
    for item in node.items:
        if isinstance(item, Null):
            found.append(_UNKNOWN)
        elif isinstance(item, Text) and value.type is LangType.TEXT:  # most items: nothing to compile
            literals.append(item.value)
        elif isinstance(item, Range):
            codes = _listed(compiler, value, item)
            if codes is None:
                found.append(_within(compiler, value, item))
            else:
                literals += codes
        else:
            member = compiler.compile(item)
            check_comparable(compiler, value, member, node, "in")
            literal = _literal(member, value)
            if literal is None:
                found.append(compared(compiler, value, "=", member, node))
            else:
                literals.append(literal)
    if value.type is LangType.UNKNOWN:
        return _UNKNOWN
    if literals:
        found.append(is_one_of(value.expr, literals))
    held = some(found)
    return ~held if node.negated else held


def is_one_of(value: pl.Expr, literals: Sequence[object]) -> pl.Expr:
    """Whether the value equals one of the literals (texts, whole numbers, dates or times of its type)."""
    different = list(dict.fromkeys(literals))
    if len(different) <= 2:
        return some([value == pl.lit(literal) for literal in different])
    return value.is_in(different)


def _literal(member: Value, value: Value) -> object | None:
    """The Python value of a list item that a hash look-up can find, else None."""
    match member.node, value.type:
        case ((Text(literal) | Date(literal) | Time(literal)), _):
            return literal
        case Number(number), LangType.INTEGER if member.type is LangType.INTEGER:
            return int(number)
        case _:
            return None


def _listed(compiler: Compiler, value: Value, item: Range) -> tuple[str, ...] | None:
    """The codes of a range when they can be listed; None for other ranges, after checking the ends."""
    low, high = compiler.compile(item.low), compiler.compile(item.high)
    check_comparable(compiler, value, low, item, "..")
    check_comparable(compiler, value, high, item, "..")
    if LangType.TEXT not in (value.type, low.type):
        return None
    if not isinstance(item.low, Text) or not isinstance(item.high, Text):
        raise compiler.error("a range of codes is written with two texts: '99202'..'99215'", item)
    first, last = item.low.value, item.high.value
    if len(first) != len(last):
        raise compiler.error("the two ends of a range of codes have the same length", item.high)
    if first > last:
        raise compiler.error("the range begins after its end", item.low, f"write '{last}'..'{first}'")
    return coderange.listed(first, last)


def _within(compiler: Compiler, value: Value, item: Range) -> pl.Expr:
    low, high = compiler.compile(item.low), compiler.compile(item.high)
    held = compared(compiler, value, ">=", low, item) & compared(compiler, value, "<=", high, item)
    if isinstance(item.low, Text) and isinstance(item.high, Text) and value.type is LangType.TEXT:
        held = held & value.expr.str.contains(coderange.shape(item.low.value, item.high.value))
    return held


def like(compiler: Compiler, node: Like) -> pl.Expr:
    """`like` without a regular expression where the pattern allows it."""
    value = compiler.compile(node.operand)
    if value.type is LangType.UNKNOWN:
        return _UNKNOWN
    if value.type is not LangType.TEXT:
        raise compiler.error(f"like needs a text on its left, this is a {value.type.word}", node.operand)
    held = _like(value.expr, node.pattern)
    return ~held if node.negated else held


def _like(text: pl.Expr, pattern: str) -> pl.Expr:
    plain = pattern.strip("%")
    if "_" not in pattern and "%" not in plain:
        match pattern[:1] == "%", pattern[-1:] == "%" and len(pattern) > 1:
            case _ if plain == "" and pattern:
                return text.is_not_null() | _UNKNOWN
            case False, False:
                return text == plain
            case True, False:
                return text.str.ends_with(plain)
            case False, True:
                return text.str.starts_with(plain)
            case _:
                return text.str.contains(plain, literal=True)
    parts = {"%": ".*", "_": "."}
    regex = "".join(parts.get(c) or re.escape(c) for c in pattern)
    return text.str.contains(f"(?s)^{regex}$")


def arithmetic(compiler: Compiler, node: Arithmetic) -> Value:
    """Numbers; date plus or minus a duration; difference of two dates in days."""
    left, right = compiler.compile(node.left), compiler.compile(node.right)
    for side in (left, right):
        if side.type is LangType.NULL:
            raise compiler.error("a calculation with null is always null", side.node)
    if LangType.UNKNOWN in (left.type, right.type):
        return Value(pl.lit(None), LangType.UNKNOWN, node)
    if left.type is LangType.DATE and right.type is LangType.DURATION and node.operator in "+-":
        return _shifted(left, right.node, node)
    if left.type is LangType.DATE and right.type is LangType.DATE and node.operator == "-":
        days = left.expr.to_physical() - right.expr.to_physical()
        return Value(days.cast(pl.Int64), LangType.INTEGER, node, 7)
    if left.type.is_number and right.type.is_number:
        return calculate(node.operator, left, right, node)
    hint = None
    if left.type is LangType.DATE and right.type.is_number:
        hint = "write 30 days, 6 months or 2 years after a date"
    elif LangType.TEXT in (left.type, right.type):
        hint = "number(...) reads a text as a number, concat(...) joins texts"
    elif left.type is LangType.TIME and right.type is LangType.TIME:
        hint = "write minutes_between(from, to)"
    raise compiler.error(f"cannot calculate {left.type.word} {node.operator} {right.type.word}", node, hint)


_OFFSETS = {"months": "mo", "years": "y"}
_DAYS = {"days": 1, "weeks": 7}


def _shifted(date: Value, duration: Node, node: Arithmetic) -> Value:
    """A date moved; the end of a month stays inside its month (31 January + 1 month = 28 February)."""
    assert isinstance(duration, Duration)
    amount = -duration.amount if node.operator == "-" else duration.amount
    if duration.unit in _DAYS:
        moved = (date.expr.to_physical() + amount * _DAYS[duration.unit]).cast(pl.Date)
    else:
        moved = date.expr.dt.offset_by(f"{amount}{_OFFSETS[duration.unit]}")
    return Value(moved, LangType.DATE, node)
