"""Lines of a group whose codes stand together in a row of a table."""

from __future__ import annotations

from typing import Final

import polars as pl

from claimsctl.validate.language.relations import DAY, key_name, rows_of
from claimsctl.validate.language.types import TableInfo

GROUP: Final = "group"
COUNTS: Final = "counts"
VALUE: Final = key_name(0)
_OTHER: Final = key_name(1)
_ROW: Final = "row"


def paired_column(lines: pl.DataFrame, table: TableInfo, pair: tuple[str, str]) -> pl.Series:
    """Whether a counted other line of the group has a code beside k0 in a row of the table; null where the
    line has no group or no code. With a column `day` the row is in force on that day of the line."""
    asked = lines.with_row_index(_ROW).filter(pl.col(GROUP).is_not_null() & pl.col(VALUE).is_not_null())
    distinct = asked.select(VALUE).unique()
    known = distinct.filter(rows_of(table, pair[:1], distinct).is_not_null())
    asking = asked.join(known, on=VALUE, how="semi")
    others = (
        asked.filter(COUNTS)
        .join(asking.select(GROUP).unique(), on=GROUP, how="semi")
        .group_by(GROUP, pl.col(VALUE).alias(_OTHER))
        .len()
    )
    days = [DAY] if DAY in lines.columns else []
    # A line is no partner of itself, but of another line with the same code.
    met = (
        asking.select(GROUP, VALUE, *days)
        .unique()
        .join(others, on=GROUP)
        .filter((pl.col(_OTHER) != pl.col(VALUE)) | (pl.col("len") > 1))
    )
    together = rows_of(table, pair, met.select(VALUE, *days, _OTHER)).is_not_null()
    paired = met.filter(together).select(GROUP, VALUE, *days, pl.lit(True).alias("paired")).unique()
    found = asked.join(paired, on=[GROUP, VALUE, *days], how="left", nulls_equal=True, maintain_order="left")
    answers = found.select(_ROW, pl.col("paired").fill_null(False))
    every = lines.with_row_index(_ROW).select(_ROW)
    return every.join(answers, on=_ROW, how="left", maintain_order="left")["paired"]
