"""The tables of a target as data: `claims` and `claim_lines` derive from the one list of claim columns.

A claim is identified as in the workspace, by practice_id, claim_number and payer_sequence ("P" where the
file says nothing). What repeats on every line of a claim stands once, in `claims`; `claim_lines` has what
belongs to a line. Beside the six tables stand technical ones: `load_batches` (what has arrived),
`claims_before` and `claim_lines_before` (versions that a job replaced, so that it can be undone), and a
permanent staging table for each table that is loaded in bulk.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from claimsctl.security.policy import Phi
from claimsctl.sql.canonical import canonical_columns
from claimsctl.sql.column import (
    LOADED_AT,
    PRIMARY,
    STAGE_KEY,
    VALIDATED,
    Kind,
    SqlColumn,
    SqlTable,
    shape_of,
    treated,
)

__all__ = [
    "CLAIMS", "CLAIM_FINDINGS", "CLAIM_KEY", "CLAIM_LINES", "CLAIM_STATUS", "CLAIM_STATUS_HISTORY", "JOBS",
    "LINE_KEY", "LOADED_AT", "LOAD_BATCHES", "PRICES", "PRIMARY", "RISKS", "STAGE_KEY",
    "TARGET_TABLES", "TECHNICAL_TABLES", "VALIDATED", "SqlColumn", "SqlTable", "all_tables", "physical_names",
    "staging_of", "tables_for",
]  # fmt: skip

CLAIM_KEY: Final = ("practice_id", "claim_number", "payer_sequence")
LINE_KEY: Final = (*CLAIM_KEY, "line_number")
TARGET_TABLES: Final = (
    "claims", "claim_lines", "claim_findings", "claim_status", "claim_status_history", "jobs",
)  # fmt: skip
"""The six tables, in the order they are made and filled."""
TECHNICAL_TABLES: Final = ("load_batches", "claims_before", "claim_lines_before")


def _code(name: str, length: int, meaning: str, *, required: bool = False, fixed: bool = False) -> SqlColumn:
    return SqlColumn(name, "code", meaning, length=length, nullable=not required, fixed=fixed)


def _text(name: str, length: int, meaning: str) -> SqlColumn:
    return SqlColumn(name, "text", meaning, length=length)


def _money(name: str, meaning: str, precision: int = 12) -> SqlColumn:
    return SqlColumn(name, "decimal", meaning, precision=precision, scale=2)


def _factor(name: str, meaning: str) -> SqlColumn:
    return SqlColumn(name, "decimal", meaning, precision=12, scale=4)


def _plain(name: str, kind: Kind, meaning: str, *, required: bool = False) -> SqlColumn:
    return SqlColumn(name, kind, meaning, nullable=not required)


_KEY: Final = (
    _code("practice_id", 64, "Practice the claim belongs to", required=True),
    replace(
        _code("claim_number", 50, "Our number of the claim", required=True),
        phi="quasi", canonical="claim_number",
    ),
    _code("payer_sequence", 1, "P primary (also where the file says nothing), S secondary, T tertiary",
          required=True, fixed=True),
)  # fmt: skip
_JOB: Final = _code("job_id", 32, "Job that wrote the row", required=True)
_LOADED: Final = _plain(LOADED_AT, "timestamp", "When the row arrived, UTC", required=True)
_HASH: Final = _plain(
    "content_hash", "bigint", "Says whether the claim is the same as before, before its PHI is treated",
    required=True,
)  # fmt: skip

PRICES: Final = (
    _money("expected_allowed_amount", "What the fee schedule or contract allows for the line"),
    _code("pricing_status", 32, "PRICED, or why the line is not"),
    _text("pricing_source", 200, "Fee schedule or contract, and its edition"),
    _factor("work_rvu", "Relative value of the work"),
    _factor("pe_rvu", "Relative value of the practice expense"),
    _factor("mp_rvu", "Relative value of the malpractice cost"),
    _factor("total_rvu", "Sum of the relative values"),
    _factor("gpci_work", "Local factor of the work"),
    _factor("gpci_pe", "Local factor of the practice expense"),
    _factor("gpci_mp", "Local factor of the malpractice cost"),
    _factor("conversion_factor", "Dollars per relative value"),
    _text("modifier_adjustment", 400, "What modifiers and ranking did to the amount"),
    _money("limiting_charge", "Most that a non-participating provider may charge"),
    _text("statutory_adjustment", 400, "What the law takes off"),
    _money("adjusted_allowed_amount", "What a remittance should show as allowed"),
    _money("expected_net_amount", "That after sequestration"),
    _text("pricing_note", 1000, "What is to be known about the price of this line"),
)
"""Columns of pricing on a line, as `claimsctl.price.line.OUTPUT`."""
RISKS: Final = (
    SqlColumn(
        "denial_risk", "decimal", "How likely the payer is to deny the claim, 0 to 1", precision=5, scale=4
    ),
    _code("risk_band", 10, "low, medium or high"),
    _code("risk_source", 80, "rules, or model: and the name of the model that judged it"),
    _text("risk_reasons", 400, "What raises the risk most, in words"),
    _money("expected_loss", "Risk times what the payer should allow for the claim"),
)
"""Denial risk of a claim, as `claimsctl.score.risk.RISK`: that of the run that wrote this version of it."""

CLAIMS: Final = SqlTable(
    "claims",
    (
        *_KEY,
        _JOB,
        _HASH,
        _LOADED,
        _code("status", 20, "VALIDATED when written; other words come from its life in the workspace",
              required=True),
        _plain("line_count", "integer", "Lines of the claim", required=True),
        _money("charge_total", "Sum of the lines' charges", 14),
        _money("expected_allowed_total", "Sum of the lines' expected allowed amounts", 14),
        _money("expected_net_total", "Sum of the lines' expected net amounts", 14),
        _plain("service_date_first", "date", "First service date of any line"),
        _plain("service_date_last", "date", "Last service date of any line"),
        *RISKS,
        *canonical_columns("claim", without=LINE_KEY),
    ),
    "Accepted claims, one row each; patient identifiers as the PHI policy says",
    key=CLAIM_KEY,
    indexes=(
        ("payer_id", "service_date_first"), ("service_date_first",), ("status",), ("job_id",),
        ("payer_claim_number",), ("billing_npi",),
    ),
)  # fmt: skip
CLAIM_LINES: Final = SqlTable(
    "claim_lines",
    (
        *_KEY,
        _plain("line_number", "integer", "Number of the line within the claim", required=True),
        _JOB,
        _HASH,
        _LOADED,
        _text("input", 260, "Name of the file or source the line came from"),
        _plain("row_number", "bigint", "Row of the line in it"),
        *canonical_columns("line", without=LINE_KEY),
        *PRICES,
    ),
    "Service lines of accepted claims, with their prices",
    key=LINE_KEY,
    indexes=(("job_id",), ("service_date_from",), ("procedure_code",)),
)
CLAIM_FINDINGS: Final = SqlTable(
    "claim_findings",
    (
        _JOB,
        _plain("finding_number", "bigint", "Number of the finding within the job, from 1", required=True),
        _LOADED,
        replace(_KEY[0], nullable=True),
        _text("input", 260, "Name of the file or source"),
        _plain("row_number", "bigint", "Row in it"),
        # Also of rejected claims, so it may be anything.
        replace(_text("claim_number", 100, "Claim as the file has it"), phi="quasi"),
        _plain("line_number", "bigint", "Line within the claim"),
        _code("severity", 10, "error, warning or info", required=True),
        _code("code", 32, "Code of the rule", required=True),
        _text("category", 64, "Subject of the rule"),
        _text("field", 100, "Column it is about"),
        _text("value", 400, "Value of the column, masked for identifiers"),
        _text("message", 1000, "What is wrong, masked for identifiers"),
        _text("suggestion", 1000, "How to mend it"),
    ),
    "Findings of every run, also of rejected claims",
    key=("job_id", "finding_number"),
    indexes=(("claim_number",), ("code",)),
)
CLAIM_STATUS: Final = SqlTable(
    "claim_status",
    (
        *_KEY,
        _JOB,
        _LOADED,
        _code("status", 20, "Status of the claim, such as PAID", required=True),
        _plain("asked_at", "timestamp", "When the payer answered, UTC"),
        _code("payer_id", 50, "Payer that was asked"),
        _code("payer_claim_number", 50, "Number the payer gave the claim"),
        _code("category_code", 10, "Claim status category code"),
        _code("status_code", 10, "Claim status code"),
        _code("entity_code", 10, "Whom the status code is about"),
        _money("charge_amount", "Amount billed, as the payer has it"),
        _money("allowed_amount", "Amount allowed"),
        _money("paid_amount", "Amount paid"),
        _money("patient_responsibility_amount", "Amount the patient owes"),
        _plain("processed_date", "date", "Day the payer processed the claim"),
        _plain("paid_date", "date", "Day it paid"),
        _code("check_number", 50, "Check or transfer"),
    ),
    "What payers said last of each claim",
    key=CLAIM_KEY,
    indexes=(("status",), ("job_id",)),
)
CLAIM_STATUS_HISTORY: Final = SqlTable(
    "claim_status_history",
    (
        *_KEY,
        _JOB,
        _plain(
            "change_number", "integer", "Number of the change within job and claim, from 1", required=True
        ),
        _LOADED,
        _code("from_status", 20, "Status before; null for the first"),
        _code("to_status", 20, "Status after", required=True),
        _plain("changed_at", "timestamp", "When, UTC", required=True),
        _text("note", 400, "Why"),
    ),
    "Every change of a claim's status",
    key=(*CLAIM_KEY, "job_id", "change_number"),
    indexes=(("changed_at",),),
)
JOBS: Final = SqlTable(
    "jobs",
    (
        replace(_JOB, meaning="Job"),
        _LOADED,
        _code("practice_id", 64, "Practice it ran for"),
        _code("command", 32, "Command that ran", required=True),
        _code("status", 32, "COMPLETED or COMPLETED_WITH_ERRORS; ROLLED_BACK when undone", required=True),
        _text("run_by", 64, "Account that ran it"),
        _code("version", 32, "Version of claimsctl"),
        _plain("started_at", "timestamp", "When it began, UTC"),
        _plain("finished_at", "timestamp", "When it ended, UTC"),
        *(
            _plain(f"{what}_{state}", "bigint", f"{what.capitalize()} {state}")
            for what in ("rows", "claims")
            for state in ("read", "accepted", "held", "rejected", "skipped")
        ),
        *(
            _plain(f"findings_{severity}", "bigint", f"Findings of severity {severity}")
            for severity in ("error", "warning", "info")
        ),
        _code("rules_digest", 64, "Digest of the rules it ran with"),
    ),
    "Jobs that wrote into this database",
    key=("job_id",),
    indexes=(("finished_at",),),
)
LOAD_BATCHES: Final = SqlTable(
    "load_batches",
    (
        _JOB,
        _plain("batch", "integer", "Number of the batch within the job, from 1", required=True),
        _LOADED,
        *(
            _plain(f"{table}_rows", "bigint", f"Rows of {table} in the batch", required=True)
            for table in TARGET_TABLES
        ),
        *(
            _plain(f"claims_{done}", "bigint", f"Claims that were {done}", required=True)
            for done in ("inserted", "updated", "unchanged")
        ),
    ),
    "Batches that have arrived whole; written in the transaction of their rows",
    key=("job_id", "batch"),
)


def _before(table: SqlTable) -> SqlTable:
    by = _code("replaced_by", 32, "Job that replaced this version", required=True)
    return SqlTable(
        f"{table.name}_before",
        (by, *table.columns),
        f"Versions of {table.name} that a job replaced, so that it can be undone",
        key=("replaced_by", *table.key),
        indexes=(table.key,),
    )


_ALL: Final = {
    table.name: table
    for table in (
        CLAIMS, CLAIM_LINES, CLAIM_FINDINGS, CLAIM_STATUS, CLAIM_STATUS_HISTORY, JOBS, LOAD_BATCHES,
        _before(CLAIMS), _before(CLAIM_LINES),
    )
}  # fmt: skip


def tables_for(phi: Phi) -> Mapping[str, SqlTable]:
    """The six tables and the technical ones by name, without staging; columns as wide as `phi` needs."""
    if shape_of(phi) == "plain":
        return MappingProxyType(_ALL)
    return MappingProxyType({name: _with_columns(table, phi) for name, table in _ALL.items()})


def staging_of(table: SqlTable) -> SqlTable:
    """The permanent staging table of a table: its columns after the job and batch that put them there."""
    return SqlTable(
        f"{table.name}_staging",
        (
            _code("stage_job", 32, "Job that is loading", required=True),
            _plain("stage_batch", "integer", "Batch that is loading", required=True),
            *table.columns,
        ),
        f"Rows of {table.name} on their way; empty between loads",
        indexes=(STAGE_KEY,),
    )


def all_tables(phi: Phi) -> tuple[SqlTable, ...]:
    """Every table of a target in the order they are made: the six, the technical ones, staging."""
    tables = tables_for(phi)
    return (*tables.values(), *(staging_of(tables[name]) for name in TARGET_TABLES))


def _with_columns(table: SqlTable, phi: Phi) -> SqlTable:
    return replace(table, columns=tuple(treated(column, phi) for column in table.columns))


def physical_names(tables: Iterable[SqlTable], prefix: str) -> dict[str, str]:
    """Name of each table in the database, without its schema."""
    return {table.name: f"{prefix}{table.name}" for table in tables}
