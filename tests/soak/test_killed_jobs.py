"""Retries, resumed runs and rollbacks killed at random moments: nothing lost, doubled or left over."""

from __future__ import annotations

import random
import subprocess
import time
from pathlib import Path

import polars as pl

from claimsctl.store.database import open_store
from claimsctl.store.jobs import JobStore
from claimsctl.store.workspace import Workspace
from tests.commands import FEW_RULES, Command, start
from tests.soak.conftest import AS_OF, claims_file, rounds, stored

CLAIMS, LINES = 240, 2
REJECTED = sum(n % 12 == 5 for n in range(CLAIMS))
OPTIONS = (*AS_OF, *FEW_RULES, "--json", "--quiet")


def begun(workspace: Path, sign: str, *arguments: object) -> subprocess.Popen[str]:
    """Start a command and wait until there is a file of that pattern in tmp/ that was not there before."""
    before = set((workspace / "tmp").glob(sign))
    process = start(*arguments)
    while process.poll() is None and not set((workspace / "tmp").glob(sign)) - before:
        time.sleep(0.005)
    return process


def killed(process: subprocess.Popen[str], after: float) -> None:
    time.sleep(after)
    process.kill()
    process.communicate()


def mended(rejected: Path, target: Path) -> Path:
    rows = pl.read_csv(rejected, infer_schema=False)
    rows.with_columns(charge_amount=pl.lit("80.00")).write_csv(target)
    return target


def statuses(workspace: Path) -> dict[str, str]:
    with open_store(Workspace.open(workspace), write=False) as connection:
        query = "SELECT claim_number, status FROM claims WHERE is_current"
        return dict(connection.execute(query).fetchall())


def test_killed_retries(command: Command, tmp_path: Path) -> None:
    workspace, moments = tmp_path / "workspace", random.Random(5)
    for number in range(rounds(1)):
        path = claims_file(tmp_path / f"{number}.csv", f"R{number}", CLAIMS, LINES)
        first = command("process", path, "--out", tmp_path / f"first-{number}", *OPTIONS).json["job_id"]
        fixed = mended(tmp_path / f"first-{number}" / "rejected.csv", tmp_path / f"fixed-{number}.csv")
        line = ("jobs", "retry", first, "--with", fixed, "--out", tmp_path / f"out-{number}", *AS_OF)
        killed(begun(workspace, "2*/owner.json", *line), moments.uniform(0, 2))
        found = stored(workspace)
        assert len(found) == CLAIMS * (number + 1)
        assert set(found.values()) == {LINES}
        # It may have come far enough to publish its results, so the same retry goes elsewhere.
        line = ("jobs", "retry", first, "--with", fixed, "--out", tmp_path / f"again-{number}", *AS_OF)
        last = command(*line, "--json")
        assert last.code == 0, last.err
        assert last.json["claims"]["rejected"] == 0
        assert set(statuses(workspace).values()) == {"VALIDATED"}
    assert len(stored(workspace)) == CLAIMS * rounds(1)


def test_killed_resumes(command: Command, tmp_path: Path) -> None:
    workspace, moments = tmp_path / "workspace", random.Random(6)
    for number in range(rounds(1)):
        path = claims_file(tmp_path / f"{number}.csv", f"S{number}", CLAIMS, LINES)
        out = tmp_path / f"out-{number}"
        line = ("process", path, "--out", out, "--batch-size", "100", *OPTIONS)
        killed(begun(workspace, "2*/owner.json", *line), moments.uniform(0, 2))
        (job,) = JobStore(Workspace.open(workspace)).list_jobs(limit=1)
        killed(begun(workspace, "2*/owner.json", "jobs", "resume", job.job_id), moments.uniform(0, 2))
        ended = command("jobs", "resume", job.job_id, "--json")
        assert ended.code == 0, ended.err
        assert pl.read_parquet(out / "accepted.parquet").height == (CLAIMS - REJECTED) * LINES
        assert pl.read_csv(out / "rejected.csv").height == REJECTED * LINES
        assert [each.name for each in out.iterdir() if each.name.startswith(".")] == []
        found = stored(workspace)
        assert len(found) == CLAIMS * (number + 1)
        assert set(found.values()) == {LINES}


def test_killed_rollbacks(command: Command, tmp_path: Path) -> None:
    """The first third of the claims comes again in a later job: these become its own."""
    workspace, moments = tmp_path / "workspace", random.Random(7)
    expected: set[str] = set()
    for number in range(rounds(1)):
        path = claims_file(tmp_path / f"{number}.csv", f"B{number}", CLAIMS, LINES)
        first = command("process", path, "--out", tmp_path / f"out-{number}", *OPTIONS).json["job_id"]
        rows = pl.read_csv(path, infer_schema=False).head(CLAIMS * LINES // 3)
        rows.write_csv(tmp_path / f"again-{number}.csv")
        later = command("process", tmp_path / f"again-{number}.csv", *OPTIONS).json["job_id"]
        before = set(stored(workspace))
        line = ("jobs", "rollback", first, "--yes")
        killed(begun(workspace, "2*/rollback.json", *line), moments.uniform(0, 0.8))
        found = set(stored(workspace))
        expected |= set(rows["claim_number"])
        job = JobStore(Workspace.open(workspace)).get(first)
        assert found == (expected if job.status == "ROLLED_BACK" else before), "all of it or nothing"
        assert command(*line).code == 0
        assert set(stored(workspace)) == expected
        assert JobStore(Workspace.open(workspace)).get(first).status == "ROLLED_BACK"
        with open_store(Workspace.open(workspace), write=False) as connection:
            mine = connection.execute("SELECT count(*) FROM claims WHERE job_id = ?", [first]).fetchone()
            theirs = connection.execute("SELECT count(*) FROM claims WHERE job_id = ?", [later]).fetchone()
            named = {row[0] for row in connection.execute("SELECT file FROM patients").fetchall()}
        assert (mine, theirs) == ((0,), (CLAIMS // 3,))
        assert named == {str(path.relative_to(workspace)) for path in workspace.glob("lines/*/patients-*")}
