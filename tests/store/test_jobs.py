"""Jobs: recorded, watched while they run, INTERRUPTED when their process has gone."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from claimsctl.errors import InternalError, StoreBusy, StoreError, UsageError
from claimsctl.store import jobs_database
from claimsctl.store.job import JobInput
from claimsctl.store.jobs import JobStore
from claimsctl.store.workspace import Workspace


@pytest.fixture
def jobs(workspace: Workspace) -> JobStore:
    return JobStore(workspace)


def test_life_of_a_job(workspace: Workspace, jobs: JobStore) -> None:
    job_id = workspace.new_job_id()
    jobs.create_job(job_id, "process", options={"out": Path("x"), "limit": 3}, practice_id="main")
    assert jobs.get(job_id).status == "PENDING"
    jobs.start(job_id)
    assert jobs.get(job_id).status == "PROCESSING"
    jobs.add_inputs(job_id, [JobInput("a.csv", "aa", 10, 3, "csv"), JobInput("b.csv", "bb", 5)])
    assert jobs.progress(job_id, 2, 3) is False
    assert jobs.get(job_id).rows_done == 2
    jobs.finish(job_id, "COMPLETED", ledger={"rows": {"read": 3}}, timings={"total": Decimal("1.5")})
    job = jobs.get(job_id)
    assert job.status == "COMPLETED"
    assert job.options == {"out": "x", "limit": 3}
    assert job.ledger == {"rows": {"read": 3}}
    assert job.timings == {"total": "1.5"}
    assert [each.path for each in job.inputs] == ["a.csv", "b.csv"]
    assert job.started_at is not None
    assert job.finished_at is not None
    assert job.created_at <= job.started_at <= job.finished_at
    assert stat.S_IMODE(workspace.jobs_database.stat().st_mode) == 0o600


def test_lists_are_newest_first(workspace: Workspace, jobs: JobStore) -> None:
    assert jobs.list_jobs() == []
    ids = [workspace.new_job_id() for _ in range(3)]
    for job_id in ids:
        jobs.create_job(job_id, "process")
    jobs.fail(ids[1], "the disk is full")
    assert [job.job_id for job in jobs.list_jobs(limit=2)] == [ids[2], ids[1]]
    assert [(job.job_id, job.error) for job in jobs.list_jobs("FAILED")] == [(ids[1], "the disk is full")]


def test_jobs_are_found_by_content(workspace: Workspace, jobs: JobStore) -> None:
    assert jobs.find_by_input_hash(["aa"]) == []
    first, second = workspace.new_job_id(), workspace.new_job_id()
    for job_id in (first, second):
        jobs.create_job(job_id, "process")
        jobs.add_inputs(job_id, [JobInput("a.csv", "aa"), JobInput("copy of a.csv", "aa")])
    jobs.add_inputs(first, [JobInput("c.csv", "cc")])
    assert [job.job_id for job in jobs.find_by_input_hash(["aa", "zz"])] == [second]
    assert [job.job_id for job in jobs.find_by_input_hash(["aa", "cc"])] == [second, first]
    assert jobs.find_by_input_hash([]) == []


def test_progress_is_written_seldom_and_brings_the_wish_to_cancel(
    workspace: Workspace, jobs: JobStore
) -> None:
    job_id = workspace.new_job_id()
    jobs.create_job(job_id, "process")
    jobs.start(job_id)
    jobs.progress(job_id, 1)
    jobs.progress(job_id, 2)
    assert jobs.get(job_id).rows_done == 1, "half a second has not passed"
    JobStore(workspace).ask_to_cancel(job_id)
    jobs._told.clear()
    assert jobs.progress(job_id, 3) is True
    jobs.cancel(job_id)
    assert jobs.get(job_id).status == "CANCELLED"


def test_progress_never_fails_a_run(workspace: Workspace, jobs: JobStore) -> None:
    job_id = workspace.new_job_id()
    jobs.create_job(job_id, "process")
    workspace.jobs_database.write_bytes(b"x" * 5000)
    assert jobs.progress(job_id, 1) is False


def test_job_of_a_dead_process_is_interrupted(workspace: Workspace, jobs: JobStore) -> None:
    code = (
        "import os, sys; from pathlib import Path; from claimsctl.store.workspace import Workspace\n"
        "from claimsctl.store.jobs import JobStore\n"
        f"w = Workspace.open(Path({str(workspace.root)!r})); jobs = JobStore(w)\n"
        "for n in range(2):\n"
        "    job = w.new_job_id(); jobs.create_job(job, 'process'); print(job)\n"
        "jobs.start(job)\n"
        "sys.stdout.flush(); sys.stdin.read(); os.kill(os.getpid(), 9)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    pending, running = process.stdout.readline().strip(), process.stdout.readline().strip()
    while jobs.get(running).status == "PENDING":
        pass
    assert jobs.get(running).status == "PROCESSING"
    process.stdin.close()
    process.wait(timeout=600)
    process.stdout.close()
    assert jobs.get(running).status == "INTERRUPTED"
    assert jobs.get(pending).status == "INTERRUPTED"
    assert [job.job_id for job in jobs.list_jobs("INTERRUPTED")] == [running, pending]
    queued = workspace.new_job_id()
    jobs.create_job(queued, "process", queued=True)
    assert jobs.get(queued).status == "PENDING", "nobody owns it yet"


def test_many_processes_write_at_once(workspace: Workspace, jobs: JobStore) -> None:
    code = (
        "from pathlib import Path; from claimsctl.store.workspace import Workspace\n"
        "from claimsctl.store.jobs import JobStore\n"
        f"w = Workspace.open(Path({str(workspace.root)!r})); jobs = JobStore(w)\n"
        "for n in range(10):\n"
        "    job = w.new_job_id(); jobs.create_job(job, 'process'); jobs.start(job)\n"
        "    jobs.finish(job, 'COMPLETED', counts={'n': n})"
    )
    runs = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(3)]
    assert [run.wait(timeout=600) for run in runs] == [0, 0, 0]
    found = jobs.list_jobs()
    assert [job.status for job in found] == ["COMPLETED"] * 30
    assert sorted(job.counts["n"] for job in found) == sorted(list(range(10)) * 3)


def test_unknown_job(jobs: JobStore, workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="no job"):
        jobs.get("20260101-000000-0000")
    jobs.create_job(workspace.new_job_id(), "process")
    with pytest.raises(UsageError, match="no job"):
        jobs.fail("20260101-000000-0000", "x")
    with pytest.raises(InternalError, match="colour"):
        jobs.finish("20260101-000000-0000", "COMPLETED", colour="red")


def test_damaged_file_says_how_to_mend(workspace: Workspace, jobs: JobStore) -> None:
    workspace.jobs_database.write_bytes(b"not a database" * 500)
    with pytest.raises(StoreError, match="damaged") as caught:
        jobs.create_job(workspace.new_job_id(), "process")
    assert "mv '" in str(caught.value)
    assert caught.value.exit_code == 4


def test_file_of_a_newer_version_is_refused(workspace: Workspace, jobs: JobStore) -> None:
    connection = sqlite3.connect(workspace.jobs_database)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match="newer claimsctl"):
        jobs.create_job(workspace.new_job_id(), "process")


def test_full_disk(workspace: Workspace, jobs: JobStore) -> None:
    jobs.create_job(workspace.new_job_id(), "process")
    code = (
        "import resource, signal; from pathlib import Path\n"
        "from claimsctl.store.workspace import Workspace; from claimsctl.store.jobs import JobStore\n"
        "from claimsctl.errors import StoreError\n"
        f"w = Workspace.open(Path({str(workspace.root)!r}))\n"
        "import sqlalchemy\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "try: JobStore(w).create_job(w.new_job_id(), 'process', options={'x': 'y' * 100_000})\n"
        "except StoreError as e: print(e)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "jobs.sqlite" in found.stdout
    assert "disk is full" in found.stdout
    assert len(jobs.list_jobs()) == 1


def test_file_of_the_first_version_is_brought_up_to_date(workspace: Workspace, jobs: JobStore) -> None:
    job_id = workspace.new_job_id()
    jobs.create_job(job_id, "process")
    with closing(sqlite3.connect(workspace.jobs_database)) as file:
        file.execute("ALTER TABLE jobs DROP COLUMN progress")
        file.execute("PRAGMA user_version = 1")
    later = JobStore(workspace)
    assert later.get(job_id).progress == {}
    later.progress(job_id, 5, at={"stage": "reading", "done": 1, "total": 2})
    assert later.get(job_id).progress == {"stage": "reading", "done": 1, "total": 2}
    backup = workspace.root / "jobs.sqlite.schema-1.backup"
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    with closing(sqlite3.connect(backup)) as file:
        assert file.execute("SELECT job_id FROM jobs").fetchall() == [(job_id,)]
    assert [path.name for path in workspace.root.glob("*.aside")] == []


def test_reading_does_not_wait_for_a_writer(workspace: Workspace, jobs: JobStore) -> None:
    job_id = workspace.new_job_id()
    jobs.create_job(job_id, "process")
    with closing(sqlite3.connect(workspace.jobs_database, isolation_level=None)) as file:
        file.execute("BEGIN IMMEDIATE")
        assert [job.job_id for job in jobs.list_jobs()] == [job_id]


def test_queued_job_is_cancelled_at_once(workspace: Workspace, jobs: JobStore) -> None:
    queued, running = workspace.new_job_id(), workspace.new_job_id()
    jobs.create_job(queued, "process", queued=True)
    jobs.create_job(running, "process")
    assert jobs.ask_to_cancel(queued).status == "CANCELLED"
    asked = jobs.ask_to_cancel(running)
    assert (asked.status, asked.cancel_requested) == ("PENDING", True)


def test_a_wait_for_another_run_is_announced_and_bounded(
    workspace: Workspace, jobs: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs.create_job("20260630-120000-0001", "process")
    monkeypatch.setattr(jobs_database, "_ANNOUNCE_SECONDS", 0.05)
    monkeypatch.setattr(jobs_database, "BUSY_SECONDS", 0.2)
    heard: list[str] = []
    other = sqlite3.connect(workspace.jobs_database, isolation_level=None)
    JobStore(workspace, heard.append).start("20260630-120000-0001")
    assert heard == [], "nobody was in the way"
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy, match="in use"):
        JobStore(workspace, heard.append).cancel("20260630-120000-0001")
    assert heard == ["Waiting for another run to finish with the jobs file ..."]
    assert JobStore(workspace).get("20260630-120000-0001").status == "PROCESSING", "readers wait for nobody"
    other.execute("COMMIT")
    JobStore(workspace).cancel("20260630-120000-0001")
    other.close()
