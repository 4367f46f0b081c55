"""What failed in a job, and why: its findings counted by type, code, field and cause, and one by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from claimsctl.errors import UsageError
from claimsctl.jobs.outputs import outputs_left
from claimsctl.process.storing import DETAIL
from claimsctl.store.job import Job
from claimsctl.store.workspace import DETAILS, Workspace
from claimsctl.validate.findings import FINDING

COLUMNS: Final = list(FINDING)
_KEPT: Final[Mapping[str, type[pl.DataType]]] = {**FINDING, "cause": pl.String, "claim_id": pl.UInt64}
_RANK: Final = {"error": 0, "warning": 1, "info": 2}


@dataclass(frozen=True)
class Filter:
    """Which findings are asked for; None: any. Codes may end in `*`."""

    severity: str | None = None
    code: str | None = None
    field: str | None = None
    category: str | None = None
    claim: str | None = None
    input: str | None = None
    row: int | None = None

    def expression(self) -> pl.Expr:
        """True for findings that are asked for."""
        wanted = pl.lit(True)
        for name in ("severity", "field", "category", "input"):
            value = getattr(self, name)
            if value is not None:
                wanted &= pl.col(name) == value
        if self.code is not None:
            code = self.code.upper()
            wanted &= (
                pl.col("code").str.starts_with(code[:-1]) if code.endswith("*") else pl.col("code") == code
            )
        if self.claim is not None:
            wanted &= pl.col("claim_number") == self.claim
        if self.row is not None:
            wanted &= pl.col("row_number") == self.row
        return wanted.fill_null(False)


def findings_of(workspace: Workspace, job: Job) -> pl.LazyFrame:
    """All kept findings of a job, in file order; UsageError where none were kept."""
    paths = detail_files(workspace, job)
    if not paths:
        return pl.LazyFrame(schema=_KEPT)
    return pl.scan_parquet(paths).select(DETAIL)


def check_has_findings(workspace: Workspace, job: Job) -> None:
    """UsageError for a job that tells nothing of claims: a run before its end, one that did not come to it,
    or a rollback. To say that nothing was found would read as a clean file."""
    if job.ledger or _kept_files(workspace, job):
        return
    if job.unfinished:
        raise UsageError(
            f"Job {job.job_id} is {job.status}; its findings are told when it has ended.",
            hint=f"Follow it: claimsctl jobs watch {job.job_id}",
        )
    way_on = None
    if job.command == "rollback":
        way_on = f"Those of the job that it took back: claimsctl jobs errors {job.parent_job}"
    elif job.command in ("process", "resume"):
        way_on = f"Run it again: claimsctl jobs resume {job.job_id}"
    why = f" Its error: {job.error.rstrip('.')}." if job.error else ""
    raise UsageError(
        f"Job {job.job_id} ({job.command}) is {job.status}; it has no findings.{why}", hint=way_on
    )


def detail_files(workspace: Workspace, job: Job) -> list[Path]:
    """Where the findings of a job lie, in file order."""
    paths = _kept_files(workspace, job)
    if paths or not sum(job.counts.get(severity, 0) for severity in _RANK):
        return paths
    errors = outputs_left(job).get("errors")
    raise UsageError(
        f"The findings of job {job.job_id} are not kept any more (or it was run by an older claimsctl).",
        hint=f"Look into {errors}." if errors else None,
    )


def _kept_files(workspace: Workspace, job: Job) -> list[Path]:
    return sorted((workspace.job_directory(job.job_id) / DETAILS).glob("found-*.parquet"))


def summary_of(findings: pl.LazyFrame) -> dict[str, Any]:
    """Counts by severity, type (category), code and field, and the causes that one action clears."""
    rows, claims = pl.len().alias("rows"), pl.col("claim_id").drop_nulls().n_unique().alias("claims")
    first = [pl.col(name).drop_nulls().first() for name in ("message", "suggestion")]
    severities, types, codes, fields, causes = pl.collect_all(
        [
            findings.group_by("severity").agg(rows),
            findings.group_by("category", "severity").agg(rows, claims),
            findings.group_by("code", "severity", "category").agg(rows, claims, first[0]),
            findings.group_by("field").agg(rows, claims),
            findings.group_by("code", "severity", "cause").agg(rows, claims, *first),
        ],
        engine="streaming",
    )
    found = dict(severities.iter_rows())
    return {
        "findings": {severity: found.get(severity, 0) for severity in _RANK},
        "by_type": _ordered(types.rename({"category": "type"}), "type"),
        "by_code": _ordered(codes, "code"),
        "by_field": _ordered(fields, "field"),
        "causes": _ordered(
            causes.with_columns(pl.coalesce("cause", "message").alias("cause")).select(
                "cause", "rows", "claims", "severity", "code", fix="suggestion"
            ),
            "cause",
        ),
    }


def _ordered(counted: pl.DataFrame, name: str) -> list[dict[str, Any]]:
    """Rows of a count: errors first, then the most frequent."""
    if "severity" in counted.columns:
        ranked = counted.with_columns(pl.col("severity").replace_strict(_RANK, default=3).alias("_rank"))
    else:
        ranked = counted.with_columns(pl.lit(0).alias("_rank"))
    order = ranked.sort("_rank", "rows", name, descending=[False, True, False], nulls_last=True)
    return order.drop("_rank").to_dicts()


def shown(findings: pl.LazyFrame, wanted: Filter, page: int, limit: int) -> tuple[pl.DataFrame, int]:
    """One page of the findings asked for (pages from 1), and how many there are in all."""
    asked = findings.filter(wanted.expression())
    some, total = pl.collect_all(
        [asked.slice((page - 1) * limit, limit).select(COLUMNS), asked.select(pl.len())],
        engine="streaming",
    )
    return some, int(total.item())


def parts(workspace: Workspace, job: Job, wanted: Filter) -> Iterator[pl.DataFrame]:
    """The findings asked for, part by part, for an export of any size."""
    for path in detail_files(workspace, job):
        part = pl.read_parquet(path, columns=COLUMNS).filter(wanted.expression())
        if part.height:
            yield part.select(COLUMNS)
