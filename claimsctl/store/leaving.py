"""What becomes of claims when versions of them go: which of the others is in force, or deleted, then.

It is what the jobs and people whose work stays would have made of the claim. An accepted version counts
before a rejected one, the latest first; a claim that was deleted stays so, and only what came later counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from claimsctl.store.lifecycle import SAME_CLAIM
from claimsctl.store.schema import KEY

if TYPE_CHECKING:
    import duckdb

_KEYS: Final = ", ".join(f"r.{name}" for name in KEY)
_BEST: Final = "coalesce(max(r.version) FILTER (r.status <> 'INVALID'), max(r.version)) AS version"


def find_others(connection: duckdb.DuckDBPyConnection) -> None:
    """Of the claims of the table `going`: `others`, the versions that stay; `deleted_with`, those which a
    deletion passes to, with its time; and `returning_`, those which come into force."""
    run = connection.execute
    run(
        f"""
        CREATE TEMP TABLE others AS
        SELECT c.practice_id, c.claim_number, c.payer_sequence, c.version, c.status, c.is_current,
            c.recorded_at, c.deleted_at
        FROM claims c ANTI JOIN going USING (claim_id, version)
        WHERE EXISTS (SELECT 1 FROM going g WHERE {SAME_CLAIM.format(a="c", b="g")})
        """
    )
    # The deletion was of the claim, not of this version of it: without it the one before had been deleted.
    run(
        f"""
        CREATE TEMP TABLE deleted_with AS
        SELECT {_KEYS}, {_BEST}, max(g.deleted_at) AS deleted_at
        FROM others r JOIN going g ON {SAME_CLAIM.format(a="r", b="g")}
        WHERE r.deleted_at IS NULL AND NOT r.is_current AND r.recorded_at < g.deleted_at
          AND NOT EXISTS (
            SELECT 1 FROM others d WHERE {SAME_CLAIM.format(a="d", b="r")}
            AND d.deleted_at > r.recorded_at AND d.deleted_at < g.deleted_at)
        GROUP BY ALL
        """
    )
    run(
        f"UPDATE others SET deleted_at = x.deleted_at FROM deleted_with x "
        f"WHERE others.version = x.version AND {SAME_CLAIM.format(a='others', b='x')}"
    )
    run(
        f"""
        CREATE TEMP TABLE returning_ AS
        SELECT {_KEYS}, {_BEST} FROM others r
        WHERE r.deleted_at IS NULL AND NOT EXISTS (
            SELECT 1 FROM others d WHERE {SAME_CLAIM.format(a="d", b="r")}
            AND (d.is_current OR d.deleted_at > r.recorded_at))
        GROUP BY ALL
        """
    )
