"""Counting claims by status, payer, provider, code, diagnosis and month, and what they are worth.

Amounts are of whole claims but for procedure codes, whose are of their lines. Of the whole store, codes
and findings are counted from the totals that every job leaves (`claimsctl.store.totals`), less what is no
longer in force; of some claims, their lines are read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from claimsctl.inquiry.filters import Condition, Filters, condition
from claimsctl.inquiry.opening import reading
from claimsctl.inquiry.scope import scope_of
from claimsctl.store.database import Notify
from claimsctl.store.headers import files
from claimsctl.store.lifecycle import OPEN, STATUSES
from claimsctl.store.totals import LINE_SUMS, code_sums
from claimsctl.store.unread import readable
from claimsctl.store.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

Rows = list[dict[str, Any]]

_SUMS: Final = (
    "count(*) AS claims, sum(line_count)::BIGINT AS lines, sum(charge_total) AS billed, "
    "sum(expected_allowed_amount) AS expected, sum(allowed_amount) AS allowed, sum(paid_amount) AS paid, "
    "sum(charge_pending) AS pending, sum(charge_denied) AS denied, "
    "sum(work_rvu) AS work_rvu, sum(total_rvu) AS total_rvu"
)
# A sum of a column costs each grouping half of what a sum with a FILTER does.
_PARTS: Final = (
    f"CASE WHEN status IN {OPEN} THEN charge_total END AS charge_pending, "
    "CASE WHEN status = 'DENIED' THEN charge_total END AS charge_denied"
)
_AMOUNTS: Final = ("billed", "expected", "allowed", "paid", "pending", "denied")
_RVUS: Final = ("work_rvu", "total_rvu")
_FIGURES: Final = ("claims", "lines", *_AMOUNTS, *_RVUS)
_GROUPS: Final = {
    "by_status": ("status",),
    "by_payer": ("payer_id", "payer_name"),
    "by_provider": ("rendering_npi",),
    "by_month": ("month",),
}


def statistics(
    workspace: Workspace, filters: Filters, *, top: int | None, notify: Notify | None = None
) -> dict[str, Any]:
    """Counts and sums of the claims that fit; groups are sorted by their number of claims.

    Keys: total_claims, total_lines, date_range, financial_summary, rvu, by_status, by_payer, by_provider,
    by_month, by_code, by_diagnosis, top_findings; `shown` says how many groups there are of which only
    `top` are listed. A null amount means that nothing says it. Who may not look for a person sees years of
    service in place of days and months.
    """
    with reading(workspace, notify) as connection:
        where, scope = condition(filters, connection, workspace), scope_of(workspace)
        counting = _Counting(connection, workspace, where, top, days=scope.persons)
        found = counting.groups()
        found = counting.whole(found["by_status"]) | found
        if filters == Filters() and not scope.limited:
            codes, findings = counting.totals()
        else:
            codes, findings = counting.of_lines(where)
        found |= {
            "by_code": counting.cut("by_code", codes),
            "by_diagnosis": counting.cut("by_diagnosis", counting.diagnoses()),
            "top_findings": counting.cut("top_findings", findings),
        }
        return found | {"shown": counting.shown}


class _Counting:
    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        workspace: Workspace,
        where: Condition,
        top: int | None,
        *,
        days: bool,
    ) -> None:
        self.connection = connection
        self.workspace = workspace
        self.where = where
        self.top = top
        self.days = days
        self.shown: dict[str, dict[str, int]] = {}

    def groups(self) -> dict[str, Any]:
        """What the claims themselves say, in one pass over them."""
        names = [name for group in _GROUPS.values() for name in group]
        period = "last_day(service_from)" if self.days else "date_trunc('year', service_from)::DATE"
        sets = ", ".join(f"({', '.join(group)})" for group in _GROUPS.values())
        # A null may be a blank cell or a column that is no part of the set: the number tells which.
        numbers = {group: sum(1 << (len(names) - 1 - names.index(n)) for n in names if n not in group)
                   for group in _GROUPS.values()}  # fmt: skip
        rows = self._rows(
            f"SELECT {', '.join(names)}, grouping({', '.join(names)}) AS kind, {_SUMS} FROM "
            f"(SELECT *, {period} AS month, {_PARTS} FROM claims WHERE {self.where.sql}) "
            f"GROUP BY GROUPING SETS ({sets})",
            self.where,
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
                form = "%Y-%m" if self.days else "%Y"
                mine = [row | {"month": row["month"] and row["month"].strftime(form)} for row in mine]
            else:
                mine.sort(key=_by_claims(*group))
                mine = self.cut(key, mine)
            found[key] = mine
        return found

    def whole(self, by_status: Rows) -> dict[str, Any]:
        """Totals of all claims, from those of each status."""
        (dates,) = self._rows(
            "SELECT min(service_from) AS service_from, max(service_to) AS service_to, "
            "min(recorded_at) AS stored_from, max(recorded_at) AS stored_to, "
            f"count(expected_allowed_amount) AS priced FROM claims WHERE {self.where.sql}",
            self.where,
        )
        priced = dates.pop("priced")
        if not self.days:
            years = {name: dates[name] and str(dates[name].year) for name in ("service_from", "service_to")}
            dates |= years

        def total(name: str) -> Any:
            said = [row[name] for row in by_status if row[name] is not None]
            return sum(said[1:], said[0]) if said else None

        return {
            "total_claims": total("claims") or 0,
            "total_lines": total("lines") or 0,
            "date_range": dates,
            "financial_summary": {name: total(name) for name in _AMOUNTS} | {"claims_with_expected": priced},
            "rvu": {name: total(name) for name in _RVUS},
        }

    def diagnoses(self) -> Rows:
        """Diagnoses by the number of claims that have them."""
        return self._rows(
            "SELECT diagnosis, count(*) AS claims FROM "
            f"(SELECT unnest(diagnoses) AS diagnosis FROM claims WHERE {self.where.sql}) "
            "GROUP BY ALL ORDER BY claims DESC, diagnosis",
            self.where,
        )

    def totals(self) -> tuple[Rows, Rows]:
        """Codes and findings of all claims in force: those of every job, less those of other versions."""
        jobs = [row["job_id"] for row in self._rows("SELECT DISTINCT job_id FROM claims")]
        stored = Condition("job_id IN (SELECT unnest($1::VARCHAR[]))", [jobs])
        sums = ", ".join(f"sum({name}) AS {name}" for name in ("lines", *LINE_SUMS))
        codes = self._rows(f"SELECT code, {sums} FROM line_totals WHERE {stored.sql} GROUP BY code", stored)
        findings = self._rows(
            "SELECT code, sum(claims)::BIGINT AS claims, sum(findings)::BIGINT AS findings "
            f"FROM finding_totals WHERE {stored.sql} GROUP BY code",
            stored,
        )
        gone = Condition("NOT is_current", ())
        if self._rows("SELECT 1 FROM claims WHERE NOT is_current LIMIT 1"):
            if not self._complete(gone):
                return self.of_lines(self.where)
            old_codes, old_findings = self.of_lines(gone)
            codes = _less(codes, old_codes, ("lines", *LINE_SUMS))
            findings = _less(findings, old_findings, ("claims", "findings"))
        for row in codes:
            row["lines"] = int(row["lines"])
        return sorted(codes, key=_most("lines")), sorted(findings, key=_most("claims"))

    def of_lines(self, where: Condition) -> tuple[Rows, Rows]:
        """Codes and findings of some claims, from the files of their jobs that are still there."""
        self.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE chosen AS SELECT claim_id, job_id FROM claims WHERE {where.sql}",
            where.parameters,
        )
        self.connection.execute(
            "CREATE OR REPLACE TEMP TABLE chosen_jobs AS "
            "SELECT job_id, row_number() OVER (ORDER BY job_id)::INTEGER AS number "
            "FROM (SELECT DISTINCT job_id FROM chosen)"
        )
        self.connection.execute(
            "CREATE OR REPLACE TEMP TABLE chosen AS SELECT claim_id, number FROM chosen JOIN chosen_jobs "
            "USING (job_id)"
        )
        parts = self.connection.execute(
            "SELECT number, file FROM job_parts JOIN chosen_jobs USING (job_id) ORDER BY number, part"
        ).fetchall()
        jobs = self.connection.execute("SELECT number, job_id FROM chosen_jobs ORDER BY number").fetchall()
        lines = self._aggregated(
            [(number, self.workspace.root / str(file)) for number, file in parts],
            lambda found: f"procedure_code AS code, {code_sums(found)}",
            "procedure_code",
        )
        findings = self._aggregated(
            [(number, self.workspace.findings_file(str(job))) for number, job in jobs],
            lambda _: "code, count(DISTINCT claim_id) AS claims, count(*) AS findings",
            "code",
        )
        return sorted(lines, key=_most("lines")), sorted(findings, key=_most("claims"))

    def _aggregated(
        self, numbered: list[tuple[int, Path]], said: Callable[[set[str]], str], code: str
    ) -> Rows:
        """Sums by code over the rows of the chosen claims in files, each with the number of its job."""
        there = [(number, path) for number, path in numbered if path.exists()]
        if not there:
            return []
        source = f"read_parquet({files([path for _, path in there])}, union_by_name = true)"
        with readable([path for _, path in there]):
            found = {str(row["column_name"]) for row in self._rows(f"DESCRIBE SELECT * FROM {source}")}
            if code not in found:
                return []
            numbers = ", ".join(str(number) for number, _ in there)
            return self._rows(
                f"SELECT {said(found)} FROM "
                f"(SELECT *, list_extract([{numbers}], file_index::BIGINT + 1) AS number FROM {source}) "
                f"SEMI JOIN chosen USING (claim_id, number) WHERE {code} IS NOT NULL GROUP BY {code}"
            )

    def _complete(self, where: Condition) -> bool:
        """Whether all files of the jobs of some claims are still there."""
        jobs = f"SELECT DISTINCT job_id FROM claims WHERE {where.sql}"
        parts = self._rows(f"SELECT file FROM job_parts WHERE job_id IN ({jobs})", where)
        paths = [self.workspace.root / str(row["file"]) for row in parts]
        paths += [self.workspace.findings_file(str(row["job_id"])) for row in self._rows(jobs, where)]
        return all(path.exists() for path in paths)

    def cut(self, key: str, rows: Rows) -> Rows:
        """The first of the groups, noting how many there are."""
        if self.top is None or len(rows) <= self.top:
            return rows
        self.shown[key] = {"shown": self.top, "of": len(rows)}
        return rows[: self.top]

    def _rows(self, query: str, where: Condition | None = None) -> Rows:
        found = self.connection.execute(query, None if where is None else where.parameters)
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _less(rows: Rows, gone: Rows, figures: tuple[str, ...]) -> Rows:
    """The rows without what is gone of each code; codes of which nothing is left are left out."""
    away = {row["code"]: row for row in gone}
    left = []
    for row in rows:
        old = away.get(row["code"], {})
        now = {name: None if row[name] is None else row[name] - (old.get(name) or 0) for name in figures}
        if now[figures[0]]:
            left.append({"code": row["code"], **now})
    return left


def _by_claims(*names: str) -> Callable[[dict[str, Any]], tuple[int, list[str]]]:
    return lambda row: (-row["claims"], [str(row[name] or "") for name in names])


def _most(figure: str) -> Callable[[dict[str, Any]], tuple[int, str]]:
    return lambda row: (-row[figure], row["code"])
