"""Listing, showing, watching and cancelling jobs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from claimsctl.errors import Interrupted
from claimsctl.jobs.following import cancel, events
from claimsctl.pipeline import Setting, process
from claimsctl.process.request import Request
from claimsctl.process.rulebook import Rulebook
from claimsctl.store.jobs import JobStore
from claimsctl.store.recovery import is_committed
from claimsctl.store.workspace import Workspace
from claimsctl.write.files import OutputDir
from claimsctl.write.summary import write_summary
from tests.claims import claim, write_csv
from tests.commands import Command
from tests.conftest import AS_OF

DAY = ("--as-of", AS_OF.isoformat())


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path / "workspace")


def run_two_claims(command: Command, tmp_path: Path) -> Path:
    path = write_csv(tmp_path / "two.csv", [claim("A1"), claim("B1", charge_amount="-5")])
    assert command("process", path, "--out", tmp_path / "out", *DAY, "-q").code == 0
    return path


def test_without_any_job(command: Command) -> None:
    assert "No job yet" in command("jobs", "list").out
    assert command("jobs", "list", "--json").json == {"jobs": [], "more": False}
    asked = command("jobs", "show", "last")
    assert asked.code == 2
    assert "no job in this workspace yet" in asked.err
    assert command("jobs", "show", "20260101-000000-0000").code == 2


def test_jobs_that_need_looking_at(command: Command, tmp_path: Path, workspace: Workspace) -> None:
    run_two_claims(command, tmp_path)
    jobs, ended = JobStore(workspace), {}
    for end in ("fail", "cancel"):
        ended[end] = workspace.new_job_id()
        jobs.create_job(ended[end], "process")
        jobs.start(ended[end])
    jobs.fail(ended["fail"], "the disk was full")
    jobs.cancel(ended["cancel"])
    listed = command("jobs", "list", "--failed", "--json").json["jobs"]
    assert [each["job_id"] for each in listed] == [ended["cancel"], ended["fail"]]
    assert len(command("jobs", "list", "--failed", "--limit", "1", "--json").json["jobs"]) == 1
    assert command("jobs", "list", "--failed", "--status", "FAILED").code == 2


def test_what_a_job_records(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("claimsctl.store.jobs._PROGRESS_SECONDS", 0)  # else how fast the run is decides
    path = run_two_claims(command, tmp_path)
    listed = command("jobs", "list", "--json").json["jobs"]
    assert [(job["command"], job["status"]) for job in listed] == [("process", "COMPLETED_WITH_ERRORS")]
    job = command("jobs", "show", "last", "--json").json
    assert job["rows"] == {"read": 2, "accepted": 1, "held": 0, "rejected": 1, "skipped": 0}
    (read,) = job["input_files"]
    assert (read["path"], read["rows"], len(read["sha256"])) == (str(path), 2, 64)
    assert job["editions"]["pos"]
    assert job["mapping"]["claim_number"] == "header 'claim_number' (exact name)"
    assert job["progress"]["stage"] == "storing"
    assert job["practice"] == "default"
    shown = command("jobs", "show", "last").out
    for text in (job["job_id"], str(path), read["sha256"], "rejected 1", f"jobs errors {job['job_id']}"):
        assert text in shown
    assert "B1" not in shown
    lines = command("jobs", "list", "--status", "COMPLETED_WITH_ERRORS").out.splitlines()
    assert len(lines) == 2
    assert "two.csv" in lines[1]
    assert "No FAILED job" in command("jobs", "list", "--status", "FAILED").out


def test_list_says_when_there_are_more(command: Command, workspace: Workspace) -> None:
    jobs = JobStore(workspace)
    for _ in range(3):
        jobs.create_job(workspace.new_job_id(), "process")
    assert "Showing the newest 2" in command("jobs", "list", "--limit", "2").out
    assert command("jobs", "list", "--limit", "2", "--json").json["more"] is True


def test_watching_a_job_until_it_ends(workspace: Workspace) -> None:
    jobs = JobStore(workspace)
    job_id = workspace.new_job_id()
    jobs.create_job(job_id, "process")
    steps = iter(
        [
            lambda: jobs.start(job_id),
            lambda: jobs.progress(job_id, 7, at={"stage": "reading", "done": 1, "total": 4}),
            lambda: None,
            lambda: jobs.finish(job_id, "COMPLETED", ledger={"rows": {"read": 9}}),
        ]
    )
    seen = [event for event, _ in events(jobs, job_id, sleep=lambda _: next(steps)())]
    assert [event["event"] for event in seen] == ["job", "progress", "progress", "progress", "end"]
    assert [event["status"] for event in seen] == [
        "PENDING",
        "PENDING",
        "PROCESSING",
        "PROCESSING",
        "COMPLETED",
    ]
    assert (seen[3]["stage"], seen[3]["done"], seen[3]["rows"]) == ("reading", 1, 7)
    assert seen[-1]["rows"] == {"read": 9}


def test_watch_streams_one_event_a_line_and_exits_by_the_end(
    command: Command, tmp_path: Path, workspace: Workspace
) -> None:
    run_two_claims(command, tmp_path)
    watched = command("jobs", "watch", "last", "--json")
    assert watched.code == 0
    assert [json.loads(line)["event"] for line in watched.out.splitlines()] == ["job", "end"]
    jobs = JobStore(workspace)
    failed = workspace.new_job_id()
    jobs.create_job(failed, "process")
    jobs.fail(failed, "The disk is full.")
    ended = command("jobs", "watch", failed)
    assert ended.code == 1
    assert "FAILED. The disk is full." in ended.out


def test_a_run_sees_a_cancel_at_its_next_part(
    tmp_path: Path, workspace: Workspace, rulebook: Rulebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked during the first part of pass 2, it does not check the second one."""
    path = write_csv(tmp_path / "claims.csv", [claim(f"C{n}") for n in range(400)])
    jobs = JobStore(workspace)
    stages: list[tuple[str, int]] = []

    def ask(stage: str, done: int, total: int, rows: int) -> None:
        stages.append((stage, done))
        if stage == "checking" and len([s for s in stages if s[0] == stage]) == 1:
            (job,) = jobs.list_jobs()
            assert cancel(jobs, job.job_id, 0).cancel_requested

    request = Request((str(path),), AS_OF, out=tmp_path / "out", batch_size=100)
    monkeypatch.setattr("claimsctl.store.jobs._PROGRESS_SECONDS", 0.0)
    with pytest.raises(Interrupted, match="Nothing was published or stored"):
        process(request, rulebook, Setting(workspace, progress=ask))
    assert [done for stage, done in stages if stage == "checking"] == [100]
    assert JobStore(workspace).list_jobs()[0].status == "CANCELLED"
    assert not (tmp_path / "out").exists()


