"""Delivering what a job has checked and stored but not brought into its databases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from claimsctl.process.recording import watched
from claimsctl.process.sending import Unsent, forget, send
from claimsctl.store.jobs import JobStore

if TYPE_CHECKING:
    from claimsctl.process.progress import Progress
    from claimsctl.sql.database import Database
    from claimsctl.store.job import Job
    from claimsctl.store.workspace import Workspace


def deliver_rest(
    workspace: Workspace,
    job: Job,
    left: Unsent,
    databases: Sequence[Database],
    notify: Callable[[str], None],
    progress: Progress,
) -> dict[str, dict[str, int]]:
    """Deliver the rest, and give the job the end it would have had; what came to each database.

    Raises what the database says where it cannot take it; the job stays as it was then.
    """
    jobs = JobStore(workspace, notify)
    sent = send(workspace, job.job_id, databases, notify, watched(jobs, job.job_id, progress))
    jobs.finish(job.job_id, left.status, error=None)
    forget(workspace, job.job_id)
    return sent
