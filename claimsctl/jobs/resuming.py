"""Running again a job that was stopped, as it was: same options, same inputs, same place for its results.

It starts over. A claim is judged when all its lines have been read, so what a killed run leaves are parts in
plain text between two passes; reading a file again costs less than trusting those, and nothing of a stopped
run is stored or published in part, so nothing is lost and nothing doubled.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from claimsctl.errors import InputError, UsageError
from claimsctl.pipeline import Again
from claimsctl.process.intake import Input
from claimsctl.process.prepare import open_inputs
from claimsctl.process.repeating import given_inputs
from claimsctl.process.request import Request
from claimsctl.store.job import Job
from claimsctl.store.jobs import JobStore

RESUMABLE = ("INTERRUPTED", "CANCELLED", "FAILED")


def resumed_by(jobs: JobStore, job: Job) -> Job | None:
    """The job that has resumed this one and come to its end; None where none has."""
    for child in jobs.children_of(job.job_id):
        if child.command == "resume":
            ended = child if child.status.startswith("COMPLETED") else resumed_by(jobs, child)
            if ended is not None:
                return ended
    return None


def check_resumable(job: Job) -> None:
    """UsageError for a job that cannot be repeated from its record."""
    if job.command == "retry":
        raise UsageError(
            f"Job {job.job_id} was a retry of {job.parent_job}.",
            hint=f"Run `claimsctl jobs retry {job.parent_job}` again; what it accepted is not tried twice.",
        )
    if job.command not in ("process", "resume"):
        raise UsageError(f"Job {job.job_id} is a {job.command}; only runs of claims are resumed.")
    if "-" in given_inputs(job):
        raise UsageError(
            f"Job {job.job_id} read standard input, which is not kept.",
            hint="Pipe the claims into `claimsctl process -` again.",
        )


def again(jobs: JobStore, job: Job) -> Again:
    """How the pipeline runs it: the inputs must be what they were."""
    reader = _first_reader(jobs, job)

    def inputs(request: Request, spool: Path, house: Mapping[str, str]) -> list[Input]:
        opened = open_inputs(request, spool, house)
        _require_same(reader, opened)
        return opened

    return Again("resume", job.job_id, inputs)


def _first_reader(jobs: JobStore, job: Job) -> Job:
    """The job whose inputs count: the first that knew them, of this one and those it resumes, else the first
    of all. A resume that was refused has read nothing, and began after the file was changed.
    """
    chain = [job]
    while chain[-1].command == "resume" and chain[-1].parent_job is not None:
        try:
            chain.append(jobs.get(chain[-1].parent_job))
        except UsageError:  # removed since
            break
    return next((each for each in reversed(chain) if each.inputs), chain[-1])


def _require_same(job: Job, opened: list[Input]) -> None:
    """InputError where an input is not what the job read, or, where it came not that far, where a file has
    been written since it began. A database is read anew: nothing of what was read before is stored."""
    opened = [each for each in opened if each.source.format != "sql"]
    files = [each for each in job.inputs if each.format != "sql"]
    if job.inputs:
        before = sorted(each.sha256 for each in files)
        now = {each.source.sha256: each.source.path for each in opened}
        if sorted(now) == sorted(set(before)) and len(opened) == len(before):
            return
        changed = [path for sha256, path in now.items() if sha256 not in before]
        raise _changed(job, changed or [each.path for each in files])
    began = (job.started_at or job.created_at).timestamp()
    late = [each.source.path for each in opened if each.source.file.path.stat().st_mtime > began]
    if late:
        raise _changed(job, late)


def _changed(job: Job, paths: list[str]) -> InputError:
    return InputError(
        f"{', '.join(map(str, paths))}: changed since job {job.job_id} began to read it.",
        hint="Put the file back as it was, or run `claimsctl process` on what it is now.",
    )
