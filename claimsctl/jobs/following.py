"""Following a job that another process runs, and asking it to stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

from claimsctl.jobs.documents import job_document
from claimsctl.store.job import Job
from claimsctl.store.jobs import JobStore

_LOOK_SECONDS: Final = 0.5
Sleep = Callable[[float], None]


def events(jobs: JobStore, job_id: str, *, sleep: Sleep = time.sleep) -> Iterator[tuple[dict[str, Any], Job]]:
    """What happens to a job until it ends, each with the job as it is then.

    The first event is `job` with all that is known; `progress` follows whenever there is news, and `end`
    when nothing more can come, also when its process is found dead (INTERRUPTED).
    """
    job = jobs.get(job_id)
    yield {"event": "job", "at": _now(), **job_document(job)}, job
    told: object = None
    while job.unfinished:
        state = (job.status, job.rows_done, job.progress, job.cancel_requested)
        if state != told:
            told = state
            yield _progress(job), job
        sleep(_LOOK_SECONDS)
        job = jobs.get(job_id)
    yield {
        "event": "end", "at": _now(), "job_id": job.job_id, "status": job.status, "error": job.error,
        "rows": job.ledger.get("rows"), "claims": job.ledger.get("claims"), "findings": dict(job.counts),
    }, job  # fmt: skip


def _progress(job: Job) -> dict[str, Any]:
    return {
        "event": "progress", "at": _now(), "job_id": job.job_id, "status": job.status,
        "stage": job.progress.get("stage"), "done": job.progress.get("done"),
        "total": job.progress.get("total"), "rows": job.rows_done,
        "cancel_requested": job.cancel_requested,
    }  # fmt: skip


def cancel(jobs: JobStore, job_id: str, wait_seconds: float, *, sleep: Sleep = time.sleep) -> Job:
    """Ask a job to stop and wait so long for its end; the job as it is then.

    A run hears of it at its next part, half a second later at the most where parts are small. Once it
    has begun to store its claims it comes to its end.
    """
    job = jobs.ask_to_cancel(job_id)
    until = time.monotonic() + wait_seconds
    while job.unfinished and time.monotonic() < until:
        sleep(min(_LOOK_SECONDS, wait_seconds))
        job = jobs.get(job_id)
    return job


def _now() -> str:
    return datetime.now(UTC).isoformat()
