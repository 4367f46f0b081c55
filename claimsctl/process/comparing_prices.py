"""Two releases of a fee schedule side by side: what every line, every code and a file gain or lose."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import polars as pl

from claimsctl.price.arithmetic import MONEY
from claimsctl.process.pricing import AMOUNT, STATUS

MOST_CODES: Final = 10_000
"""So many codes stand in the summary, those with the largest changes first; how many more is said."""
_SUM: Final = pl.Decimal(38, 2)


class Comparison:
    """Lines priced by the schedule in force and by another one, and their sums by code.

    Only lines that both price count into sums; the others are counted.
    """

    def __init__(self, other: str) -> None:
        self.other = other
        self.columns: Final = {
            f"{AMOUNT}_{other}": MONEY,
            f"{STATUS}_{other}": pl.String(),
            f"difference_{other}": MONEY,
        }
        """Columns beside those of pricing; the difference is the other amount less that in force."""
        self._codes: list[pl.DataFrame] = []
        self._lines = {"both": 0, "only_in_force": 0, "only_other": 0, "neither": 0}

    def add(self, here: pl.DataFrame, there: pl.DataFrame) -> pl.DataFrame:
        """Count lines priced by both schedules; the columns beside those of the first, row-aligned."""
        mine, theirs = here[AMOUNT], there[AMOUNT]
        both = pl.DataFrame({
            "procedure_code": here["procedure_code"], "in_force": mine, "other": theirs,
        }).with_columns(pl.lit(1, pl.Int64).alias("lines"))  # fmt: skip
        one, two = mine.is_not_null(), theirs.is_not_null()
        for name, found in (
            ("both", one & two), ("only_in_force", one & ~two), ("only_other", ~one & two),
            ("neither", ~one & ~two),
        ):  # fmt: skip
            self._lines[name] += int(found.sum())
        self._codes.append(_by_code(both.filter(one & two)))
        if len(self._codes) > 64:  # one part has few codes, a long file has no more
            self._codes = [_by_code(pl.concat(self._codes))]
        names = list(self.columns)
        return pl.DataFrame([
            theirs.alias(names[0]),
            there[STATUS].alias(names[1]),
            (theirs - mine).cast(MONEY).alias(names[2]),
        ])  # fmt: skip

    def summary(self) -> dict[str, object]:
        """Lines, sums, and codes with the largest change first; amounts in dollars, as text."""
        codes = _by_code(pl.concat(self._codes)) if self._codes else _EMPTY
        codes = codes.with_columns((pl.col("other") - pl.col("in_force")).alias("difference"))
        codes = codes.sort([pl.col("difference").abs(), "procedure_code"], descending=[True, False])
        mine, theirs = (_total(codes[name]) for name in ("in_force", "other"))
        return {
            "edition": self.other,
            "lines": dict(self._lines),
            AMOUNT: f"{mine:.2f}",
            f"{AMOUNT}_{self.other}": f"{theirs:.2f}",
            "difference": f"{theirs - mine:.2f}",
            "codes": [
                {name: f"{value:.2f}" if isinstance(value, Decimal) else value for name, value in row.items()}
                for row in codes.head(MOST_CODES).iter_rows(named=True)
            ],
            "codes_left_out": max(codes.height - MOST_CODES, 0),
        }


_EMPTY: Final = pl.DataFrame(
    schema={"procedure_code": pl.String, "lines": pl.Int64, "in_force": _SUM, "other": _SUM}
)


def _by_code(rows: pl.DataFrame) -> pl.DataFrame:
    sums = (pl.col(name).cast(_SUM).sum() for name in ("in_force", "other"))
    return rows.group_by("procedure_code").agg(pl.col("lines").sum(), *sums).sort("procedure_code")


def _total(amounts: pl.Series) -> Decimal:
    total = amounts.sum()
    return Decimal(total) if total is not None else Decimal(0)
