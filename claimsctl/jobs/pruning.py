"""Clearing up by age: details of failed rows, output files, versions of claims that are not in force."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from claimsctl.jobs.outputs import output_directory, outputs_left
from claimsctl.process.keeping import DIRECTORY
from claimsctl.security import audit
from claimsctl.store.database import Notify
from claimsctl.store.job import Job
from claimsctl.store.jobs import JobStore
from claimsctl.store.pruning import plan_history, prune_history
from claimsctl.store.workspace import DETAILS, Workspace
from claimsctl.write.marker import SUMMARY, job_of

Kind = Literal["details", "outputs", "history"]
KINDS: Final[tuple[Kind, ...]] = ("details", "outputs", "history")
_DETAILS: Final = (
    DETAILS, DIRECTORY, "retried.parquet", "edits.parquet", "request.sealed", "asking.sqlite",
    "asking.sqlite-wal", "asking.sqlite-shm",
)  # fmt: skip


@dataclass(frozen=True)
class Prunable:
    """What is older than asked: `jobs` with details or outputs; `files` and `bytes` of them; claim
    `versions` that are not in force, with their `lines`, and deleted `patients`."""

    kind: Kind
    jobs: int = 0
    files: int = 0
    bytes: int = 0
    versions: int = 0
    lines: int = 0
    patients: int = 0


def plan(
    workspace: Workspace,
    before: datetime,
    kinds: Collection[Kind],
    *,
    deleted_before: datetime | None = None,
    notify: Notify | None = None,
) -> list[Prunable]:
    """What `prune` would remove of jobs that ended before a time (UTC); changes nothing.

    `deleted_before`: claims and patients who were deleted go only where it was before this time.
    """
    found = []
    for kind in KINDS:
        if kind not in kinds:
            continue
        if kind == "history":
            old = plan_history(workspace, before, deleted_before or before, notify=notify)
            found.append(Prunable(kind, versions=old.versions, lines=old.lines, patients=old.patients))
            continue
        paths = {job.job_id: _paths(workspace, job, kind) for job in _old(workspace, before)}
        files = [path for each in paths.values() for path in each]
        size = sum(path.stat().st_size for path in files)
        found.append(Prunable(kind, sum(map(bool, paths.values())), len(files), size))
    return found


def prune(
    workspace: Workspace,
    before: datetime,
    kinds: Collection[Kind],
    *,
    deleted_before: datetime | None = None,
    notify: Notify | None = None,
) -> list[Prunable]:
    """Remove it; what was removed. Killed in between, it goes on where it was when it is called again."""
    done = plan(workspace, before, kinds, deleted_before=deleted_before, notify=notify)
    for kind in KINDS:
        if kind in kinds and kind != "history":
            for job in _old(workspace, before):
                for path in _paths(workspace, job, kind):
                    path.unlink(missing_ok=True)
                for directory in _directories(workspace, job, kind):
                    with suppress(OSError):
                        directory.rmdir()
    if "history" in kinds:
        prune_history(workspace, before, deleted_before or before, notify=notify)
    names = ("files", "versions", "patients")
    counts = {f"{each.kind}_{name}": getattr(each, name) for each in done for name in names}
    audit.record(workspace, "prune", notify=notify, before=before.isoformat(), **counts)
    return done


def _old(workspace: Workspace, before: datetime) -> Iterator[Job]:
    """Jobs that are over and ended, or at least began, before a time."""
    for job in JobStore(workspace).list_jobs():
        if not job.unfinished and (job.finished_at or job.created_at) < before:
            yield job


def _paths(workspace: Workspace, job: Job, kind: Kind) -> list[Path]:
    """Files of a job; output files only where they are still those of this job."""
    if kind == "details":
        named = [workspace.job_directory(job.job_id) / name for name in _DETAILS]
        inside = [path for each in named if each.is_dir() for path in sorted(each.iterdir())]
        return [path for path in [*named, *inside] if path.is_file()]
    out = output_directory(job)
    if out is None or job_of(out / SUMMARY) != job.job_id:
        return []
    return [*outputs_left(job).values(), out / SUMMARY]  # which goes last: it tells whose files these are


def _directories(workspace: Workspace, job: Job, kind: Kind) -> list[Path]:
    if kind == "details":
        return [workspace.job_directory(job.job_id) / name for name in (DETAILS, DIRECTORY)]
    out = output_directory(job)
    return [] if out is None else [out / "rejected", out]
