"""A stopped run, run again as it was."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from claimsctl.pipeline import Setting, process
from claimsctl.process.request import Request
from claimsctl.process.rulebook import Rulebook
from claimsctl.store.jobs import JobStore
from claimsctl.store.workspace import Workspace
from tests.claims import claim, write_csv
from tests.commands import Command
from tests.conftest import AS_OF


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path / "workspace")


def stopped_run(workspace: Workspace, path: Path, rulebook: Rulebook, out: Path, stage: str) -> str:
    """The id of a run that was stopped in a stage; its record says INTERRUPTED, as after a kill."""

    def stop(at: str, *_: object) -> None:
        if at == stage:
            raise KeyboardInterrupt

    request = Request((str(path),), AS_OF, out=out, constants={"payer_name": "AETNA"}, batch_size=100)
    with pytest.raises(BaseException, match="Stopped"):
        process(request, rulebook, Setting(workspace, progress=stop))
    jobs = JobStore(workspace)
    (job,) = jobs.list_jobs(limit=1)
    jobs._update(job.job_id, status="PROCESSING", owner={**_dead()})
    assert jobs.get(job.job_id).status == "INTERRUPTED"
    return job.job_id


def _dead() -> dict[str, object]:
    from claimsctl.store.owner import Owner

    return Owner.current().ended().as_dict()


@pytest.mark.parametrize("stage", ["reading", "checking", "storing"])
def test_interrupted_run_is_repeated_into_its_place(
    command: Command, tmp_path: Path, workspace: Workspace, rulebook: Rulebook, stage: str
) -> None:
    path = write_csv(tmp_path / "claims.csv", [claim(f"C{n}") for n in range(150)])
    out = tmp_path / "out"
    stopped = stopped_run(workspace, path, rulebook, out, stage)
    resumed = command("jobs", "resume", stopped, "--json")
    assert resumed.code == 0, resumed.err
    summary = resumed.json
    assert (summary["command"], summary["parent_job"]) == ("resume", stopped)
    assert summary["rows"]["read"] == 150
    assert summary["as_of"] == AS_OF.isoformat()
    assert json.loads((out / "summary.json").read_text())["job_id"] == summary["job_id"]
    job = JobStore(workspace).get(summary["job_id"])
    assert job.options["constants"] == ["payer_name"]
    assert job.options["batch_size"] == 100
    again = command("jobs", "resume", stopped)
    assert again.code == 0
    assert f"as job {summary['job_id']}; there is nothing to resume" in again.out


@pytest.mark.parametrize("stage", ["reading", "storing"])
def test_input_that_changed_is_refused(
    command: Command, tmp_path: Path, workspace: Workspace, rulebook: Rulebook, stage: str
) -> None:
    """Also where the run came not so far as to know what it read."""
    path = write_csv(tmp_path / "claims.csv", [claim("A")])
    stopped = stopped_run(workspace, path, rulebook, tmp_path / "out", stage)
    write_csv(path, [claim("A", charge_amount="5.00")])
    later = JobStore(workspace).get(stopped).created_at.timestamp() + 60
    os.utime(path, (later, later))
    for named in (stopped, "last", "last"):  # a resume that was refused can be resumed too
        refused = command("jobs", "resume", named)
        assert refused.code == 3
        assert f"changed since job {stopped}" in refused.err
    path.unlink()
    assert command("jobs", "resume", stopped).code == 3


def test_input_that_is_back_is_read(
    command: Command, tmp_path: Path, workspace: Workspace, rulebook: Rulebook
) -> None:
    path = write_csv(tmp_path / "claims.csv", [claim("A")])
    stopped_run(workspace, path, rulebook, tmp_path / "out", "storing")
    write_csv(path, [claim("A"), claim("B")])
    assert command("jobs", "resume", "last").code == 3
    write_csv(path, [claim("A")])
    resumed = command("jobs", "resume", "last", "--json")
    assert resumed.code == 0, resumed.err
    assert resumed.json["rows"]["read"] == 1


def test_what_is_not_resumed(command: Command, tmp_path: Path, workspace: Workspace) -> None:
    path = write_csv(tmp_path / "claims.csv", [claim("A", charge_amount="-1")])
    assert command("process", path, "--as-of", AS_OF.isoformat(), "--out", tmp_path / "o", "-q").code == 0
    ended = command("jobs", "resume", "last")
    assert ended.code == 0
    assert "COMPLETED_WITH_ERRORS; there is nothing to resume" in ended.out
    jobs = JobStore(workspace)
    piped, tried = workspace.new_job_id(), workspace.new_job_id()
    jobs.create_job(piped, "process", options={"inputs": ["-"]})
    jobs.create_job(tried, "retry", parent_job=piped)
    for job_id, said in ((piped, "standard input"), (tried, f"jobs retry {piped}")):
        assert command("jobs", "resume", job_id).code == 2, "it runs, for all anybody knows"
        jobs.fail(job_id, "stopped")
        asked = command("jobs", "resume", job_id)
        assert (asked.code, said in asked.err) == (2, True)
