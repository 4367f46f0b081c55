"""Removing old versions of claims that are not in force, with their lines; what is in force stays.

Parts of lines are written anew without them before one transaction names the new files; the old ones are
removed after it. What a killed process leaves, the next start removes (see `remains.clear_up`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl

from claimsctl.security.files import FILE_MODE, disk_errors, sync_directory, write_private
from claimsctl.store.database import Notify, bring_up_to_date, open_store
from claimsctl.store.headers import quoted
from claimsctl.store.placing import sync
from claimsctl.store.recovery import settle_rollback
from claimsctl.store.remains import clear_up, keep_records
from claimsctl.store.schema import DELETED_PATIENT
from claimsctl.store.totals import renew_totals
from claimsctl.store.unread import readable
from claimsctl.store.workspace import ROLLBACK_FILE, Workspace

if TYPE_CHECKING:
    import duckdb

_OLD: Final = (
    "NOT is_current AND CASE WHEN deleted_at IS NULL THEN recorded_at < $before "
    "ELSE deleted_at < $deleted_before END"
)
"""Versions that were replaced or rejected beside a better one, and claims deleted, before a time each."""

_NOBODY: Final = (
    "SELECT DISTINCT json_extract_string(value, '$.patient')::UUID AS patient_key FROM meta m "
    f"WHERE key = '{DELETED_PATIENT}' AND json_extract_string(value, '$.at')::TIMESTAMP < $deleted_before "
    "AND NOT EXISTS (SELECT 1 FROM claims c WHERE "
    "c.patient_key = json_extract_string(m.value, '$.patient')::UUID AND NOT ({left}))"
)
"""Patients who were deleted before a time and have no claims but those that are `left` out."""


@dataclass(frozen=True, slots=True)
class OldHistory:
    """What `prune_history` removes: `versions` of claims with their `lines`, and deleted `patients`."""

    versions: int = 0
    lines: int = 0
    patients: int = 0


def plan_history(
    workspace: Workspace, before: datetime, deleted_before: datetime, *, notify: Notify | None = None
) -> OldHistory:
    """What `prune_history` would remove."""
    if not bring_up_to_date(workspace, notify=notify):
        return OldHistory()
    named = _named(before, deleted_before)
    with open_store(workspace, write=False, notify=notify) as connection:
        row = connection.execute(
            f"SELECT count(*), coalesce(sum(line_count), 0) FROM claims WHERE {_OLD}", named
        ).fetchone()
        nobody = connection.execute(f"SELECT count(*) FROM ({_NOBODY.format(left=_OLD)})", named).fetchone()
    assert row is not None
    assert nobody is not None
    return OldHistory(int(row[0]), int(row[1]), int(nobody[0]))


def prune_history(
    workspace: Workspace, before: datetime, deleted_before: datetime, *, notify: Notify | None = None
) -> None:
    """Remove versions that are not in force since before a time (UTC), their lines, and what their history
    says from before it; claims and patients who were deleted go by a time of their own, the patients with
    what is sealed of them. A rollback or restore cannot bring them back any more."""
    if not bring_up_to_date(workspace, notify=notify):
        return
    with workspace.scratch() as tmp:
        try:
            _prune(workspace, _named(before, deleted_before), tmp, notify)
        except BaseException:
            settle_rollback(workspace, tmp.name)
            raise


def _prune(workspace: Workspace, named: dict[str, datetime], tmp: Path, notify: Notify | None) -> None:
    with open_store(workspace, write=True, notify=notify) as connection:
        connection.execute("BEGIN")
        connection.execute(f"CREATE TEMP TABLE going AS SELECT * FROM claims WHERE {_OLD}", named)
        connection.execute(
            f"CREATE TEMP TABLE nobody AS {_NOBODY.format(left=_OLD)}",
            named,
        )
        jobs = [str(job) for (job,) in connection.execute("SELECT DISTINCT job_id FROM going").fetchall()]
        found = connection.execute("SELECT DISTINCT file FROM patients SEMI JOIN nobody USING (patient_key)")
        sealed = [str(file) for (file,) in found.fetchall()]
        targets = sorted({*jobs, *(Path(file).parent.name for file in sealed)})
        write_private(tmp / ROLLBACK_FILE, json.dumps({"job": None, "targets": targets}).encode())
        for job in sorted(jobs):
            _leave_out_lines(connection, workspace, job, tmp)
        connection.execute(
            "DELETE FROM claim_status_history h USING going g WHERE h.practice_id = g.practice_id "
            "AND h.claim_number = g.claim_number AND h.payer_sequence IS NOT DISTINCT FROM g.payer_sequence "
            "AND h.version = g.version AND h.changed_at < $before",
            {"before": named["before"]},
        )
        connection.execute(
            "DELETE FROM claims USING going g WHERE claims.claim_id = g.claim_id "
            "AND claims.version = g.version AND claims.job_id = g.job_id"
        )
        _leave_out_patients(connection, workspace, sealed, tmp)
        for job in jobs:
            renew_totals(connection, workspace, job)
        connection.execute("COMMIT")
        clear_up(connection, workspace, None, targets)


def _leave_out_patients(
    connection: duckdb.DuckDBPyConnection, workspace: Workspace, files: Sequence[str], tmp: Path
) -> None:
    """Forget deleted patients of no claim: what is sealed of them, their keyed hashes, and that they were."""
    connection.execute("DELETE FROM patients USING nobody WHERE patients.patient_key = nobody.patient_key")
    for file in files:
        keep_records(connection, workspace.root / file, file, tmp)
    connection.execute(
        "DELETE FROM meta USING nobody WHERE key = ? "
        "AND json_extract_string(value, '$.patient')::UUID = patient_key",
        [DELETED_PATIENT],
    )


def _leave_out_lines(
    connection: duckdb.DuckDBPyConnection, workspace: Workspace, job: str, tmp: Path
) -> None:
    listed = tmp / "going.parquet"
    connection.execute(
        f"COPY (SELECT claim_id FROM going WHERE job_id = '{job}') TO {quoted(listed)} (FORMAT parquet)"
    )
    going = pl.read_parquet(listed)["claim_id"]
    parts = connection.execute("SELECT part, file FROM job_parts WHERE job_id = ?", [job]).fetchall()
    for part, name in parts:
        path = workspace.root / str(name)
        with readable([path]):
            rows = pl.read_parquet(path)
        kept = rows.filter(~pl.col("claim_id").is_in(going.implode()))
        if kept.height == rows.height:
            continue
        connection.execute("DELETE FROM job_parts WHERE job_id = ? AND part = ?", [job, part])
        if not kept.height:
            continue
        target = path.with_name(f"{path.stem}-kept.parquet")
        with disk_errors(target, "write"):
            kept.write_parquet(target, compression="zstd")
            target.chmod(FILE_MODE)
            sync(target)
        _leave_out_notes(workspace, path, target, f"{job}/lines-{part:05d}", kept)
        sync_directory(path.parent)
        connection.execute(
            "INSERT INTO job_parts VALUES (?, ?, ?, ?)",
            [job, part, f"{Path(str(name)).parent}/{target.name}", kept.height],
        )


def _leave_out_notes(workspace: Workspace, path: Path, target: Path, place: str, kept: pl.DataFrame) -> None:
    sealed = path.with_suffix(".sealed")
    if not sealed.exists():
        return
    from claimsctl.security.keys import load_keys
    from claimsctl.security.sealing import seal_columns, unseal_columns

    keys = load_keys(workspace, kept["practice_id"][0])
    notes = unseal_columns(sealed.read_bytes(), place, keys)
    notes = notes.filter(pl.col("claim_id").is_in(kept["claim_id"].implode()))
    write_private(target.with_suffix(".sealed"), seal_columns(notes, place, keys))


def _named(before: datetime, deleted_before: datetime) -> dict[str, datetime]:
    times = {"before": before, "deleted_before": deleted_before}
    return {name: at.astimezone(UTC).replace(tzinfo=None) for name, at in times.items()}
