"""Rows of an outbox file on their way into a staging table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claimsctl.security.spills import decrypted
from claimsctl.sql.dialects.grammar import Stage

if TYPE_CHECKING:
    import polars as pl


def staged_frame(stage: Stage) -> pl.DataFrame:
    """The rows of a file with the columns that the loader adds, in the order of the file."""
    from io import BytesIO

    import polars as pl

    decryption = None if stage.key is None else decrypted(stage.key)
    frame = pl.read_parquet(BytesIO(stage.data), decryption=decryption)
    return frame.select(
        pl.lit(stage.job).alias("stage_job"),
        pl.lit(stage.batch, pl.Int32).alias("stage_batch"),
        pl.lit(stage.loaded_at, pl.Datetime("ms")).alias("loaded_at"),
        *(name for name in frame.columns if name in stage.columns),
    )
