"""Whole numbers say what Python's Decimal says."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, localcontext

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from claimsctl.price.arithmetic import (
    DOLLAR,
    FACTOR_ONE,
    LARGEST,
    UNIT,
    fee,
    gross,
    half_up,
    money,
    payable,
    whole,
)

CENT = Decimal("0.01")
RVU = st.decimals(0, "99999999.9999", places=4)
FACTORS = st.decimals(0, 10, places=15)


def value(expr: pl.Expr) -> object:
    return pl.select(expr).item()


def lit(number: Decimal) -> pl.Expr:
    return whole(pl.lit(number))


@settings(deadline=None)
@given(st.lists(RVU, min_size=3, max_size=3), st.lists(RVU, min_size=3, max_size=3), RVU)
def test_fee_is_exact_and_rounded_once(rvus: list[Decimal], gpcis: list[Decimal], cf: Decimal) -> None:
    cents = value(fee(*map(lit, rvus), tuple(map(lit, gpcis)), lit(cf)))
    with localcontext(prec=60):
        exact = sum((r * g for r, g in zip(rvus, gpcis, strict=True)), Decimal(0)) * cf
        assert Decimal(int(str(cents))) == exact.quantize(CENT, ROUND_HALF_UP) * 100


@settings(deadline=None)
@given(
    st.decimals(0, 100_000, places=4), st.decimals(0, 10_000, places=3), FACTORS,
    st.decimals(0, 1_000, places=4),
)  # fmt: skip
def test_line_is_exact_and_rounded_once(
    amount: Decimal, units: Decimal, factor: Decimal, deduction: Decimal
) -> None:
    with localcontext(prec=60):
        exact = (max(amount * units - deduction, Decimal(0)) * factor).quantize(CENT, ROUND_HALF_UP)
    whole_line = gross(pl.lit(int(amount * DOLLAR), pl.Int128), pl.lit(int(units * UNIT), pl.Int128))
    taken = pl.lit(int(deduction * DOLLAR * UNIT), pl.Int128)
    found = value(money(payable(whole_line, pl.lit(int(factor * FACTOR_ONE), pl.Int128), taken)))
    assert found == exact


@settings(deadline=None)
@given(st.integers(0, 10**12 - 1))
def test_money_of_cents_is_exact(cents: int) -> None:
    assert value(money(pl.lit(cents, pl.Int128))) == Decimal(cents) / 100


@settings(deadline=None)
@given(st.integers(0, 10**30), st.integers(1, 10**20))
def test_halves_go_up(number: int, divisor: int) -> None:
    exact = (2 * number + divisor) // (2 * divisor)
    assert value(half_up(pl.lit(number, pl.Int128), divisor)) == exact


def test_line_above_a_billion_dollars_is_not_computed() -> None:
    one, most = pl.lit(UNIT, pl.Int128), pl.lit(LARGEST // UNIT, pl.Int128)
    assert value(gross(most, one)) == LARGEST
    assert value(gross(most + 1, one)) is None
