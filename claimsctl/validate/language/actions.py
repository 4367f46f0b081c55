# ruff: noqa: D102 - the methods are named as the rules of the grammar, which say what they are
"""What the parser does when it has recognised a piece: build the node of `ast.py` for it.

The method names are the rule and alias names of `grammar.lark`. They run bottom-up; nothing recurses.
"""

from __future__ import annotations

import datetime
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from claimsctl.validate.language.ast import (
    And,
    Arithmetic,
    Between,
    Call,
    Case,
    Comparison,
    Date,
    Duration,
    In,
    IsNull,
    IsTruth,
    Like,
    Minus,
    Name,
    Node,
    Not,
    Null,
    Number,
    Or,
    Pattern,
    Range,
    Several,
    Text,
    Time,
    Truth,
    Unit,
)

if TYPE_CHECKING:
    from lark import Token


KEYWORDS = frozenset(
    {"and", "or", "not", "in", "between", "like", "is", "null", "true", "false"}
    | {"case", "when", "then", "else", "end"}
)
"""Words that cannot be names."""


class InvalidLiteral(Exception):
    """A literal the lexer accepts and the language does not; `pos` counts characters from 0."""

    def __init__(self, problem: str, pos: int) -> None:
        super().__init__(problem)
        self.problem, self.pos = problem, pos


def _at(token: Token) -> int:
    return token.start_pos or 0


def _unquote(token: str) -> str:
    return str(token)[1:-1].replace("''", "'")


def _quoted_part(token: str) -> str:
    return token[token.index("'") + 1 : -1]


class Actions:
    """Callbacks for Lark, one per rule of the grammar; each takes the list of its parts."""

    @staticmethod
    def start(parts: list[Any]) -> Node:
        return cast(Node, parts[0])

    @staticmethod
    def any_term(parts: list[Node]) -> Node:
        return Or(tuple(parts), pos=parts[0].pos)

    @staticmethod
    def every_term(parts: list[Node]) -> Node:
        return And(tuple(parts), pos=parts[0].pos)

    @staticmethod
    def negation(parts: list[Any]) -> Node:
        return Not(parts[1], pos=_at(parts[0]))

    @staticmethod
    def comparison(parts: list[Any]) -> Node:
        operators = tuple("<>" if str(op) == "!=" else str(op) for op in parts[1::2])
        return Comparison(tuple(parts[0::2]), operators, pos=_at(parts[1]))

    @staticmethod
    def between(parts: list[Any]) -> Node:
        operand, negated, word, low, high = parts
        return Between(operand, low, high, negated is not None, pos=_at(word))

    @staticmethod
    def membership(parts: list[Any]) -> Node:
        operand, negated, word, *items = parts
        return In(operand, tuple(items), negated is not None, pos=_at(word))

    @staticmethod
    def code_range(parts: list[Any]) -> Node:
        return Range(parts[0], parts[2], pos=_at(parts[1]))

    @staticmethod
    def like(parts: list[Any]) -> Node:
        operand, negated, word, pattern = parts
        return Like(operand, _unquote(pattern), negated is not None, pos=_at(word))

    @staticmethod
    def is_null(parts: list[Any]) -> Node:
        operand, word, negated, _ = parts
        return IsNull(operand, negated is not None, pos=_at(word))

    @staticmethod
    def is_truth(parts: list[Any]) -> Node:
        operand, word, negated, value = parts
        return IsTruth(operand, str(value).lower() == "true", negated is not None, pos=_at(word))

    @staticmethod
    def arithmetic(parts: list[Any]) -> Node:
        return Arithmetic(str(parts[1]), parts[0], parts[2], pos=_at(parts[1]))

    @staticmethod
    def minus(parts: list[Any]) -> Node:
        return Minus(parts[1], pos=_at(parts[0]))

    @staticmethod
    def call(parts: list[Any]) -> Node:
        arguments = tuple(part for part in parts[1:] if part is not None)
        return Call(str(parts[0]).lower(), arguments, pos=_at(parts[0]))

    @staticmethod
    def several(parts: list[Node]) -> Node:
        return Several(tuple(parts), pos=parts[0].pos)

    @staticmethod
    def case(parts: list[Any]) -> Node:
        word, *branches, otherwise = parts
        return Case(tuple(branches), otherwise, pos=_at(word))

    @staticmethod
    def when(parts: list[Any]) -> tuple[Node, Node]:
        return (parts[0], parts[1])

    @staticmethod
    def name(parts: list[Any]) -> Node:
        if str(parts[0]).lower() in KEYWORDS:
            raise InvalidLiteral(f"unexpected '{parts[0]}'", _at(parts[0]))
        return Name(str(parts[0]).lower(), pos=_at(parts[0]))

    @staticmethod
    def pattern(parts: list[Any]) -> Node:
        return Pattern(str(parts[0]).lower(), pos=_at(parts[0]))

    @staticmethod
    def text(parts: list[Any]) -> Node:
        return Text(_unquote(parts[0]), pos=_at(parts[0]))

    @staticmethod
    def number(parts: list[Any]) -> Node:
        digits = str(parts[0])
        whole, _, fraction = digits.partition(".")
        if len(whole.lstrip("0")) > 14 or len(fraction) > 6:
            problem = "a number has at most 14 digits before the point and 6 after it"
            raise InvalidLiteral(problem, _at(parts[0]))
        return Number(Decimal(digits), pos=_at(parts[0]))

    @staticmethod
    def date(parts: list[Any]) -> Node:
        written = _quoted_part(str(parts[0]))
        try:
            if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", written, re.ASCII):
                raise ValueError
            return Date(datetime.date.fromisoformat(written), pos=_at(parts[0]))
        except ValueError:
            problem = "a date is written date '2026-01-31' and must exist"
            raise InvalidLiteral(problem, _at(parts[0])) from None

    @staticmethod
    def time(parts: list[Any]) -> Node:
        written = _quoted_part(str(parts[0]))
        try:
            if not re.fullmatch(r"\d{2}:\d{2}(:\d{2})?", written, re.ASCII):
                raise ValueError
            return Time(datetime.time.fromisoformat(written), pos=_at(parts[0]))
        except ValueError:
            raise InvalidLiteral("a time is written time '08:30' or time '08:30:00'", _at(parts[0])) from None

    @staticmethod
    def duration(parts: list[Any]) -> Node:
        amount, unit = str(parts[0]).lower().split()
        if len(amount) > 5:
            raise InvalidLiteral("a duration has at most 5 digits", _at(parts[0]))
        return Duration(int(amount), cast(Unit, unit.rstrip("s") + "s"), pos=_at(parts[0]))

    @staticmethod
    def truth(parts: list[Any]) -> Node:
        return Truth(str(parts[0]).lower() == "true", pos=_at(parts[0]))

    @staticmethod
    def null(parts: list[Any]) -> Node:
        return Null(pos=_at(parts[0]))
