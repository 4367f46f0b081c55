"""Which practices have data in a workspace."""

from __future__ import annotations

from claimsctl.store.database import open_store
from claimsctl.store.jobs import JobStore
from claimsctl.store.workspace import Workspace


def practices_with_data(workspace: Workspace) -> frozenset[str]:
    """Practices of stored claims and patients, and of jobs, whose rejected rows are kept."""
    found: set[str | None] = set()
    if workspace.jobs_database.exists():
        found |= JobStore(workspace).practices()
    if workspace.claims_database.exists():
        with open_store(workspace, write=False) as connection:
            found |= {
                practice
                for (practice,) in connection.execute(
                    "SELECT DISTINCT practice_id FROM claims UNION SELECT DISTINCT practice_id FROM patients"
                ).fetchall()
            }
    return frozenset(practice or "default" for practice in found)
