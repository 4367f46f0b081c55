"""Which edition is in force when, and the rows of several editions with the dates they hold for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Generic, Protocol, TypeVar

import polars as pl


class Dated(Protocol):
    """What has a name and published service dates, stored or shipped."""

    @property
    def name(self) -> str:
        """Its name, as 2026Q2."""

    @property
    def valid_from(self) -> date | None:
        """The first service date as published, None where open."""

    @property
    def valid_to(self) -> date | None:
        """The last service date as published, None where open."""


E = TypeVar("E", bound=Dated)


@dataclass(frozen=True, slots=True)
class InForce(Generic[E]):
    """The service dates an edition is used for: until the next one begins, the newest one for ever."""

    edition: E
    first: date | None
    last: date | None


def in_force(editions: Sequence[E]) -> list[InForce[E]]:
    """Which edition is used when: each until its published end or the day before the next one begins.

    The newest is used beyond its end too, since a late release must not stop the work. Between two editions
    that leave a gap none is in force.
    """
    ordered = sorted(editions, key=lambda e: (e.valid_from or date.min, e.name))
    periods = []
    starts = sorted({e.valid_from for e in ordered if e.valid_from is not None})
    for edition in ordered:
        last = None
        begins = next((day for day in starts if edition.valid_from is None or day > edition.valid_from), None)
        if begins is not None:
            last = begins - timedelta(days=1)
            if edition.valid_to is not None:
                last = min(last, edition.valid_to)
        periods.append(InForce(edition, edition.valid_from, last))
    return periods


def gaps(periods: Sequence[InForce[E]]) -> Iterator[tuple[date, date]]:
    """First and last day of every gap between editions."""
    served: date | None = None
    for before, after in pairwise(periods):
        if before.last is None or after.first is None:
            continue
        served = before.last if served is None else max(served, before.last)
        if after.first != before.first and served + timedelta(days=1) < after.first:  # else parts of one
            yield served + timedelta(days=1), after.first - timedelta(days=1)


Rows = TypeVar("Rows", pl.DataFrame, pl.LazyFrame)


def dated_rows(editions: Iterable[tuple[date | None, date | None, Rows]]) -> Rows:
    """The rows of several editions (first day, last day, rows) with the service dates each holds for.

    Those are `valid_from` and `valid_to`, null where open; rows that hold on no day are left out.
    """
    parts = []
    for begins, ends, frame in editions:
        first, last = pl.lit(begins, pl.Date), pl.lit(ends, pl.Date)
        names = frame.collect_schema().names()
        own_first = pl.col("valid_from") if "valid_from" in names else pl.lit(None, pl.Date)
        own_last = pl.col("valid_to") if "valid_to" in names else pl.lit(None, pl.Date)
        dated = frame.with_columns(
            pl.max_horizontal(own_first, first).alias("valid_from"),
            pl.min_horizontal(own_last, last).alias("valid_to"),
        )
        holds = pl.col("valid_from").is_null() | pl.col("valid_to").is_null()
        parts.append(dated.filter(holds | (pl.col("valid_from") <= pl.col("valid_to"))))
    return pl.concat(parts, how="diagonal_relaxed")
