"""Rejected rows that a retry leaves out: of claims accepted since, and of claims not read whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from claimsctl.errors import UsageError
from claimsctl.jobs.findings import findings_of
from claimsctl.store.claims import existing_claims
from claimsctl.store.job import Job
from claimsctl.store.workspace import Workspace

KEY: Final = pl.Schema({"claim_number": pl.String(), "payer_sequence": pl.String()})
"""What tells the claims of a practice apart."""
_UNREADABLE: Final = ("FILE-005", "FILE-006")


@dataclass(frozen=True)
class Gone:
    """What is not tried again: claims that were `accepted` since (KEY), and the numbers of claims of which
    records are `broken`, which do not always say their payer sequence."""

    accepted: pl.DataFrame
    broken: pl.Series

    def accepted_of(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Those of kept rows whose claims were accepted."""
        return keyed(rows).join(self.accepted, on=list(KEY), how="semi", maintain_order="left")

    def broken_of(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Those of kept rows whose claims could not be read whole."""
        return rows.filter(pl.col("claim_number").is_in(self.broken.implode()))

    def left_of(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The others."""
        numbered = keyed(rows).join(self.accepted, on=list(KEY), how="anti", maintain_order="left")
        return numbered.filter(~pl.col("claim_number").is_in(self.broken.implode()).fill_null(False))


def keyed(rows: pl.DataFrame) -> pl.DataFrame:
    """Kept rows with the payer sequence that the store has of them."""
    return rows.with_columns(pl.col("payer_sequence").cast(pl.String).fill_null("P"))


def accepted_since(workspace: Workspace, job: Job, kept: Mapping[int, pl.DataFrame]) -> pl.DataFrame:
    """Rejected claims of a job that were accepted since, changed or under other rules."""
    if not kept:
        return pl.DataFrame(schema=KEY)
    claims = (
        pl.concat(keyed(frame).select(*KEY) for frame in kept.values())
        .filter(pl.col("claim_number").is_not_null())
        .with_columns(pl.lit(job.practice_id or "default").alias("practice_id"))
    )
    found = existing_claims(workspace, claims)
    later = (pl.col("status") != "INVALID") & (pl.col("job_id") >= job.job_id)
    return found.filter(later).select(*KEY)


def unreadable(workspace: Workspace, job: Job) -> pl.Series:
    """Claims that a record names which could not be read."""
    codes = pl.col("code").is_in(_UNREADABLE) & pl.col("claim_number").is_not_null()
    return findings_of(workspace, job).filter(codes).select("claim_number").collect().to_series().unique()


def unreadable_rows(workspace: Workspace, job: Job) -> int:
    """Records of a job that could not be read; none where its findings are gone."""
    try:
        found = findings_of(workspace, job).filter(pl.col("code").is_in(_UNREADABLE))
    except UsageError:
        return 0
    return int(found.select(pl.len()).collect().item())
