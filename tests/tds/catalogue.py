"""Tables and columns as SQL Server's catalogue tells them: sys.* and INFORMATION_SCHEMA, in SQLite.

They are ordinary tables of the database behind, so a rollback takes back what a transaction created.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.tds.types import MAX, SqlType, parse_type

_TYPES = [
    ("varchar", 167, 8000), ("char", 175, 8000), ("nvarchar", 231, 8000), ("nchar", 239, 8000),
    ("int", 56, 4),
    ("bigint", 127, 8), ("smallint", 52, 2), ("tinyint", 48, 1), ("bit", 104, 1), ("decimal", 106, 17),
    ("numeric", 108, 17), ("float", 62, 8), ("real", 59, 4), ("date", 40, 3), ("time", 41, 5),
    ("datetime2", 42, 8),
    ("datetime", 61, 8), ("varbinary", 165, 8000), ("binary", 173, 8000), ("uniqueidentifier", 36, 16),
]  # fmt: skip
_TYPE_IDS = {name: number for name, number, _ in _TYPES}

_SETUP = (Path(__file__).parent / "catalogue.sql").read_text(encoding="utf-8")


@dataclass(frozen=True)
class ColumnDef:
    name: str
    type: SqlType
    nullable: bool = True
    collation: str = ""
    default: str = ""
    identity: bool = False


@dataclass(frozen=True)
class KeyDef:
    """A primary key, unique constraint or index."""

    name: str
    columns: tuple[str, ...]
    unique: bool
    primary: bool = False
    constraint: bool = False


@dataclass
class TableDef:
    """`name` with its schema, as SQLite names the table."""

    name: str
    columns: list[ColumnDef]
    keys: list[KeyDef] = field(default_factory=list)
    object_id: int = 0

    def column(self, name: str) -> ColumnDef | None:
        wanted = name.lower()
        return next((column for column in self.columns if column.name.lower() == wanted), None)


def set_up(connection: sqlite3.Connection) -> None:
    """A new database: an empty catalogue."""
    connection.executescript(_SETUP)
    rows = [(name, number, 256 if name == "sysname" else number, size) for name, number, size in _TYPES]
    connection.executemany('INSERT INTO "sys.types" VALUES (?, ?, ?, ?, 0, 4)', rows)


def note_table(connection: sqlite3.Connection, table: TableDef) -> None:
    """Add a table; its schema is there."""
    schema, _, name = table.name.partition(".")
    (schema_id,) = connection.execute(
        'SELECT schema_id FROM "sys.schemas" WHERE name = ?', [schema]
    ).fetchone()
    cursor = connection.execute(
        "INSERT INTO \"sys.objects\" VALUES (NULL, ?, ?, 0, 'U', 'USER_TABLE', 0, NULL)", [name, schema_id]
    )
    table.object_id = int(cursor.lastrowid or 0)
    for column in table.columns:
        note_column(connection, table.object_id, column)
    for key in table.keys:
        note_key(connection, table, key)


def note_column(connection: sqlite3.Connection, object_id: int, column: ColumnDef) -> None:
    kind = column.type
    numeric = kind.name in ("decimal", "numeric")
    sizes = {name: size for name, _, size in _TYPES}
    length = sizes[kind.name]
    if kind.is_text or "binary" in kind.name:
        length = MAX if kind.length == MAX else kind.length * (2 if kind.national else 1)
    precision = (
        kind.precision
        if numeric
        else {"int": 10, "bigint": 19, "smallint": 5, "tinyint": 3}.get(kind.name, 0)
    )
    (number,) = connection.execute(
        'SELECT count(*) FROM "sys.columns" WHERE object_id = ?', [object_id]
    ).fetchone()
    collation = (column.collation or "SQL_Latin1_General_CP1_CI_AS") if kind.is_text else None
    row: Sequence[Any] = (
        object_id, column.name, number + 1, _TYPE_IDS[kind.name], _TYPE_IDS[kind.name], length, precision,
        kind.scale,
        collation, int(column.nullable), int(column.identity), 0,
        object_id + 1000000 * (number + 1) if column.default else 0, str(kind),
        column.default or None,
    )  # fmt: skip
    connection.execute(f'INSERT INTO "sys.columns" VALUES ({", ".join("?" * len(row))})', row)


def note_key(connection: sqlite3.Connection, table: TableDef, key: KeyDef) -> None:
    (count,) = connection.execute(
        'SELECT count(*) FROM "sys.indexes" WHERE object_id = ?', [table.object_id]
    ).fetchone()
    clustered = key.primary
    row = (
        table.object_id, key.name, count + 1, 1 if clustered else 2,
        "CLUSTERED" if clustered else "NONCLUSTERED",
        int(key.unique), int(key.primary), int(key.constraint and not key.primary), 0, 0, None, 0,
    )  # fmt: skip
    connection.execute(f'INSERT INTO "sys.indexes" VALUES ({", ".join("?" * len(row))})', row)
    numbers = [column.name.lower() for column in table.columns]
    connection.executemany(
        'INSERT INTO "sys.index_columns" VALUES (?, ?, ?, ?, ?, 0, 0)',
        [
            (table.object_id, count + 1, at, numbers.index(name.lower()) + 1, at)
            for at, name in enumerate(key.columns, 1)
        ],
    )


def forget(connection: sqlite3.Connection, object_id: int) -> None:
    """Take a table or view out."""
    for table in ("objects", "columns", "indexes", "index_columns"):
        connection.execute(f'DELETE FROM "sys.{table}" WHERE object_id = ?', [object_id])


def digest(connection: sqlite3.Connection) -> str:
    """The same for the same tables, whichever file they are in."""
    (told,) = connection.execute(
        "SELECT group_concat(told) FROM ("
        'SELECT object_id || quote(name) || schema_id || type AS told FROM "sys.objects" UNION ALL '
        "SELECT object_id || quote(name) || declared || is_nullable || quote(collation_name) "
        "|| quote(default_text) "
        'FROM "sys.columns" UNION ALL '
        'SELECT object_id || quote(name) || is_unique || is_primary_key FROM "sys.indexes" UNION ALL '
        'SELECT quote(name) FROM "sys.schemas")'
    ).fetchone()
    return hashlib.sha256(str(told).encode()).hexdigest()


def read(connection: sqlite3.Connection) -> dict[str, TableDef]:
    """All tables by their name with schema, in lower case; the catalogue's own among them."""
    tables: dict[str, TableDef] = {}
    by_id: dict[int, TableDef] = {}
    for object_id, schema, name in connection.execute(
        'SELECT o.object_id, s.name, o.name FROM "sys.objects" o'
        ' JOIN "sys.schemas" s ON s.schema_id = o.schema_id'
        " WHERE o.type = 'U'"
    ):
        by_id[object_id] = tables[f"{schema}.{name}".lower()] = TableDef(
            f"{schema}.{name}", [], [], object_id
        )
    for object_id, name, declared, nullable, collation, identity in connection.execute(
        'SELECT object_id, name, declared, is_nullable, collation_name, is_identity FROM "sys.columns"'
        " ORDER BY object_id, column_id"
    ):
        column = ColumnDef(
            name, parse_type(declared), bool(nullable), collation or "", identity=bool(identity)
        )
        by_id[object_id].columns.append(column)
    keys: dict[tuple[int, str, int, int, int], list[str]] = {}
    for object_id, key, unique, primary, constraint, column in connection.execute(
        "SELECT i.object_id, i.name, i.is_unique, i.is_primary_key, i.is_unique_constraint, c.name"
        ' FROM "sys.indexes" i'
        ' JOIN "sys.index_columns" x ON x.object_id = i.object_id AND x.index_id = i.index_id'
        ' JOIN "sys.columns" c ON c.object_id = i.object_id AND c.column_id = x.column_id'
        " ORDER BY i.object_id, i.index_id, x.key_ordinal"
    ):
        keys.setdefault((object_id, key, unique, primary, constraint), []).append(column)
    for (object_id, key, unique, primary, constraint), columns in keys.items():
        definition = KeyDef(key, tuple(columns), bool(unique), bool(primary), bool(constraint or primary))
        by_id[object_id].keys.append(definition)
    return tables
