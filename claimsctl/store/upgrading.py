"""Bringing a store of an older version up to date, with a copy of it kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from claimsctl.security.files import FILE_MODE, disk_errors
from claimsctl.store.headers import LINE_FACTS, files, line_facts, quoted
from claimsctl.store.schema import NUMBER_HASH, SCHEMA_VERSION, TABLES
from claimsctl.store.totals import renew_totals

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

    from claimsctl.store.workspace import Workspace

_TO_2: Final = """
ALTER TABLE claims ADD COLUMN history_key UBIGINT;
INSERT INTO meta SELECT 'without_history_key', job_id FROM commits;
"""
"""Claims of jobs `without_history_key` get one when their file is run again."""

_TO_3: Final = f"""
ALTER TABLE claims ADD COLUMN deleted_at TIMESTAMP;
ALTER TABLE claims ADD COLUMN payer_name VARCHAR;
ALTER TABLE claims ADD COLUMN expected_allowed_amount DECIMAL(12, 2);
ALTER TABLE claims ADD COLUMN allowed_amount DECIMAL(12, 2);
ALTER TABLE claims ADD COLUMN paid_amount DECIMAL(12, 2);
ALTER TABLE claims ADD COLUMN work_rvu DECIMAL(18, 4);
ALTER TABLE claims ADD COLUMN total_rvu DECIMAL(18, 4);
ALTER TABLE claims ADD COLUMN codes VARCHAR[];
ALTER TABLE claims ADD COLUMN diagnoses VARCHAR[];
ALTER TABLE claims ADD COLUMN first_part INTEGER;
ALTER TABLE claims ADD COLUMN last_part INTEGER;
ALTER TABLE claim_status_history ADD COLUMN action VARCHAR;
ALTER TABLE claim_status_history ADD COLUMN changed_by VARCHAR;
ALTER TABLE claim_status_history ADD COLUMN payer_reference VARCHAR;
ALTER TABLE claims ADD COLUMN number_hash UINTEGER;
ALTER TABLE claim_status_history ADD COLUMN number_hash UINTEGER;
UPDATE claims SET number_hash = {NUMBER_HASH.format("claim_number")};
UPDATE claim_status_history SET number_hash = {NUMBER_HASH.format("claim_number")};
UPDATE claim_status_history SET action = 'run' WHERE job_id IS NOT NULL;
CREATE TABLE line_totals (
    job_id VARCHAR, code VARCHAR, lines BIGINT, units DECIMAL(38, 4), billed DECIMAL(38, 4),
    expected DECIMAL(38, 4), work_rvu DECIMAL(38, 4), total_rvu DECIMAL(38, 4)
);
CREATE TABLE finding_totals (job_id VARCHAR, code VARCHAR, claims BIGINT, findings BIGINT);
"""

_TO_4: Final = """
ALTER TABLE claims ADD COLUMN origin VARCHAR;
ALTER TABLE claims ADD COLUMN queried_at TIMESTAMP;
ALTER TABLE claims ADD COLUMN payer_claim_number VARCHAR;
"""

_TO_5: Final = """
ALTER TABLE claims ADD COLUMN denial_risk DOUBLE;
ALTER TABLE claims ADD COLUMN risk_band VARCHAR;
ALTER TABLE claims ADD COLUMN risk_source VARCHAR;
ALTER TABLE claims ADD COLUMN risk_reasons VARCHAR;
ALTER TABLE claims ADD COLUMN expected_loss DECIMAL(12, 2);
ALTER TABLE claims ADD COLUMN filing_deadline DATE;
ALTER TABLE claims ADD COLUMN held BOOLEAN;
"""
"""Claims get a risk when their file is run again."""


def upgrade(connection: duckdb.DuckDBPyConnection, workspace: Workspace, version: int) -> None:
    """Make a store of `version` one of SCHEMA_VERSION; call it in a transaction."""
    steps: dict[int, Callable[[], None]] = {
        1: lambda: _to_2(connection),
        2: lambda: _to_3(connection, workspace),
        3: lambda: _to_4(connection),
        4: lambda: _to_5(connection),
    }
    for older in range(version, SCHEMA_VERSION):
        steps[older]()


def back_up(connection: duckdb.DuckDBPyConnection, path: Path, version: int) -> Path:
    """A copy of the store as it is, complete under its name; an earlier copy of this version is replaced.

    DuckDB copies: opening and closing the file here would drop the lock that keeps other processes out.
    """
    target = path.with_name(f"{path.name}.schema-{version}.backup")
    aside = target.with_name(f"{target.name}.part")
    with disk_errors(target, "write the backup"):
        aside.unlink(missing_ok=True)
    name = connection.execute("SELECT current_database()").fetchone()
    assert name is not None
    connection.execute(f"ATTACH {quoted(aside)} AS backup_of_store")
    connection.execute(f'COPY FROM DATABASE "{name[0]}" TO backup_of_store')
    connection.execute("DETACH backup_of_store")
    with disk_errors(target, "write the backup"):
        aside.chmod(FILE_MODE)
        aside.replace(target)
    return target


def _to_2(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(_TO_2)


def _to_4(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(_TO_4)
    connection.execute(TABLES)  # makes the table of answers, which is not there yet


def _to_5(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(_TO_5)


def _to_3(connection: duckdb.DuckDBPyConnection, workspace: Workspace) -> None:
    """New columns, filled from the lines that are still there."""
    connection.execute(_TO_3)
    jobs: dict[str, list[tuple[int, Path]]] = {}
    for job, part, file in connection.execute(
        "SELECT job_id, part, file FROM job_parts ORDER BY job_id, part"
    ).fetchall():
        path = workspace.root / str(file)
        if path.exists():
            jobs.setdefault(str(job), []).append((int(part), path))
    assigned = ", ".join(f"{name} = x.{name}" for name in LINE_FACTS)
    for job, parts in jobs.items():
        lines = f"read_parquet({files([path for _, path in parts])}, union_by_name = true)"
        found = {str(row[0]) for row in connection.execute(f"DESCRIBE SELECT * FROM {lines}").fetchall()}
        numbers = ", ".join(str(part) for part, _ in parts)
        facts = line_facts(found, f"list_extract([{numbers}], file_index::BIGINT + 1)")
        connection.execute(
            f"""
            UPDATE claims SET {assigned}
            FROM (SELECT claim_id, {facts} FROM {lines} GROUP BY claim_id) x
            WHERE claims.job_id = $job AND claims.claim_id = x.claim_id
            """,
            {"job": job},
        )
        renew_totals(connection, workspace, job)
