"""Processes killed at every step of a commit, and two at once: the store is whole afterwards."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from run_commit import run_job

from claimsctl.store.database import open_store
from claimsctl.store.jobs import JobStore
from claimsctl.store.workspace import Workspace

SCRIPT = Path(__file__).with_name("run_commit.py")
CLAIMS = 200
ROUNDS = int(os.environ.get("SOAK_ROUNDS", "2"))


def start(workspace: Workspace, first: int, count: int, point: str = "") -> subprocess.Popen[str]:
    command = [sys.executable, str(SCRIPT), str(workspace.root), str(first), str(count), point]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def check(workspace: Workspace) -> int:
    """Everything that must hold whatever was killed; the number of jobs stored."""
    Workspace.open(workspace.root)
    tmp = workspace.root / "tmp"
    for unnamed in tmp.iterdir():  # killed between making a directory and giving it its owner and name
        assert unnamed.name.startswith(".scratch-")
        assert all("owner.json" in each.name for each in unnamed.iterdir())
        os.utime(unnamed, (0, 0))  # nobody can tell whose it is, so it goes when it is old
    Workspace.open(workspace.root)
    assert list(tmp.iterdir()) == []
    status = {job.job_id: job.status for job in JobStore(workspace).list_jobs()}
    on_disk = {str(p.relative_to(workspace.root)) for p in (workspace.root / "lines").rglob("*.parquet")}
    if not workspace.claims_database.exists():
        assert on_disk == set()
        return 0
    with open_store(workspace, write=False) as connection:

        def ask(query: str) -> list[tuple[object, ...]]:
            return connection.execute(query).fetchall()

        committed = {row[0] for row in ask("SELECT job_id FROM commits")}
        assert {row[0] for row in ask("SELECT file FROM job_parts")} == on_disk, "no orphan, none missing"
        per_job = ask("SELECT job_id, count(*), sum(line_count) FROM claims WHERE is_current GROUP BY 1")
        assert {(row[1], row[2]) for row in per_job} <= {(CLAIMS, CLAIMS * 2)}, "a job is there whole"
        assert {row[0] for row in per_job} == committed
        assert ask("SELECT count(*) FROM claims") == [(CLAIMS * len(committed),)]
    if on_disk:
        stored = pl.scan_parquet([workspace.root / name for name in on_disk]).select(pl.len()).collect()
        assert stored.item() == CLAIMS * 2 * len(committed)
    assert {job for job, state in status.items() if state == "COMPLETED"} == committed
    assert {state for job, state in status.items() if job not in committed} <= {"INTERRUPTED"}
    return len(committed)


@pytest.mark.parametrize(
    ("point", "stored"),
    [("while placing", 0), ("placed", 0), ("inserted", 0), ("committed", 1), ("finished", 1)],
)
def test_killed_at_a_step(workspace: Workspace, point: str, stored: int) -> None:
    run = start(workspace, 0, 1, point)
    assert run.wait(timeout=600) == -signal.SIGKILL
    assert run.stdout is not None
    run.stdout.close()
    assert check(workspace) == stored
    run_job(workspace, JobStore(workspace), 1000)
    assert check(workspace) == stored + 1, "the next run works"


def test_killed_at_random_moments(workspace: Workspace) -> None:
    moments = random.Random(20260630)
    for number in range(ROUNDS):
        run = start(workspace, number * 100_000, 500)
        assert run.stdout is not None
        assert [run.stdout.readline(), run.stdout.readline()] == ["0\n", "1\n"]
        time.sleep(moments.uniform(0.0, 0.4))
        run.kill()
        run.wait()
        run.stdout.close()
        check(workspace)
    assert check(workspace) >= ROUNDS


def test_two_processes_at_once_both_finish(workspace: Workspace) -> None:
    runs = [start(workspace, number * 100_000, 4) for number in range(2)]
    for run in runs:
        run.communicate(timeout=600)
    assert [run.returncode for run in runs] == [0, 0]
    assert check(workspace) == 8


def test_the_same_claims_from_two_processes_are_stored_once(workspace: Workspace) -> None:
    runs = [start(workspace, 0, 1) for _ in range(2)]
    for run in runs:
        run.communicate(timeout=600)
    assert [run.returncode for run in runs] == [0, 0]
    with open_store(workspace, write=False) as connection:
        assert connection.execute("SELECT count(*), max(version) FROM claims").fetchone() == (CLAIMS, 1)
        assert connection.execute("SELECT sum(rows) FROM job_parts").fetchone() == (CLAIMS * 2,)
