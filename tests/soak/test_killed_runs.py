"""`claimsctl process` killed at random moments, interrupted, and run twice at once."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import polars as pl

from claimsctl.store.jobs import JobStore
from claimsctl.store.workspace import Workspace
from tests.commands import FEW_RULES, Ended, ended, start
from tests.soak.conftest import AS_OF, claims_file, rounds, stored, whole

CLAIMS, LINES = 600, 2
REJECTED = sum(n % 12 == 5 for n in range(CLAIMS))
OPTIONS = (*AS_OF, *FEW_RULES, "--batch-size", "300", "--json", "--quiet")


def begin(path: Path, out: Path, workspace: Path) -> subprocess.Popen[str]:
    """Start a run and wait until it works on its job."""
    before = {each.name for each in (workspace / "tmp").glob("*")}
    process = start("process", path, "--out", out, *OPTIONS)
    while process.poll() is None and {each.name for each in (workspace / "tmp").glob("[!.]*")} <= before:
        time.sleep(0.005)
    return process


def balanced(summary: Any, files: int = 1) -> None:
    """All claims of so many files were read, and those with an error rejected."""
    assert summary["claims"] == {
        "read": CLAIMS * files, "accepted": (CLAIMS - REJECTED) * files, "held": 0,
        "rejected": REJECTED * files, "skipped": 0,
    }  # fmt: skip
    rows = {name: count * LINES for name, count in summary["claims"].items()}
    assert summary["rows"] == rows, summary["findings_by_code"]


def check_files(out: Path, summary: Any) -> None:
    assert json.loads((out / "summary.json").read_text()) == summary
    assert pl.read_parquet(out / "accepted.parquet").height == summary["rows"]["accepted"]
    rejected = pl.read_csv(out / "rejected.csv", infer_schema=False)
    assert rejected.height == summary["rows"]["rejected"]
    assert [path.name for path in out.iterdir() if path.name.startswith(".")] == []


def test_killed_at_random_moments(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    moments = random.Random(20260630)
    paths = [claims_file(tmp_path / f"{n}.csv", f"K{n}", CLAIMS, LINES) for n in range(rounds(1) + 1)]
    begun = begin(paths[0], tmp_path / "measured", workspace)
    at = time.monotonic()
    balanced(ended(begun).json)
    length = time.monotonic() - at
    for number, path in enumerate(paths[1:]):
        out = tmp_path / f"out-{number}"
        process = begin(path, out, workspace)
        # Every other one while it publishes and stores, where there is most to spoil.
        time.sleep(length * (moments.uniform(0.6, 1.05) if number % 2 else moments.uniform(0, 1.1)))
        process.kill()
        process.communicate()
        whole(out)  # or nothing: anything between fails, as it does in the store
        stored(workspace)
    last = tmp_path / "last"
    summary = ended(start("process", *paths, "--out", last, *OPTIONS)).json
    balanced(summary, len(paths))
    assert json.loads((last / "summary.json").read_text()) == summary
    assert pl.read_parquet(last / "accepted.parquet").height == summary["rows"]["accepted"]
    assert len(list((last / "rejected").iterdir())) == len(paths)
    found = stored(workspace)
    assert {job.status for job in JobStore(Workspace.open(workspace)).list_jobs()} <= {
        "COMPLETED_WITH_ERRORS", "INTERRUPTED",
    }  # fmt: skip
    assert len(found) == CLAIMS * len(paths), "every claim once"
    assert set(found.values()) == {LINES}
    for number in range(len(paths) - 1):  # what the killed runs left unfinished is gone now
        out = tmp_path / f"out-{number}"
        assert whole(out) or not out.exists() or list(out.iterdir()) == []


def test_two_runs_at_once(tmp_path: Path) -> None:
    """Half of the claims stand in both files, and say the same there."""
    names = [f"T-{n}" for n in range(CLAIMS)]
    for name, first, last in (("a", 0, 400), ("b", 200, 600)):
        claims_file(tmp_path / f"{name}.csv", "T", CLAIMS, LINES)
        rows = pl.read_csv(tmp_path / f"{name}.csv", infer_schema=False)
        rows.filter(pl.col("claim_number").is_in(names[first:last])).write_csv(tmp_path / f"{name}.csv")
    runs = [start("process", tmp_path / f"{name}.csv", "--out", tmp_path / name, *OPTIONS) for name in "ab"]
    results: list[Ended] = [ended(run) for run in runs]
    assert [result.code for result in results] == [0, 0], [result.err for result in results]
    for name, result in zip("ab", results, strict=True):
        assert result.json["claims"]["read"] == 400
        check_files(tmp_path / name, result.json)
    assert results[0].json["job_id"] != results[1].json["job_id"]
    found = stored(tmp_path / "workspace")
    assert sorted(found) == sorted(names)
    assert set(found.values()) == {LINES}


def test_interrupted(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    moments = random.Random(7)
    path = claims_file(tmp_path / "claims.csv", "I", CLAIMS, LINES)
    kinds = (signal.SIGINT, signal.SIGTERM)
    for number in range(max(2, rounds(2))):
        out = tmp_path / f"out-{number}"
        process = begin(path, out, workspace)
        time.sleep(moments.uniform(0.05, 0.3))
        process.send_signal(kinds[number % 2])
        result = ended(process)
        assert result.code == 130, result.err
        (job,) = JobStore(Workspace.open(workspace)).list_jobs(limit=1)
        assert job.status == "CANCELLED"
        assert result.out == ""
        assert f"job {job.job_id} is CANCELLED" in result.err
        found = stored(workspace)
        if whole(out):
            assert f"The results in {out} are complete" in result.err
        else:
            assert "Nothing was published or stored" in result.err
            assert not out.exists()
        assert len(found) in (0, CLAIMS)
    balanced(ended(start("process", path, "--out", tmp_path / "last", *OPTIONS)).json)
