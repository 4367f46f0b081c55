"""Undoing a job in a database: its rows go, and the versions they replaced come back."""

from __future__ import annotations

from dataclasses import dataclass

from claimsctl.errors import LoadError
from claimsctl.sql.connection import Connection
from claimsctl.sql.database import Database
from claimsctl.sql.layout import Layout, layout_of
from claimsctl.sql.merging import Merging
from claimsctl.sql.tables import TARGET_TABLES
from claimsctl.sql.trying import Notify, Retry, Trying

_OWN_ROWS = ("claim_findings", "claim_status", "claim_status_history")


@dataclass(frozen=True, slots=True)
class Undone:
    """Claims taken out of the target, and claims brought back to what they were."""

    removed: int
    restored: int


def undo(
    job_id: str,
    database: Database,
    *,
    notify: Notify = lambda text: None,
    retry: Retry | None = None,
) -> Undone:
    """Take back in one transaction what a job brought; nothing where it brought nothing, or was undone.

    LoadError names the jobs that replaced claims of this one in turn: they must be undone first. The row in
    `jobs` stays, as ROLLED_BACK.
    """
    layout = layout_of(database, "plain")  # the columns are the same under every policy
    with Trying(database, retry or Retry(), notify) as trying:
        return trying.run(
            lambda connection: _undo(connection, layout, job_id, database.name),
            standing=f"Nothing of job {job_id} was taken back.",
        )


def _undo(connection: Connection, layout: Layout, job_id: str, name: str) -> Undone:
    sql, values = Merging(layout), {"job": job_id}
    with connection.transaction():
        if layout.grammar.opening():
            connection.execute(layout.grammar.opening())
        layout.grammar.lock(connection, layout.lock)
        later = [str(row[0]).rstrip() for row in connection.rows(sql.replaced_by(), values)]
        if later:
            raise LoadError(
                f"{name}: claims of job {job_id} were replaced by {', '.join(later)}.",
                hint=f"Roll back {'that job' if len(later) == 1 else 'those jobs'} first, the latest first.",
            )
        connection.execute(sql.delete_written("claim_lines"), values)
        removed = connection.execute(sql.delete_written("claims"), values)
        restored = connection.execute(sql.bring_back(), values)
        restored += connection.execute(sql.reinsert("claims"), values)
        connection.execute(sql.reinsert("claim_lines"), values)
        for table in _OWN_ROWS:
            connection.execute(sql.delete_written(table), values)
        mark = sql.mark_job()
        if mark:
            connection.execute(mark, values)
        for table in ("claims", "claim_lines"):
            connection.execute(sql.forget_before(table), values)
        for table in TARGET_TABLES:
            connection.execute(sql.forget_staged(table), values)
        connection.execute(sql.forget_batches(), values)
    return Undone(removed, restored)
