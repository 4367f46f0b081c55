"""Carries a batch out: variables, IF, SET, EXEC and transactions here, the rest by the engine."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from tests.tds.engine import Engine, Result
from tests.tds.errors import SqlError, untranslatable
from tests.tds.functions import convert
from tests.tds.procedures import datatype_info, undeclared_parameters
from tests.tds.tsql import Statement, listed, split, text_of, tokens_of
from tests.tds.types import SqlType, parse_type

_SWITCHES = (
    "ANSI_NULLS|ANSI_PADDING|ANSI_WARNINGS|ANSI_NULL_DFLT_ON|ANSI_DEFAULTS|ARITHABORT|CONCAT_NULL_YIELDS_NULL|"
    "CURSOR_CLOSE_ON_COMMIT|NUMERIC_ROUNDABORT|QUOTED_IDENTIFIER"
)
_IGNORED = re.compile(
    rf"SET\s+((?:{_SWITCHES})(?:\s*,\s*(?:{_SWITCHES}))*\s+(ON|OFF)|TEXTSIZE\s+\d+|ROWCOUNT\s+0|LANGUAGE\s+\S+|"
    r"DATEFORMAT\s+ymd|DATEFIRST\s+\d|DEADLOCK_PRIORITY\s+\S+|IMPLICIT_TRANSACTIONS\s+OFF|"
    r"TRANSACTION\s+ISOLATION\s+LEVEL\s+(READ\s+COMMITTED|READ\s+UNCOMMITTED|REPEATABLE\s+READ|SNAPSHOT))\s*",
    re.I,
)
_SWITCH = re.compile(r"SET\s+(XACT_ABORT|NOCOUNT|FMTONLY|LOCK_TIMEOUT)\s+(\S+)\s*", re.I)


class Listener(Protocol):
    """Takes what statements bring, in order."""

    def result(self, result: Result, statement: Statement) -> None: ...
    def failed(self, error: SqlError, *, rolled_back: bool) -> None: ...
    def transaction(self, what: str) -> None: ...
    def say(self, number: int, text: str) -> None: ...


class Stop(Exception):
    """RETURN, or an error that ends the batch."""


class Session:
    """What outlives a batch: settings, and how statements are carried out."""

    def __init__(self, engine: Engine, carried: Callable[[str, Callable[[], Result]], Result]) -> None:
        self.engine, self.carried = engine, carried
        self.xact_abort = self.no_count = False

    def settings(self) -> tuple[bool, bool, bool, int]:
        """What SET has set."""
        return self.xact_abort, self.no_count, self.engine.format_only, self.engine.lock_timeout

    def set_back(self, settings: tuple[bool, bool, bool, int]) -> None:
        self.xact_abort, self.no_count, self.engine.format_only, self.engine.lock_timeout = settings

    def reset(self) -> None:
        """As for a connection that a pool hands out anew."""
        self.set_back((False, False, False, -1))
        if self.engine.transactions:
            self.engine.rollback()

    def run(self, text: str, values: dict[str, Any], listener: Listener) -> None:
        """All statements of a batch; errors go to the listener."""
        with suppress(Stop):
            try:
                self.block(split(text), values, listener)
            except SqlError as error:
                self.tell(error, listener)

    def tell(self, error: SqlError, listener: Listener) -> None:
        """Report an error; with XACT_ABORT, and after a deadlock, the transaction is gone."""
        self.engine.globals["ERROR"] = error.number
        gone = self.engine.transactions > 0 and (self.xact_abort or error.ends_transaction)
        if gone:
            self.engine.rollback()
        listener.failed(error, rolled_back=gone)
        if error.ends_batch or self.xact_abort or gone:
            raise Stop

    def block(self, statements: list[Statement], values: dict[str, Any], listener: Listener) -> None:
        for statement in statements:
            try:
                self.step(statement, values, listener)
            except SqlError as error:
                self.tell(error, listener)

    def step(self, statement: Statement, values: dict[str, Any], listener: Listener) -> None:
        head, text = statement.head, statement.text
        if head == "BLOCK":
            self.block(statement.body, values, listener)
        elif head == "IF":
            branch = statement.body if self.holds(statement.condition, values) else statement.otherwise
            self.block(branch, values, listener)
        elif head == "DECLARE":
            self.declare(text, values)
        elif head == "SET":
            self.set(text, values)
        elif head in ("EXEC", "EXECUTE"):
            self.execute(text, values, listener)
        elif head.startswith("SP_"):  # the first word of a batch may be a procedure
            self.execute(f"EXEC {text}", values, listener)
        elif head == "PRINT":
            listener.say(0, str(self.value(text[5:], values)))
        elif head in ("THROW", "RAISERROR"):
            self.raise_error(head, text, values)
        elif head == "RETURN":
            raise Stop
        elif head == "USE":
            if tokens_of(text)[1].name.lower() not in ("claims", "master"):
                raise SqlError(911, f"Database '{tokens_of(text)[1].name}' does not exist.")
        else:
            self.carry_out(statement, values, listener)

    def carry_out(self, statement: Statement, values: dict[str, Any], listener: Listener) -> None:
        """What goes into the log and meets faults: queries, changes, definitions, transactions."""
        head, text, engine = statement.head, statement.text, self.engine
        if head in ("BEGIN TRANSACTION", "COMMIT", "ROLLBACK", "SAVE"):
            self.carried(text, lambda: self.transact(head, text, listener))
            return
        if head in ("CREATE", "ALTER", "DROP"):
            result = self.carried(text, lambda: engine.define(text))
        elif head in ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "TRUNCATE"):
            assigned = re.match(r"SELECT\s+(@\w+)\s*=(.*)", text, re.I | re.S)
            if assigned:
                row = next(engine.query(f"SELECT {assigned[2]}", values).rows, None)
                if row is not None:
                    values[assigned[1][1:]] = row[0]
                return
            result = self.carried(text, lambda: engine.query(text, values))
        else:
            raise untranslatable("it does not know this statement", text)
        listener.result(result, statement)

    def transact(self, head: str, text: str, listener: Listener) -> Result:
        words = tokens_of(text)
        named = (
            words[-1].name if len(words) > 1 and words[-1].word not in ("TRAN", "TRANSACTION", "WORK") else ""
        )
        before = self.engine.transactions
        if head == "BEGIN TRANSACTION":
            self.engine.begin()
        elif head == "COMMIT":
            self.engine.commit()
        elif head == "SAVE":
            self.engine.save(named)
        else:
            self.engine.rollback(named)
        if bool(before) != bool(self.engine.transactions):
            listener.transaction(head)
        return Result()

    def value(self, expression: str, values: dict[str, Any]) -> Any:
        rows = self.engine.query(f"SELECT {expression}", values).rows
        return next(rows)[0]

    def holds(self, condition: str, values: dict[str, Any]) -> bool:
        rows = self.engine.query(f"SELECT CASE WHEN {condition} THEN 1 ELSE 0 END", values).rows
        return bool(next(rows)[0])

    def declare(self, text: str, values: dict[str, Any]) -> None:
        for part in listed(tokens_of(text)[1:]):
            name = part[0].name
            rest = text[part[1].start : part[-1].end] if len(part) > 1 else ""
            kind, _, value = rest.partition("=")
            declared = parse_type(re.sub(r"^AS\s+", "", kind, flags=re.I))
            values[name[1:]] = convert(self.value(value, values), declared) if value else None

    def set(self, text: str, values: dict[str, Any]) -> None:
        if assigned := re.match(r"SET\s+@(\w+)\s*=(.*)", text, re.I | re.S):
            values[assigned[1]] = self.value(assigned[2], values)
        elif switch := _SWITCH.fullmatch(text):
            name, value = switch[1].upper(), switch[2].upper()
            if name == "LOCK_TIMEOUT":
                self.engine.lock_timeout = int(value)
            elif name == "FMTONLY":
                self.engine.format_only = value == "ON"
            elif name == "NOCOUNT":
                self.no_count = value == "ON"
            else:
                self.xact_abort = value == "ON"
        elif not _IGNORED.fullmatch(text):
            raise untranslatable("it does not know this setting", text)

    def raise_error(self, head: str, text: str, values: dict[str, Any]) -> None:
        parts = listed(tokens_of(re.sub(rf"^{head}\s*\(?", "", text, flags=re.I).removesuffix(")")))
        given = [
            text_of(p[0]) if p[0].kind == "text" else values.get(p[0].name[1:], p[0].text) for p in parts
        ]
        if head == "THROW":
            raise SqlError(int(given[0]), str(given[1]))
        raise SqlError(50000, str(given[0]))

    def execute(self, text: str, values: dict[str, Any], listener: Listener) -> None:
        """EXEC of a text, or of a procedure with named or ordered arguments."""
        tokens = tokens_of(text)[1:]
        if tokens and tokens[0].word == "(":
            inner = text[tokens[0].end : tokens[-1].start]
            self.block(split(str(self.value(inner, values))), values, listener)
            return
        into = ""
        if len(tokens) > 1 and tokens[1].word == "=":
            into, tokens = tokens[0].name[1:], tokens[2:]
        at = 1
        while at + 1 < len(tokens) and tokens[at].word == ".":
            at += 2
        name = tokens[at - 1].name.lower()
        arguments: dict[str, Any] = {}
        for number, part in enumerate(listed(tokens[at:])):
            key = str(number)
            if len(part) > 2 and part[1].word == "=":
                key, part = part[0].name[1:].lower(), part[2:]
            arguments[key] = self.value(text[part[0].start : part[-1].end], values)
        status = self.call(name, arguments, listener, text)
        if into:
            values[into] = status

    def call(self, name: str, arguments: dict[str, Any], listener: Listener, text: str) -> int:
        """A procedure of the server; its return value."""
        if name == "sp_getapplock":
            return self.carried(text, lambda: Result(count=self.application_lock(arguments))).count
        if name == "sp_releaseapplock":
            return 0 if self.engine.locks.release(self.engine, str(arguments.get("resource"))) else -999
        if name == "sp_executesql":
            self.block(split(str(arguments.get("0", arguments.get("stmt")))), {}, listener)
            return 0
        if name in ("sp_datatype_info", "sp_datatype_info_100"):
            wanted = int(arguments.get("data_type", arguments.get("0", 0)))
            listener.result(datatype_info(wanted), Statement("SELECT", text))
            return 0
        if name == "sp_describe_undeclared_parameters":
            described = undeclared_parameters(self.engine, str(arguments.get("tsql", arguments.get("0"))))
            listener.result(described, Statement("SELECT", text))
            return 0
        raise SqlError(2812, f"Could not find stored procedure '{name}'.")

    def application_lock(self, arguments: dict[str, Any]) -> int:
        resource = str(arguments.get("resource", arguments.get("0")))
        if str(arguments.get("lockmode", arguments.get("1"))).lower() != "exclusive":
            raise untranslatable("it knows exclusive application locks only", resource)
        owner = str(arguments.get("lockowner", arguments.get("2", "transaction"))).lower()
        if owner == "transaction" and self.engine.transactions == 0:
            raise SqlError(
                15600, "An invalid parameter or option was specified for procedure 'sys.sp_getapplock'."
            )
        patience = int(arguments.get("locktimeout", arguments.get("3", -1)))
        until = time.monotonic() + (patience / 1000 if patience >= 0 else 3600)
        waited = 0
        while not self.engine.locks.take(resource, self.engine):
            if time.monotonic() >= until:
                return -1
            waited = 1
            self.engine.pause(0.005)
        return waited


def declared_parameters(text: str | None) -> list[tuple[str, SqlType]]:
    """Names without @, and types, of what sp_executesql and its like declare."""
    found = []
    for part in listed(tokens_of(text or "")):
        source = (text or "")[part[1].start : part[-1].end]
        found.append((part[0].name[1:], parse_type(source)))
    return found
