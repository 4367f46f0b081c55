"""The record of a run: begun, watched, and brought to its end whatever happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from claimsctl.errors import ClaimsctlError, Interrupted, StoreError
from claimsctl.process.core import Progress
from claimsctl.process.request import Request
from claimsctl.store.jobs import JobStore
from claimsctl.store.recovery import is_committed
from claimsctl.store.workspace import Workspace
from claimsctl.write.marker import clear_unfinished


def tidy(jobs: JobStore) -> None:
    """Remove what killed jobs left half-written in their output directories: it holds patient data."""
    for job in jobs.list_jobs(status="INTERRUPTED"):
        if "out" in job.options:
            clear_unfinished(job.options["out"])


@dataclass
class Kept:
    """How far a run came: what it leaves when it is stopped.

    `end`: what its record says at its end, known once its results are published and may be stored.
    """

    end: dict[str, Any] | None = None
    stored: bool | None = False
    """None where nobody can tell: the next start finds out."""

    @property
    def published(self) -> bool:
        """Whether its results are complete under their names."""
        return self.end is not None

    def find_out(self, workspace: Workspace, job_id: str) -> None:
        """Look into the store where a run was stopped while it was storing."""
        if self.published and not self.stored:
            try:
                self.stored = is_committed(workspace, job_id)
            except StoreError:
                self.stored = None

    def sentence(self, out: Path) -> str:
        """For the user who stopped it."""
        if self.stored:
            return f"The results in {out} are complete and stored."
        if self.stored is None:
            return f"The results in {out} are complete; the next start finds out whether they are stored."
        if self.published:
            return f"The results in {out} are complete; they were not stored."
        return "Nothing was published or stored, the inputs are unchanged."


_LATER: Final = "Free some space, or mend what is named; the next command completes the record of the job."


@contextmanager
def recorded(
    jobs: JobStore,
    job_id: str,
    request: Request,
    workspace: Workspace,
    out: Path,
    command: str = "process",
    parent_job: str | None = None,
) -> Iterator[Kept]:
    """The job's record from PENDING to its end; its private directory is removed whatever happens."""
    jobs.create_job(
        job_id,
        command,
        options={**request.as_options(), "out": str(out), "cwd": str(Path.cwd())},
        practice_id=request.practice_id,
        payer=request.constants.get("payer_id"),
        priority=request.priority,
        parent_job=parent_job,
    )
    jobs.start(job_id)
    kept = Kept()
    told = True
    try:
        yield kept
    except BaseException as error:
        kept.find_out(workspace, job_id)
        told = _record_end(jobs, job_id, kept, error)
        if isinstance(error, KeyboardInterrupt | Interrupted):
            state = "had come to its end" if kept.stored else "is CANCELLED"
            raise Interrupted(
                f"Stopped; job {job_id} {state}. {kept.sentence(out)}",
                hint=None
                if kept.stored
                else f"Run the same command again to start over, or `claimsctl jobs resume {job_id}`.",
            ) from None
        if kept.stored and isinstance(error, ClaimsctlError):
            raise StoreError(
                f"{error.message} {kept.sentence(out)}",
                hint=None if told else _LATER,
            ) from error
        raise
    finally:
        workspace.remove_tmp(job_id, settle_later=kept.published and not told)


def _record_end(jobs: JobStore, job_id: str, kept: Kept, error: BaseException) -> bool:
    """Write how a job ended that did not end well; False where that is refused, as on a full disk, or
    unknown: the next start writes it then."""
    if kept.stored is None:
        return False
    with suppress(ClaimsctlError):
        if kept.stored and kept.end is not None:
            jobs.finish(job_id, **kept.end)
        elif isinstance(error, KeyboardInterrupt | Interrupted):
            jobs.cancel(job_id)
        elif isinstance(error, ClaimsctlError):
            jobs.fail(job_id, error.message)
        else:
            jobs.fail(job_id, f"internal error {type(error).__name__}")
        return True
    return False


def watched(jobs: JobStore, job_id: str, progress: Progress) -> Progress:
    """Progress that also keeps the job's heartbeat and hears of a cancel from another terminal."""

    def told(stage: str, done: int, total: int, rows: int) -> None:
        progress(stage, done, total, rows)
        whole = total if stage == "checking" else None
        if jobs.progress(job_id, rows, whole, at={"stage": stage, "done": done, "total": total}):
            raise Interrupted("Cancelled from elsewhere.")

    return told
