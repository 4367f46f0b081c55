"""Findings about an input as a whole or about records that are no claim lines (catalogue FILE-...)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import polars as pl

from claimsctl.ingest.headers import likely_column
from claimsctl.process.file_rules import COLUMN_MISSING, FileRules
from claimsctl.process.intake import Input, Intake
from claimsctl.validate.findings import FINDING


def header_findings(each: Input, rules: FileRules) -> list[dict[str, object]]:
    """Sheets of claims that are not read, required columns that are missing, headers carried through."""
    name = each.source.name
    found: list[dict[str, object]] = []
    if not each.source.sheet_asked:
        for sheet in each.source.unread_sheets:
            if sheet.claims and not sheet.hidden:
                found += rules.finding("FILE-016", name, sheet=sheet.name, read=each.source.sheet or "")
    for column in each.header_map.missing:
        other = each.header_map.alternatives.get(column)
        shown = f"{column} (or {other})" if other else column
        found += rules.finding(COLUMN_MISSING, name, field=column, column=shown)
    for index, header in each.header_map.ignored.items():
        title = header.strip() or f"column {index + 1} (blank header)"
        meant = likely_column(header, each.header_map.missing, each.header_map.columns) or "column"
        found += rules.finding("FILE-003", name, field=None, value=None, header=title, column=meant)
    return found


def record_findings(
    intake: Intake, rules: FileRules, seen: Mapping[str, tuple[str, str]], malformed_claims: list[pl.Series]
) -> list[dict[str, object]]:
    """Malformed, blank, repeated and footer records, each on its row; inputs without lines.

    `malformed_claims` are those of the malformed records (`malformed.claims_of_malformed`).
    """
    found: list[dict[str, object]] = []
    for (each, malformed), claims in zip(intake.malformed, malformed_claims, strict=True):
        for row, reason, claim in zip(
            malformed["row_number"].to_list(), malformed["reason"].to_list(), claims.to_list(), strict=True
        ):
            code = "FILE-006" if "decod" in reason or "UTF-8" in reason else "FILE-005"
            found += rules.finding(code, each.source.name, row_number=row, claim_number=claim, reason=reason)
    for each in intake.inputs:
        name = each.source.name
        blank = [row for rows in each.blank_rows for row in rows.to_list()]
        for code, numbers in (("FILE-007", each.repeated), ("FILE-008", each.footers), ("FILE-009", blank)):
            for row in numbers:
                found += rules.finding(code, name, row_number=row)
        found += column_findings(each, rules)
        if each.source.sha256 in seen:
            job, day = seen[each.source.sha256]
            found += rules.finding("FILE-014", name, job=job, date=day)
        if not each.claim_rows and not each.malformed:
            found += rules.finding("FILE-004", name)
    return found


def column_findings(each: Input, rules: FileRules) -> Iterator[dict[str, object]]:
    """How date and money columns are written, one finding per column."""
    name = each.source.name
    for column, day_first, month_first in each.look.mixed_orders():
        yield from rules.finding("FILE-010", name, field=column, column=column, a=day_first, b=month_first)
    for column in each.look.unproven():
        yield from rules.finding("DAT-014", name, field=column, column=column)
    for column, values in each.look.money.items():
        yield from rules.finding("FIN-023", name, field=column, column=column, n=f"{values:,}")


def as_frame(findings: Iterable[dict[str, object]]) -> pl.DataFrame:
    """Findings as a frame, with the `cause` column the book wants."""
    return pl.DataFrame(list(findings), schema={**FINDING, "cause": pl.String}, orient="row")
