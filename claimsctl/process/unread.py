"""Cells that are not what their column holds and count as blank: told, since most have no rule."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final, NamedTuple

import polars as pl

from claimsctl.claim import BY_NAME
from claimsctl.facts.cells import OPTIONAL_DATES, readable
from claimsctl.facts.typed import Layout

_REPORTED: Final = frozenset({"line_number", "patient_dob", "service_date_from", "service_date_to"})
"""Columns whose unreadable cells are findings (CLM-004, PAT-006, DAT-002)."""


class Unread(NamedTuple):
    """Cells of a column that are no date, time or number; `first_row` is the row_number of the first."""

    column: str
    cells: int
    first_row: int


def unread_cells(rows: pl.DataFrame, frame: pl.DataFrame, layout: Layout, run_date: date) -> Iterator[Unread]:
    """What could not be read of a part: its raw rows, and the typed columns made of them."""
    for name, raw in layout.columns.items():
        column = BY_NAME[name]
        if column.cell_type in ("text", "code") or name in _REPORTED or name not in frame.columns:
            continue
        if frame[name].null_count() == rows[raw].null_count() and name not in layout.constants:
            continue
        lost = rows[raw].is_not_null() & frame[name].is_null()
        some = rows.filter(lost).select("row_number", pl.col(raw).cast(pl.String))
        if name in OPTIONAL_DATES and some.height:  # a filler date is blank on purpose (DAT-016)
            fits = readable(some[raw], column, run_date)
            assert fits is not None
            some = some.filter(~fits)
        if some.height:
            yield Unread(name, some.height, some["row_number"][0])
