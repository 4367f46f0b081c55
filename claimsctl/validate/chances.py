"""Which checks can fire on a part at all, told by conditions that are cheap to decide.

Most rules are about codes, bill types or payers that a given part does not have. The conditions that must
hold (or be false) wherever a rule fires are looked at first, so that nothing is spent on the rest of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from claimsctl.validate.checks import Check
from claimsctl.validate.language.needs import Needs
from claimsctl.validate.language.predicates import Predicate, answers_by_row, with_predicates

_FEW_ROWS = 50  # the lines of a claim; of more, a look at the cells is quicker than at what was remembered


@dataclass(frozen=True)
class Answers:
    """Names of boolean columns: asked of a part, true on some row of it, and false on some row; and columns
    that are `blank` on all rows, and filled on all of them (`full`)."""

    asked: frozenset[str] = frozenset()
    true: frozenset[str] = frozenset()
    false: frozenset[str] = frozenset()
    blank: frozenset[str] = frozenset()
    full: frozenset[str] = frozenset()

    @staticmethod
    def read(frame: pl.DataFrame, names: Collection[str]) -> Answers:
        """Those of columns of the frame."""
        nulls = dict(zip(frame.columns, frame.null_count().row(0), strict=True))
        blank = frozenset(name for name, count in nulls.items() if count == frame.height)
        full = frozenset(name for name, count in nulls.items() if count == 0)
        if not names:
            return Answers(blank=blank, full=full)
        columns = frame.select(names)
        true = columns.select(pl.all().any()).row(0, named=True)
        all_true = columns.select(pl.all().all()).row(0, named=True)  # nulls left out
        return Answers(
            frozenset(names),
            frozenset(name for name, answer in true.items() if answer),
            frozenset(name for name, answer in all_true.items() if not answer),
            blank,
            full,
        )

    def and_said(self, said: Mapping[str, Collection[bool | None]]) -> Answers:
        """With what further boolean columns say, row by row."""
        return Answers(
            self.asked.union(said),
            self.true.union(name for name, answers in said.items() if True in answers),
            self.false.union(name for name, answers in said.items() if False in answers),
            self.blank,
            self.full,
        )

    def allow(self, needs: Needs) -> bool:
        """Whether some row may have what is needed, as far as is known."""
        return (
            self.blank.isdisjoint(needs.filled)
            and self.full.isdisjoint(needs.blank)
            and self.true.issuperset(needs.true & self.asked)
            and self.false.issuperset(needs.false & self.asked)
            and all(any(map(self.allow, parts)) for parts in needs.either)
        )


def likely(frame: pl.DataFrame, checks: Sequence[Check]) -> tuple[pl.DataFrame, list[int]]:
    """The positions of checks that may fire on a frame, and the frame with their predicates.

    What the frame does not have yet (facts of other lines) is left open.
    """
    there = frozenset(frame.columns)
    facts = there.intersection(set().union(*(check.needs.conditions for check in checks)))
    answers = Answers.read(frame, facts)
    among = [n for n, check in enumerate(checks) if answers.allow(check.needs)]
    asked = _of_columns(there, [checks[n] for n in among])
    if frame.height > _FEW_ROWS:
        frame = with_predicates(frame, asked)
        answers = Answers.read(frame, facts.union(p.name for p in asked))
        return frame, [n for n in among if answers.allow(checks[n].needs)]
    said = answers_by_row(frame, asked)
    answers = answers.and_said(said)
    among = [n for n in among if answers.allow(checks[n].needs)]
    told = [p.name for p in _of_columns(there, [checks[n] for n in among])]
    return frame.hstack([pl.Series(name, said[name], pl.Boolean) for name in told]), among


def _of_columns(there: Collection[str], checks: Sequence[Check]) -> list[Predicate]:
    """Predicates of the checks that read a column which is there, in a stable order."""
    found = {p for check in checks for p in check.predicates if p.column in there}
    return sorted(found, key=lambda p: p.name)
