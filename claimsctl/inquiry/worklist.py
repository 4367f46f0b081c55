"""Which claims to look at first: those of which most money is at stake, with the reason and what helps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from claimsctl.inquiry.filters import Filters, condition
from claimsctl.inquiry.opening import reading
from claimsctl.score.names import BETWEEN
from claimsctl.score.points import TABLE
from claimsctl.store.workspace import DETAILS

if TYPE_CHECKING:
    from claimsctl.store.database import Notify
    from claimsctl.store.workspace import Workspace

WORK: Final = ("VALIDATED", "READY_FOR_SUBMISSION")
"""Claims that have not gone out: what is listed unless other statuses are asked for."""
URGENT_DAYS: Final = 30
"""From so many days before the filing deadline on, more and more of the claim is at stake, at last all."""
COLUMNS: Final = (
    "rank", "claim_number", "payer_sequence", "practice_id", "status", "held", "payer_id", "payer_name",
    "service_date_from", "denial_risk", "risk_band", "risk_source", "expected_allowed_amount",
    "expected_loss", "at_stake", "filing_deadline", "days_left", "reason", "fix",
)  # fmt: skip
"""Columns of a worklist, in its files. Amounts are dollars of the claim."""
_CODE: Final = re.compile(r"\(([A-Z]{2,8}-[0-9A-Z-]+)\)$")

# Whole numbers of cents, so that no amount is rounded twice.
_RANKED: Final = f"""
    WITH chosen AS (
        SELECT *, (coalesce(expected_allowed_amount, charge_total) * 100)::BIGINT AS whole,
            date_diff('day', {{today}}::DATE, filing_deadline) AS days_left
        FROM claims WHERE {{where}}
    ), lost AS (
        SELECT *, CASE
            WHEN status = 'INVALID' THEN whole
            WHEN expected_loss IS NOT NULL THEN (expected_loss * 100)::BIGINT
            ELSE whole * round(denial_risk * 10000)::BIGINT // 10000 END AS loss
        FROM chosen
    ), staked AS (
        SELECT *, loss + CASE WHEN days_left BETWEEN 0 AND {URGENT_DAYS}
            THEN (whole - loss) * ({URGENT_DAYS} - days_left) // {URGENT_DAYS} ELSE 0 END AS cents
        FROM lost
    )
    SELECT claim_id, job_id, claim_number, payer_sequence, practice_id, status,
        coalesce(held AND status = 'VALIDATED', false) AS held, payer_id, payer_name,
        service_from AS service_date_from, denial_risk, risk_band, risk_source, expected_allowed_amount,
        expected_loss, cents, filing_deadline, days_left, risk_reasons,
        count(*) OVER () AS total, sum(cents) OVER () AS total_cents
    FROM staked
    ORDER BY cents DESC NULLS LAST, days_left ASC NULLS LAST, denial_risk DESC NULLS LAST,
        practice_id, claim_number, payer_sequence
"""


@dataclass(frozen=True, slots=True)
class Worklist:
    """`items` are the first of `total` claims (COLUMNS); `at_stake` is dollars of all of them."""

    items: Sequence[Mapping[str, Any]]
    total: int
    at_stake: Decimal


def worklist(
    workspace: Workspace,
    filters: Filters,
    *,
    today: date,
    limit: int | None,
    notify: Notify | None = None,
) -> Worklist:
    """The claims that fit, those with most at stake first.

    At stake is the expected loss; in the last URGENT_DAYS before the filing deadline it grows, day by day, to
    the whole of what the payer should allow (without a price: of the charge), as it is for a rejected claim.
    Claims without a risk are left out, but for rejected ones.
    """
    if not filters.status:
        filters = replace(filters, status=WORK)
    with reading(workspace, notify) as connection:
        where = condition(filters, connection, workspace)
        more = " AND (denial_risk IS NOT NULL OR status = 'INVALID')"
        query = _RANKED.format(where=where.sql + more, today=f"${len(where.parameters) + 1}")
        query += "" if limit is None else f" LIMIT {limit}"
        asked = connection.execute(query, [*where.parameters, today])
        names = [column[0] for column in asked.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in asked.fetchall()]
    found = _findings(workspace, rows)
    items = [_item(number, row, found) for number, row in enumerate(rows, 1)]
    total = int(rows[0]["total"]) if rows else 0
    return Worklist(items, total, _dollars(rows[0]["total_cents"]) if rows else Decimal("0.00"))


Told = Mapping[tuple[str, int], Sequence[Mapping[str, Any]]]


def _item(number: int, row: dict[str, Any], found: Told) -> dict[str, Any]:
    findings = found.get((row["job_id"], row["claim_id"]), ())
    reason, fix = _words(row, findings)
    cents = row["cents"]
    said = {**row, "rank": number, "at_stake": None if cents is None else _dollars(cents),
            "reason": reason, "fix": fix}  # fmt: skip
    return {name: said[name] for name in COLUMNS}


def _words(row: Mapping[str, Any], findings: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """Why a claim is listed and what helps: what the first error or the first reason says."""
    errors = [each for each in findings if each["severity"] == "error"]
    if row["status"] == "INVALID":
        if errors:
            return f"{errors[0]['message']} ({errors[0]['code']})", errors[0]["suggestion"] or ""
        return "The rules rejected the claim.", f"See `claimsctl claims show {row['claim_number']}`."
    reasons = str(row["risk_reasons"] or "").split(BETWEEN)
    for reason in reasons:
        fix = _FIXES.get(reason)
        code = _CODE.search(reason)
        if fix is None and code is not None:
            said = (each["suggestion"] for each in findings if each["code"] == code[1])
            fix = next(said, f"See `claimsctl rules explain {code[1]}`.")
        if fix:
            return BETWEEN.join(reasons), fix
    return BETWEEN.join(reasons), ""


_FIXES: Final = {each.words: each.fix for each in TABLE.values()}


def _findings(workspace: Workspace, rows: Iterable[Mapping[str, Any]]) -> Told:
    """What jobs found on the listed claims, as far as it is kept; identifiers are masked in it."""
    claims: dict[str, list[int]] = {}
    for row in rows:
        claims.setdefault(row["job_id"], []).append(row["claim_id"])
    found: dict[tuple[str, int], list[Mapping[str, Any]]] = {}
    for job, ids in claims.items():
        paths = sorted((workspace.job_directory(job) / DETAILS).glob("found-*.parquet"))
        if not paths:
            continue
        mine = (
            pl.scan_parquet(paths)
            .filter(pl.col("claim_id").is_in(pl.Series(ids, dtype=pl.UInt64).implode()))
            .select("claim_id", "severity", "code", "message", "suggestion")
            .collect(engine="streaming")
        )
        for each in mine.iter_rows(named=True):
            found.setdefault((job, each["claim_id"]), []).append(each)
    return found


def _dollars(cents: int) -> Decimal:
    return Decimal(int(cents)).scaleb(-2)
