"""Rolling a job back, as a job of its own that history can name."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING

from claimsctl.errors import ClaimsctlError, UsageError, was_stopped
from claimsctl.process.sending import forget, unsent
from claimsctl.security import audit
from claimsctl.store.database import Notify
from claimsctl.store.job import Job
from claimsctl.store.jobs import JobStore
from claimsctl.store.recovery import settle_rollback
from claimsctl.store.rollback import RolledBack, plan_rollback, roll_back
from claimsctl.store.workspace import Workspace

if TYPE_CHECKING:
    from claimsctl.sql.database import Database

_DONE = ("COMPLETED", "COMPLETED_WITH_ERRORS")


def check_rollable(workspace: Workspace, job: Job) -> None:
    """UsageError for a job that stored nothing, or is not at its end."""
    if "checkpoint" in job.options:
        raise UsageError(
            f"Job {job.job_id} asked payers; what they answered is not rolled back.",
            hint="`claimsctl claims set-status` notes what is known better.",
        )
    if unsent(workspace, job.job_id) is not None and job.status == "FAILED":
        return  # stored, though not delivered
    if job.status not in (*_DONE, "ROLLED_BACK") or job.command == "rollback":
        why = "it runs still, or waits" if job.unfinished else "it stored nothing"
        raise UsageError(f"Job {job.job_id} ({job.command}) is {job.status}: {why}.")


def check_sent_again(jobs: JobStore, job: Job, plan: RolledBack) -> None:
    """UsageError where a later job found claims of this one the same and sent them into one of its databases.

    The store keeps such claims as those of the later job. A database has left their rows alone, so that they
    are still this job's there, and would go.
    """
    for database in job.options.get("to", ()):
        later = [found for each in plan.kept_for if (found := jobs.find(each)) is not None]
        sent = [found.job_id for found in later if database in found.options.get("to", ())]
        if sent:
            raise UsageError(
                f"{', '.join(sent)} found claims of job {job.job_id} the same and sent them to {database} "
                "too, where they would be taken out.",
                hint=f"Roll back {'that job' if len(sent) == 1 else 'those jobs'} first, the latest first.",
            )


def roll_back_job(
    workspace: Workspace, job: Job, notify: Notify, databases: Sequence[Database] = ()
) -> tuple[str, RolledBack]:
    """Roll a job back, in the databases it wrote into first; the id of the job that did, and what it did.

    A database that refuses leaves the store as it is; taking back there what is gone already does nothing.
    """
    jobs = JobStore(workspace)
    if databases:  # a run may have ended since somebody was asked
        check_sent_again(jobs, job, plan_rollback(workspace, job.job_id, notify=notify))
    by_job = workspace.new_job_id()
    jobs.create_job(by_job, "rollback", practice_id=job.practice_id, parent_job=job.job_id)
    jobs.start(by_job)
    settled = False
    try:
        for database in databases:
            _undo(workspace, job, database, by_job, notify)
        forget(workspace, job.job_id)
        result = roll_back(workspace, job.job_id, by_job, notify=notify)
        jobs.mark_rolled_back(job.job_id)
        jobs.finish(by_job, "COMPLETED", counts=asdict(result))
        settled = True
        audit.record(workspace, "rollback", notify=notify, count=result.claims, job=by_job, of=job.job_id)
    except BaseException as error:
        if not settled:
            settled = settle_rollback(workspace, by_job)
        if settled and jobs.get(by_job).unfinished:
            with suppress(ClaimsctlError):
                if was_stopped(error):
                    jobs.cancel(by_job)
                else:
                    told = error.message if isinstance(error, ClaimsctlError) else type(error).__name__
                    jobs.fail(by_job, told)
        raise
    finally:
        workspace.remove_tmp(by_job, settle_later=not settled)
    return by_job, result


def _undo(workspace: Workspace, job: Job, database: Database, by_job: str, notify: Notify) -> None:
    from claimsctl.sql.undo import undo

    done = undo(job.job_id, database, notify=notify)
    notify(f"{database.name}: {done.removed:,} claims taken out, {done.restored:,} back as they were.")
    audit.record(
        workspace, "undo", notify=notify, count=done.removed, job=by_job, of=job.job_id,
        to=database.recorded(workspace),
    )  # fmt: skip
