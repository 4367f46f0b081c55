"""The record of a run: begun, watched, and brought to its end whatever happens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from claimsctl.errors import ClaimsctlError, Interrupted, StoreError, was_stopped
from claimsctl.process.core import Outcome
from claimsctl.process.intake import Input, Intake
from claimsctl.process.progress import Progress
from claimsctl.process.request import Request
from claimsctl.process.sending import as_refused, forget
from claimsctl.process.storing import seen_inputs
from claimsctl.store.job import JobInput
from claimsctl.store.jobs import JobStore
from claimsctl.store.recovery import is_committed
from claimsctl.store.workspace import Workspace
from claimsctl.write.marker import clear_unfinished


def tidy(jobs: JobStore) -> None:
    """Remove what killed jobs left half-written in their output directories: it holds patient data."""
    for job in jobs.list_jobs("INTERRUPTED"):
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
    on_its_way: str | None = None
    """How to go on with what is stored but has still to be delivered."""
    only_waited: bool = False
    """Whether it was stopped before the store was its own, so that nothing of it can be stored."""

    @property
    def published(self) -> bool:
        """Whether its results are complete under their names."""
        return self.end is not None

    def find_out(self, workspace: Workspace, job_id: str) -> None:
        """Look into the store where a run was stopped while it was storing."""
        if self.published and not self.stored and not self.only_waited:
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
        if kept.end is not None and kept.on_its_way and isinstance(error, ClaimsctlError):
            kept.end["error"] = f"Checked and stored, not delivered: {error.message}"
        told = _record_end(jobs, job_id, kept, error)
        if was_stopped(error):
            state = "had come to its end" if kept.stored else "is CANCELLED"
            again = f"Run the same command again to start over, or `claimsctl jobs resume {job_id}`."
            raise Interrupted(
                f"Stopped; job {job_id} {state}. {kept.sentence(out)}",
                hint=kept.on_its_way if kept.stored else again,
            ) from None
        if kept.on_its_way and isinstance(error, ClaimsctlError):
            message = f"{error.message} {kept.sentence(out)}"
            raise as_refused(error, message, error.hint or kept.on_its_way) from error
        if kept.stored and isinstance(error, ClaimsctlError):
            raise StoreError(
                f"{error.message} {kept.sentence(out)}",
                hint=None if told else _LATER,
            ) from error
        raise
    finally:
        if kept.stored is False:
            forget(workspace, job_id)
        workspace.remove_tmp(job_id, settle_later=kept.published and not told)


def _record_end(jobs: JobStore, job_id: str, kept: Kept, error: BaseException) -> bool:
    """Write how a job ended that did not end well; False where that is refused, as on a full disk, or
    unknown: the next start writes it then."""
    if kept.stored is None:
        return False
    with suppress(ClaimsctlError):
        if kept.stored and kept.end is not None:
            jobs.finish(job_id, **kept.end)
        elif was_stopped(error):
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


def note_inputs(jobs: JobStore, job_id: str, intake: Intake, sheet: str | None) -> dict[str, tuple[str, str]]:
    """Record what was read, as soon as it has been, and find who finished with the same content before.

    Another `sheet` of the same workbook is other content.
    """
    jobs.add_inputs(job_id, [_job_input(each) for each in intake.inputs])
    hashes = [each.source.sha256 for each in intake.inputs if each.source.sha256]
    return seen_inputs(hashes, [job for job in jobs.find_by_input_hash(hashes) if job.read_sheet(sheet)])


def _job_input(each: Input) -> JobInput:
    source = each.source
    return JobInput(str(source.path), source.sha256 or "", source.bytes, each.rows, source.format)


def end_of(summary: Mapping[str, Any], outcome: Outcome, paths: Mapping[str, Path]) -> dict[str, Any]:
    """What the job's record says at its end."""
    editions: dict[str, list[str]] = {}
    for entry in summary["reference"]:
        editions.setdefault(entry["table"], []).append(entry["edition"])
    return {
        "status": summary["status"],
        "ledger": outcome.ledger.as_dict(),
        "counts": dict(outcome.book.by_severity),
        "editions": editions,
        "mapping": summary["mapping"]["columns"],
        "outputs": {name: str(path) for name, path in paths.items()},
        "rules_digest": summary["rules"]["digest"],
    }
