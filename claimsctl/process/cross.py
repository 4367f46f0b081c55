"""Between the passes: cross-row columns, exact copies, line numbers, computed over all parts at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from claimsctl.process.intake import CONTENT, Intake
from claimsctl.process.review import CrossFacts
from claimsctl.validate.cross import ROW, Group, cross_columns


def relate(
    intake: Intake, groups: Sequence[Group], span: Mapping[str, str], spill: Path
) -> CrossFacts:
    """Resolve what joins lines together; the result is read back part by part."""
    path = spill / "cross.parquet"
    keys = pl.scan_parquet([part.keys for part in intake.parts])
    repeats = exact_copies(keys)
    columns = cross_columns(keys, groups, repeats, keep=(CONTENT,)).rename({old: new for new, old in span.items()})
    columns = columns.with_columns(line_ranks(keys))
    columns.sink_parquet(path, compression="lz4", statistics=False, maintain_order=True, row_group_size=100_000)
    return CrossFacts(path, repeats)


def exact_copies(keys: pl.LazyFrame) -> pl.Series:
    """Row indexes, ascending, of rows that equal an earlier row of the run in every column."""
    digests = keys.select("row_digest", ROW)
    copied = digests.group_by("row_digest").agg(pl.len().alias("copies"), pl.col(ROW).min().alias("first"))
    return (
        digests.join(copied.filter(pl.col("copies") > 1), on="row_digest")
        .filter(pl.col(ROW) > pl.col("first"))
        .select(ROW)
        .collect(engine="streaming")[ROW]
        .sort()
    )


def line_ranks(keys: pl.LazyFrame) -> pl.Series | pl.Expr:
    """1..n within each claim in file order, where some line has no line number; else null."""
    unnumbered = keys.select(pl.col("unnumbered").any()).collect(engine="streaming").item()
    if not unnumbered:
        return pl.lit(None, pl.Int64).alias("line_rank")
    claims = keys.select("claim_id").collect(engine="streaming")
    return claims.select(pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("claim_id").alias("line_rank"))[
        "line_rank"
    ]
