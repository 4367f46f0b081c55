"""A command repeated into the output directory of an earlier run whose results were not stored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claimsctl.errors import InputError
from claimsctl.ingest.stream import InputFile
from claimsctl.process.request import Request
from claimsctl.store.recovery import is_committed
from claimsctl.write.marker import SUMMARY, read_marker

if TYPE_CHECKING:
    from claimsctl.store.job import Job
    from claimsctl.store.jobs import JobStore
    from claimsctl.store.workspace import Workspace

_UNSTORED: Final = ("FAILED", "CANCELLED", "INTERRUPTED")


@dataclass(frozen=True)
class EarlierRun:
    """A run of this workspace that published its results and did not get to store them.

    `same`: it had the same options, and its inputs have not changed since; `--as-of` may differ.
    """

    job_id: str
    same: bool

    @property
    def hint(self) -> str:
        """What to do about its results, where they are not those of the same command."""
        return (
            f"It is of job {self.job_id}, whose claims were not stored: repeat that command with the same "
            "inputs and options, or choose another place with --out."
        )


def earlier_run(out: Path, request: Request, workspace: Workspace, jobs: JobStore) -> EarlierRun | None:
    """The run whose results stand in `out`; None where there are none, they are stored, or not of here."""
    summary = read_marker(out / SUMMARY)
    job_id = summary.get("job_id")
    job = jobs.find(job_id) if isinstance(job_id, str) else None
    if job is None or job.status not in _UNSTORED or is_committed(workspace, job.job_id):
        return None
    return EarlierRun(job.job_id, _same_options(job, request, out) and _same_inputs(summary))


def _same_options(job: Job, request: Request, out: Path) -> bool:
    asked = json.loads(json.dumps({**request.as_options(), "out": str(out)}, default=str))
    given = {"as_of": None, "cwd": None}
    before = {"locality": None, **job.options, **given}
    before["inputs"] = given_inputs(job)
    asked["inputs"] = [each if each == "-" else str(Path.cwd() / each) for each in request.inputs]
    return {**asked, **given} == before and (job.practice_id == request.practice_id)


def given_inputs(job: Job) -> list[str]:
    """What a job was told to read, as absolute paths and patterns; "-" is standard input."""
    place = Path(job.options.get("cwd") or ".").absolute()
    return [each if each == "-" else str(place / each) for each in job.options.get("inputs", [])]


def _same_inputs(summary: Mapping[str, Any]) -> bool:
    """Whether every input of a run is there as it was; standard input never is. A database may have moved on:
    what was read of it was not stored, so that it is read again."""
    try:
        return all(
            each["format"] == "sql"
            or InputFile.at(Path(each["path"]), each["path"]).sha256() == each["sha256"]
            for each in summary["inputs"]
        )
    except (InputError, KeyError, TypeError):
        return False
