"""The stores of a workspace: whether claims, line parts, jobs and audit file agree with each other."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl

from claimsctl.doctor.check import Check
from claimsctl.doctor.words import counted
from claimsctl.errors import PermissionDenied
from claimsctl.inquiry.scope import Scope, scope_of
from claimsctl.security import audit_verifying
from claimsctl.store.database import open_store, schema_version
from claimsctl.store.job import Job
from claimsctl.store.jobs import JobStore
from claimsctl.store.schema import SCHEMA_VERSION
from claimsctl.store.unread import mend
from claimsctl.store.workspace import Workspace

if TYPE_CHECKING:
    import duckdb

_WAIT_SECONDS: Final = 10.0
_SHOWN: Final = 3


def claims_checks(workspace: Workspace) -> Iterator[Check]:
    """The DuckDB store, and the files that its registry names."""
    if not workspace.claims_database.exists():
        gone = [*_records(workspace, set())]
        if not gone and (left := _with_lines(workspace)):
            gone = [
                Check(
                    "claims store", "wrong",
                    f"It is missing; {counted(len(left), 'job')} left lines: {_some(left)}.",
                    "Restore claims.duckdb from a backup, or run the files of those jobs again.",
                )
            ]  # fmt: skip
        yield from gone or [Check("claims store", "ok", "It is made by the first run.")]
        return
    with open_store(workspace, write=False, wait_seconds=_WAIT_SECONDS) as connection:
        version = schema_version(connection)
        if version is None:
            yield from [*_records(workspace, set())] or [
                Check("claims store", "ok", "Nothing is stored yet.")
            ]
            return
        if version < SCHEMA_VERSION:
            yield Check(
                "claims store", "note", f"Its schema is {version}; the next command that writes makes it"
                f" {SCHEMA_VERSION}, and keeps the old file.",
            )  # fmt: skip
        scope = _scope(workspace)
        yield from _claims(connection, scope)
        registry = dict(_rows(connection, "SELECT file, rows FROM job_parts"))
        people = {row[0] for row in _rows(connection, "SELECT DISTINCT file FROM patients")}
        committed = {row[0] for row in _rows(connection, "SELECT job_id FROM commits")}
    yield from _parts(workspace, registry, people, whole=not scope.limited)
    yield from _records(workspace, committed)


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[str, int]]:
    return connection.execute(query).fetchall()


def _scope(workspace: Workspace) -> Scope:
    """Whose claims and jobs are counted; nobody's for somebody unknown. What is wrong is told to all."""
    try:
        return scope_of(workspace)
    except PermissionDenied:
        return Scope(frozenset())


def _claims(connection: duckdb.DuckDBPyConnection, scope: Scope) -> Iterator[Check]:
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
        "SELECT count(*) FROM claims WHERE is_current AND digest IS NOT NULL "
        "AND job_id NOT IN (SELECT job_id FROM commits)"  # without digest: only its payer told of it
    )
    if homeless:
        yield Check(
            "claims store", "wrong", f"{counted(homeless, 'claim')} of jobs that never ended storing.",
            "Restore claims.duckdb from a backup, and please report this.",
        )  # fmt: skip
    if not twice and not homeless:
        current, versions = scope.count(connection)
        says = f"{counted(current, 'claim')} in force, {counted(versions, 'version')} in all."
        yield Check("claims store", "ok", says)


def _parts(
    workspace: Workspace, registry: dict[str, int], people: set[str], *, whole: bool
) -> Iterator[Check]:
    """Files of lines and sealed patients against the registry; counted for who sees the `whole` store."""
    named = {*registry, *(file for file in people if file)}
    missing = sorted(name for name in named if not (workspace.root / name).is_file())
    if missing:
        yield Check("lines", "wrong", f"Missing: {_some(missing)}.", mend(_job(missing[0])))
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
    damaged += [
        name
        for name in sorted(people - registry.keys() - {""})
        if name in there and _torn(workspace.root / name)
    ]
    if damaged:
        yield Check("lines", "wrong", f"Damaged: {_some(damaged)}.", mend(_job(damaged[0])))
    if not (missing or orphans or damaged):
        lines = sum(registry.values())
        told = f"{counted(lines, 'line')} in {counted(len(registry), 'part')}." if whole else "All are there."
        yield Check("lines", "ok", told)


def _torn(path: Path) -> bool:
    """Whether a file of sealed patients has no sound footer."""
    try:
        pl.read_parquet_schema(path)
    except (pl.exceptions.PolarsError, OSError):
        return True
    return False


