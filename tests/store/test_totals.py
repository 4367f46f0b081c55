"""Totals of jobs are those of the lines and findings they stored, also after a rollback."""

from __future__ import annotations

from typing import Any

import polars as pl
from run_commit import SCHEME, lines, spill

from claimsctl.store.commit import commit_run
from claimsctl.store.database import open_store
from claimsctl.store.jobs import JobStore
from claimsctl.store.rollback import roll_back
from claimsctl.store.workspace import Workspace


def store(workspace: Workspace, claims: range, **options: Any) -> str:
    job_id = workspace.new_job_id()
    jobs = JobStore(workspace)
    jobs.create_job(job_id, "process")
    jobs.start(job_id)
    code = pl.when(pl.col("line_number") == 1).then(pl.lit("99213")).otherwise(pl.lit("36415"))
    part = lines(claims, **options).with_columns(code.alias("procedure_code"))
    spill(workspace, job_id, part)
    part.select("claim_id", "line_number", code=pl.lit("PAT-001")).write_parquet(
        workspace.findings_file(job_id)
    )
    commit_run(workspace, job_id, digest_scheme=SCHEME)
    jobs.finish(job_id, "COMPLETED")
    workspace.remove_tmp(job_id)
    return job_id


def totals(workspace: Workspace) -> list[tuple[Any, ...]]:
    with open_store(workspace, write=False) as connection:
        codes = connection.execute("SELECT job_id, code, lines FROM line_totals ORDER BY ALL").fetchall()
        found = connection.execute(
            "SELECT job_id, code, findings FROM finding_totals ORDER BY ALL"
        ).fetchall()
    return codes + found


def test_a_job_counts_what_it_stored_only(workspace: Workspace) -> None:
    first = store(workspace, range(3))
    second = store(workspace, range(2, 5))
    assert totals(workspace) == [
        (first, "36415", 3), (first, "99213", 3), (second, "36415", 2), (second, "99213", 2),
        (first, "PAT-001", 6), (second, "PAT-001", 4),
    ]  # fmt: skip
    third = store(workspace, range(5))
    assert third not in {row[0] for row in totals(workspace)}


def test_a_rollback_moves_totals_with_the_lines(workspace: Workspace) -> None:
    first = store(workspace, range(3))
    second = store(workspace, range(2, 5))  # has seen claim 2, which the first stored
    by = workspace.new_job_id()
    assert roll_back(workspace, first, by).kept == 1
    assert totals(workspace) == [(second, "36415", 3), (second, "99213", 3), (second, "PAT-001", 6)]
