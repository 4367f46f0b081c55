"""The statements that make the tables of a target, in four dialects; run again, they change nothing.

DuckDB gets neither keys nor indexes: they make its bulk inserts several times slower, and a row that is
replaced within a transaction breaks them. Rows are unique there because only one process can write.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from claimsctl.errors import UsageError
from claimsctl.security.policy import Phi
from claimsctl.sql.column import SqlColumn, SqlTable
from claimsctl.sql.tables import STAGE_KEY, all_tables

DdlDialect = Literal["mssql", "postgresql", "sqlite", "duckdb"]

DDL_DIALECTS: Final[tuple[DdlDialect, ...]] = ("mssql", "postgresql", "sqlite", "duckdb")
_NAMES: Final = {
    "mssql": "SQL Server 2016 and later", "postgresql": "PostgreSQL", "sqlite": "SQLite",
    "duckdb": "DuckDB",
}  # fmt: skip
_WRITTEN: Final = {
    "plain": "as it is", "mask": "masked", "encrypt": "sealed with the key of the workspace",
    "drop": "not at all", "deidentify": "so that nobody can say who it is",
}  # fmt: skip


def ddl(dialect: DdlDialect, schema: str | None, prefix: str, phi: Phi) -> str:
    """All statements as a text to be reviewed and run; UsageError as `statements`."""
    lines = [
        f"-- Tables that claimsctl writes to: {_NAMES[dialect]}.",
        f"-- What describes a person is written {_WRITTEN[phi]}. Times are UTC.",
        "-- Running this again changes nothing.",
    ]
    for comment, statement in _all(dialect, schema, prefix, phi):
        lines += ["", *([f"-- {comment}."] if comment else []), f"{statement};"]
    return "\n".join(lines) + "\n"


def statements(dialect: DdlDialect, schema: str | None, prefix: str, phi: Phi) -> tuple[str, ...]:
    """Every statement alone, in order; UsageError for a schema where the database has none."""
    return tuple(statement for _, statement in _all(dialect, schema, prefix, phi))


def _all(dialect: DdlDialect, schema: str | None, prefix: str, phi: Phi) -> Iterator[tuple[str | None, str]]:
    """Comment and statement."""
    made = schema_statement(dialect, schema)
    if made is not None:
        yield None, made
    for table in all_tables(phi):
        first, *indexes = table_statements(dialect, schema, prefix, table)
        yield table.meaning, first
        for index in indexes:
            yield None, index


def table_statements(
    dialect: DdlDialect, schema: str | None, prefix: str, table: SqlTable
) -> tuple[str, ...]:
    """The statement that makes a table, and those that make its indexes."""
    indexes = () if dialect == "duckdb" else table.indexes
    name = f"{prefix}{table.name}"
    return (
        _table(dialect, schema, prefix, table),
        *(_index(dialect, schema, name, columns) for columns in indexes),
    )


def _quoted(dialect: DdlDialect, name: str) -> str:
    if dialect == "mssql":
        return f"[{name.replace(']', ']]')}]"
    return '"' + name.replace('"', '""') + '"'


def _full(dialect: DdlDialect, schema: str | None, name: str) -> str:
    return ".".join(_quoted(dialect, part) for part in (schema, name) if part is not None)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def schema_statement(dialect: DdlDialect, schema: str | None) -> str | None:
    """Makes the schema where it is missing; one that is there needs no right to make any.

    UsageError for a schema where the database has none.
    """
    if dialect == "sqlite" and schema not in (None, "main"):
        raise UsageError(
            f"SQLite has no schema {schema}.", hint="Leave the schema out; use a prefix, or another file."
        )
    if schema is None or (dialect, schema) in (("mssql", "dbo"), ("postgresql", "public")):
        return None
    if dialect == "mssql":
        create = _literal(f"CREATE SCHEMA {_quoted(dialect, schema)}")
        return f"IF SCHEMA_ID(N{_literal(schema)}) IS NULL EXEC (N{create})"
    if dialect == "postgresql":
        return (
            f"DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = {_literal(schema)}) "
            f"THEN CREATE SCHEMA {_quoted(dialect, schema)}; END IF; END $$"
        )
    return f"CREATE SCHEMA IF NOT EXISTS {_quoted(dialect, schema)}" if dialect == "duckdb" else None


def _table(dialect: DdlDialect, schema: str | None, prefix: str, table: SqlTable) -> str:
    name = f"{prefix}{table.name}"
    full = _full(dialect, schema, name)
    lines = [
        f"    {_quoted(dialect, column.name)} {sql_type(dialect, column)} "
        f"{'NULL' if column.nullable else 'NOT NULL'}"
        for column in table.columns
    ]
    if table.key and dialect != "duckdb":
        key = ", ".join(_quoted(dialect, column) for column in table.key)
        kind = "PRIMARY KEY CLUSTERED" if dialect == "mssql" else "PRIMARY KEY"
        lines.append(f"    CONSTRAINT {_quoted(dialect, f'pk_{name}')} {kind} ({key})")
    body = ",\n".join(lines)
    if dialect == "mssql":
        return f"IF OBJECT_ID(N{_literal(full)}, N'U') IS NULL\nCREATE TABLE {full} (\n{body}\n)"
    # What a crash of the server takes out of staging is sent again, so it need not be logged.
    kind = "UNLOGGED TABLE" if dialect == "postgresql" and table.indexes == (STAGE_KEY,) else "TABLE"
    return f"CREATE {kind} IF NOT EXISTS {full} (\n{body}\n)"


def _index(dialect: DdlDialect, schema: str | None, table: str, columns: tuple[str, ...]) -> str:
    index = f"ix_{table}_{columns[0]}"
    full = _full(dialect, schema, table)
    listed = ", ".join(_quoted(dialect, column) for column in columns)
    if dialect != "mssql":
        return f"CREATE INDEX IF NOT EXISTS {_quoted(dialect, index)} ON {full} ({listed})"
    kind = "CLUSTERED INDEX" if columns == STAGE_KEY else "INDEX"
    return (
        f"IF NOT EXISTS (SELECT 1 FROM sys.indexes WHERE object_id = OBJECT_ID(N{_literal(full)}) "
        f"AND name = N{_literal(index)})\n"
        f"CREATE {kind} {_quoted(dialect, index)} ON {full} ({listed})"
    )


def sql_type(dialect: DdlDialect, column: SqlColumn) -> str:
    """The type of a column."""
    match column.kind:
        case "code" | "text":
            return _text_type(dialect, column)
        case "date":
            return "date"
        case "time":
            return "time" if dialect in ("sqlite", "duckdb") else "time(0)"
        case "timestamp":
            return {"mssql": "datetime2(3)", "duckdb": "timestamp_ms"}.get(dialect, "timestamp(3)")
        case "decimal":
            return f"decimal({column.precision}, {column.scale})"
        case "integer":
            return "int" if dialect == "mssql" else "integer"
        case "bigint":
            return "bigint"
        case "flag":
            return "bit" if dialect == "mssql" else "boolean"


def _text_type(dialect: DdlDialect, column: SqlColumn) -> str:
    """PostgreSQL pads char(n) with blanks that show, so that it gets varchar; DuckDB has no lengths."""
    if dialect == "duckdb":
        return "varchar"
    if dialect == "mssql" and column.kind == "text":
        return f"nvarchar({column.length})"
    fixed = column.fixed and dialect != "postgresql"
    return f"{'char' if fixed else 'varchar'}({column.length})"
