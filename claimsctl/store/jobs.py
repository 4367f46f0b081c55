"""Jobs and their progress in SQLite (WAL): listing and watching never wait for a run.

A job whose process died while it was PENDING or PROCESSING shows as INTERRUPTED; nothing needs to have
written that.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from claimsctl.errors import InternalError, StoreError, UsageError
from claimsctl.security import logs
from claimsctl.security.access.opening import user_name
from claimsctl.security.files import create_private
from claimsctl.security.roles import DEFAULT_PRACTICE
from claimsctl.store.job import UNFINISHED, Job, JobInput, JobStatus, job_of_row
from claimsctl.store.jobs_database import READS, jobs_engine, sqlite_errors
from claimsctl.store.owner import Owner
from claimsctl.store.workspace import Workspace

if TYPE_CHECKING:
    import sqlalchemy as sa

_PROGRESS_SECONDS = 0.5
_RESULTS = (
    "ledger", "counts", "timings", "editions", "outputs", "mapping", "rules_digest", "error",
)  # fmt: skip


class JobStore:
    """The jobs of a workspace; every method is one short transaction.

    Methods raise StoreError when the file is damaged, full or stays busy for a minute, UsageError for
    an unknown job.
    """

    def __init__(self, workspace: Workspace, notify: Callable[[str], None] | None = None) -> None:
        self.workspace = workspace
        self._notify = notify
        self._path = workspace.jobs_database
        self._engine: sa.Engine | None = None
        self._told: dict[str, float] = {}

    def create_job(
        self,
        job_id: str,
        command: str,
        *,
        options: Mapping[str, Any] | None = None,
        practice_id: str | None = None,
        payer: str | None = None,
        priority: int = 0,
        parent_job: str | None = None,
        queued: bool = False,
    ) -> None:
        """Record a job as PENDING, owned by this process unless it is only `queued`."""
        jobs, _ = _tables()
        with self._begin() as connection:
            connection.execute(
                jobs.insert().values(
                    job_id=job_id,
                    command=command,
                    status="PENDING",
                    user=user_name(),
                    created_at=_now(),
                    options=_plain(options or {}),
                    practice_id=practice_id,
                    payer=payer,
                    priority=priority,
                    parent_job=parent_job,
                    owner=None if queued else Owner.current().as_dict(),
                )
            )
        logs.note("job.made", job=job_id, command=command, parent=parent_job, queued=queued)

    def start(self, job_id: str) -> None:
        """PROCESSING, by this process."""
        self._update(
            job_id,
            status="PROCESSING",
            started_at=_now(),
            heartbeat_at=_now(),
            owner=Owner.current().as_dict(),
        )

    def add_inputs(self, job_id: str, inputs: Sequence[JobInput]) -> None:
        """Record the files the job read, replacing what was recorded of them before."""
        _, job_inputs = _tables()
        with self._begin() as connection:
            connection.execute(job_inputs.delete().where(job_inputs.c.job_id == job_id))
            if inputs:
                connection.execute(
                    job_inputs.insert(),
                    [
                        {
                            "job_id": job_id, "number": number, "path": each.path, "sha256": each.sha256,
                            "bytes": each.bytes, "rows": each.rows, "format": each.format,
                        }
                        for number, each in enumerate(inputs)
                    ],
                )  # fmt: skip
        files = [{"file": Path(e.path), "bytes": e.bytes, "rows": e.rows, "format": e.format} for e in inputs]
        logs.note("job.inputs", job=job_id, files=files)

    def progress(
        self,
        job_id: str,
        rows_done: int,
        rows_total: int | None = None,
        *,
        at: Mapping[str, Any] | None = None,
        last: bool = False,
    ) -> bool:
        """Sign of life and rows done, written at most twice a second; True when a cancel was asked for.

        `at`: the stage, and `done` of `total` in it. `last`: written in any case, as nothing comes after.
        Never fails a run: trouble with the file is left to the next other call.
        """
        now = time.monotonic()
        if not last and now - self._told.get(job_id, -_PROGRESS_SECONDS) < _PROGRESS_SECONDS:
            return False
        self._told[job_id] = now
        jobs, _ = _tables()
        try:
            with self._begin() as connection:
                connection.execute(
                    jobs.update()
                    .where(jobs.c.job_id == job_id)
                    .values(
                        heartbeat_at=_now(), rows_done=rows_done, rows_total=rows_total,
                        progress=_plain(at or {}),
                    )
                )  # fmt: skip
                asked = connection.execute(
                    jobs.select().with_only_columns(jobs.c.cancel_requested).where(jobs.c.job_id == job_id)
                ).scalar()
        except StoreError:
            return False
        return bool(asked)

    def finish(self, job_id: str, status: JobStatus, **results: Any) -> None:
        """COMPLETED, COMPLETED_WITH_ERRORS or another end; results are the fields named in `Job`:
        ledger, counts, timings, editions, outputs, mapping, rules_digest, error.
        """
        unknown = sorted(set(results) - set(_RESULTS))
        if unknown:
            raise InternalError(f"A job has no field {', '.join(unknown)}.")
        values = {name: _plain(value) for name, value in results.items()}
        self._update(job_id, status=status, finished_at=_now(), **values)
        told = {name: values.get(name) for name in ("ledger", "counts", "timings")}
        logs.note(
            "job.end", level="error" if status == "FAILED" else "info", job=job_id, status=status, **told
        )

    def fail(self, job_id: str, error: str) -> None:
        """FAILED; `error` is one line without PHI."""
        self.finish(job_id, "FAILED", error=error)

    def mark_rolled_back(self, job_id: str) -> None:
        """ROLLED_BACK; what its record says else stays."""
        self._update(job_id, status="ROLLED_BACK")

    def cancel(self, job_id: str) -> None:
        """CANCELLED, by the process that runs it."""
        self.finish(job_id, "CANCELLED")

    def ask_to_cancel(self, job_id: str) -> Job:
        """Ask the process that runs a job to stop; it hears of it from `progress`.

        A queued job, which no process has taken yet, is CANCELLED at once.
        """
        job = self.get(job_id)
        if job.status in UNFINISHED:
            self._update(job_id, cancel_requested=True)
            jobs, _ = _tables()
            queued = (jobs.c.job_id == job_id, jobs.c.status == "PENDING", jobs.c.owner.is_(None))
            with self._begin() as connection:
                connection.execute(
                    jobs.update().where(*queued).values(status="CANCELLED", finished_at=_now())
                )
        return self.get(job_id)

    def finish_for_the_dead(self, job_id: str, finish: Mapping[str, Any]) -> None:
        """Write the end that a process meant to write when it died, or gave up, after its commit."""
        job = self.find(job_id)
        if job is None or job.status not in (*UNFINISHED, "INTERRUPTED"):
            return
        results = {name: value for name, value in finish.items() if name in _RESULTS}
        self.finish(job_id, finish.get("status", "COMPLETED"), **results)

    def get(self, job_id: str) -> Job:
        """The job; UsageError when there is none of that id."""
        job = self.find(job_id)
        if job is None:
            raise UsageError(f"There is no job {job_id}.", hint="`claimsctl jobs list` shows the jobs.")
        return job

    def list_jobs(
        self, *statuses: JobStatus, limit: int | None = None, practices: Collection[str] | None = None
    ) -> list[Job]:
        """Jobs, of these statuses or all, of these practices or all, the newest first."""
        if not self._path.exists():
            return []
        jobs, _ = _tables()
        query = jobs.select().order_by(jobs.c.job_id.desc())
        # INTERRUPTED is not written in the file: whether a job is, its owner tells.
        written = not UNFINISHED.intersection(statuses) and "INTERRUPTED" not in statuses
        if statuses and written:
            query = query.where(jobs.c.status.in_(statuses))
        if practices is not None:
            import sqlalchemy as sa

            query = query.where(sa.func.coalesce(jobs.c.practice_id, DEFAULT_PRACTICE).in_(sorted(practices)))
        if limit is not None and written:
            query = query.limit(limit)
        found = self._read(query)
        if statuses:
            found = [job for job in found if job.status in statuses]
        return found if limit is None else found[:limit]

    def practices(self) -> set[str | None]:
        """The practices there are jobs of; None where a job names none."""
        jobs, _ = _tables()
        with self._begin(reads=True) as connection:
            return set(
                connection.execute(jobs.select().with_only_columns(jobs.c.practice_id).distinct()).scalars()
            )

    def children_of(self, job_id: str) -> list[Job]:
        """Jobs that retried, resumed or rolled back a job, the oldest first."""
        jobs, _ = _tables()
        return self._read(jobs.select().where(jobs.c.parent_job == job_id).order_by(jobs.c.job_id))

    def find_by_input_hash(self, sha256: Sequence[str]) -> list[Job]:
        """Jobs that read one of these contents, the newest first."""
        if not self._path.exists() or not sha256:
            return []
        jobs, job_inputs = _tables()
        readers = (
            job_inputs.select()
            .with_only_columns(job_inputs.c.job_id)
            .where(job_inputs.c.sha256.in_(list(sha256)))
        )
        return self._read(jobs.select().where(jobs.c.job_id.in_(readers)).order_by(jobs.c.job_id.desc()))

    def find(self, job_id: str) -> Job | None:
        """The job; None when there is none of that id."""
        if not self._path.exists():
            return None
        jobs, _ = _tables()
        found = self._read(jobs.select().where(jobs.c.job_id == job_id))
        return found[0] if found else None

    def _read(self, query: sa.Select[Any]) -> list[Job]:
        _, job_inputs = _tables()
        with self._begin(reads=True) as connection:
            rows = connection.execute(query).mappings().all()
            ids = [row["job_id"] for row in rows]
            inputs: dict[str, list[JobInput]] = {}
            # SQLite takes a limited number of parameters, so a long list is read whole.
            wanted = job_inputs.select().order_by(job_inputs.c.job_id, job_inputs.c.number)
            if len(ids) <= 500:
                wanted = wanted.where(job_inputs.c.job_id.in_(ids))
            for row in connection.execute(wanted).mappings():
                inputs.setdefault(row["job_id"], []).append(
                    JobInput(row["path"], row["sha256"], row["bytes"], row["rows"], row["format"])
                )
        return [job_of_row(dict(row), inputs.get(row["job_id"], [])) for row in rows]

    def _update(self, job_id: str, **values: Any) -> None:
        jobs, _ = _tables()
        with self._begin() as connection:
            changed = connection.execute(jobs.update().where(jobs.c.job_id == job_id).values(**values))
            if changed.rowcount == 0:
                raise UsageError(f"There is no job {job_id}.")

    @contextmanager
    def _begin(self, *, reads: bool = False) -> Iterator[sa.Connection]:
        with sqlite_errors(self._path):
            if self._engine is None:
                create_private(self._path, b"")  # SQLite gives its WAL files the rights of this one
                self._engine = jobs_engine(self._path, self._notify)
            engine = self._engine.execution_options(**{READS: True}) if reads else self._engine
            with engine.begin() as connection:
                yield connection


def _tables() -> tuple[sa.Table, sa.Table]:
    from claimsctl.store.jobs_schema import job_inputs, jobs

    return jobs, job_inputs


def _plain(value: Any) -> Any:
    """Only what JSON knows; Decimal, dates and paths as text."""
    return json.loads(json.dumps(value, default=str))


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
