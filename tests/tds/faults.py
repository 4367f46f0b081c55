"""What goes wrong on request, and what was asked: fault switches, rights, the log."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.tds.errors import Dropped, SqlError

MESSAGES = {
    1205: "Transaction (Process ID 52) was deadlocked on lock resources with another process and has been "
    "chosen as the deadlock victim. Rerun the transaction.",
    1222: "Lock request time out period exceeded.",
    2601: "Cannot insert duplicate key row in object 'dbo.t' with unique index 'ix'.",
    2627: "Violation of PRIMARY KEY constraint 'pk'. Cannot insert duplicate key in object 'dbo.t'.",
    10928: "Resource ID : 1. The request limit for the database is 60 and has been reached.",
    40197: "The service has encountered an error processing your request. Please try again. "
    "Error code 40143.",
    40501: "The service is currently busy. Retry the request after 10 seconds.",
    40613: "Database 'claims' on server 'test' is not currently available. Please retry the connection "
    "later.",
    49918: "Cannot process request. Not enough resources to process request.",
}


@dataclass
class Fault:
    """Acts on the statements (as sent, without parameters) that `matching` finds: `times` from the `nth`."""

    matching: str
    act: Callable[[], None] | None
    nth: int = 1
    times: int = 1
    after: bool = False  # only once the statement was carried out: the answer is lost, not the work
    delay: float = 0.0
    seen: int = 0

    def meets(self, text: str) -> bool:
        if not re.search(self.matching, text, re.I | re.S):
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times


@dataclass
class Faults:
    """The switches of a server; statements of logins are texts beginning with LOGIN."""

    faults: list[Fault] = field(default_factory=list)
    denied: list[tuple[str, str]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def error(self, number: int, *, matching: str, nth: int = 1, times: int = 1, message: str = "") -> Fault:
        """Answer with this error instead of carrying the statement out."""

        def act() -> None:
            raise SqlError(number, message or MESSAGES[number])

        return self._add(Fault(matching, act, nth, times))

    def drop(self, *, matching: str, nth: int = 1, times: int = 1, after: bool = False) -> Fault:
        """Cut the connection before the statement, or after it was carried out and before it is answered."""

        def act() -> None:
            raise Dropped

        return self._add(Fault(matching, act, nth, times, after))

    def slow(self, seconds: float, *, matching: str, nth: int = 1, times: int = 1) -> Fault:
        """Wait before the statement; the client may lose patience."""
        return self._add(Fault(matching, None, nth, times, delay=seconds))

    def deny(self, permission: str, table: str = "") -> None:
        """Take a right away: SELECT, INSERT, UPDATE, DELETE on a table (229), CREATE TABLE (262)."""
        self.denied.append((permission.upper(), table.lower()))

    def clear(self) -> None:
        self.faults.clear()
        self.denied.clear()

    def _add(self, fault: Fault) -> Fault:
        self.faults.append(fault)
        return fault

    def due(self, text: str, *, after: bool = False) -> list[Fault]:
        with self._lock:
            return [fault for fault in self.faults if fault.after == after and fault.meets(text)]

    def allows(self, permission: str, table: str = "") -> bool:
        name = table.lower()
        return not any(p == permission and t in ("", name, name.rpartition(".")[2]) for p, t in self.denied)

    def check(self, permission: str, table: str = "") -> None:
        """Raise what SQL Server says when the right is missing."""
        if self.allows(permission, table):
            return
        if permission.startswith(("CREATE", "ALTER")):
            raise SqlError(262, f"{permission} permission denied in database 'claims'.")
        schema, _, name = table.rpartition(".")
        raise SqlError(
            229,
            f"The {permission} permission was denied on the object '{name}', database 'claims', "
            f"schema '{schema}'.",
        )


@dataclass
class Log:
    """Statements as they were carried out, and messages that travelled; both in order."""

    statements: list[str] = field(default_factory=list)
    round_trips: int = 0
    logins: int = 0

    def clear(self) -> None:
        self.statements.clear()
        self.round_trips = self.logins = 0

    def count(self, matching: str) -> int:
        return sum(1 for text in list(self.statements) if re.search(matching, text, re.I | re.S))
