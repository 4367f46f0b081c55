"""What each job stored, summed up by procedure code and by finding, so that counting need not read lines.

The sums are of the claims that the job stored, whatever has become of them since: who counts takes off
what is no longer in force. Rows of a job without claims count nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from claimsctl.store.headers import files
from claimsctl.store.unread import readable

if TYPE_CHECKING:
    import duckdb

    from claimsctl.store.workspace import Workspace

LINE_SUMS: Final = {
    "units": "units", "billed": "charge_amount", "expected": "expected_allowed_amount",
    "work_rvu": "work_rvu", "total_rvu": "total_rvu",
}  # fmt: skip
"""Column of line_totals -> column of the lines that it sums up."""


def code_sums(found: Collection[str]) -> str:
    """Select list of lines and LINE_SUMS; `found` are the columns of the lines."""
    sums = (
        f"sum({column})::DECIMAL(38, 4) AS {name}" if column in found else f"NULL::DECIMAL(38, 4) AS {name}"
        for name, column in LINE_SUMS.items()
    )
    return ", ".join(["count(*) AS lines", *sums])


def add_line_totals(
    connection: duckdb.DuckDBPyConnection, job_id: str, lines: str, claims: str, found: Collection[str]
) -> None:
    """Sum up the lines (a relation) of a job whose claim_id is in `claims` (another)."""
    if "procedure_code" not in found:
        return
    connection.execute(
        f"""
        INSERT INTO line_totals BY NAME
        SELECT $job AS job_id, procedure_code AS code, {code_sums(found)}
        FROM {lines} SEMI JOIN {claims} USING (claim_id)
        WHERE procedure_code IS NOT NULL GROUP BY procedure_code
        """,
        {"job": job_id},
    )


def add_finding_totals(
    connection: duckdb.DuckDBPyConnection, job_id: str, findings: str, claims: str
) -> None:
    """Count the findings (a relation with claim_id and code) of a job on its `claims`."""
    connection.execute(
        f"""
        INSERT INTO finding_totals BY NAME
        SELECT $job AS job_id, code, count(DISTINCT claim_id) AS claims, count(*) AS findings
        FROM {findings} SEMI JOIN {claims} USING (claim_id) GROUP BY code
        """,
        {"job": job_id},
    )


def renew_totals(connection: duckdb.DuckDBPyConnection, workspace: Workspace, job_id: str) -> None:
    """Sum a job up anew, from its lines and findings that are still there; none where it has no claims."""
    for table in ("line_totals", "finding_totals"):
        connection.execute(f"DELETE FROM {table} WHERE job_id = ?", [job_id])
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE of_job AS SELECT claim_id FROM claims WHERE job_id = ?", [job_id]
    )
    parts = connection.execute("SELECT file FROM job_parts WHERE job_id = ?", [job_id]).fetchall()
    paths = [path for (file,) in parts if (path := workspace.root / str(file)).exists()]
    if paths:
        lines = f"read_parquet({files(paths)}, union_by_name = true)"
        with readable(paths):
            described = connection.execute(f"DESCRIBE SELECT * FROM {lines}").fetchall()
            add_line_totals(connection, job_id, lines, "of_job", {str(row[0]) for row in described})
    findings = workspace.findings_file(job_id)
    if findings.exists():
        add_finding_totals(connection, job_id, f"read_parquet({files([findings])})", "of_job")
