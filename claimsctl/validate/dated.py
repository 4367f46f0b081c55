"""Which tables a rule reads in the edition of a day, and on which lines no edition is for that day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final, Protocol

import polars as pl

from claimsctl.validate.language.ast import Call, Name, Text, walk

if TYPE_CHECKING:
    from claimsctl.validate.checks import Check
    from claimsctl.validate.rule import Rule

SERVICE_DATE: Final = "service_date_from"
_DATE_AT: Final = {"known": 2, "lookup": 3}
"""Which argument of a look-up is its day."""


def dated_reads(rule: Rule) -> frozenset[tuple[str, str]]:
    """Tables that a rule reads in the edition of a day, each with the column of the day (or `value`).

    A table that it `needs` and does not name is read by a fact, by service date. A day that is computed
    and not a column is left out.
    """
    named: set[str] = set()
    dated: set[tuple[str, str]] = set()
    texts = (rule.rule_expression, rule.when or "", *rule.show.values())
    if not any(function in text for function in _DATE_AT for text in texts):
        return frozenset((name, SERVICE_DATE) for name in rule.needs)  # most rules: not worth the walk
    for expression in (rule.holds, rule.guard):
        if expression is None:
            continue
        for node in walk(expression.root):
            if not isinstance(node, Call) or node.function not in _DATE_AT:
                continue
            table, at = node.arguments[1], _DATE_AT[node.function]
            assert isinstance(table, Text)
            name = table.value.partition("(")[0].strip()
            named.add(name)
            day = node.arguments[at] if len(node.arguments) > at else None
            if isinstance(day, Name):
                dated.add((name, day.name))
    return frozenset(dated | {(name, SERVICE_DATE) for name in rule.needs if name not in named})


class Served(Protocol):
    """What is asked of a table: its name, and the times that no edition is for (None is ever before)."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def unserved(self) -> tuple[tuple[date | None, date], ...]:
        """First and last day of each time without an edition."""


@dataclass(frozen=True, order=True)
class Unserved:
    """A time that no edition of a table is for, and the column of the day by which rules read it."""

    table: str
    column: str
    last: date
    first: date | None = None

    @property
    def reason(self) -> str:
        """Why a rule is not run on lines of that time."""
        if self.first is None:
            return f"{self.column} is before the oldest edition of {self.table}, to {self.last}"
        return f"{self.column} is between two editions of {self.table}, {self.first} to {self.last}"

    @property
    def holds(self) -> pl.Expr:
        """True on lines of that time."""
        day = pl.col(self.column)
        return day <= self.last if self.first is None else day.is_between(self.first, self.last)


def unserved_times(checks: Iterable[Check], tables: Mapping[str, Served]) -> Iterator[Unserved]:
    """The times, in a stable order, in which some check finds no edition of a table it reads."""
    for name, column in sorted(set().union(*(check.dated for check in checks))):
        if name in tables:
            for first, last in tables[name].unserved:
                yield Unserved(name, column, last, first)


def count_unserved(frame: pl.DataFrame, times: Iterable[Unserved]) -> dict[Unserved, int]:
    """How many lines of a part are of each time; those without any are left out."""
    wanted = list(times)
    if not wanted:
        return {}
    counts = frame.select(each.holds.sum().alias(str(n)) for n, each in enumerate(wanted)).row(0)
    return {each: number for each, number in zip(wanted, counts, strict=True) if number}
