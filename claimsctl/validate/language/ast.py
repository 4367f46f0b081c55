"""The parsed form of a rule expression: small immutable nodes that know where they stood in the text.

Positions (`pos`, characters from 0) take no part in equality, so two spellings of one expression are equal.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal

Unit = Literal["days", "weeks", "months", "years"]


def _pos() -> int:
    return field(default=0, compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Text:
    """A text literal."""

    value: str
    pos: int = _pos()


@dataclass(frozen=True, slots=True)
class Number:
    """An exact number literal; `1` and `1.0` differ (whole number, decimal)."""

    value: Decimal
    pos: int = _pos()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Number) and str(self.value) == str(other.value)

    def __hash__(self) -> int:
        return hash(str(self.value))


@dataclass(frozen=True, slots=True)
class Date:
    """`date '2026-01-31'`."""

    value: datetime.date
    pos: int = _pos()


@dataclass(frozen=True, slots=True)
class Time:
    """`time '08:30'`."""

    value: datetime.time
    pos: int = _pos()


@dataclass(frozen=True, slots=True)
class Duration:
    """`30 days`, `6 months`, `2 years`."""

    amount: int
    unit: Unit
    pos: int = _pos()


@dataclass(frozen=True, slots=True)
class Truth:
    """`true` or `false`."""

    value: bool
    pos: int = _pos()


@dataclass(frozen=True, slots=True)
class Null:
    """`null`."""

    pos: int = _pos()


@dataclass(frozen=True, slots=True)
class Name:
    """A column, a fact, `value`, `it`, or a group of an aggregate."""

    name: str
    pos: int = _pos()


@dataclass(frozen=True, slots=True)
class Pattern:
    """Several columns at once: `diagnosis_*`, `*_npi`."""

    pattern: str
    pos: int = _pos()


@dataclass(frozen=True, slots=True)
class Several:
    """`(a, b)`: two values or more that are looked up together."""

    items: tuple[Node, ...]
    pos: int = _pos()


@dataclass(frozen=True, slots=True)
class Not:
    """`not x`."""

    operand: Node
    pos: int = _pos()


@dataclass(frozen=True, slots=True)
class Minus:
    """`-x`."""

    operand: Node
    pos: int = _pos()


@dataclass(frozen=True, slots=True)
class And:
    """`a and b and c`; two terms or more."""

    terms: tuple[Node, ...]
    pos: int = _pos()


@dataclass(frozen=True, slots=True)
class Or:
    """`a or b or c`; two terms or more."""

    terms: tuple[Node, ...]
    pos: int = _pos()


@dataclass(frozen=True, slots=True)
class Comparison:
    """`a < b`, or chained `a <= b < c`: one operator fewer than operands."""

    operands: tuple[Node, ...]
    operators: tuple[str, ...]
    pos: int = _pos()


@dataclass(frozen=True, slots=True)
class Between:
    """`x [not] between low and high`, both ends included."""

    operand: Node
    low: Node
    high: Node
    negated: bool = False
    pos: int = _pos()


@dataclass(frozen=True, slots=True)
class Range:
    """`'99202'..'99215'`, only inside `in (...)`."""

    low: Node
    high: Node
    pos: int = _pos()


@dataclass(frozen=True, slots=True)
class In:
    """`x [not] in (item, ...)`."""

    operand: Node
    items: tuple[Node, ...]
    negated: bool = False
    pos: int = _pos()


@dataclass(frozen=True, slots=True)
class Like:
    """`x [not] like 'A%'`: `%` any characters, `_` one character, no escape."""

    operand: Node
    pattern: str
    negated: bool = False
    pos: int = _pos()


@dataclass(frozen=True, slots=True)
class IsNull:
    """`x is [not] null`."""

    operand: Node
    negated: bool = False
    pos: int = _pos()


@dataclass(frozen=True, slots=True)
class IsTruth:
    """`x is [not] true`, `x is [not] false`; never null."""

    operand: Node
    value: bool
    negated: bool = False
    pos: int = _pos()


@dataclass(frozen=True, slots=True)
class Case:
    """`case when c then r ... [else o] end`."""

    branches: tuple[tuple[Node, Node], ...]
    otherwise: Node | None = None
    pos: int = _pos()


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`a + b`, `a - b`, `a * b`, `a / b`."""

    operator: str
    left: Node
    right: Node
    pos: int = _pos()


@dataclass(frozen=True, slots=True)
class Call:
    """`function(argument, ...)`."""

    function: str
    arguments: tuple[Node, ...]
    pos: int = _pos()


Node = (
    Text | Number | Date | Time | Duration | Truth | Null | Name | Pattern | Several
    | Not | Minus | And | Or | Comparison | Between | Range | In | Like | IsNull | IsTruth
    | Case | Arithmetic | Call
)  # fmt: skip


LEAVES: Final = (Name, Text, Number, Date, Time, Duration, Truth, Null, Pattern)
"""Nodes that have none below them."""


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below `node`, in the order of the text."""
    if isinstance(node, LEAVES):
        return ()
    match node:
        case Not(operand) | Minus(operand) | Like(operand) | IsNull(operand) | IsTruth(operand):
            return (operand,)
        case And(terms) | Or(terms) | Several(terms):
            return terms
        case Comparison(operands):
            return operands
        case Between(operand, low, high):
            return (operand, low, high)
        case Range(low, high) | Arithmetic(_, low, high):
            return (low, high)
        case In(operand, items):
            return (operand, *items)
        case Case(branches, otherwise):
            inner = tuple(part for branch in branches for part in branch)
            return inner if otherwise is None else (*inner, otherwise)
        case Call(_, arguments):
            return arguments


def walk(node: Node) -> Iterator[Node]:
    """`node` and everything below it, without recursion."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(children(current)))


def depth(node: Node) -> int:
    """How many nodes deep the tree is; 1 for a leaf."""
    deepest, stack = 0, [(node, 1)]
    while stack:
        current, level = stack.pop()
        deepest = max(deepest, level)
        stack.extend((child, level + 1) for child in children(current))
    return deepest
