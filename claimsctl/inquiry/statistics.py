"""Counting claims by status, payer, provider, code, diagnosis and month, and what they are worth.

Amounts are of whole claims but for procedure codes, whose are of their lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from claimsctl.inquiry.filters import Filters, condition
from claimsctl.inquiry.opening import reading
from claimsctl.store.database import Notify
from claimsctl.store.headers import files
from claimsctl.store.lifecycle import OPEN, STATUSES
from claimsctl.store.workspace import Workspace

if TYPE_CHECKING:
    import duckdb

_SUMS: Final = (
    "count(*) AS claims, sum(line_count)::BIGINT AS lines, sum(charge_total) AS billed, "
    "sum(expected_allowed_amount) AS expected, sum(allowed_amount) AS allowed, sum(paid_amount) AS paid, "
    f"sum(charge_total) FILTER (status IN {OPEN}) AS pending, "
    "sum(charge_total) FILTER (status = 'DENIED') AS denied, "
    "sum(work_rvu) AS work_rvu, sum(total_rvu) AS total_rvu"
)
_GROUPS: Final = {
    "by_status": ("status",),
    "by_payer": ("payer_id", "payer_name"),
    "by_provider": ("rendering_npi",),
    "by_month": ("month",),
}
_FIGURES: Final = (
    "claims", "lines", "billed", "expected", "allowed", "paid", "pending", "denied", "work_rvu", "total_rvu",
)  # fmt: skip


def statistics(
    workspace: Workspace, filters: Filters, *, top: int | None, notify: Notify | None = None
) -> dict[str, Any]:
    """Counts and sums of the claims that fit; groups are sorted by their number of claims.

    Keys: total_claims, total_lines, date_range, financial_summary, rvu, by_status, by_payer, by_provider,
    by_month, by_code, by_diagnosis, top_findings; `shown` says how many groups there are of which only
    `top` are listed. A null amount means that nothing says it.
    """
    with reading(workspace, notify) as connection:
        where = condition(filters, connection, workspace)
        connection.execute(
            "CREATE TEMP TABLE chosen AS SELECT claim_id, job_id, status, payer_id, payer_name, "
            "rendering_npi, date_trunc('month', service_from)::DATE AS month, service_from, service_to, "
            "recorded_at, line_count, charge_total, expected_allowed_amount, allowed_amount, paid_amount, "
            f"work_rvu, total_rvu, diagnoses FROM claims WHERE {where.sql}",
            where.parameters,
        )
        found = _Counting(connection, workspace, top)
        return found.whole() | found.groups() | found.listed() | {"shown": found.shown}


class _Counting:
    def __init__(self, connection: duckdb.DuckDBPyConnection, workspace: Workspace, top: int | None) -> None:
        self.connection = connection
        self.workspace = workspace
        self.top = top
        self.shown: dict[str, dict[str, int]] = {}

    def whole(self) -> dict[str, Any]:
        """Totals of all claims."""
        (row,) = self._rows(
            f"SELECT {_SUMS}, min(service_from) AS first, max(service_to) AS last, "
            "min(recorded_at) AS recorded_first, max(recorded_at) AS recorded_last, "
            "count(expected_allowed_amount) AS priced FROM chosen"
        )
        return {
            "total_claims": row["claims"],
            "total_lines": row["lines"] or 0,
            "date_range": {"service_from": row["first"], "service_to": row["last"],
                           "stored_from": row["recorded_first"], "stored_to": row["recorded_last"]},
            "financial_summary": {name: row[name] for name in ("billed", "expected", "allowed", "paid",
                                                               "pending", "denied")}
            | {"claims_with_expected": row["priced"]},
            "rvu": {"work_rvu": row["work_rvu"], "total_rvu": row["total_rvu"]},
        }  # fmt: skip

    def groups(self) -> dict[str, Any]:
        """What the claims themselves say, in one pass over them."""
        names = [name for group in _GROUPS.values() for name in group]
        sets = ", ".join(f"({', '.join(group)})" for group in _GROUPS.values())
        # A null may be a blank cell or a column that is no part of the set: the number tells which.
        numbers = {group: sum(1 << (len(names) - 1 - names.index(n)) for n in names if n not in group)
                   for group in _GROUPS.values()}  # fmt: skip
        rows = self._rows(
            f"SELECT {', '.join(names)}, grouping({', '.join(names)}) AS kind, {_SUMS} FROM chosen "
            f"GROUP BY GROUPING SETS ({sets})"
        )
        found: dict[str, Any] = {}
        for key, group in _GROUPS.items():
            mine = [
                {name: row[name] for name in (*group, *_FIGURES)}
                for row in rows
                if row["kind"] == numbers[group]
            ]
            if key == "by_status":
                mine.sort(key=lambda row: STATUSES.index(row["status"]))
            elif key == "by_month":
                mine.sort(key=lambda row: str(row["month"] or ""))
                mine = [row | {"month": f"{row['month']:%Y-%m}" if row["month"] else None} for row in mine]
            else:
                mine.sort(key=lambda row, first=group[0]: (-row["claims"], str(row[first] or "")))  # type: ignore[misc]
                mine = self._cut(key, mine)
            found[key] = mine
        return found

    def listed(self) -> dict[str, Any]:
        """What stands on lines or in lists: diagnoses, codes, findings."""
        diagnoses = self._rows(
            "SELECT diagnosis, count(*) AS claims FROM (SELECT unnest(diagnoses) AS diagnosis FROM chosen) "
            "GROUP BY ALL ORDER BY claims DESC, diagnosis"
        )
        return {
            "by_diagnosis": self._cut("by_diagnosis", diagnoses),
            "by_code": self._cut("by_code", self._codes()),
            "top_findings": self._cut("top_findings", self._findings()),
        }

    def _codes(self) -> list[dict[str, Any]]:
        """Procedure codes of the lines, which are read from their files."""
        parts = self.connection.execute(
            "SELECT file FROM job_parts SEMI JOIN chosen USING (job_id) ORDER BY job_id, part"
        ).fetchall()
        paths = [path for (file,) in parts if (path := self.workspace.root / str(file)).exists()]
        if not paths:
            return []
        lines = f"read_parquet({files(paths)}, union_by_name = true, filename = true)"
        there = {row["column_name"] for row in self._rows(f"DESCRIBE SELECT * FROM {lines}")}
        if "procedure_code" not in there:
            return []
        sums = {"units": "units", "charge_amount": "billed", "expected_allowed_amount": "expected",
                "work_rvu": "work_rvu", "total_rvu": "total_rvu"}  # fmt: skip
        said = ", ".join(
            f"sum({name}) AS {alias}" if name in there else f"NULL AS {alias}" for name, alias in sums.items()
        )
        return self._rows(
            f"SELECT procedure_code AS code, count(*) AS lines, {said} FROM {lines} l "
            f"WHERE {self._is_chosen('l.claim_id', 'parse_path(l.filename)[-2]')} "
            "AND procedure_code IS NOT NULL GROUP BY ALL ORDER BY lines DESC, code"
        )

    def _findings(self) -> list[dict[str, Any]]:
        """Rules by the number of claims on which the run that stored them found something."""
        jobs = self.connection.execute("SELECT DISTINCT job_id FROM chosen ORDER BY 1").fetchall()
        paths = [path for (job,) in jobs if (path := self.workspace.findings_file(str(job))).exists()]
        if not paths:
            return []
        return self._rows(
            "SELECT f.code, count(DISTINCT f.claim_id) AS claims, count(*) AS findings "
            f"FROM read_parquet({files(paths)}, union_by_name = true, filename = true) f "
            f"WHERE {self._is_chosen('f.claim_id', 'parse_path(f.filename)[-2]')} "
            "GROUP BY ALL ORDER BY claims DESC, code"
        )

    def _is_chosen(self, claim: str, job: str) -> str:
        return f"({claim}, {job}) IN (SELECT claim_id, job_id FROM chosen)"

    def _cut(self, key: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if self.top is None or len(rows) <= self.top:
            return rows
        self.shown[key] = {"shown": self.top, "of": len(rows)}
        return rows[: self.top]

    def _rows(self, query: str) -> list[dict[str, Any]]:
        found = self.connection.execute(query)
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
