"""A job as a document: what `jobs show --json` prints, and the short form of lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from claimsctl.errors import UsageError
from claimsctl.requiring import require, require_practice
from claimsctl.security.roles import DEFAULT_PRACTICE
from claimsctl.store.job import Job
from claimsctl.store.jobs import JobStore

LAST = "last"
"""Stands for the newest job wherever a job is named."""


def named_job(jobs: JobStore, name: str) -> Job:
    """The job of that id, or the newest one for "last" that the user may see; UsageError when there is none.

    PermissionDenied for a job of a practice that is not the user's.
    """
    access = require(jobs.workspace, "jobs")
    if name != LAST:
        job = jobs.get(name)
        require_practice(jobs.workspace, access, job.practice_id or DEFAULT_PRACTICE, "jobs")
        return job
    found = jobs.list_jobs(limit=1, practices=access.practices)
    if not found:
        raise UsageError(
            "There is no job in this workspace yet.",
            hint="Run `claimsctl process FILE` first, or name another workspace with --workspace.",
        )
    return found[0]


def job_document(job: Job) -> dict[str, Any]:
    """All that is recorded of a job; times in UTC, ISO 8601."""
    return {
        **short_document(job),
        "heartbeat_at": _time(job.heartbeat_at),
        "options": dict(job.options),
        "input_files": [
            {"path": each.path, "format": each.format, "bytes": each.bytes, "rows": each.rows,
             "sha256": each.sha256}
            for each in job.inputs
        ],
        "ledger": dict(job.ledger),
        "timings": dict(job.timings),
        "rules_digest": job.rules_digest,
        "editions": dict(job.editions),
        "mapping": dict(job.mapping),
        "outputs": dict(job.outputs),
        "cancel_requested": job.cancel_requested,
        "process": {"pid": job.owner.pid, "host": job.owner.host} if job.owner else None,
    }  # fmt: skip


def short_document(job: Job) -> dict[str, Any]:
    """What a list shows of a job. `rows` and `claims` are null until it has ended."""
    return {
        "job_id": job.job_id,
        "command": job.command,
        "status": job.status,
        "user": job.user,
        "practice": job.practice_id,
        "payer": job.payer,
        "priority": job.priority,
        "parent_job": job.parent_job,
        "created_at": _time(job.created_at),
        "started_at": _time(job.started_at),
        "finished_at": _time(job.finished_at),
        "inputs": input_names(job),
        "rows_done": job.rows_done,
        "progress": dict(job.progress),
        "rows": job.ledger.get("rows"),
        "claims": job.ledger.get("claims"),
        ("rolled_back" if job.command == "rollback" else "findings"): dict(job.counts) or None,
        "error": job.error,
    }


def input_names(job: Job) -> list[str]:
    """Paths of the files a job read; while they are being read, what it was told to read."""
    if job.inputs:
        return [each.path for each in job.inputs]
    asked = job.options.get("inputs", [])
    return [str(each) for each in asked] if isinstance(asked, list) else []


def outcome(job: Job) -> tuple[int | None, int | None]:
    """Rows accepted and rejected; None before the end."""
    rows: Mapping[str, int] = job.ledger.get("rows") or {}
    return rows.get("accepted"), rows.get("rejected")


def _time(moment: Any) -> str | None:
    return None if moment is None else moment.isoformat()
