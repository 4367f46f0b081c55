"""What the claims of a file should pay in all, beside their lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from claimsctl.price.arithmetic import MONEY
from claimsctl.price.status import PRICED
from claimsctl.process.pricing import STATUS

CLAIM: Final = ("claim_number", "payer_sequence")
"""What tells claims apart; blank cells are alike. Lines without a number belong to no claim."""
_OTHER: Final = "limiting_charge"
"""The most for one line; it has no sum."""
_SUM: Final = pl.Decimal(38, 2)
_CHARGE: Final = pl.Decimal(38, 4)


class ClaimTotals:
    """Sums over the lines of each claim, wherever they stand, in the order of the claims' first lines.

    `added` are the price columns of lines with their types; those in dollars and cents are summed.
    """

    def __init__(self, added: Mapping[str, pl.DataType]) -> None:
        self._amounts = [name for name, kind in added.items() if kind == MONEY and name != _OTHER]
        self.columns: Final = {
            **dict.fromkeys(CLAIM, pl.String()),
            "lines": pl.UInt32(),
            "priced_lines": pl.UInt32(),
            "charge_amount": MONEY,
            **dict.fromkeys(self._amounts, MONEY),
            "not_priced": pl.String(),
        }
        """Columns of `frame`: amounts are null where no line has one; `not_priced` counts by status."""
        self._found: list[pl.DataFrame] = []

    def add(self, frame: pl.DataFrame) -> None:
        """Count the lines of a part: CLAIM, row_index, charge_amount and the columns `added`."""
        missing = [name for name in (*CLAIM, "charge_amount") if name not in frame.columns]
        rows = frame.with_columns(pl.lit(None, pl.String).alias(name) for name in missing)
        rows = rows.filter(pl.col("claim_number").is_not_null()).select(
            *CLAIM,
            STATUS,
            pl.col("row_index").alias("first"),
            pl.lit(1, pl.UInt32).alias("lines"),
            pl.col("charge_amount").cast(_CHARGE),
            pl.col(self._amounts).cast(_SUM),
        )
        self._found.append(self._summed(rows, STATUS))
        if len(self._found) > 16:
            self._found = [self._summed(pl.concat(self._found), STATUS)]

    def frame(self) -> pl.DataFrame:
        """A row for each claim."""
        if not self._found:
            return pl.DataFrame(schema=self.columns)
        found = self._summed(pl.concat(self._found), STATUS).sort("lines", STATUS, descending=[True, False])
        left = found.filter(pl.col(STATUS) != PRICED)
        why = left.group_by(CLAIM, maintain_order=True).agg(
            pl.format("{}:{}", STATUS, "lines").str.join(";").alias("not_priced")
        )
        priced = found.filter(pl.col(STATUS) == PRICED).select(*CLAIM, pl.col("lines").alias("priced_lines"))
        claims = self._summed(found).sort("first")
        for each in (priced, why):
            claims = claims.join(each, on=CLAIM, how="left", nulls_equal=True, maintain_order="left")
        return claims.with_columns(pl.col("priced_lines").fill_null(0)).select(
            pl.col(name).cast(kind) for name, kind in self.columns.items()
        )

    def _summed(self, rows: pl.DataFrame, *further: str) -> pl.DataFrame:
        """Rows of one claim (and status) taken together; a sum without any amount is null, not zero."""

        def amount(name: str) -> pl.Expr:
            return pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).sum()).alias(name)

        return rows.group_by(*CLAIM, *further, maintain_order=True).agg(
            pl.col("first").min(), pl.col("lines").sum(), *map(amount, ("charge_amount", *self._amounts))
        )
