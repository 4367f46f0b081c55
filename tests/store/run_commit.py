"""A process that commits jobs, and can be told to die at a point: run by the tests of store."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from claimsctl.store import commit
from claimsctl.store.jobs import JobStore
from claimsctl.store.placing import Placed
from claimsctl.store.workspace import Workspace

SCHEME = "test"


def lines(
    claims: range, *, rejected: frozenset[int] = frozenset(), charge: str = "10.10", per_claim: int = 2
) -> pl.DataFrame:
    """Line parts as the pipeline writes them; claim n has `per_claim` lines."""
    rows = [(claim, line) for claim in claims for line in range(1, per_claim + 1)]
    number = [claim for claim, _ in rows]
    height = len(rows)
    digests = pl.Series([f"{claim} {line} {charge}" for claim, line in rows], dtype=pl.String).hash(seed=1)
    return pl.DataFrame(
        {
            "practice_id": ["default"] * height,
            "claim_number": [f"C{claim}" for claim in number],
            "payer_sequence": ["P"] * height,
            "claim_id": pl.Series([claim + 1 for claim in number], dtype=pl.UInt64),
            "line_number": [line for _, line in rows],
            "row_number": range(2, height + 2),
            "input": ["claims.csv"] * height,
            "verdict": ["rejected" if claim in rejected else "accepted" for claim in number],
            "unchanged": [False] * height,
            "content_digest": digests,
            "patient_key": [f"{claim % 7:032x}" for claim in number],
            "payer_id": ["87726"] * height,
            "rendering_npi": [f"12345678{line:02d}" for _, line in rows],
            "service_date_from": [date(2026, 1, line) for _, line in rows],
            "charge_amount": pl.Series([Decimal(charge)] * height, dtype=pl.Decimal(18, 4)),
        },
        schema_overrides={"line_number": pl.Int64, "row_number": pl.Int64},
    )


def spill(workspace: Workspace, job_id: str, *parts: pl.DataFrame) -> Path:
    """Write parts where a commit looks for them."""
    tmp = workspace.tmp_directory(job_id)
    for number, part in enumerate(parts):
        part.write_parquet(tmp / f"lines-{number:05d}.parquet")
    return tmp


def run_job(workspace: Workspace, jobs: JobStore, first: int, count: int = 200) -> str:
    """One whole job, as the pipeline does it."""
    job_id = workspace.new_job_id()
    jobs.create_job(job_id, "process")
    jobs.start(job_id)
    middle = first + count // 2
    spill(workspace, job_id, lines(range(first, middle)), lines(range(middle, first + count)))
    ledger = {"claims": count}
    commit.commit_run(
        workspace, job_id, digest_scheme=SCHEME, finish={"status": "COMPLETED", "ledger": ledger}
    )
    jobs.finish(job_id, "COMPLETED", ledger=ledger)
    workspace.remove_tmp(job_id)
    return job_id


def die(*_: object, **__: object) -> None:
    """What no process can survive or clean up after."""
    os.kill(os.getpid(), signal.SIGKILL)


def after(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, then death."""

    def run(*args: Any, **named: Any) -> None:
        function(*args, **named)
        die()

    return run


def arm(point: str) -> None:
    """Choose where the process dies."""
    inside = commit._Commit
    if point == "while placing":
        Placed._place_part = after(Placed._place_part)  # type: ignore[method-assign]
    elif point == "placed":
        inside._place = after(inside._place)  # type: ignore[method-assign]
    elif point == "inserted":
        inside.run = after(inside.run)  # type: ignore[method-assign]
    elif point == "committed":
        commit.commit_run = after(commit.commit_run)
    elif point == "finished":
        JobStore.finish = after(JobStore.finish)  # type: ignore[method-assign]


def main() -> None:
    """`run_commit.py WORKSPACE FIRST COUNT POINT`: COUNT jobs of 200 claims; says when each begins."""
    root, first, count, point = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    workspace = Workspace.open(root)
    jobs = JobStore(workspace)
    arm(point)
    for number in range(count):
        print(number, flush=True)
        run_job(workspace, jobs, first + number * 200)


if __name__ == "__main__":
    main()
