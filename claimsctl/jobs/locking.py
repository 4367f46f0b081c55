"""One retry, resume or rollback of a job at a time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from claimsctl.store.turns import turn
from claimsctl.store.workspace import Workspace


def job_lock(
    workspace: Workspace, job_id: str, notify: Callable[[str], None]
) -> AbstractContextManager[None]:
    """Hold a job for the block; StoreError when another process holds it for too long."""
    return turn(workspace.job_directory(job_id) / "lock", f"job {job_id}", notify)
