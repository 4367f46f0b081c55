"""Dated tables cut into blocks of days, so that a service date finds its rows by a number."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from claimsctl.reference.tables import Edition, Table

BLOCK = "block"


@dataclass(frozen=True)
class Dated:
    """The rows of a table by block of days.

    `starts` are the first days of the blocks, in order; block 0 is everything before. `editions` has the
    edition in force in every block, None where there is none. `rows`: the rows of every block, with its
    number in BLOCK, empty for a table that is not there.
    """

    starts: tuple[date, ...]
    editions: tuple[str | None, ...]
    rows: pl.DataFrame

    @staticmethod
    def of(table: Table | None, *, until_replaced: bool = False) -> Dated:
        """A table as loaded. An edition ends where it was published to end, unless `until_replaced`.

        Fees end with their year: those of the next year are not known before they are published.
        """
        if table is None:
            return Dated((), (None,), pl.DataFrame())
        frame, editions = table.frame, table.editions
        own = {"valid_from", "valid_to"} <= set(frame.columns)
        days = {day for e in editions for day in (e.valid_from, _after(e.valid_to)) if day is not None}
        if own:
            spans = frame.select("valid_from", pl.col("valid_to").dt.offset_by("1d")).unique()
            days |= {day for span in spans.iter_rows() for day in span if day is not None}
        starts = tuple(sorted(days))
        names, parts = [], []
        for block, day in enumerate((None, *starts)):
            edition = _in_force(editions, day, until_replaced=until_replaced)
            names.append(edition)
            if edition is not None:
                rows = frame.filter(_holds(day)) if own else frame
                parts.append(rows.with_columns(pl.lit(block, pl.UInt32).alias(BLOCK)))
        return Dated(starts, tuple(names), pl.concat(parts) if parts else frame.clear())

    def block(self, day: date) -> int:
        """The number of the block a day is in."""
        return bisect_right(self.starts, day)

    def on(self, day: date) -> str | None:
        """The edition in force on a day."""
        return self.editions[self.block(day)]


def _after(day: date | None) -> date | None:
    return None if day is None else day + timedelta(days=1)


def _in_force(editions: Sequence[Edition], day: date | None, *, until_replaced: bool) -> str | None:
    """The newest edition that has begun on `day`; None: before all dates."""
    begun = [e for e in editions if e.valid_from is None or (day is not None and e.valid_from <= day)]
    if not begun:
        return None
    newest = max(begun, key=lambda e: e.valid_from or date.min)
    ended = newest.valid_to is not None and day is not None and newest.valid_to < day
    return None if ended and not (until_replaced and newest is _last(editions)) else newest.name


def _last(editions: Sequence[Edition]) -> Edition:
    return max(editions, key=lambda e: e.valid_from or date.min)


def _holds(day: date | None) -> pl.Expr:
    first, last = pl.col("valid_from"), pl.col("valid_to")
    if day is None:
        return first.is_null()
    return (first.is_null() | (first <= day)) & (last.is_null() | (last >= day))


def breakpoints(tables: Iterable[Dated]) -> tuple[date, ...]:
    """The first days of the periods within which none of the tables changes."""
    return tuple(sorted({day for table in tables for day in table.starts}))
