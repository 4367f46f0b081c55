"""One row per claim from its lines: the SQL that a commit and an upgrade of the store share."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Final

from claimsctl.errors import InternalError

if TYPE_CHECKING:
    import duckdb

DIAGNOSES: Final = tuple(f"diagnosis_{number}" for number in range(1, 13))
_AMOUNTS: Final = ("expected_allowed_amount", "allowed_amount", "paid_amount", "work_rvu", "total_rvu")

LINE_FACTS: Final = ("payer_name", *_AMOUNTS, "codes", "diagnoses", "first_part", "last_part")
"""Columns of a claim that schema 3 added, each made by `line_facts`."""

RISK_FACTS: Final = {
    "denial_risk": ("DOUBLE", "max(denial_risk)"), "risk_band": ("VARCHAR", "min(risk_band)"),
    "risk_source": ("VARCHAR", "min(risk_source)"), "risk_reasons": ("VARCHAR", "min(risk_reasons)"),
    "expected_loss": ("DECIMAL(12, 2)", "min(expected_loss)"),
    "filing_deadline": ("DATE", "min(filing_deadline)"),
}  # fmt: skip
"""Columns of a claim that schema 5 added beside `held`: type, and how they come from its lines, which all say
the same."""

NEEDED: Final = frozenset(
    {"practice_id", "claim_number", "payer_sequence", "claim_id", "row_number", "verdict", "unchanged"}
    | {"content_digest"}
)
"""Columns that line parts must have to be committed."""


def line_facts(found: Collection[str], part: str) -> str:
    """Select list of LINE_FACTS in a GROUP BY claim, in this order; `part` is the number of a line's part.

    Amounts are sums over the lines that have one, null where none has; `codes` and `diagnoses` are
    distinct and sorted. `found` are the columns of the lines.
    """
    columns = {"payer_name": "min(payer_name)" if "payer_name" in found else "NULL::VARCHAR"}
    for name in _AMOUNTS:
        kind = "DECIMAL(12, 2)" if name.endswith("_amount") else "DECIMAL(18, 4)"
        columns[name] = f"TRY_CAST(sum({name}) AS {kind})" if name in found else f"NULL::{kind}"
    codes = "list(procedure_code)" if "procedure_code" in found else "NULL::VARCHAR[]"
    there = [name for name in DIAGNOSES if name in found]
    diagnoses = f"flatten(list([{', '.join(there)}]))" if there else "NULL::VARCHAR[]"
    columns["codes"] = f"list_sort(list_distinct({codes}))"
    columns["diagnoses"] = f"list_sort(list_distinct({diagnoses}))"
    columns["first_part"] = f"min({part})::INTEGER"
    columns["last_part"] = f"max({part})::INTEGER"
    return ", ".join(f"{columns[name]} AS {name}" for name in LINE_FACTS)


def quoted(path: Path) -> str:
    """A path as a text of SQL."""
    return "'" + str(path).replace("'", "''") + "'"


def files(paths: Collection[Path]) -> str:
    """Paths as a list of SQL."""
    return "[" + ", ".join(map(quoted, paths)) + "]"


def read_headers(connection: duckdb.DuckDBPyConnection, sources: Collection[Path]) -> set[str]:
    """Make the view `parts` of line parts, and the table `read` with one row per claim; the columns of lines.

    InternalError where some of NEEDED lack. The group key is claim_id alone: one number is cheaper than
    three texts.
    """
    connection.execute(
        f"CREATE TEMP VIEW parts AS SELECT *, file_index AS part "
        f"FROM read_parquet({files(sources)}, union_by_name = true)"
    )
    found = {str(row[0]) for row in connection.execute("DESCRIBE parts").fetchall()}
    missing = sorted(NEEDED - found)
    if missing:
        raise InternalError(f"Line parts lack the columns {', '.join(missing)}.")

    def first(name: str, kind: str = "VARCHAR") -> str:
        return f"arg_min({name}, row_number)" if name in found else f"NULL::{kind}"

    # max and min of text instead of any_value: with threads the latter differs from run to run.
    def same(name: str, kind: str = "VARCHAR") -> str:
        return f"min({name})" if name in found else f"NULL::{kind}"

    start = "service_date_from" if "service_date_from" in found else "NULL::DATE"
    end = f"coalesce(service_date_to, {start})" if "service_date_to" in found else start
    charge = "sum(charge_amount)" if "charge_amount" in found else "NULL"
    if {"charge_amount", "revenue_code"} <= found:  # revenue code 0001 is the total of the other lines
        charge += " FILTER (ltrim(revenue_code, '0') IS DISTINCT FROM '1')"
    risks = ", ".join(
        f"{made if name in found else 'NULL'}::{kind} AS {name}" for name, (kind, made) in RISK_FACTS.items()
    )
    connection.execute(f"""
        CREATE TEMP TABLE read AS SELECT
            coalesce(min(practice_id), 'default') AS practice_id, min(claim_number) AS claim_number,
            min(payer_sequence) AS payer_sequence, claim_id,
            bool_or(verdict = 'rejected') AS rejected, bool_and(unchanged) AS flagged,
            {same("patient_key")}::UUID AS patient_key, {same("payer_id")} AS payer_id,
            {same("frequency_code")} AS frequency, {same("billing_npi")} AS billing_npi,
            {first("rendering_npi")} AS rendering_npi,
            min({start}) AS service_from, max({end}) AS service_to, count(*)::INTEGER AS line_count,
            TRY_CAST({charge} AS DECIMAL(12, 2)) AS charge_total,
            (sum(content_digest::HUGEINT) % 18446744073709551616)::UBIGINT AS digest,
            {same("input")} AS input, {same("history_key", "UBIGINT")} AS history_key,
            {risks}, bool_or(verdict = 'held') AND NOT bool_or(verdict = 'rejected') AS held,
            {line_facts(found, "part")}
        FROM parts WHERE claim_number IS NOT NULL GROUP BY claim_id
    """)
    return found
