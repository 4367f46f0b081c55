"""Databases with the tables of a target, and what is in them, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from claimsctl.sql.connect import connect
from claimsctl.sql.database import Database, HouseTable, parse_url
from claimsctl.sql.ddl import statements
from claimsctl.sql.outbox import Outbox
from claimsctl.sql.tables import TARGET_TABLES
from tests.sql.lines import line, outbox

KINDS: Final = ("sqlite", "duckdb", "postgresql")


def database(kind: str, directory: Path, postgres_url: str, **settings: Any) -> Database:
    """A database of that kind without tables."""
    url = postgres_url if kind == "postgresql" else f"{kind}:///{directory}/target.{kind}"
    return Database("production", parse_url(url), **settings)


def with_tables(target: Database, *more: str) -> Database:
    """The same database with our tables, and after `more` statements."""
    with connect(target, create=True) as connection, connection.transaction():
        for statement in (*statements(target.dialect, target.schema, target.prefix, "plain"), *more):
            connection.execute(statement)
    return target


def with_house(target: Database, tables: Mapping[str, HouseTable]) -> Database:
    """The same database with tables of the house in settings."""
    return Database(target.name, target.url, tables=tables)


def query(target: Database, statement: str) -> list[tuple[Any, ...]]:
    """Rows of a query, `{name}` in it standing for a table of ours."""
    with connect(target) as connection:
        return connection.rows(statement.format_map(_Names(target)))


def run(target: Database, *statements_: str) -> None:
    """Run statements, `{name}` in them standing for a table of ours."""
    with connect(target) as connection, connection.transaction():
        for statement in statements_:
            connection.execute(statement.format_map(_Names(target)))


def brought(target: Database) -> dict[str, list[tuple[Any, ...]]]:
    """What a target holds, but for when it arrived."""
    shown = {
        "claims": "practice_id, claim_number, payer_sequence, job_id, line_count, charge_total, member_id",
        "claim_lines": "claim_number, line_number, job_id, procedure_code, charge_amount, line_note",
        "claim_findings": "job_id, finding_number, code",
        "jobs": "job_id, status",
    }
    return {
        table: sorted(query(target, f"SELECT {columns} FROM {{{table}}}")) for table, columns in shown.items()
    }


def left_over(target: Database) -> dict[str, int]:
    """Rows in staging and kept versions: none of the first after a delivery."""
    tables = [*(f"{table}_staging" for table in TARGET_TABLES), "claims_before", "claim_lines_before"]
    with connect(target) as connection:
        names = _Names(target)
        counts = {table: int(connection.value(f"SELECT count(*) FROM {names[table]}")) for table in tables}
    return {table: rows for table, rows in counts.items() if rows}


def claims_outbox(
    directory: Path, job: str, claims: Mapping[str, tuple[int, str]], *, batch_claims: int = 2
) -> Outbox:
    """An outbox of claims by number, each so many lines of so much."""
    lines = [
        line(number, nth, row_number=10 * i + nth, charge_amount=Decimal(amount))
        for i, (number, (count, amount)) in enumerate(claims.items())
        for nth in range(1, count + 1)
    ]
    return outbox(directory / job, lines, job=job, batch_claims=batch_claims)


class _Names(dict[str, str]):
    def __init__(self, target: Database) -> None:
        self._target = target

    def __missing__(self, table: str) -> str:
        name = f'"{self._target.prefix}{table}"'
        return name if self._target.schema is None else f'"{self._target.schema}".{name}'
