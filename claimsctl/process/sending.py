"""Results of a run on their way into databases: put aside before the run is stored, delivered after it.

What shall go into a database waits in sending/<job>/<database>/ of the workspace. It gets there before the
claims are stored and goes when all of it has arrived, so a run that is killed in between is gone on with, not
repeated: `jobs resume` delivers what is left, and the database knows which batches it has.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from claimsctl.errors import ClaimsctlError, InternalError
from claimsctl.process.nameless import findings_without_persons, lines_without_persons, rows_without_persons
from claimsctl.process.routing import Reviewed
from claimsctl.requiring import require
from claimsctl.security import audit
from claimsctl.security.access.opening import user_name
from claimsctl.security.deidentify import Deidentifier
from claimsctl.security.files import disk_errors, private_directory, sync_directory, write_private
from claimsctl.security.policy import Treatment, is_personal
from claimsctl.store.jobs import JobStore
from claimsctl.store.recovery import is_committed
from claimsctl.store.turns import turn

if TYPE_CHECKING:
    from claimsctl.process.progress import Progress
    from claimsctl.security.keys import Keys
    from claimsctl.sql.database import Database
    from claimsctl.sql.outbox import OutboxWriter
    from claimsctl.store.job import Job, JobStatus
    from claimsctl.store.workspace import Workspace

END: Final = "end.json"
"""What the job's record says once everything has arrived."""
UNSENT: Final = "FAILED"
"""Status of a job whose claims are checked and stored, but are not all in its databases yet."""


@dataclass
class Outboxes:
    """A sink that puts the accepted lines and all findings of a run aside, once for each database."""

    workspace: Workspace
    job_id: str
    databases: Sequence[Database]
    keys: Keys
    practice_id: str
    as_of: date = field(default_factory=date.today)
    _deidentifier: Deidentifier | None = field(init=False, default=None)
    _writers: list[OutboxWriter] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        if not self.databases:
            return
        from claimsctl.sql.outbox import OutboxWriter

        for database in self.databases:
            if database.phi is None:
                raise InternalError(f"It is not settled how {database.name} gets patients' data.")
            if database.phi == "deidentify":
                who = require(self.workspace, "deidentified")
                self._deidentifier = Deidentifier(who.deidentify_key, self.as_of)
            self._writers.append(
                OutboxWriter(
                    self._directory / database.name, self.job_id, database.name, database.phi,
                    self.practice_id, self.keys, database.batch_claims,
                )
            )  # fmt: skip

    @property
    def _directory(self) -> Path:
        return self.workspace.tmp_directory(self.job_id) / "outbox"

    def findings(self, findings: pl.DataFrame) -> None:
        """Put findings aside, as errors.csv has them: masked for identifiers."""
        for writer in self._writers:
            match writer.phi:
                case "deidentify":
                    writer.findings(findings_without_persons(findings, self._treatment()))
                case _:
                    writer.findings(findings)

    def malformed(self, input_name: str, malformed: pl.DataFrame) -> None:
        """Records that could not be read stay in malformed.csv."""

    def lines(self, part: Reviewed, rejected: pl.Series) -> None:
        """Put the accepted lines of a decided part aside."""
        if not self._writers:
            return
        accepted = part.frame.filter(part.accepted(rejected))
        if not accepted.height:
            return
        for writer in self._writers:
            match writer.phi:
                case "deidentify":
                    writer.add(lines_without_persons(accepted, self._treatment(), self.keys))
                case "drop":
                    kept = [name for name in accepted.columns if not is_personal(name)]
                    writer.add(accepted.select(kept), input_name=part.input.source.name)
                case _:
                    writer.add(accepted, input_name=part.input.source.name)

    def rows(self, table: str, rows: pl.DataFrame) -> None:
        """Put rows of another table aside, with some or all of its columns."""
        for writer in self._writers:
            match writer.phi:
                case "deidentify":
                    writer.rows(table, rows_without_persons(rows, self._treatment()))
                case _:
                    writer.rows(table, rows)

    def _treatment(self) -> Treatment:
        return Treatment("deidentify", lambda _: self.keys, self.practice_id, self._deidentifier)

    def close(
        self, summary: Mapping[str, Any], end: Mapping[str, Any], *, stored: bool = False
    ) -> dict[str, Any]:
        """Finish the outboxes and move them to where the delivery finds them.

        `end` is what the job's record says once all has arrived; the answer, what it says until then.
        `stored`: the job is stored already, where else it is just before that.
        """
        if not self.databases:
            return dict(end)
        record = {"practice_id": self.practice_id, **_job_row(summary)}
        for writer in self._writers:
            writer.close(record)
        kept = {
            "status": end["status"], "to": [database.given for database in self.databases], "stored": stored,
        }  # fmt: skip
        write_private(self._directory / END, json.dumps(kept).encode())
        place = self.workspace.outbox_directory(self.job_id)
        private_directory(place.parent)
        with disk_errors(place, "move the outbox to"):
            self._directory.rename(place)
        sync_directory(place.parent)
        names = ", ".join(database.name for database in self.databases)
        return {**end, "status": UNSENT, "error": f"Checked and stored, not delivered to {names} yet."}


