"""How the columns of an input are written: date orders and money signs, judged over the whole input."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import polars as pl

from claimsctl.claim import BY_NAME
from claimsctl.facts.typed import Layout

_DAY_FIRST = r"^\s*(1[3-9]|2\d|3[01])[/-]\d{1,2}[/-]\d{2,4}\b"
_MONTH_FIRST = r"^\s*\d{1,2}[/-](1[3-9]|2\d|3[01])[/-]\d{2,4}\b"
_EITHER = r"^\s*\d{1,2}[/-]\d{1,2}[/-]\d{2,4}\b"
_TWO_DIGIT_YEAR = r"^\s*(\d{1,2}[/-]\d{1,2}|\d{1,2}-[A-Za-z]{3})[/-]\d{2}\s*$"
_MONEY_SIGNS = r"[$,()]"


@dataclass
class DateColumn:
    """Counts of values that prove or leave open how a date column is ordered; first examples of each."""

    day_first: str | None = None
    month_first: str | None = None
    ordered: int = 0
    two_digit: int = 0


@dataclass
class ColumnLook:
    """What was seen of the date and money columns of an input, part by part."""

    dates: dict[str, DateColumn] = field(default_factory=dict)
    money: dict[str, int] = field(default_factory=dict)

    def look(self, rows: pl.DataFrame, layout: Layout) -> None:
        """Take in a raw part."""
        dates = _raw(layout, "date")
        money = _raw(layout, "money")
        if not dates and not money:
            return
        rows = rows.select(pl.col([*dates.values(), *money.values()]).cast(pl.String))
        odd = rows.select(
            [(_not_iso(pl.col(raw))).any().alias(name) for name, raw in dates.items()]
            + [pl.col(raw).str.contains(_MONEY_SIGNS).sum().alias(name) for name, raw in money.items()]
        ).row(0, named=True)
        for name, raw in dates.items():
            if odd[name]:
                self._look_at_dates(name, rows[raw])
        for name in money:
            if odd[name]:
                self.money[name] = self.money.get(name, 0) + int(odd[name])

    def _look_at_dates(self, name: str, cells: pl.Series) -> None:
        seen = self.dates.setdefault(name, DateColumn())
        text = pl.col("t")
        found = cells.alias("t").to_frame().filter(_not_iso(text)).select(
            text.filter(text.str.contains(_DAY_FIRST)).first().alias("day"),
            text.filter(text.str.contains(_MONTH_FIRST)).first().alias("month"),
            text.str.contains(_EITHER).sum().alias("ordered"),
            text.str.contains(_TWO_DIGIT_YEAR).sum().alias("two_digit"),
        ).row(0, named=True)  # fmt: skip
        seen.day_first = seen.day_first or found["day"]
        seen.month_first = seen.month_first or found["month"]
        seen.ordered += found["ordered"]
        seen.two_digit += found["two_digit"]

    def add(self, other: ColumnLook) -> None:
        """Take in what was seen of a later part."""
        for name, seen in other.dates.items():
            mine = self.dates.setdefault(name, DateColumn())
            mine.day_first = mine.day_first or seen.day_first
            mine.month_first = mine.month_first or seen.month_first
            mine.ordered += seen.ordered
            mine.two_digit += seen.two_digit
        for name, values in other.money.items():
            self.money[name] = self.money.get(name, 0) + values

    def mixed_orders(self) -> Iterator[tuple[str, str, str]]:
        """Date columns that hold values of both orders, with an example of each (FILE-010)."""
        for name, seen in self.dates.items():
            if seen.day_first and seen.month_first:
                yield name, seen.day_first.strip(), seen.month_first.strip()

    def unproven(self) -> Iterator[str]:
        """Date columns read month first although no value proves it, or with two-digit years (DAT-014).

        Where values can only have the day first, the others are read as other days than they mean.
        """
        for name, seen in self.dates.items():
            if seen.day_first and seen.month_first:
                continue
            if seen.two_digit or (seen.ordered and not seen.month_first):
                yield name


def _raw(layout: Layout, kind: str) -> dict[str, str]:
    return {name: raw for name, raw in layout.columns.items() if BY_NAME[name].cell_type == kind}


def _not_iso(cell: pl.Expr) -> pl.Expr:
    return (cell != "") & ((cell.str.len_bytes() != 10) | (cell.str.slice(4, 1) != "-"))
