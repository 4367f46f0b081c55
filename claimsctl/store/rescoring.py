"""Risks that a run finds for claims that are stored already: what it says, and what was said before it.

What is scored anew is no other version of a claim. What the claim said before stands in a file of the job, so
that a rollback brings it back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from claimsctl.security.files import disk_errors, private_directory
from claimsctl.store.headers import RISK_FACTS, files, quoted
from claimsctl.store.lifecycle import SAME_CLAIM

if TYPE_CHECKING:
    import duckdb

    from claimsctl.store.workspace import Workspace

_SAID: Final = (*RISK_FACTS, "held")
_SAME_VERSION: Final = "claims.is_current AND claims.claim_id = r.claim_id AND claims.version = r.version"
_STILL_SAID: Final = " AND ".join(f"claims.{name} IS NOT DISTINCT FROM r.is_{name}" for name in _SAID)


def renew_risks(connection: duckdb.DuckDBPyConnection, workspace: Workspace, job_id: str) -> None:
    """Let current claims say what the table `headers` of a commit says of those that it found unchanged."""
    both = ", ".join(f"c.{name} AS was_{name}, h.{name} AS is_{name}" for name in _SAID)
    differ = " OR ".join(f"c.{name} IS DISTINCT FROM h.{name}" for name in _SAID)
    connection.execute(
        f"""
        CREATE TEMP TABLE renewed AS SELECT c.claim_id, c.version, {both}
        FROM claims c JOIN headers h ON {SAME_CLAIM.format(a="c", b="h")}
        WHERE c.is_current AND h.same AND h.same_as_current AND NOT h.rejected
          AND h.denial_risk IS NOT NULL AND ({differ})
        """
    )
    row = connection.execute("SELECT count(*) FROM renewed").fetchone()
    if row is None or not row[0]:
        return
    target = workspace.risks_file(job_id)
    private_directory(target.parent)
    aside = target.with_suffix(".aside")
    connection.execute(f"COPY renewed TO {quoted(aside)} (FORMAT parquet, COMPRESSION zstd)")
    with disk_errors(target, "write"):
        aside.replace(target)
    said = ", ".join(f"{name} = r.is_{name}" for name in _SAID)
    connection.execute(f"UPDATE claims SET {said} FROM renewed r WHERE {_SAME_VERSION}")


def count_restored(connection: duckdb.DuckDBPyConnection, workspace: Workspace, job_id: str) -> int:
    """How many claims `restore_risks` would let say something else, of those that are not in `going`."""
    kept = workspace.risks_file(job_id)
    if not kept.exists():
        return 0
    row = connection.execute(
        f"SELECT count(*) FROM claims JOIN read_parquet({files([kept])}) r ON {_SAME_VERSION} "
        f"ANTI JOIN going g ON g.claim_id = r.claim_id AND g.version = r.version WHERE {_STILL_SAID}"
    ).fetchone()
    return 0 if row is None else int(row[0])


def restore_risks(connection: duckdb.DuckDBPyConnection, workspace: Workspace, job_id: str) -> None:
    """Let claims say again what they said before a job, where no later one has said something else."""
    kept = workspace.risks_file(job_id)
    if not kept.exists():
        return
    said = ", ".join(f"{name} = r.was_{name}" for name in _SAID)
    connection.execute(
        f"UPDATE claims SET {said} FROM read_parquet({files([kept])}) r WHERE {_SAME_VERSION} "
        f"AND {_STILL_SAID}"
    )
