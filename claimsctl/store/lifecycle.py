"""The one place where a claim gets another status: whatever changes, its history says so.

A change is a row: the key of a claim, its version, `from_status` and `to_status`. A claim that has no
status before appears with this change; one that has none afterwards disappears: it stays in the store, but
is no version in force until a later change brings it back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal, get_args

from claimsctl.errors import UsageError
from claimsctl.store.schema import KEY, NUMBER_HASH

if TYPE_CHECKING:
    import duckdb

Status = Literal[
    "INVALID", "VALIDATED", "READY_FOR_SUBMISSION", "SUBMITTED", "PENDING", "ACTION_REQUIRED", "PAID",
    "DENIED", "REJECTED", "ADJUSTED", "FINALIZED", "CLOSED_NO_PAY", "NOT_FOUND", "VOIDED", "UNKNOWN",
]  # fmt: skip
STATUSES: Final[tuple[Status, ...]] = get_args(Status)
"""Every status of a claim, in the order of its life; REJECTED is by the payer."""
BY_RUNS: Final = frozenset({"INVALID", "VALIDATED"})
"""What only the rules decide."""
OPEN: Final = ("SUBMITTED", "PENDING", "ACTION_REQUIRED")
"""Claims that a payer has and has not decided."""

Action = Literal["run", "set", "delete", "restore", "rollback", "query"]
"""What changes a status: a run, a person, or an answer of a payer (`query`, also without any change)."""

SAME_CLAIM: Final = (
    "{a}.practice_id = {b}.practice_id AND {a}.claim_number = {b}.claim_number "
    "AND {a}.payer_sequence IS NOT DISTINCT FROM {b}.payer_sequence"
)
DELETED: Final = (
    "{a}.deleted_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM claims later WHERE "
    + SAME_CLAIM.format(a="later", b="{a}")
    + " AND (later.is_current OR later.deleted_at > {a}.deleted_at))"
)
"""Whether a version is the one that a deleted claim was in force in: a claim that came again since is not
deleted, and one that was deleted again is so in its later version."""
STAYS: Final = "rejected; the earlier version stays"
"""Note of a version that was stored and did not come into force."""
CHANGE_COLUMNS: Final = (*KEY, "version", "from_status", "to_status", "note", "payer_reference")


@dataclass(frozen=True, slots=True)
class Origin:
    """What made a change, who, when (UTC) and in which job."""

    action: Action
    by: str
    at: datetime
    job_id: str | None = None

    @staticmethod
    def now(action: Action, by: str, job_id: str | None = None) -> Origin:
        """A change of this moment."""
        return Origin(action, by, datetime.now(UTC), job_id)


def transition(
    connection: duckdb.DuckDBPyConnection, changes: str, origin: Origin, *, stored: bool = False
) -> int:
    """Carry out the rows of `changes`, a table or view with CHANGE_COLUMNS, and write them into history.

    At most one row for each version of a claim. `stored`: the versions were just inserted as the changes
    say, so only history is written. Call it in a transaction; returns how many changes there were.
    """
    at = origin.at.astimezone(UTC).replace(tzinfo=None)
    written = connection.execute(
        f"""
        INSERT INTO claim_status_history BY NAME
        SELECT {", ".join(CHANGE_COLUMNS)}, $at::TIMESTAMP AS changed_at, $job AS job_id,
            $action AS action, $by AS changed_by, {NUMBER_HASH.format("claim_number")} AS number_hash
        FROM {changes}
        """,
        {"at": at, "job": origin.job_id, "action": origin.action, "by": origin.by},
    ).fetchone()
    if not stored:
        connection.execute(
            f"""
            UPDATE claims SET status = coalesce(x.to_status, claims.status),
                is_current = CASE WHEN x.to_status IS NULL THEN false WHEN x.from_status IS NULL THEN true
                    ELSE claims.is_current END,
                deleted_at = CASE WHEN x.to_status IS NULL THEN $at::TIMESTAMP
                    WHEN x.from_status IS NULL THEN NULL ELSE claims.deleted_at END
            FROM {changes} x WHERE claims.version = x.version AND {SAME_CLAIM.format(a="claims", b="x")}
            """,
            {"at": at},
        )
    return 0 if written is None else int(written[0])


def check_set(before: str, after: str) -> Status:
    """The status `after` as staff may set it on a claim that is `before`; UsageError says why not."""
    wanted = after.strip().upper().replace("-", "_").replace(" ", "_")
    for status in STATUSES:
        if status == wanted:
            break
    else:
        raise UsageError(f"{after!r} is no status of a claim.", hint=f"There are {', '.join(STATUSES)}.")
    if status in BY_RUNS:
        raise UsageError(
            f"{status} is what the rules say of a claim; it cannot be set.",
            hint="Correct the claim and run `claimsctl process` again.",
        )
    if status == "READY_FOR_SUBMISSION" and before == "INVALID":
        raise UsageError(
            "A claim that the rules reject cannot be made ready for submission.",
            hint="Correct it and run `claimsctl process` again.",
        )
    return status
