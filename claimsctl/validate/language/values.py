"""Typed Polars expressions: what the compiler passes around, and the arithmetic rules they obey."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

import polars as pl

from claimsctl.validate.language.ast import Date, Node, Number, Text, Time, Truth
from claimsctl.validate.language.types import LangType

COLUMN_DIGITS = 14
"""Digits before the point of a Decimal(18, 4) column."""
WHOLE_DIGITS = 9
"""Digits of a sensible whole number in claims; a product of larger ones may wrap around in Int64."""
SUM_DIGITS = 22
"""Digits that leave room for a division, or for a sum over every line of a run."""
_INT64_DIGITS = 19
_MOST_DIGITS = 30
_SCALE = 8


@dataclass(frozen=True, slots=True)
class Value:
    """An expression with its type and its node; `digits` bounds the digits before the point of a number."""

    expr: pl.Expr
    type: LangType
    node: Node
    digits: int = COLUMN_DIGITS

    @property
    def constant(self) -> bool:
        """True for a literal."""
        return isinstance(self.node, Text | Number | Date | Time | Truth)


def dtype_of(kind: LangType) -> pl.DataType:
    """Polars type of a literal or null of a language type."""
    types: dict[LangType, pl.DataType] = {
        LangType.TEXT: pl.String(),
        LangType.INTEGER: pl.Int64(),
        LangType.DECIMAL: pl.Decimal(18, 4),
        LangType.DATE: pl.Date(),
        LangType.TIME: pl.Time(),
        LangType.BOOLEAN: pl.Boolean(),
    }
    return types.get(kind, pl.Null())


@lru_cache(maxsize=1024)
def decimal_literal(number: Decimal) -> pl.Expr:
    """An exact literal that compares with Decimal(18, 4) columns without a cast where it can."""
    exponent = number.as_tuple().exponent
    scale = max(4, -exponent if isinstance(exponent, int) else 4)
    # From text, because a literal made from a Python Decimal imports NumPy.
    return pl.lit(format(number, "f")).cast(pl.Decimal(18 if scale == 4 else 38, scale))


@lru_cache(maxsize=1024)
def whole_literal(number: int) -> pl.Expr:
    """An Int64 literal."""
    return pl.lit(number, dtype=pl.Int64)


def number_literal(node: Number) -> Value:
    """A literal: whole numbers are Int64, others exact decimals."""
    digits = max(1, node.value.adjusted() + 1)
    if node.value.as_tuple().exponent == 0:
        return Value(whole_literal(int(node.value)), LangType.INTEGER, node, digits)
    return Value(decimal_literal(node.value), LangType.DECIMAL, node, digits)


def aligned(left: Value, right: Value) -> tuple[pl.Expr, pl.Expr]:
    """Both sides ready for a comparison: a whole literal beside a decimal becomes a decimal."""
    return _beside(left, right), _beside(right, left)


def _beside(value: Value, other: Value) -> pl.Expr:
    if other.type is LangType.DECIMAL and value.type is LangType.INTEGER and isinstance(value.node, Number):
        return decimal_literal(value.node.value)
    return value.expr


def fold(parts: Sequence[pl.Expr], join: Callable[[pl.Expr, pl.Expr], pl.Expr]) -> pl.Expr:
    """Join many expressions pairwise, so that the tree stays shallow."""
    level = list(parts)
    while len(level) > 1:
        paired = [join(a, b) for a, b in zip(level[::2], level[1::2], strict=False)]
        level = paired + level[len(level) - len(level) % 2 :]
    return level[0]


def every(parts: Sequence[pl.Expr]) -> pl.Expr:
    """Kleene "and" of boolean expressions."""
    return fold(parts, lambda a, b: a & b)


def some(parts: Sequence[pl.Expr]) -> pl.Expr:
    """Kleene "or" of boolean expressions."""
    return fold(parts, lambda a, b: a | b)


def calculate(operator: str, left: Value, right: Value, node: Node) -> Value:
    """`+ - * /` on numbers; whole stays whole except in a division; a result out of range is null.

    Decimal products and quotients keep 8 decimals. Division by zero is null.
    """
    whole = left.type is LangType.INTEGER and right.type is LangType.INTEGER
    if operator in "+-":
        digits = max(left.digits, right.digits) + 1 if whole else max(_most(left), _most(right)) + 1
        first, second = (
            (left.expr, right.expr) if whole else (_bounded(left, digits), _bounded(right, digits))
        )
        joined = first + second if operator == "+" else first - second
        return Value(joined, LangType.INTEGER if whole else LangType.DECIMAL, node, min(digits, _MOST_DIGITS))
    if operator == "*":
        digits = left.digits + right.digits
        if whole and digits <= 18:
            return Value(left.expr * right.expr, LangType.INTEGER, node, digits)
        digits = _most(left) + _most(right)
        return Value(_product(left, right, digits), LangType.DECIMAL, node, min(digits, _MOST_DIGITS))
    divisor = right.expr if _is_nonzero(right) else pl.when(right.expr != 0).then(right.expr)
    quotient = _wide(left).cast(pl.Decimal(38, _SCALE), strict=False) / divisor.cast(
        pl.Decimal(38, _SCALE), strict=False
    )
    return Value(quotient, LangType.DECIMAL, node, min(_most(left) + _SCALE, _MOST_DIGITS))


def _most(value: Value) -> int:
    """Digits the value can have even in absurd input: one absurd cell must not end a run."""
    whole = value.type is LangType.INTEGER and not isinstance(value.node, Number)
    return max(value.digits, _INT64_DIGITS) if whole else value.digits


def widest(values: Sequence[Value], kind: LangType) -> int:
    """Digits of the widest of several values that become one of the given type."""
    return max(_most(value) if kind is LangType.DECIMAL else value.digits for value in values)


def summable(value: Value) -> pl.Expr:
    """The value, null where it is so large that adding it up over a run could overflow."""
    return value.expr if value.type is LangType.INTEGER else _wide(value)


def _is_nonzero(value: Value) -> bool:
    return isinstance(value.node, Number) and value.node.value != 0


def _wide(value: Value) -> pl.Expr:
    """The value, null where it is too large to be divided."""
    if _most(value) <= SUM_DIGITS:
        return value.expr
    return pl.when(value.expr.cast(pl.Float64).abs() < 10.0**SUM_DIGITS).then(value.expr)


def _bounded(value: Value, digits: int) -> pl.Expr:
    """The value, null where a sum with it could overflow."""
    if digits <= _MOST_DIGITS:
        return value.expr
    return pl.when(value.expr.cast(pl.Float64).abs() < 10.0 ** (_MOST_DIGITS - 1)).then(value.expr)


def _product(left: Value, right: Value, digits: int) -> pl.Expr:
    first = left.expr.cast(pl.Decimal(38, _SCALE), strict=False)
    second = right.expr
    if digits > _MOST_DIGITS:
        size = left.expr.cast(pl.Float64).abs() * right.expr.cast(pl.Float64).abs()
        first = pl.when(size < 10.0 ** (_MOST_DIGITS - 1)).then(first)
    return first * second
