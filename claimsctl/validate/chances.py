"""Which checks can fire on a part at all, told by conditions that are cheap to decide.

Most rules are about codes, bill types or payers that a given part does not have. The conditions that must
hold (or be false) wherever a rule fires are looked at first, so that nothing is spent on the rest of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from claimsctl.validate.checks import Check
from claimsctl.validate.language.predicates import Predicate, at_blank


@dataclass(frozen=True)
class Answers:
    """Names of boolean columns: asked of a part, true on some row of it, and false on some row; and columns
    that are `blank` on all rows."""

    asked: frozenset[str] = frozenset()
    true: frozenset[str] = frozenset()
    false: frozenset[str] = frozenset()
    blank: frozenset[str] = frozenset()

    @staticmethod
    def read(frame: pl.DataFrame, names: Collection[str]) -> Answers:
        """Those of columns of the frame."""
        nulls = zip(frame.columns, frame.null_count().row(0), strict=True)
        blank = frozenset(name for name, count in nulls if count == frame.height)
        if not names:
            return Answers(blank=blank)
        columns = frame.select(names)
        true = columns.select(pl.all().any()).row(0, named=True)
        all_true = columns.select(pl.all().all()).row(0, named=True)  # nulls left out
        return Answers(
            frozenset(names),
            frozenset(name for name, answer in true.items() if answer),
            frozenset(name for name, answer in all_true.items() if not answer),
            blank,
        )

    def allow(self, check: Check) -> bool:
        """Whether the check may fire on some row, as far as is known."""
        needs = check.needs
        return (
            self.blank.isdisjoint(needs.filled)
            and self.true.issuperset(needs.true & self.asked)
            and self.false.issuperset(needs.false & self.asked)
        )


def likely(frame: pl.DataFrame, checks: Sequence[Check]) -> tuple[pl.DataFrame, list[int]]:
    """The positions of checks that may fire on a small frame, and the frame with the predicates looked at.

    What the frame does not have yet (facts of other lines) is left open.
    """
    there = frozenset(frame.columns)
    facts = set().union(*(check.needs.true | check.needs.false for check in checks)) & there
    first = Answers.read(frame, facts)
    among = [n for n, check in enumerate(checks) if first.allow(check)]
    frame, answers = with_answers(frame, gates([checks[n] for n in among]), first.blank)
    return frame, [n for n in among if answers.allow(checks[n])]


def with_answers(
    frame: pl.DataFrame, predicates: Iterable[Predicate], blank: Collection[str]
) -> tuple[pl.DataFrame, Answers]:
    """The answers of predicates on columns of a small frame, and the frame with those that took a look."""
    there = frozenset(frame.columns)
    asked = [p for p in predicates if p.column in there]
    unfilled = [p for p in asked if p.column in blank]
    filled = [p for p in asked if p.column not in blank]
    frame = frame.with_columns(p.expr.alias(p.name) for p in filled)
    looked = Answers.read(frame, [p.name for p in filled])
    known = list(zip(unfilled, at_blank(unfilled), strict=True)) if frame.height else []
    return frame, Answers(
        frozenset(p.name for p in asked),
        looked.true.union(p.name for p, answer in known if answer is True),
        looked.false.union(p.name for p, answer in known if answer is False),
    )


def gates(checks: Sequence[Check]) -> tuple[Predicate, ...]:
    """Predicates without which some check cannot fire, in a stable order."""
    found = {p.name: p for check in checks for p in check.predicates
             if p.name in check.needs.true or p.name in check.needs.false}  # fmt: skip
    return tuple(found[name] for name in sorted(found))