def test_a_run_that_waits_for_the_store_hears_a_cancel(
    tmp_path: Path, workspace: Workspace, rulebook: Rulebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its results are published by then, and told as not stored."""
    process(
        Request((str(write_csv(tmp_path / "a.csv", [claim("A1")])),), AS_OF), rulebook, Setting(workspace)
    )
    path = write_csv(tmp_path / "b.csv", [claim("B1")])
    request = Request((str(path),), AS_OF, out=tmp_path / "out")
    jobs = JobStore(workspace)
    monkeypatch.setattr("claimsctl.store.jobs._PROGRESS_SECONDS", 0.0)
    monkeypatch.setattr("claimsctl.store.database._ANNOUNCE_SECONDS", 0.1)
    code = (
        f"import duckdb, sys; c = duckdb.connect({str(workspace.claims_database)!r})\n"
        "print('open', flush=True); sys.stdin.read()"
    )
    holders: list[subprocess.Popen[bytes]] = []

    def hold(directory: OutputDir, summary: Mapping[str, object]) -> None:
        write_summary(directory, summary)
        holder = subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1)
        holders.append(holder)
        assert holder.stdout is not None
        holder.stdout.readline()

    monkeypatch.setattr("claimsctl.pipeline.write_summary", hold)

    def ask(text: str) -> None:
        if text.startswith("Waiting for process"):
            cancel(jobs, jobs.list_jobs()[0].job_id, 0)

    began = time.monotonic()
    with pytest.raises(
        Interrupted, match=r"is CANCELLED\. The results in .* are complete; they were not stored"
    ):
        process(request, rulebook, Setting(workspace, notify=ask))
    assert time.monotonic() - began < 240  # the store is waited for five minutes
    (holder,) = holders
    holder.communicate()
    job = jobs.list_jobs()[0]
    assert job.status == "CANCELLED"
    assert not is_committed(workspace, job.job_id)


def test_cancelling_what_has_ended(command: Command, tmp_path: Path) -> None:
    run_two_claims(command, tmp_path)
    ended = command("jobs", "cancel", "last")
    assert ended.code == 0
    assert "there is nothing to stop" in ended.out
    assert command("jobs", "cancel", "last", "--json").json["asked"] is False
