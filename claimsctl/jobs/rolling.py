"""Rolling a job back, as a job of its own that history can name."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict

from claimsctl.errors import ClaimsctlError, UsageError
from claimsctl.security import audit
from claimsctl.store.database import Notify
from claimsctl.store.job import Job
from claimsctl.store.jobs import JobStore
from claimsctl.store.recovery import settle_rollback
from claimsctl.store.rollback import RolledBack, roll_back
from claimsctl.store.workspace import Workspace

_DONE = ("COMPLETED", "COMPLETED_WITH_ERRORS")


def check_rollable(job: Job) -> None:
    """UsageError for a job that stored nothing, or is not at its end."""
    if job.status not in (*_DONE, "ROLLED_BACK") or job.command == "rollback":
        why = "it runs still, or waits" if job.unfinished else "it stored nothing"
        raise UsageError(f"Job {job.job_id} ({job.command}) is {job.status}: {why}.")


def roll_back_job(workspace: Workspace, job: Job, notify: Notify) -> tuple[str, RolledBack]:
    """Roll a job back; the id of the job that did, and what it did."""
    jobs = JobStore(workspace)
    by_job = workspace.new_job_id()
    jobs.create_job(by_job, "rollback", practice_id=job.practice_id, parent_job=job.job_id)
    jobs.start(by_job)
    settled = False
    try:
        result = roll_back(workspace, job.job_id, by_job, notify=notify)
        jobs.mark_rolled_back(job.job_id)
        jobs.finish(by_job, "COMPLETED", counts=asdict(result))
        settled = True
        audit.record(workspace, "rollback", job=by_job, of=job.job_id, claims=result.claims)
    except BaseException as error:
        if not settled:
            settled = settle_rollback(workspace, by_job)
        if settled and jobs.get(by_job).unfinished:
            with suppress(ClaimsctlError):
                if isinstance(error, KeyboardInterrupt):
                    jobs.cancel(by_job)
                else:
                    told = error.message if isinstance(error, ClaimsctlError) else type(error).__name__
                    jobs.fail(by_job, told)
        raise
    finally:
        workspace.remove_tmp(by_job, settle_later=not settled)
    return by_job, result
