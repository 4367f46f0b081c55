"""Which checks can fire on a part at all, told by conditions that are cheap to decide.

Most rules are about codes, bill types or payers that a given part does not have. The conditions that must
hold (or be false) wherever a rule fires are looked at first, so that nothing is spent on the rest of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import polars as pl

from claimsctl.validate.checks import Check
from claimsctl.validate.language.predicates import Predicate, at_blank


@dataclass(frozen=True)
class Answers:
    """Names of predicates: asked of a part, true on some row of it, and false on some row."""

    asked: frozenset[str]
    true: frozenset[str]
    false: frozenset[str]

    @staticmethod
    def read(frame: pl.DataFrame, names: Collection[str]) -> Answers:
        """Those of predicates that are columns of the frame."""
        if not names:
            return Answers(frozenset(), frozenset(), frozenset())
        columns = frame.select(names)
        true = columns.select(pl.all().any()).row(0, named=True)
        all_true = columns.select(pl.all().all()).row(0, named=True)  # nulls left out
        return Answers(
            frozenset(names),
            frozenset(name for name, answer in true.items() if answer),
            frozenset(name for name, answer in all_true.items() if not answer),
        )

    def allow(self, check: Check) -> bool:
        """Whether the check may fire on some row, as far as is known."""
        return self.true.issuperset(check.needs_true & self.asked) and self.false.issuperset(
            check.needs_false & self.asked
        )


def with_answers(frame: pl.DataFrame, predicates: Iterable[Predicate]) -> tuple[pl.DataFrame, Answers]:
    """The answers of predicates on columns of a small frame, and the frame with those that took a look."""
    blank, filled = list[Predicate](), list[Predicate]()
    nulls = dict(zip(frame.columns, frame.null_count().row(0), strict=True))
    for predicate in predicates:
        count = nulls.get(predicate.column)
        if count is not None:
            (blank if count == frame.height else filled).append(predicate)
    frame = frame.with_columns(p.expr.alias(p.name) for p in filled)
    looked = Answers.read(frame, [p.name for p in filled])
    known = list(zip(blank, at_blank(blank), strict=True)) if frame.height else []
    return frame, Answers(
        frozenset(chain(looked.asked, (p.name for p in blank))),
        frozenset(chain(looked.true, (p.name for p, answer in known if answer is True))),
        frozenset(chain(looked.false, (p.name for p, answer in known if answer is False))),
    )


def gates(checks: Sequence[Check]) -> tuple[Predicate, ...]:
    """Predicates without which some check cannot fire, in a stable order."""
    found = {p.name: p for check in checks for p in check.predicates
             if p.name in check.needs_true or p.name in check.needs_false}  # fmt: skip
    return tuple(found[name] for name in sorted(found))
