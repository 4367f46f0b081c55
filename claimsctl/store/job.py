"""One run of a command, as its record says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal

from claimsctl.store.owner import Owner

JobStatus = Literal[
    "PENDING", "PROCESSING", "COMPLETED", "COMPLETED_WITH_ERRORS", "FAILED", "CANCELLED", "INTERRUPTED",
    "ROLLED_BACK",
]  # fmt: skip
UNFINISHED: Final = frozenset({"PENDING", "PROCESSING"})


@dataclass(frozen=True, slots=True)
class JobInput:
    """A file a job read."""

    path: str
    sha256: str
    bytes: int = 0
    rows: int | None = None
    format: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """One run of a command. Times are UTC; `rows_done` and `heartbeat_at` are the last progress heard of."""

    job_id: str
    command: str
    status: JobStatus
    user: str
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    heartbeat_at: datetime | None = None
    practice_id: str | None = None
    payer: str | None = None
    priority: int = 0
    parent_job: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[JobInput, ...] = ()
    rows_done: int = 0
    rows_total: int | None = None
    cancel_requested: bool = False
    owner: Owner | None = None
    ledger: Mapping[str, Any] = field(default_factory=dict)
    counts: Mapping[str, Any] = field(default_factory=dict)
    timings: Mapping[str, Any] = field(default_factory=dict)
    editions: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    mapping: Mapping[str, Any] = field(default_factory=dict)
    rules_digest: str | None = None
    error: str | None = None
    progress: Mapping[str, Any] = field(default_factory=dict)
    """`stage`, and `done` of `total` in it (bytes or rows), as last heard of."""

    @property
    def unfinished(self) -> bool:
        """Whether it waits or runs, as far as anybody can tell."""
        return self.status in UNFINISHED

    def read_sheet(self, sheet: str | None) -> bool:
        """Whether it was asked for this sheet of its workbooks (None: for none), in any case of letters."""
        asked: str | None = self.options.get("sheet")
        return (asked or "").casefold() == (sheet or "").casefold()


def job_of_row(row: Mapping[str, Any], inputs: Sequence[JobInput]) -> Job:
    """The job of a row of the jobs table; INTERRUPTED where its process has gone."""
    values = {name: row[name] for name in Job.__slots__ if name not in ("inputs", "owner", "status")}
    for name in ("options", "ledger", "counts", "timings", "editions", "outputs", "mapping", "progress"):
        values[name] = values[name] or {}
    for name in ("created_at", "started_at", "finished_at", "heartbeat_at"):
        values[name] = values[name].replace(tzinfo=UTC) if values[name] is not None else None
    owner = Owner.read(row["owner"]) if row["owner"] else None
    status = row["status"]
    if status in UNFINISHED and owner is not None:
        sign = values["heartbeat_at"] or values["created_at"]
        if owner.is_dead(sign.timestamp()):
            status = "INTERRUPTED"
    return Job(**values, owner=owner, status=status, inputs=tuple(inputs))