def _job_row(summary: Mapping[str, Any]) -> dict[str, object]:
    """The job as the table `jobs` of a database has it, from the keys of its summary."""
    counts = {
        f"{what}_{state}": number for what in ("rows", "claims") for state, number in summary[what].items()
    }
    found = {f"findings_{severity}": number for severity, number in summary["findings"].items()}
    rules = summary.get("rules") or {}
    return {
        "command": summary["command"],
        "status": summary["status"], "run_by": user_name(), "version": summary["version"],
        "started_at": _utc(summary["started_at"]), "finished_at": _utc(summary["finished_at"]),
        "rules_digest": rules.get("digest"), **counts, **found,
    }  # fmt: skip


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class Unsent:
    """What a job has still to deliver: its databases as the user named them, and its end after that.

    `stored`: that it was stored is known; else the store says it.
    """

    to: tuple[str, ...]
    status: JobStatus
    stored: bool = False


def unsent(workspace: Workspace, job_id: str) -> Unsent | None:
    """What a job has still to deliver; None where nothing is left."""
    try:
        kept = json.loads((workspace.outbox_directory(job_id) / END).read_bytes())
    except FileNotFoundError:
        return None
    return Unsent(tuple(kept["to"]), kept["status"], kept["stored"])


def deliverable(workspace: Workspace, job: Job) -> Unsent | None:
    """What a job that is at its end, and was stored, has still to deliver; None where nothing."""
    left = unsent(workspace, job.job_id)
    if left is None or job.unfinished:
        return None
    return left if left.stored or is_committed(workspace, job.job_id) else None


def send(
    workspace: Workspace,
    job_id: str,
    databases: Sequence[Database],
    notify: Callable[[str], None],
    progress: Progress,
) -> dict[str, dict[str, int]]:
    """Deliver what a job has put aside; what came to each database, by its name.

    What earlier jobs have left for a database goes first, so that an older version of a claim never
    replaces a newer one; those jobs get their end then.

    OutsideError, or what else the database said, where one cannot take it; what has arrived stays, the rest
    waits. Doing it again delivers the rest. When the job's record has its end, `forget` it.
    """
    arrived: dict[str, dict[str, int]] = {}
    failed: list[ClaimsctlError] = []
    for database in databases:
        try:
            with turn(workspace.sending_directory / f"{database.name}.lock", database.name, notify):
                for earlier in _waiting(workspace, before=job_id):
                    if (workspace.outbox_directory(earlier) / database.name).exists():
                        notify(f"{database.name}: first what job {earlier} has left.")
                        _deliver(workspace, earlier, database, notify, progress)
                    _settle(workspace, earlier)
                brought = _deliver(workspace, job_id, database, notify, progress)
        except ClaimsctlError as error:  # another database may well take its own
            failed.append(error)
            continue
        if brought is not None:
            arrived[database.name] = brought
    if failed:
        raise as_refused(failed[0], str(failed[0]), f"`claimsctl jobs resume {job_id}` delivers the rest.")
    return arrived


def as_refused(error: ClaimsctlError, message: str, way_on: str) -> ClaimsctlError:
    """An error of the same exit status that says how to go on."""
    told = ClaimsctlError(message, hint=way_on)
    told.exit_code, told.retryable = error.exit_code, error.retryable
    return told


def _waiting(workspace: Workspace, *, before: str) -> list[str]:
    """Earlier jobs that were stored, are at their end, and have left something, if only their own end."""
    jobs = JobStore(workspace)
    found = sorted(path.parent.name for path in workspace.sending_directory.glob(f"*/{END}"))
    return [
        job_id
        for job_id in found
        if job_id < before
        and (job := jobs.find(job_id)) is not None
        and deliverable(workspace, job) is not None
    ]


def _deliver(
    workspace: Workspace,
    job_id: str,
    database: Database,
    notify: Callable[[str], None],
    progress: Progress,
) -> dict[str, int] | None:
    """Deliver what one job has for one database; what came, None where an earlier try brought it all."""
    from claimsctl.security.keys import load_keys
    from claimsctl.sql.load import deliver
    from claimsctl.sql.manifest import MANIFEST
    from claimsctl.sql.outbox import Outbox

    directory = workspace.outbox_directory(job_id) / database.name
    if not (directory / MANIFEST).exists():
        return None
    outbox = Outbox.open(directory, partial(load_keys, workspace))
    rows = outbox.rows("claim_lines")

    def told(done: int, of: int) -> None:
        progress("sending", done, of, round(rows * done / of) if of else 0)

    delivered = deliver(outbox, database, notify=notify, progress=told)
    outbox.remove()
    audit.record(
        workspace, "deliver", notify=notify, count=delivered.claims, job=job_id,
        to=database.recorded(workspace), phi=outbox.phi, rows=delivered.lines,
    )  # fmt: skip
    return {**asdict(delivered), "statuses": outbox.rows("claim_status")}


def _settle(workspace: Workspace, job_id: str) -> None:
    """Give an earlier job its end, where nothing of it waits any more.

    One that was killed when all had arrived waits for nothing else.
    """
    left = unsent(workspace, job_id)
    if left is None or any(path.is_dir() for path in workspace.outbox_directory(job_id).iterdir()):
        return
    JobStore(workspace).finish(job_id, left.status, error=None)
    forget(workspace, job_id)


def forget(workspace: Workspace, job_id: str) -> None:
    """Remove what a job has put aside: it has arrived, or the job came to nothing."""
    place = workspace.outbox_directory(job_id)
    with suppress(OSError):
        (place / END).unlink(missing_ok=True)
    shutil.rmtree(place, ignore_errors=True)
