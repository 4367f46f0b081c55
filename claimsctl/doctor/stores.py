"""The stores of a workspace: whether claims, line parts, jobs and audit file agree with each other."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Final

import polars as pl

from claimsctl.doctor.check import Check
from claimsctl.doctor.words import counted
from claimsctl.security import audit
from claimsctl.store.database import open_store, schema_version
from claimsctl.store.jobs import JobStore
from claimsctl.store.schema import SCHEMA_VERSION
from claimsctl.store.workspace import Workspace

if TYPE_CHECKING:
    import duckdb

_WAIT_SECONDS: Final = 10.0
_SHOWN: Final = 3
_ANEW: Final = "Restore the workspace from a backup, or run the files of that job again: claimsctl jobs show"


def claims_checks(workspace: Workspace) -> Iterator[Check]:
    """The DuckDB store, and the files that its registry names."""
    if not workspace.claims_database.exists():
        yield Check("claims store", "ok", "It is made by the first run.")
        return
    with open_store(workspace, write=False, wait_seconds=_WAIT_SECONDS) as connection:
        version = schema_version(connection)
        if version is None:
            yield Check("claims store", "ok", "Nothing is stored yet.")
            return
        if version < SCHEMA_VERSION:
            yield Check(
                "claims store", "note", f"Its schema is {version}; the next command that writes makes it"
                f" {SCHEMA_VERSION}, and keeps the old file.",
            )  # fmt: skip
        yield from _claims(connection)
        registry = dict(_rows(connection, "SELECT file, rows FROM job_parts"))
        people = {row[0] for row in _rows(connection, "SELECT DISTINCT file FROM patients")}
        committed = {row[0] for row in _rows(connection, "SELECT job_id FROM commits")}
    yield from _parts(workspace, registry, people)
    yield from _records(workspace, committed)


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[str, int]]:
    return connection.execute(query).fetchall()


def _claims(connection: duckdb.DuckDBPyConnection) -> Iterator[Check]:
    def number(query: str) -> int:
        row = connection.execute(query).fetchone()
        return int(row[0]) if row is not None else 0

    twice = number(
        "SELECT count(*) FROM (SELECT 1 FROM claims WHERE is_current"
        " GROUP BY practice_id, claim_number, payer_sequence HAVING count(*) > 1)"
    )
    if twice:
        yield Check(
            "claims store", "wrong", f"{counted(twice, 'claim')} with more than one version in force.",
            "Restore claims.duckdb from a backup, and please report this.",
        )  # fmt: skip
    homeless = number(
        "SELECT count(*) FROM claims WHERE is_current AND job_id NOT IN (SELECT job_id FROM commits)"
    )
    if homeless:
        yield Check(
            "claims store", "wrong", f"{counted(homeless, 'claim')} of jobs that never ended storing.",
            "Restore claims.duckdb from a backup, and please report this.",
        )  # fmt: skip
    if not twice and not homeless:
        current = number("SELECT count(*) FROM claims WHERE is_current")
        versions = number("SELECT count(*) FROM claims")
        says = f"{counted(current, 'claim')} in force, {counted(versions, 'version')} in all."
        yield Check("claims store", "ok", says)


def _parts(workspace: Workspace, registry: dict[str, int], people: set[str]) -> Iterator[Check]:
    """Files of lines and sealed patients against the registry."""
    named = {*registry, *(file for file in people if file)}
    missing = sorted(name for name in named if not (workspace.root / name).is_file())
    if missing:
        yield Check("lines", "wrong", f"Missing: {_some(missing)}.", f"{_ANEW} {_job(missing[0])}")
    there = {
        path.relative_to(workspace.root).as_posix() for path in (workspace.root / "lines").rglob("*.parquet")
    }
    working = {path.name for path in (workspace.root / "tmp").glob("[!.]*")}
    orphans = sorted(name for name in there - named if _job(name) not in working)
    if orphans:
        folders = sorted({_job(name) for name in orphans})
        yield Check(
            "lines", "warning", f"No job claims {_some(orphans)}.",
            "They are not used; when no run is at work, remove them: "
            + " ".join(f"'{workspace.root / name}'" for name in orphans[:_SHOWN])
            + ("" if len(folders) == 1 else " ..."),
        )  # fmt: skip
    damaged = []
    for name, rows in sorted(registry.items()):
        if name in missing:
            continue
        try:
            found = pl.scan_parquet(workspace.root / name).select(pl.len()).collect().item()
        except (pl.exceptions.PolarsError, OSError):
            found = None
        if found != rows:
            damaged.append(name)
    if damaged:
        yield Check("lines", "wrong", f"Damaged: {_some(damaged)}.", f"{_ANEW} {_job(damaged[0])}")
    if not (missing or orphans or damaged):
        lines = sum(registry.values())
        yield Check("lines", "ok", f"{counted(lines, 'line')} in {counted(len(registry), 'part')}.")


def _records(workspace: Workspace, committed: set[str]) -> Iterator[Check]:
    """Jobs that say they ended, whose claims are not in the store."""
    lost = [
        job.job_id
        for job in JobStore(workspace).list_jobs()
        if job.command in ("process", "resume", "retry")
        and job.status in ("COMPLETED", "COMPLETED_WITH_ERRORS")
        and job.job_id not in committed
    ]
    if lost:
        yield Check(
            "claims store", "wrong", f"It lacks the claims of {_some(lost)}, which ended: an old backup?",
            f"Run their files again: claimsctl jobs show {lost[0]}",
        )  # fmt: skip


def jobs_checks(workspace: Workspace) -> Iterator[Check]:
    """jobs.sqlite, and runs that never came to an end."""
    path = workspace.jobs_database
    if not path.exists():
        yield Check("jobs", "ok", "The first run makes the file.")
        return
    store = JobStore(workspace)
    jobs = store.list_jobs()  # tells of a newer version, and of a file that is none
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        try:
            said = [row[0] for row in connection.execute("PRAGMA quick_check").fetchall()]
        except sqlite3.DatabaseError as error:
            said = [type(error).__name__]
    if said != ["ok"]:
        yield Check(
            "jobs", "wrong", f"{path} is damaged.",
            f"Restore it from a backup, or move it away (mv '{path}' '{path}.damaged'); claims are kept"
            " elsewhere and stay.",
        )  # fmt: skip
        return
    yield Check("jobs", "ok", f"{counted(len(jobs), 'job')}.")
    ended = [job.job_id for job in jobs if job.status == "INTERRUPTED"]
    if ended:
        yield Check(
            "jobs", "note", f"{counted(len(ended), 'run')} stopped before the end: {_some(ended)}.",
            f"Run the same inputs again: claimsctl jobs show {ended[0]}",
        )  # fmt: skip


def audit_checks(workspace: Workspace) -> Iterator[Check]:
    """Whether the chain of the audit file is whole."""
    found = audit.verify(workspace)
    if found.problems:
        yield Check(
            "audit file", "wrong", f"{_some(list(found.problems))}.",
            f"Compare {workspace.audit_log} with a backup and find out who changed it; new records go on.",
        )  # fmt: skip
    else:
        yield Check("audit file", "ok", f"{counted(found.records, 'record')}, the chain is whole.")


def _job(name: str) -> str:
    return name.split("/")[1]


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
