"""Make a workspace hold many claims: those of its first job again and again, under other numbers.

    python -m benchmarks.many_claims WORKSPACE LINES [--same-patients]

The claims are committed as runs commit them, a job for each copy; what runs check and price is not done
again. To rules that look at earlier runs the claims of each copy are other patients'; with --same-patients
a run of the first file meets all of them. Prints a JSON object: lines and claims, seconds of a commit, and
bytes of the files.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import polars as pl

from claimsctl.store.commit import commit_run
from claimsctl.store.database import open_store
from claimsctl.store.jobs import JobStore
from claimsctl.store.workspace import Workspace


def copy_job(
    workspace: Workspace, parts: list[Path], found: Path, number: int, *, same_patients: bool
) -> float:
    """Commit the lines of a job as those of a new one; the seconds it took."""
    jobs = JobStore(workspace)
    job_id = workspace.new_job_id()
    jobs.create_job(job_id, "process")
    jobs.start(job_id)
    spill = workspace.tmp_directory(job_id)
    other_id = (pl.col("claim_id") + number).hash(seed=number).alias("claim_id")
    for at, part in enumerate(parts):
        other_number = pl.concat_str("claim_number", pl.lit(f"-{number}")).alias("claim_number")
        copy = pl.read_parquet(part).with_columns(other_id, other_number)
        if not same_patients:
            known = pl.col("history_key")
            copy = copy.with_columns(pl.when(known.is_not_null()).then(known.hash(seed=number)))
        copy.write_parquet(spill / f"lines-{at:05d}.parquet", compression="zstd", compression_level=1,
                           row_group_size=copy.height or 1)  # fmt: skip
    pl.read_parquet(found).with_columns(other_id).write_parquet(workspace.findings_file(job_id))
    started = time.perf_counter()
    commit_run(workspace, job_id, digest_scheme="bench")
    seconds = time.perf_counter() - started
    jobs.finish(job_id, "COMPLETED")
    workspace.remove_tmp(job_id)
    return seconds


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    root, wanted, *same = arguments or sys.argv[1:]
    workspace = Workspace.open(Path(root), create=False)
    with open_store(workspace, write=False) as connection:
        stored = connection.execute(
            "SELECT job_id, file, rows FROM job_parts ORDER BY job_id, part"
        ).fetchall()
    first = stored[0][0]
    parts = [workspace.root / file for job, file, _ in stored if job == first]
    per_copy = sum(rows for job, _, rows in stored if job == first)
    have = sum(rows for _, _, rows in stored)
    seconds: list[float] = []
    while have < int(wanted):
        found, number = workspace.findings_file(first), len(seconds) + 1
        seconds.append(copy_job(workspace, parts, found, number, same_patients="--same-patients" in same))
        have += per_copy
    with open_store(workspace, write=True) as connection:
        connection.execute("CHECKPOINT")
    lines = sum(path.stat().st_size for path in (workspace.root / "lines").rglob("part-*.parquet"))
    print(json.dumps({
        "lines": have, "lines_per_job": per_copy, "commit_seconds": seconds[-3:], "line_bytes": lines,
        "database_bytes": workspace.claims_database.stat().st_size,
    }))  # fmt: skip


if __name__ == "__main__":
    main()
