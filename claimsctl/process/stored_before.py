"""Claims of a run that earlier runs stored: how many, by which jobs, and what is left out of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from claimsctl.validate.evaluate import HITS

STORED: Final = ("stored_claim", "stored_job")
"""Facts that say what the store holds of a claim."""


@dataclass(frozen=True)
class StoredBefore:
    """Claims that the store holds as accepted: with other content, with the same, and both by job."""

    changed: int = 0
    unchanged: int = 0
    jobs: Mapping[str, int] = field(default_factory=dict)

    @staticmethod
    def of(stored: pl.DataFrame) -> StoredBefore:
        """From claim_id, stored_claim and stored_job."""
        same = int((stored["stored_claim"] == "unchanged").sum())
        jobs = stored.group_by("stored_job").len().sort("stored_job", descending=True)
        return StoredBefore(stored.height - same, same, dict(jobs.iter_rows()))


@dataclass
class Skipped:
    """Lines of claims that --duplicates skip leaves out, and what is said of them."""

    rows: pl.DataFrame
    frame: pl.DataFrame
    hits: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=HITS))


def without_skipped(
    rows: pl.DataFrame, frame: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, Skipped | None]:
    """Rows and facts without lines of claims that are to be skipped, and those lines; None without any."""
    left_out = (frame["stored_claim"] == "skipped").fill_null(False)
    if not left_out.any():
        return rows, frame, None
    skipped = Skipped(rows.filter(left_out), frame.filter(left_out))
    return rows.filter(~left_out), frame.filter(~left_out), skipped
