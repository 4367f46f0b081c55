"""Cells that are not what their column holds and count as blank: told, and found (FILE-017) where no other
rule says so."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import date
from typing import Final, NamedTuple

import polars as pl

from claimsctl.claim import BY_NAME, COLUMNS
from claimsctl.facts.cells import OPTIONAL_DATES, readable
from claimsctl.facts.typed import Layout
from claimsctl.process.file_rules import FileRules
from claimsctl.validate.checks import Check

UNREAD: Final = "FILE-017"
_REPORTED: Final = frozenset({"line_number", "patient_dob", "service_date_from", "service_date_to"})
"""Columns whose unreadable cells are findings of other rules, and are not told beside them (CLM-004, PAT-006,
DAT-002)."""
_RULED: Final = _REPORTED | {"charge_amount", "units"}
"""Those and others that a rule asks to be there (FIN-001, FIN-009)."""


class Unread(NamedTuple):
    """Cells of a column that are no date, time or number; `first_row` is the row_number of the first."""

    column: str
    cells: int
    first_row: int


def unread_cells(
    rows: pl.DataFrame, frame: pl.DataFrame, layout: Layout, run_date: date
) -> Iterator[tuple[Unread, pl.Series]]:
    """What could not be read of a part, its raw rows and the typed columns made of them, and where in it."""
    for name, raw in layout.columns.items():
        column = BY_NAME[name]
        if column.cell_type in ("text", "code") or name in _REPORTED or name not in frame.columns:
            continue
        if frame[name].null_count() == rows[raw].null_count() and name not in layout.constants:
            continue
        lost = rows[raw].is_not_null() & frame[name].is_null()
        places = lost.arg_true().alias("place")
        some = rows[places].select("row_number", pl.col(raw).cast(pl.String), places)
        if name in OPTIONAL_DATES and some.height:  # a filler date is blank on purpose (DAT-016)
            fits = readable(some[raw], column, run_date)
            assert fits is not None
            some = some.filter(~fits)
        if some.height:
            yield Unread(name, some.height, some["row_number"][0]), some["place"]


def unread_checks(present: Collection[str], rules: FileRules) -> tuple[Check, ...]:
    """What findings of unreadable cells say, a check for each column that is there; none where the rule is
    left out."""
    rule = rules.rules.get(UNREAD)
    if rule is None:
        return ()
    told, nothing = replace(rule, level="line"), frozenset[str]()
    severity = rules.severities.get(UNREAD, rule.severity)
    return tuple(
        Check(told, severity, column.name, pl.lit(False), nothing, frozenset())
        for column in COLUMNS
        if column.name in present and column.cell_type not in ("text", "code") and column.name not in _RULED
    )
