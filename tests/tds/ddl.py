"""CREATE, ALTER and DROP: T-SQL's declarations into tables of SQLite and rows of the catalogue."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from dataclasses import replace

from tests.tds import catalogue
from tests.tds.catalogue import ColumnDef, KeyDef, TableDef
from tests.tds.errors import SqlError
from tests.tds.tsql import Cursor, listed, tokens_of
from tests.tds.types import parse_type

Resolve = Callable[[list[str]], str]
Expression = Callable[[str], str]

_AFFINITY = {"decimal": "NUMERIC", "numeric": "NUMERIC", "float": "REAL", "real": "REAL"}
_AFFINITY |= dict.fromkeys(("int", "bigint", "smallint", "tinyint", "bit"), "INT")
_AFFINITY |= dict.fromkeys(("varbinary", "binary", "uniqueidentifier"), "BLOB")


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class Definer:
    """Carries definitions out; `resolve` gives names their schema, `expression` translates defaults."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        tables: dict[str, TableDef],
        resolve: Resolve,
        expression: Expression,
    ) -> None:
        self.connection, self.tables = connection, tables
        self.resolve, self.expression = resolve, expression

    def run(self, text: str) -> None:
        cursor = Cursor(tokens_of(text), text)
        if cursor.take("CREATE", "TABLE"):
            self.create_table(cursor)
        elif cursor.take("CREATE", "SCHEMA"):
            self.create_schema(cursor.name())
        elif cursor.take("CREATE"):
            self.create_index(cursor)
        elif cursor.take("DROP", "TABLE"):
            self.drop_tables(cursor)
        elif cursor.take("DROP", "INDEX"):
            self.drop_index(cursor)
        elif cursor.take("DROP", "SCHEMA"):
            cursor.take("IF", "EXISTS")
            self.connection.execute('DELETE FROM "sys.schemas" WHERE name = ?', [cursor.name()])
        elif cursor.take("ALTER", "TABLE"):
            self.alter_table(cursor)
        else:
            raise cursor.unknown()

    def table(self, names: list[str]) -> TableDef:
        found = self.tables.get(self.resolve(names).lower())
        if found is None:
            raise SqlError(4902, f'Cannot find the object "{".".join(names)}" because it does not exist.')
        # A copy: what is known of the tables is shared with other sessions.
        return replace(found, columns=list(found.columns), keys=list(found.keys))

    def create_schema(self, name: str) -> None:
        if self.connection.execute('SELECT 1 FROM "sys.schemas" WHERE name = ?', [name]).fetchone():
            raise SqlError(2714, f"There is already an object named '{name}' in the database.")
        self.connection.execute(
            'INSERT INTO "sys.schemas" SELECT ?, max(schema_id) + 1, 1 FROM "sys.schemas"', [name]
        )

    def create_table(self, cursor: Cursor) -> None:
        names = cursor.names()
        table = TableDef(self.resolve(names), [])
        if table.name.lower() in self.tables:
            raise SqlError(2714, f"There is already an object named '{names[-1]}' in the database.")
        schema = table.name.partition(".")[0]
        if not self.connection.execute('SELECT 1 FROM "sys.schemas" WHERE name = ?', [schema]).fetchone():
            raise SqlError(
                2760,
                f'The specified schema name "{schema}" either does not exist or you do not have '
                "permission to use it.",
            )
        parts = []
        for part in listed(cursor.group()):
            inner = Cursor(part, cursor.text)
            if inner.word in ("CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "INDEX") and part[0].kind == "word":
                parts.append(self.constraint(inner, table))
            else:
                parts.append(self.column(inner, table))
        primary = {name.lower() for key in table.keys if key.primary for name in key.columns}
        nullable = [
            column.name for column in table.columns if column.name.lower() in primary and column.nullable
        ]
        if nullable:
            raise SqlError(
                8111, f"Cannot define PRIMARY KEY constraint on nullable column in table '{names[-1]}'."
            )
        self.connection.execute(f"CREATE TABLE {quoted(table.name)} ({', '.join(p for p in parts if p)})")
        catalogue.note_table(self.connection, table)
        for key in table.keys:
            if not key.constraint:
                self.index(table, key)

    def column(self, cursor: Cursor, table: TableDef) -> str:
        name = cursor.name()
        start = cursor.at
        cursor.name()
        if cursor.word == "(":
            cursor.group()
        kind = parse_type(cursor.source(cursor.tokens[start : cursor.at]))
        nullable, collation, default, extra, identity = True, "", "", "", False
        while cursor.at < len(cursor.tokens):
            if cursor.take("NOT", "NULL"):
                nullable = False
            elif cursor.take("NULL"):
                nullable = True
            elif cursor.take("COLLATE"):
                collation = cursor.name()
            elif cursor.take("IDENTITY"):
                if cursor.word == "(":
                    cursor.group()
                identity = True
            elif cursor.take("CONSTRAINT"):
                cursor.name()
            elif cursor.take("DEFAULT"):
                default = self.default(cursor)
            elif cursor.take("CHECK"):
                extra += f" CHECK ({self.expression(cursor.source(cursor.group()))})"
            elif cursor.take("PRIMARY", "KEY") or cursor.take("UNIQUE"):
                primary = cursor.tokens[cursor.at - 1].word == "KEY"
                cursor.take("CLUSTERED") or cursor.take("NONCLUSTERED")
                nullable = nullable and not primary
                bare = table.name.partition(".")[2]
                key = KeyDef(f"{'PK' if primary else 'UQ'}__{bare}__{name}", (name,), True, primary, True)
                table.keys.append(key)
                extra += "" if identity else " PRIMARY KEY" if primary else " UNIQUE"
            else:
                raise cursor.unknown()
        table.columns.append(ColumnDef(name, kind, nullable, collation, default, identity))
        if identity:
            return f"{quoted(name)} INTEGER PRIMARY KEY AUTOINCREMENT"
        order = ""
        if kind.is_text:
            order = " COLLATE tsql_bin" if "BIN" in collation.upper() else " COLLATE tsql_ci"
        value = f" DEFAULT ({self.expression(f'CAST({default} AS {kind})')})" if default else ""
        null = "" if nullable else " NOT NULL"
        return f"{quoted(name)} {_AFFINITY.get(kind.name, 'TEXT')}{order}{null}{value}{extra}"

    def default(self, cursor: Cursor) -> str:
        """A default: a constant, a call or anything in parentheses."""
        start = cursor.at
        if cursor.word == "(":
            cursor.group()
        else:
            cursor.at += 2 if cursor.word in ("-", "+") else 1
            if cursor.word == "(":
                cursor.group()
        return cursor.source(cursor.tokens[start : cursor.at])

    def constraint(self, cursor: Cursor, table: TableDef) -> str:
        name = cursor.name() if cursor.take("CONSTRAINT") else ""
        bare = table.name.partition(".")[2]
        if cursor.take("CHECK"):
            return f"CHECK ({self.expression(cursor.source(cursor.group()))})"
        primary = cursor.take("PRIMARY", "KEY")
        unique = primary or cursor.take("UNIQUE")
        if not unique:
            if not cursor.take("INDEX"):
                raise cursor.unknown()
            name = cursor.name()
        cursor.take("CLUSTERED") or cursor.take("NONCLUSTERED")
        columns = cursor.key_columns()
        self.options(cursor)
        key = KeyDef(name or f"{'PK' if primary else 'UQ'}__{bare}", columns, unique, primary, unique)
        table.keys.append(key)
        if not unique:
            return ""
        listing = ", ".join(quoted(each) for each in columns)
        return f"{'PRIMARY KEY' if primary else 'UNIQUE'} ({listing})"

    def options(self, cursor: Cursor) -> str:
        """What may follow a key; a filter of an index is handed on."""
        condition = ""
        while cursor.at < len(cursor.tokens):
            if cursor.take("INCLUDE") or cursor.take("WITH"):
                cursor.group()
            elif cursor.take("ON"):
                cursor.name()
            elif cursor.take("WHERE"):
                start = cursor.at
                while cursor.at < len(cursor.tokens) and cursor.word not in ("WITH", "ON"):
                    cursor.at += 1
                condition = self.expression(cursor.source(cursor.tokens[start : cursor.at]))
            else:
                raise cursor.unknown()
        return condition

    def create_index(self, cursor: Cursor) -> None:
        unique = cursor.take("UNIQUE")
        cursor.take("CLUSTERED") or cursor.take("NONCLUSTERED")
        if not cursor.take("INDEX"):
            raise cursor.unknown()
        name = cursor.name()
        if not cursor.take("ON"):
            raise cursor.unknown()
        table = self.table(cursor.names())
        if any(key.name.lower() == name.lower() for key in table.keys):
            raise SqlError(1913, f"The operation failed because an index with name '{name}' already exists.")
        key = KeyDef(name, cursor.key_columns(), unique)
        missing = next((each for each in key.columns if table.column(each) is None), None)
        if missing:
            raise SqlError(1911, f"Column name '{missing}' does not exist in the target table or view.")
        self.index(table, key, self.options(cursor))
        catalogue.note_key(self.connection, table, key)

    def index(self, table: TableDef, key: KeyDef, condition: str = "") -> None:
        columns = ", ".join(quoted(each) for each in key.columns)
        where = f" WHERE {condition}" if condition else ""
        unique = "UNIQUE " if key.unique else ""
        name = quoted(f"{table.name}.{key.name}")
        self.connection.execute(f"CREATE {unique}INDEX {name} ON {quoted(table.name)} ({columns}){where}")

    def drop_tables(self, cursor: Cursor) -> None:
        quiet = cursor.take("IF", "EXISTS")
        while True:
            names = cursor.names()
            table = self.tables.get(self.resolve(names).lower())
            if table is not None:
                self.connection.execute(f"DROP TABLE {quoted(table.name)}")
                catalogue.forget(self.connection, table.object_id)
            elif not quiet:
                raise SqlError(
                    3701,
                    f"Cannot drop the table '{'.'.join(names)}', because it does not exist or you do "
                    "not have permission.",
                )
            if not cursor.take(","):
                return

    def drop_index(self, cursor: Cursor) -> None:
        quiet = cursor.take("IF", "EXISTS")
        name = cursor.name()
        cursor.take("ON")
        table = self.table(cursor.names())
        if not quiet and all(key.name.lower() != name.lower() for key in table.keys):
            raise SqlError(3701, f"Cannot drop the index '{name}', because it does not exist.")
        self.connection.execute(f"DROP INDEX IF EXISTS {quoted(f'{table.name}.{name}')}")
        self.connection.execute(
            'DELETE FROM "sys.indexes" WHERE object_id = ? AND name = ?', [table.object_id, name]
        )

    def alter_table(self, cursor: Cursor) -> None:
        table = self.table(cursor.names())
        if cursor.take("DROP", "COLUMN"):
            name = cursor.name()
            self.connection.execute(f"ALTER TABLE {quoted(table.name)} DROP COLUMN {quoted(name)}")
            where = [table.object_id, name]
            self.connection.execute('DELETE FROM "sys.columns" WHERE object_id = ? AND name = ?', where)
        elif cursor.take("ADD"):
            self.add(cursor, table)
        else:
            raise cursor.unknown()

    def add(self, cursor: Cursor, table: TableDef) -> None:
        for part in listed(cursor.tokens[cursor.at :]):
            inner = Cursor(part, cursor.text)
            if inner.word in ("CONSTRAINT", "PRIMARY", "UNIQUE"):
                self.constraint(inner, table)
                key = table.keys[-1]
                self.index(table, key)
                catalogue.note_key(self.connection, table, key)
            else:
                declared = self.column(inner, table)
                self.connection.execute(f"ALTER TABLE {quoted(table.name)} ADD COLUMN {declared}")
                catalogue.note_column(self.connection, table.object_id, table.columns[-1])


def kind_of(text: str) -> str:
    """What a definition needs the right for: CREATE TABLE, ALTER and so on."""
    match = re.match(r"\s*(\w+)\s+(\w+)", text)
    return f"{match[1]} {match[2]}".upper() if match else ""