def _records(workspace: Workspace, committed: set[str]) -> Iterator[Check]:
    """Jobs that say they ended, whose claims are not in the store, unless all their files were run again."""
    jobs = JobStore(workspace).list_jobs()
    read = {given.sha256 for job in jobs if job.job_id in committed for given in job.inputs}
    lost = [
        job.job_id
        for job in jobs
        if job.command in ("process", "resume", "retry")
        and job.status in ("COMPLETED", "COMPLETED_WITH_ERRORS")
        and job.job_id not in committed
        and not (job.inputs and {given.sha256 for given in job.inputs} <= read)
    ]
    if lost:
        whole = "It lacks" if committed else "It is missing, with"
        yield Check(
            "claims store", "wrong", f"{whole} the claims of {_some(lost)}, which ended: an old backup?",
            f"Restore claims.duckdb from a backup, or run their files again: claimsctl jobs show {lost[0]}",
        )  # fmt: skip


def _with_lines(workspace: Workspace) -> list[str]:
    """Jobs that left lines, without those at work."""
    working = {path.name for path in (workspace.root / "tmp").glob("[!.]*")}
    found = {path.parent.name for path in (workspace.root / "lines").glob("*/part-*.parquet")}
    return sorted(found - working)


def jobs_checks(workspace: Workspace) -> Iterator[Check]:
    """jobs.sqlite, and runs that never came to an end."""
    path = workspace.jobs_database
    if not path.exists():
        yield _without_jobs(workspace)
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
    practices = _scope(workspace).practices
    if practices is not None:
        jobs = [job for job in jobs if job.practice_id in practices]
    yield Check("jobs", "ok", f"{counted(len(jobs), 'job')}.")
    ended = _left_undone(jobs)
    if ended:
        again = "resume" if ended[0].command in ("process", "resume") else "show"
        yield Check(
            "jobs", "note",
            f"{counted(len(ended), 'run')} stopped before the end: {_some([job.job_id for job in ended])}.",
            f"Run the same inputs again: claimsctl jobs {again} {ended[0].job_id}",
        )  # fmt: skip


def _without_jobs(workspace: Workspace) -> Check:
    """There is no jobs.sqlite: nothing has run, or it was lost."""
    known = set(_with_lines(workspace))
    if workspace.claims_database.exists():
        with open_store(workspace, write=False, wait_seconds=_WAIT_SECONDS) as connection:
            known |= {row[0] for row in _rows(connection, "SELECT job_id, 0 FROM commits")}
    if not known:
        return Check("jobs", "ok", "The first run makes the file.")
    return Check(
        "jobs", "wrong",
        f"jobs.sqlite is missing; {counted(len(known), 'job')} stored claims: {_some(sorted(known))}.",
        "Restore it from a backup. Claims are kept elsewhere and stay, but without it those jobs cannot be "
        "shown, retried or rolled back, and an inbox takes their files again.",
    )  # fmt: skip


def _left_undone(jobs: Sequence[Job]) -> list[Job]:
    """Interrupted jobs that none has resumed to the end, and whose inputs no later job has taken."""
    complete = [job for job in jobs if job.status.startswith("COMPLETED")]
    parents = {job.job_id: job.parent_job for job in jobs if job.command == "resume"}
    resumed = set()
    for job in complete:
        child: str | None = job.job_id
        while child in parents:
            child = parents[child]
            resumed.add(child)

    def taken(job: Job) -> bool:
        later = [
            each for each in complete
            if each.created_at > job.created_at and each.read_sheet(job.options.get("sheet"))
        ]  # fmt: skip
        read = {given.sha256 for each in later for given in each.inputs}
        return bool(job.inputs) and {given.sha256 for given in job.inputs} <= read

    interrupted = [job for job in jobs if job.status == "INTERRUPTED"]
    return [job for job in interrupted if job.job_id not in resumed and not taken(job)]


def audit_checks(workspace: Workspace) -> Iterator[Check]:
    """Whether the audit file is whole, and signed."""
    found = audit_verifying.verify(workspace)
    if found.problems:
        yield Check(
            "audit file", "wrong", f"{_some(list(found.problems))}.",
            f"`claimsctl audit verify` tells all. Compare {workspace.audit_log} with a backup and find out "
            "who changed it; new records go on.",
        )  # fmt: skip
    else:
        told = f"{counted(found.records, 'record')}, {found.signed:,} signed, the chain is whole"
        torn = f"; {counted(found.torn, 'torn line')} of a full disk or a power failure" if found.torn else ""
        yield Check("audit file", "ok", f"{told}{torn}.")


def _job(name: str) -> str:
    return name.split("/")[1]


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
