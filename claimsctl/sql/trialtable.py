"""The table of a trial: a column of every type that our tables have, and values at the edge of each."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final

from claimsctl.sql.column import SqlColumn
from claimsctl.sql.database import Database
from claimsctl.sql.ddl import DdlDialect, sql_type
from claimsctl.sql.dialects import grammar_of

TRIAL: Final[tuple[tuple[SqlColumn, Any], ...]] = (
    (SqlColumn("code", "code", "", length=10), "99213-25"),
    (SqlColumn("fixed_code", "code", "", length=2, fixed=True), "01"),
    (SqlColumn("unicode_text", "text", "", length=60), "Zoë O'Ñuñez-Łukasz 李小龙 😀 “a;b”"),
    (SqlColumn("day", "date", ""), date(1900, 1, 1)),
    (SqlColumn("time_of_day", "time", ""), time(23, 59, 59)),
    (SqlColumn("moment", "timestamp", ""), datetime(2026, 6, 30, 23, 59, 59, 997_000)),  # noqa: DTZ001
    (SqlColumn("money", "decimal", "", precision=12, scale=2), Decimal("9999999999.99")),
    (SqlColumn("small_money", "decimal", "", precision=12, scale=2), Decimal("-0.01")),
    (SqlColumn("factor", "decimal", "", precision=12, scale=4), Decimal("12345678.0001")),
    (SqlColumn("number", "integer", ""), -(2**31)),
    (SqlColumn("big_number", "bigint", ""), 2**63 - 1),
    (SqlColumn("flag", "flag", ""), True),
)
"""Every type that our tables have, with values at its edge."""


class TrialTable:
    """The table of a trial, and statements over it."""

    def __init__(self, database: Database, dialect: DdlDialect, *, temporary: bool = False) -> None:
        self._dialect = dialect
        bare = f"{database.prefix}trial_{secrets.token_hex(4)}"
        self.temporary = temporary
        self.quote = grammar_of(database).quote
        if temporary and dialect == "mssql":
            self.name = self.quote(f"#{bare}")
        else:
            self.name = grammar_of(database).table(None if temporary else database.schema, bare)

    def create(self) -> str:
        """Makes the table."""
        columns = ", ".join(
            f"{self.quote(column.name)} {sql_type(self._dialect, column)} NULL" for column, _ in TRIAL
        )
        kind = "TEMPORARY TABLE" if self.temporary and self._dialect != "mssql" else "TABLE"
        return f"CREATE {kind} {self.name} ({columns})"

    def insert(self) -> str:
        """Puts one row in; values are named as the columns."""
        names = ", ".join(self.quote(column.name) for column, _ in TRIAL)
        places = ", ".join(f":{column.name}" for column, _ in TRIAL)
        return f"INSERT INTO {self.name} ({names}) VALUES ({places})"

    def values(self, instead: Mapping[str, Any]) -> dict[str, Any]:
        """The values of the trial as the driver takes them, with others in place of some."""
        given = {column.name: instead.get(column.name, value) for column, value in TRIAL}
        if self._dialect != "sqlite":
            return given
        return {name: str(v) if isinstance(v, Decimal | date | time) else v for name, v in given.items()}


def differing_columns(read: list[tuple[Any, ...]]) -> list[str]:
    """Names of columns that differ in what was read: the row of values, then the row of nulls."""
    if len(read) != 2:
        return [f"{len(read)} rows of 2"]
    wrong = [
        column.name for (column, value), back in zip(TRIAL, read[0], strict=True)
        if _same(column, back) != _same(column, value)
    ]  # fmt: skip
    nulls = [column.name for (column, _), back in zip(TRIAL, read[1], strict=True) if back is not None]
    return [*wrong, *(f"null of {name}" for name in nulls)]


def _same(column: SqlColumn, value: Any) -> Any:
    """A value in the one form in which drivers' answers can be compared."""
    if value is None:
        return None
    match column.kind:
        case "decimal":
            return Decimal(str(value))
        case "flag":
            return bool(value)
        case "timestamp":
            moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
            return moment.isoformat(timespec="milliseconds")
        case "date" | "time":
            return value.isoformat() if isinstance(value, date | time) else str(value)
        case _:
            return value
