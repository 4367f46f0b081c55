"""Ordered cases, the first of which that is true decides a line's status and note."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from claimsctl.price.status import PRICED


@dataclass(frozen=True)
class Case:
    """Where `when` is true the line has this status, and the note beside it (null: nothing to add)."""

    when: pl.Expr
    status: str | pl.Expr
    note: str | pl.Expr | None = None


def _expr(value: str | pl.Expr | None) -> pl.Expr:
    return value if isinstance(value, pl.Expr) else pl.lit(value, pl.String)


def decided(frame: pl.DataFrame, cases: Sequence[Case], *, otherwise: pl.Expr | None = None) -> pl.DataFrame:
    """The frame with `status` and `note` of the first true case; PRICED and `otherwise` where none is."""
    number = pl.coalesce(
        [pl.when(case.when).then(pl.lit(n, pl.UInt16)) for n, case in enumerate(cases)]
    ).alias("case")
    # Each text is computed for its own rows only: most cases are of no row at all.
    found = frame.select(number).to_series()
    present = set(found.unique().drop_nulls())
    status, note = pl.lit(PRICED), _expr(None) if otherwise is None else otherwise
    for n, case in enumerate(cases):
        if n in present:
            here = pl.col("case") == n
            status = pl.when(here).then(_expr(case.status)).otherwise(status)
            note = pl.when(here).then(_expr(case.note)).otherwise(note)
    return frame.with_columns(found).with_columns(status.alias("status"), note.alias("note")).drop("case")
