"""Look-ups by several columns of a table, or by cells that are the beginning of codes.

The first key of a row must be filled; a blank cell of a further key stands for any value. Where several
rows fit, the one with more filled keys counts, then the one with longer beginnings, then the first one;
without a date the newest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import polars as pl

from claimsctl.validate.language.types import TableInfo

DAY = "day"
_DAY = pl.col(DAY)
_FROM, _TO = pl.col("from"), pl.col("to")


def key_name(number: int) -> str:
    """Column of the keys that are asked for: the first is `k0`."""
    return f"k{number}"


def related(table: TableInfo, columns: Sequence[str]) -> bool:
    """Whether a look-up by these columns goes this way, and not through the codes of the table alone."""
    return len(columns) > 1 or columns[0] != table.key or columns[0] in table.beginnings


def rows_of(table: TableInfo, columns: Sequence[str], asked: pl.DataFrame) -> pl.Series:
    """The row of the table for each of the rows `asked` (k0, k1, ... and perhaps `day`), null where none.

    A null key finds nothing. A null day finds a row of any time.
    """
    keys = [key_name(n) for n in range(len(columns))]
    dated = DAY in asked.columns
    distinct = asked.drop_nulls(keys).unique()
    if distinct.is_empty():
        return _no_rows(asked)
    found = [_met(distinct, shape, dated=dated) for shape in _shapes(table, columns)]
    newest = [] if dated else [pl.col("from").fill_null(0)]
    met = pl.concat(found)
    if met.is_empty():
        return _no_rows(asked)
    best = met.sort(
        "filled", "length", *newest, "row", descending=[True, True, *(True for _ in newest), False]
    ).unique(asked.columns, keep="first", maintain_order=True)
    rows = asked.join(best, on=asked.columns, how="left", nulls_equal=True, maintain_order="left")
    return rows["row"]


def _no_rows(asked: pl.DataFrame) -> pl.Series:
    return pl.repeat(None, asked.height, dtype=pl.UInt32, eager=True).alias("row")


def anywhere(table: TableInfo, column: str, values: pl.Series) -> pl.Series:
    """Whether some row of the table has each value, or its beginning, in a column; null for null."""
    if values.null_count() == len(values):
        return _nowhere(values)
    made = table.prepared.get(("anywhere", column))
    if made is None:
        cells = table.column(column)[1].drop_nulls().unique().sort()
        lengths = cells.str.len_chars().unique().sort().to_list() if column in table.beginnings else None
        made = table.prepared["anywhere", column] = cells, lengths
    cells, lengths = made
    if lengths is None:
        return search(values, cells)[1]
    found = _nowhere(values)
    for length in lengths:
        whole = values.str.len_chars() >= length
        found |= whole & search(values.str.head(length), cells)[1]
    return found


def search(values: pl.Series, among: pl.Series) -> tuple[np.ndarray, pl.Series]:
    """Where each value stands in a sorted column without repeats, and whether it does; null for null.

    The place of a value that is not there means nothing.
    """
    if not len(among) or values.null_count() == len(values):
        return np.zeros(len(values), np.int64), _nowhere(values)
    found = np.minimum(among.search_sorted(values).to_numpy(), len(among) - 1)
    return found, among.gather(found) == values


def _nowhere(values: pl.Series) -> pl.Series:
    return values != values  # null for null, else False


def periods(table: TableInfo) -> pl.DataFrame:
    """Each row's code, and the first and last day it is in force; null is open."""
    open_end = pl.Series([None], dtype=pl.Date).new_from_index(0, len(table.codes))
    starts = open_end if table.valid_from is None else table.valid_from
    ends = open_end if table.valid_to is None else table.valid_to
    return pl.DataFrame({"code": table.codes, "from": starts, "to": ends})


@dataclass(frozen=True)
class _Shape:
    """Rows of a table with the same keys filled. `lengths`: of the beginnings in a key, where it has them."""

    filled: tuple[int, ...]
    lengths: dict[int, pl.DataFrame]
    rows: pl.DataFrame


def _shapes(table: TableInfo, columns: Sequence[str]) -> list[_Shape]:
    made = table.prepared.get(("shapes", *columns))
    if made is None:
        made = table.prepared["shapes", *columns] = _shapes_of(table, columns)
    assert isinstance(made, list)
    return made


def _shapes_of(table: TableInfo, columns: Sequence[str]) -> list[_Shape]:
    keys = [key_name(n) for n in range(len(columns))]
    cells = [table.column(name)[1].alias(key) for name, key in zip(columns, keys, strict=True)]
    days = periods(table).select(_FROM.to_physical(), _TO.to_physical())
    frame = pl.DataFrame([*cells, *days.get_columns()]).with_row_index("row")
    frame = frame.filter(pl.col(keys[0]).is_not_null())
    shapes = []
    further = range(1, len(columns))
    for count in range(len(columns)):
        for blank in combinations(further, count):
            filled = tuple(n for n in range(len(columns)) if n not in blank)
            rows = frame.filter(pl.col(key).is_null() == (n in blank) for n, key in enumerate(keys))
            if rows.height or not blank:
                shapes.append(_Shape(filled, _lengths(rows, table, columns, filled), rows))
    return shapes


def _lengths(
    rows: pl.DataFrame, table: TableInfo, columns: Sequence[str], filled: Sequence[int]
) -> dict[int, pl.DataFrame]:
    return {
        n: rows.select(pl.col(key_name(n)).str.len_chars().unique().sort().alias(f"length{n}"))
        for n in filled
        if columns[n] in table.beginnings
    }


def _met(asked: pl.DataFrame, shape: _Shape, *, dated: bool) -> pl.DataFrame:
    """What is asked with every row of one shape that fits: the columns asked, row, from, filled, length."""
    tried = asked.lazy()
    for n, lengths in shape.lengths.items():
        tried = tried.join(lengths.lazy(), how="cross").filter(
            pl.col(key_name(n)).str.len_chars() >= pl.col(f"length{n}")
        )
    on = [
        pl.col(key_name(n)).str.head(pl.col(f"length{n}")) if n in shape.lengths else pl.col(key_name(n))
        for n in shape.filled
    ]
    named = [f"on{n}" for n in shape.filled]
    right = shape.rows.lazy().select(
        *(pl.col(key_name(n)).alias(f"on{n}") for n in shape.filled), "row", "from", "to"
    )
    length = pl.sum_horizontal([pl.lit(0, pl.UInt32), *(pl.col(f"length{n}") for n in shape.lengths)])
    met = tried.with_columns(
        [part.alias(name) for part, name in zip(on, named, strict=True)] + [length.alias("length")]
    ).join(right, on=named)
    if dated:
        day = _DAY.to_physical()
        covers = (_FROM.is_null() | (day >= _FROM)) & (_TO.is_null() | (day <= _TO))
        met = met.filter(_DAY.is_null() | covers)
    return met.select(
        *asked.columns, "row", "from", pl.lit(len(shape.filled)).alias("filled"), "length"
    ).collect(engine="in-memory")
