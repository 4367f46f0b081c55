"""Settling what a process that died in the middle of a commit left behind."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress

from claimsctl.errors import ClaimsctlError, StoreError
from claimsctl.store.workspace import COMMIT_FILE, ROLLBACK_FILE, Workspace

_WAIT_SECONDS = 5.0


def settle(workspace: Workspace, job_id: str) -> bool:
    """Finish or undo the commit of a job whose process died; False when the store is busy or damaged.

    Committed: the job gets the record the dead process meant to write. Not committed: its line parts,
    which no registry names, are removed with what it meant to send; the job stays INTERRUPTED.
    """
    try:
        committed = is_committed(workspace, job_id)
    except StoreError:
        return False
    if not committed:
        for left in (workspace.lines_directory(job_id), workspace.outbox_directory(job_id)):
            shutil.rmtree(left, ignore_errors=True)
        with suppress(OSError):
            workspace.claim_ids_file(job_id).unlink(missing_ok=True)
            workspace.risks_file(job_id).unlink(missing_ok=True)
        return True
    finish = _intended(workspace, job_id)
    if finish is None:
        return True
    from claimsctl.store.jobs import JobStore

    try:
        JobStore(workspace).finish_for_the_dead(job_id, finish)
    except ClaimsctlError:
        return False
    return True


def settle_rollback(workspace: Workspace, by_job: str) -> bool:
    """Finish or undo the rollback, or pruning, that a process died or failed in the middle of.

    `by_job` is the job that rolled back, or the private directory of what pruned.

    False when the store is busy or damaged.
    """
    try:
        intent = json.loads((workspace.root / "tmp" / by_job / ROLLBACK_FILE).read_bytes())
        job_id, targets = intent["job"], [str(each) for each in intent["targets"]]
    except (OSError, ValueError, KeyError, TypeError):
        return True  # it had not begun
    from claimsctl.store.database import open_store
    from claimsctl.store.jobs import JobStore
    from claimsctl.store.remains import clear_up

    try:
        with open_store(workspace, write=False, wait_seconds=_WAIT_SECONDS) as connection:
            clear_up(connection, workspace, job_id, targets)
            row = connection.execute("SELECT result FROM commits WHERE job_id = ?", [job_id]).fetchone()
        done = json.loads(row[0]).get("rolled_back") if row is not None else None
        if done is not None:
            JobStore(workspace).mark_rolled_back(job_id)
            if done["by"] == by_job:
                JobStore(workspace).finish_for_the_dead(by_job, {"status": "COMPLETED"})
    except ClaimsctlError:
        return False
    return True


def is_committed(workspace: Workspace, job_id: str) -> bool:
    """Whether the claims of a job are in the store; StoreError when it is busy or damaged."""
    if not workspace.claims_database.exists():
        return False
    from claimsctl.store.database import open_store

    with open_store(workspace, write=False, wait_seconds=_WAIT_SECONDS) as connection:
        tables = connection.execute(
            "SELECT count(*) FROM information_schema.tables WHERE table_name = 'commits'"
        ).fetchone()
        if tables is None or not tables[0]:
            return False
        found = connection.execute("SELECT 1 FROM commits WHERE job_id = ?", [job_id]).fetchone()
    return found is not None


def _intended(workspace: Workspace, job_id: str) -> dict[str, object] | None:
    try:
        intent = json.loads((workspace.root / "tmp" / job_id / COMMIT_FILE).read_bytes())
    except (OSError, ValueError):
        return None
    finish = intent.get("finish") if isinstance(intent, dict) else None
    return finish if isinstance(finish, dict) else None
