"""Identifiers with check digits: valid_npi()."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

import polars as pl

from claimsctl.validate.language.ast import Call
from claimsctl.validate.language.types import LangType
from claimsctl.validate.language.values import Value

if TYPE_CHECKING:
    from claimsctl.validate.language.compiler import Compiler


@lru_cache(maxsize=1)
def _luhn_sums() -> tuple[pl.Series, pl.Series]:
    """Luhn sum of every five-digit number, as the high and as the low half of an NPI."""
    frame = pl.DataFrame({"n": range(100_000)}, schema={"n": pl.Int32})
    digits = [pl.col("n") // 10**place % 10 for place in range(5)]
    doubled = [digit * 2 - pl.when(digit > 4).then(9).otherwise(0) for digit in digits]
    low = pl.sum_horizontal(d if place % 2 else digits[place] for place, d in enumerate(doubled))
    high = pl.sum_horizontal(digits[place] if place % 2 else d for place, d in enumerate(doubled))
    sums = frame.select(high.cast(pl.Int16).alias("high") + _PREFIX_SUM, low.cast(pl.Int16).alias("low"))
    return sums["high"], sums["low"]


_PREFIX_SUM = 24
"""What the prefix 80840 adds to the Luhn sum of an NPI."""


def luhn_npi(text: pl.Expr) -> pl.Expr:
    """True for ten digits whose last is the Luhn check digit of 80840 and the first nine; null on null."""
    high, low = _luhn_sums()
    number = pl.when(text.str.contains("^[0-9]{10}$")).then(text).cast(pl.Int64)
    total = pl.lit(high).gather(number // 100_000) + pl.lit(low).gather(number % 100_000)
    return pl.when(text.is_not_null()).then((total % 10 == 0).fill_null(False))


def _valid_npi(compiler: Compiler, node: Call) -> Value:
    value = compiler.compile(node.arguments[0])
    if value.type is LangType.UNKNOWN:
        return Value(pl.lit(None, dtype=pl.Boolean), LangType.BOOLEAN, node)
    if value.type is not LangType.TEXT:
        raise compiler.error(f"valid_npi needs a text, this is a {value.type.word}", node.arguments[0])
    return Value(luhn_npi(value.expr), LangType.BOOLEAN, node)


BUILDERS: Mapping[str, Callable[[Compiler, Call], Value]] = {"valid_npi": _valid_npi}
