"""One session's database: SQLite behind, transactions as SQL Server has them, errors with its numbers.

SQLite has one writer at a time, so a transaction takes the write lock with its first change and others wait
for it, at most LOCK_TIMEOUT; reads see what is committed, as with READ_COMMITTED_SNAPSHOT.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.tds import catalogue
from tests.tds.catalogue import TableDef
from tests.tds.ddl import Definer, kind_of
from tests.tds.errors import SqlError
from tests.tds.functions import FUNCTIONS, compare_binary, compare_like_server, convert
from tests.tds.guesses import server_property, tried, typed
from tests.tds.refusals import refusal
from tests.tds.tokens import Column
from tests.tds.translate import Translated, Translator
from tests.tds.types import MAX, TEXT, SqlType

if TYPE_CHECKING:
    from tests.tds.server import TdsServer

_PATIENCE = 30.0  # for the write lock, where LOCK_TIMEOUT says nothing
_PEEK = 500
VERSION = "Microsoft SQL Server 2022 (TDS test server) - 16.0.0.0"


@dataclass
class Result:
    """What a statement brought: a table, or a count of rows (-1: it counts nothing)."""

    columns: list[Column] | None = None
    rows: Iterator[tuple[Any, ...]] = field(default_factory=lambda: iter(()))
    count: int = -1


class Engine:
    """Runs statements; `pause` waits a little and raises when the client has lost patience."""

    def __init__(self, server: TdsServer, pause: Callable[[float], None], user: str) -> None:
        self.locks, self.faults, self.known = server.locks, server.faults, server.known
        self.pause, self.user = pause, user
        self.schema = "dbo"
        self.transactions = 0
        self.writing = False
        self.format_only = False
        self.lock_timeout = -1
        self.globals: dict[str, Any] = {"ROWCOUNT": 0, "ERROR": 0, "SPID": 52, "VERSION": VERSION}
        self._failed: SqlError | None = None
        self._tables: dict[str, TableDef] | None = None
        self._version = -1
        self._translations: dict[str, Translated] = {}
        self._converters: set[str] = set()
        self._connection = open_file(server.file)
        self._functions()

    def _functions(self) -> None:
        for name, count, function, steady in FUNCTIONS:
            self._register(name, count, function, steady)
        self._register("tsql_global", 1, self._global, False)
        self._register("tsql_number", 1, lambda v: v if not isinstance(v, str) else float(v), True)
        self._register("tsql_scaled", 2, lambda v, s: None if v is None else f"{v:.{s}f}", True)
        for count in (1, 2):
            self._register("object_id", count, self._object_id, False)
        self._register("schema_id", 1, self._schema_id, False)
        self._register("db_name", 0, lambda: "claims", True)
        self._register("suser_sname", 0, lambda: self.user, True)
        self._register("serverproperty", 1, server_property, True)
        self._register("has_perms_by_name", 3, self._has_permission, False)

    def _register(self, name: str, count: int, function: Callable[..., Any], steady: bool) -> None:
        def guarded(*values: Any) -> Any:
            try:
                return function(*values)
            except SqlError as error:
                self._failed = error
                raise

        self._connection.create_function(name, count, guarded, deterministic=steady)

    def converter(self, kind: SqlType, how: str) -> str:
        """The name of the function that casts, tries to cast, or stores (how) as this type."""
        name = f"{how}_{kind.name}_{kind.length}_{kind.precision}_{kind.scale}".replace("-1", "max")
        if name not in self._converters:
            self._converters.add(name)
            if how == "store":
                self._register(name, 2, lambda value, column: convert(value, kind, column), True)
            elif how == "cast":
                self._register(name, 1, lambda value: convert(value, kind), True)
            else:
                self._register(name, 1, lambda value: tried(value, kind), True)
        return name

    def _global(self, name: str) -> Any:
        if name == "TRANCOUNT":
            return self.transactions
        if name not in self.globals:
            raise SqlError(50000, f"TDS test server: it does not know @@{name}")
        return self.globals[name]

    def _object_id(self, name: str, _: str = "U") -> int | None:
        parts = [part.strip('[]"') for part in re.findall(r'\[[^\]]+\]|"[^"]+"|[^.\[\]"]+', name)]
        table = self.tables().get(self.resolve(parts).lower())
        return table.object_id if table is not None else None

    def _schema_id(self, name: str) -> int | None:
        row = self._connection.execute(
            'SELECT schema_id FROM "sys.schemas" WHERE name = ?', [name]
        ).fetchone()
        return row[0] if row else None

    def _has_permission(self, thing: str | None, kind: str | None, permission: str) -> int | None:
        if kind is not None and kind.upper() == "OBJECT":
            if self._object_id(thing or "") is None:
                return None
            return int(self.faults.allows(permission.upper(), re.sub(r'[\[\]"]', "", thing or "")))
        return int(self.faults.allows(permission.upper()))

    def resolve(self, names: list[str]) -> str:
        return f"{(names[-2] if len(names) > 1 else '') or self.schema}.{names[-1]}"

    def tables(self) -> dict[str, TableDef]:
        """The catalogue as this session sees it now."""
        (version,) = self._connection.execute("PRAGMA schema_version").fetchone()
        if self._tables is None or version != self._version:
            digest = catalogue.digest(self._connection)
            if digest not in self.known:
                self.known[digest] = catalogue.read(self._connection), {}
            self._tables, self._translations = self.known[digest]
            self._version = version
            self._converters_of_defaults()
        return self._tables

    def _converters_of_defaults(self) -> None:
        """Defaults and checks that another session declared need its functions here too."""
        for (text,) in self._connection.execute(
            "SELECT sql FROM sqlite_master WHERE sql LIKE '%\\_0%' ESCAPE '\\'"
        ):
            for how, name, *sizes in re.findall(
                r"\b(CAST|TRY)_([A-Z]+2?)_(\d+|max)_(\d+)_(\d+)\(", text, re.I
            ):
                length, precision, scale = (MAX if size.lower() == "max" else int(size) for size in sizes)
                self.converter(SqlType(name.lower(), length, precision, scale), how.lower())

    def translated(self, text: str) -> Translated:
        tables = self.tables()
        if text not in self._translations:
            self._translations[text] = Translator(tables, self.schema, self.converter).statement(text)
        found = self._translations[text]
        for kind, how in found.converters:
            self.converter(kind, how)
        return found

    def query(self, text: str, values: dict[str, Any]) -> Result:
        """A SELECT, INSERT, UPDATE or DELETE."""
        statement = self.translated(text)
        for permission, table in statement.needs:
            self.faults.check(permission, table)
        if self.format_only:
            columns = statement.columns or (self._described(statement, values) if statement.rows else None)
            return Result(typed(columns, []) if columns else None)
        if statement.writes:
            return self._change(lambda: self._rows(statement, values))
        return self._rows(statement, values)

    def define(self, text: str) -> Result:
        """A CREATE, ALTER or DROP."""
        self.faults.check(kind_of(text))
        translator = Translator(self.tables(), self.schema, self.converter)
        definer = Definer(self._connection, self.tables(), self.resolve, translator.expression)

        def run() -> Result:
            definer.run(text)
            return Result()

        try:
            return self._change(run)
        finally:
            self._tables = None

    def _change(self, act: Callable[[], Result]) -> Result:
        self.take_write_lock()
        self._connection.execute("SAVEPOINT statement")
        try:
            result = act()
            self._connection.execute("RELEASE statement")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK TO statement")
                self._connection.execute("RELEASE statement")
            if self.transactions == 0:
                self._end("ROLLBACK")
            raise
        if self.transactions == 0:
            self._end("COMMIT")
        return result

    def take_write_lock(self) -> None:
        """Wait for other writers; 1222 when that takes longer than LOCK_TIMEOUT."""
        patience = _PATIENCE if self.lock_timeout < 0 else self.lock_timeout / 1000
        until = time.monotonic() + patience
        while not self.writing:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                self.writing = True
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() >= until:
                    raise SqlError(1222, "Lock request time out period exceeded.") from None
                self.pause(0.01)

    def _rows(self, statement: Translated, values: dict[str, Any]) -> Result:
        try:
            cursor = self._connection.execute(statement.sql, values)
            if not statement.rows:
                return Result(count=cursor.rowcount)
            names = [each[0] for each in cursor.description]
            first = cursor.fetchmany(_PEEK)
        except sqlite3.Error as error:
            raise self._problem(error, statement) from None
        described = statement.columns or [Column(name, None) for name in names]  # type: ignore[arg-type]
        if statement.writes:
            first += cursor.fetchall()
        return Result(typed(described, first), self._streamed(first, cursor, statement), -2)

    def _streamed(
        self, first: list[tuple[Any, ...]], cursor: sqlite3.Cursor, statement: Translated
    ) -> Iterator[tuple[Any, ...]]:
        yield from first
        try:
            yield from cursor
        except sqlite3.Error as error:
            raise self._problem(error, statement) from None

    def _described(self, statement: Translated, values: dict[str, Any]) -> list[Column]:
        cursor = self._connection.execute(f"SELECT * FROM ({statement.sql}) LIMIT 0", values)
        return [Column(each[0], TEXT) for each in cursor.description]

    def _problem(self, error: sqlite3.Error, statement: Translated) -> SqlError:
        failed, self._failed = self._failed, None
        return failed if failed is not None else refusal(str(error), statement, self.tables())

    def begin(self) -> None:
        self.transactions += 1

    def commit(self) -> None:
        if self.transactions == 0:
            raise SqlError(3902, "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.")
        self.transactions -= 1
        if self.transactions == 0:
            self._end("COMMIT")

    def rollback(self, savepoint: str = "") -> None:
        if self.transactions == 0:
            raise SqlError(3903, "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION.")
        if savepoint:
            self._connection.execute(f'ROLLBACK TO "save_{savepoint}"')
            self._tables = None
            return
        self.transactions = 0
        self._end("ROLLBACK")

    def save(self, name: str) -> None:
        self.take_write_lock()
        self._connection.execute(f'SAVEPOINT "save_{name}"')

    def _end(self, how: str) -> None:
        if self.writing:
            self._connection.execute(how)
        self.writing = False
        self.locks.release(self)
        if how == "ROLLBACK":
            self._tables = None

    def close(self) -> None:
        """The session ends: what was not committed is gone."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self.locks.release(self)
        self._connection.close()


def open_file(file: Path) -> sqlite3.Connection:
    """A connection with SQL Server's order of texts."""
    connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=10)
    connection.create_collation("tsql_ci", compare_like_server)
    connection.create_collation("tsql_bin", compare_binary)
    connection.create_function("tsql_global", 1, lambda name: None)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA busy_timeout = 0")  # from here on sessions wait by themselves
    return connection
