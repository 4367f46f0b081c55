"""Money as whole numbers: how amounts are computed, how they are rounded, and how large they may become.

Every figure that comes in is a decimal number with a known count of decimals and is computed with as a
whole number of its last decimal; there is no binary float anywhere.

1. The amount of the fee schedule for one unit is, exactly,
   `(work x GPCI_work + PE x GPCI_pe + MP x GPCI_mp) x CF`, rounded half up to the cent, once, at the end.
   That is how CMS publishes it (payment amount files), and what its contractors pay by. RVU, GPCI and CF have
   four decimals here, so the exact sum is a whole number of 10^-12 dollars.
2. The amount of a line is, exactly, `(that amount x units - deduction) x factor`, rounded half up to the
   cent, once, at the end. The amount of a unit is a whole number of 1/10,000 dollar, units of 1/1,000, so
   their product and the deduction (what the ranking of several procedures takes off) of 10^-7 dollar.
   `factor` is the product of what modifiers and a contract's percent do, in 10^-15; a surgical share of four
   decimals x 150 % x 62.5 % x a reduced service's percent have twelve, further ones are cut off.

Bounds: all of it is 128-bit (below 1.7 x 10^38). An RVU, index or factor is below 10^8 (Decimal(12, 4)), its
whole number below 10^12, so the sum of step 1 stays below 3 x 10^36. In step 2, amount x units below
LARGEST (10^16 of 10^-7 dollar, that is a billion dollars) times a factor of at most 10 (10^16) stays below
10^32; a line above that is not priced. An amount in cents fits Decimal(12, 2).
"""

from __future__ import annotations

from typing import Final

import polars as pl

FOUR_DECIMALS: Final = pl.Decimal(12, 4)
MONEY: Final = pl.Decimal(12, 2)
WIDE: Final = pl.Int128
FACTOR_ONE: Final = 10**15
"""A factor of 1: the line pays the amount as it is."""
UNIT: Final = 1_000
"""One unit of service."""
DOLLAR: Final = 10_000
CENT: Final = DOLLAR // 100
LARGEST: Final = 10**16
"""Amount x units, in 10^-7 dollar, up to which a line is priced."""


def whole(number: pl.Expr) -> pl.Expr:
    """A decimal of at most four decimals as a whole number of its ten-thousandths, 128 bits wide."""
    return number.cast(FOUR_DECIMALS).to_physical().cast(WIDE)


def half_up(number: pl.Expr, divisor: int) -> pl.Expr:
    """`number / divisor`, both whole and not negative, to the nearest whole number; halves go up."""
    return (2 * number.cast(WIDE) + divisor) // pl.lit(2 * divisor, WIDE)


def fee(
    work: pl.Expr, practice: pl.Expr, malpractice: pl.Expr, indices: tuple[pl.Expr, ...], factor: pl.Expr
) -> pl.Expr:
    """Cents of one unit, from whole ten-thousandths (step 1). `indices`: GPCI of work, PE, MP."""
    return half_up(exact_fee(work, practice, malpractice, indices, factor), DOLLAR**3 // 100)


def exact_fee(
    work: pl.Expr, practice: pl.Expr, malpractice: pl.Expr, indices: tuple[pl.Expr, ...], factor: pl.Expr
) -> pl.Expr:
    """What `fee` rounds, in 10^-12 dollars."""
    parts = (rvu * index for rvu, index in zip((work, practice, malpractice), indices, strict=True))
    return sum(parts, pl.lit(0, WIDE)) * factor


def gross(amount: pl.Expr, units: pl.Expr) -> pl.Expr:
    """Amount of a unit (ten-thousandths of a dollar) x units (thousandths), in 10^-7 dollar; null above
    LARGEST."""
    product = amount.cast(WIDE) * units.cast(WIDE)
    return pl.when(product <= LARGEST).then(product)


def payable(gross: pl.Expr, factor: pl.Expr, deduction: pl.Expr | int = 0) -> pl.Expr:
    """Cents of a line (step 2) from its gross amount and `deduction` in 10^-7 dollar, factor in 10^-15."""
    return half_up((gross - deduction).clip(lower_bound=0) * factor.cast(WIDE), CENT * UNIT * FACTOR_ONE)


def money(cents: pl.Expr) -> pl.Expr:
    """Whole cents as dollars, Decimal(12, 2)."""
    # A cast would make a cent a dollar; this quotient and its cast are exact.
    return (cents.cast(pl.Decimal(38, 2)) / 100).cast(MONEY)


def decimal(ten_thousandths: pl.Expr) -> pl.Expr:
    """Whole ten-thousandths as a number, Decimal(12, 4)."""
    return (ten_thousandths.cast(pl.Decimal(38, 4)) / DOLLAR).cast(FOUR_DECIMALS)
