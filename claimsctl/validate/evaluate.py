"""Running compiled checks over one part: a frame in, narrow hits out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from claimsctl.validate.language.predicates import with_predicates
from claimsctl.validate.ruleset import Check

HITS: Final = {"row": pl.UInt32, "check": pl.UInt16}
_SMALL = 2_000
"""Below this many rows planning a lazy query costs more than it saves."""


def evaluate(frame: pl.DataFrame, checks: Sequence[Check]) -> pl.DataFrame:
    """Where each check fires: `row` (position in `frame`) and `check` (position in `checks`).

    Ordered by row, then check. Unknown (null) does not fire.
    """
    if not checks or not frame.height:
        return pl.DataFrame(schema=HITS)
    frame = with_predicates(frame, set().union(*(check.predicates for check in checks)))
    expressions = [check.fires.alias(str(n)) for n, check in enumerate(checks)]
    # The lazy plan computes an expression that many rules share once.
    small = frame.height < _SMALL
    fired = frame.select(expressions) if small else frame.lazy().select(expressions).collect()
    some = fired.select(pl.all().any(ignore_nulls=True)).row(0)
    hits = [
        pl.DataFrame({"row": column.arg_true().cast(pl.UInt32)}).with_columns(
            pl.lit(n, dtype=pl.UInt16).alias("check")
        )
        for n, (column, any_hit) in enumerate(zip(fired.iter_columns(), some, strict=True))
        if any_hit
    ]
    if not hits:
        return pl.DataFrame(schema=HITS)
    return pl.concat(hits).sort("row", "check")
