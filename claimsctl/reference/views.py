"""A reference table as the rule language wants it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from claimsctl.reference.manifest import TYPES
from claimsctl.reference.ownlists import beginnings
from claimsctl.reference.tables import Table


@dataclass(frozen=True, slots=True)
class TableView:
    """A table as the rule language wants it: aligned series, types by their language names.

    `columns` maps a column to its type ("text", "integer", "boolean", "date") and values; `valid_from`
    and `valid_to` are there when rows have dates, null elements are open ends. `beginnings` are columns
    with codes or the beginning of codes.
    """

    name: str
    codes: pl.Series
    columns: Mapping[str, tuple[str, pl.Series]]
    valid_from: pl.Series | None
    valid_to: pl.Series | None
    starts: date | None = None
    ends: date | None = None
    gaps: tuple[tuple[date, date], ...] = ()
    beginnings: frozenset[str] = frozenset()


def _kind(dtype: pl.DataType) -> str:
    """Language name of a column's type."""
    if dtype.is_decimal():
        return "decimal"
    if dtype.is_integer():
        return "integer"
    return next((name for name, each in TYPES.items() if each == dtype), "text")


def table_view(table: Table) -> TableView:
    """The aligned series of a table, without copying."""
    columns = {
        series.name: (_kind(series.dtype), series)
        for series in table.frame.get_columns()[1:]
        if series.name not in ("valid_from", "valid_to")
    }
    dated = {"valid_from", "valid_to"} <= set(table.frame.columns)
    return TableView(
        table.name,
        table.frame[table.key],
        columns,
        table.frame["valid_from"] if dated else None,
        table.frame["valid_to"] if dated else None,
        table.starts,
        table.ends,
        table.gaps,
        beginnings(table.name),
    )
