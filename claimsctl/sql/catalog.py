"""What tables a database has, and whether a column can hold what ours holds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from claimsctl.sql.connection import Connection

_FAMILIES: Final[Mapping[str, str]] = {
    word: family
    for family, words in {
        "text": "char character varchar nchar nvarchar bpchar text ntext string clob",
        "integer": "int integer int4 tinyint smallint int2 mediumint",
        "bigint": "bigint int8 hugeint",
        "decimal": "decimal numeric money smallmoney number",
        "float": "float real double float4 float8",
        "date": "date",
        "time": "time",
        "timestamp": "timestamp timestamp_ms timestamp_s timestamp_ns timestamptz datetime datetime2 "
        "smalldatetime datetimeoffset",
        "flag": "bit boolean bool",
    }.items()
    for word in words.split()
}
_WIDER: Final = frozenset({("integer", "bigint"), ("flag", "integer"), ("date", "timestamp")})
"""What else can hold a family without loss."""
_UNBOUNDED: Final = 1 << 30

_QUERY: Final = """
SELECT column_name, data_type, character_maximum_length, numeric_precision, numeric_scale, is_nullable
FROM information_schema.columns
WHERE table_name = :name AND table_schema = {schema} ORDER BY ordinal_position
"""
_CURRENT: Final = {"mssql": "SCHEMA_NAME()", "postgresql": "current_schema()", "duckdb": "current_schema()"}


@dataclass(frozen=True, slots=True)
class ColumnType:
    """A column's type: its family (text, integer, bigint, decimal, date, ...), and how much goes into it.

    `length` is in characters, 0 where none is said; `digits` are those of a decimal in all, `scale` those
    after the point. `said` is the type in the database's words.
    """

    said: str
    family: str
    length: int = 0
    digits: int = 0
    scale: int = 0
    nullable: bool = True

    def holds(self, wanted: ColumnType) -> bool:
        """Whether every value of a `wanted` column fits in."""
        if self.family != wanted.family:
            return (wanted.family, self.family) in _WIDER
        if self.family == "text":
            return (self.length or _UNBOUNDED) >= (wanted.length or _UNBOUNDED)
        if self.family == "decimal":
            whole, wanted_whole = self.digits - self.scale, wanted.digits - wanted.scale
            return not self.digits or (whole >= wanted_whole and self.scale >= wanted.scale)
        return True


def type_of(said: str, *, nullable: bool = True) -> ColumnType:
    """A type as DDL writes it: "nvarchar(60)", "decimal(12, 2)", "timestamp(3) without time zone"."""
    words = re.match(r"\s*([A-Za-z]\w*)[^(]*(?:\(\s*(\d+|max)\s*(?:,\s*(\d+)\s*)?\))?", said, re.IGNORECASE)
    if words is None:
        return ColumnType(said, said.strip().lower(), nullable=nullable)
    family = _FAMILIES.get(words[1].lower(), words[1].lower())
    first = int(words[2]) if words[2] and words[2].isdigit() else 0
    if family == "text":
        return ColumnType(said, family, length=first, nullable=nullable)
    if family == "decimal":
        return ColumnType(said, family, digits=first, scale=int(words[3] or 0), nullable=nullable)
    return ColumnType(said, family, nullable=nullable)


def columns_of(connection: Connection, name: str, schema: str | None) -> dict[str, ColumnType]:
    """The columns of a table or view by name, in order; {} where there is none, or it may not be seen.

    `schema` None: the one that the user works in.
    """
    if connection.dialect == "sqlite":
        said = connection.rows('SELECT name, type, "notnull" FROM pragma_table_info(:name)', {"name": name})
        return {column: type_of(kind, nullable=not notnull) for column, kind, notnull in said}
    if connection.dialect == "other":
        return _inspected(connection, name, schema)
    values: dict[str, Any] = {"name": name}
    if schema is not None:
        values["schema"] = schema
    where = _CURRENT[connection.dialect] if schema is None else ":schema"
    return {row[0]: _described(*row[1:]) for row in connection.rows(_QUERY.format(schema=where), values)}


def _described(kind: str, length: Any, digits: Any, scale: Any, nullable: Any) -> ColumnType:
    may_be_null = str(nullable).upper() == "YES"
    if "(" in kind:  # DuckDB
        return type_of(kind, nullable=may_be_null)
    found = type_of(kind)
    if found.family == "text":
        bounded = int(length) if length is not None and int(length) > 0 else 0
        said = f"{kind}({bounded})" if bounded else kind
        return ColumnType(said, "text", length=bounded, nullable=may_be_null)
    if found.family == "decimal":
        said = f"{kind}({digits},{scale})" if digits is not None else kind
        return ColumnType(
            said, "decimal", digits=int(digits or 0), scale=int(scale or 0), nullable=may_be_null
        )
    return ColumnType(kind, found.family, nullable=may_be_null)


def _inspected(connection: Connection, name: str, schema: str | None) -> dict[str, ColumnType]:
    import sqlalchemy as sa

    assert connection.engine_connection is not None
    try:
        found = sa.inspect(connection.engine_connection).get_columns(name, schema)
    except sa.exc.NoSuchTableError:
        return {}
    return {each["name"]: type_of(str(each["type"]), nullable=bool(each["nullable"])) for each in found}
