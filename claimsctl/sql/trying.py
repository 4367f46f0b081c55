"""Work on a database that is tried again, on a new connection, while what went wrong may go away."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from threading import local
from types import TracebackType
from typing import Final, Self, TypeVar

import stamina

from claimsctl.errors import ClaimsctlError, ConnectError, LoadError, PermissionDenied
from claimsctl.sql.connect import connect
from claimsctl.sql.connection import Connection
from claimsctl.sql.database import Database
from claimsctl.sql.dialects import LockTimeout
from claimsctl.sql.transient import Fault, fault_of

logging.getLogger("stamina").setLevel(logging.CRITICAL + 1)  # it logs arguments

Notify = Callable[[str], None]
T = TypeVar("T")

_FIRST_WAIT: Final = 0.2
_LONGEST_WAIT: Final = 10.0
_JITTER: Final = 0.5


@dataclass(frozen=True, slots=True)
class Retry:
    """For how many seconds after a failure the same is tried again; 0: not at all."""

    seconds: float = 120.0


class NotAsStaged(Exception):
    """Rows in the database are not those that were put there; another try stages them anew."""


class Trying:
    """A connection to a database that is made anew after errors that may go away.

    `at` is the table that is worked on, for messages; `retried` how often something was tried again.
    """

    def __init__(self, database: Database, retry: Retry, notify: Notify) -> None:
        self._database = database
        self._retry = retry
        self._notify = notify
        self._stack = ExitStack()
        self._connection: Connection | None = None
        self._reached = False
        self._failing_since: float | None = None
        self._once: set[str] = set()
        self._told: set[str] = set()
        self._working = local()
        self.retried = 0

    @property
    def at(self) -> str:
        """The table that this thread works on."""
        return getattr(self._working, "at", "")

    @at.setter
    def at(self, table: str) -> None:
        self._working.at = table

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def run(self, work: Callable[[Connection], T], *, standing: str) -> T:
        """What `work` returns, which begins anew after a transient error; it must leave nothing half done.

        LoadError or PermissionDenied when it cannot be done; `standing` tells them what is in the database.
        """
        self._once.clear()
        try:
            for attempt in stamina.retry_context(
                on=self._again, attempts=None, timeout=None,
                wait_initial=_FIRST_WAIT, wait_max=_LONGEST_WAIT, wait_jitter=_JITTER,
            ):  # fmt: skip
                with attempt:
                    self.retried += attempt.num > 1
                    result = work(self._connected())
        except Exception as error:
            failed = self._failed(error, standing)
            if failed is None:
                raise
            raise failed from None  # texts of drivers quote values
        self._failing_since = None
        return result

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._stack.enter_context(connect(self._database))
            self._reached = True
        return self._connection

    def _close(self) -> None:
        self._connection = None
        with suppress(Exception):  # it may be broken
            self._stack.close()
        self._stack = ExitStack()

    def _again(self, error: Exception) -> bool:
        """Whether to try again; announces why, once for each reason."""
        fault = self._fault(error)
        self._close()
        if fault is None or not fault.transient:
            return False
        if fault.verdict == "race":
            if fault.reason in self._once:
                return False
            self._once.add(fault.reason)
        now = time.monotonic()
        if self._failing_since is None:
            self._failing_since = now
        if now - self._failing_since >= self._retry.seconds:
            return False
        if fault.reason not in self._told:
            self._told.add(fault.reason)
            patience = f"trying again for up to {self._retry.seconds:g} seconds"
            self._notify(f"{self._database.name}: {fault.reason}; {patience}.")
        return True

    def _fault(self, error: BaseException) -> Fault | None:
        if isinstance(error, LockTimeout):
            return Fault("again", "another load holds the lock")
        if isinstance(error, NotAsStaged):
            return Fault("race", "staged rows are not those that were sent")
        if isinstance(error, ConnectError):
            file = self._database.file
            # A wrong host is told at once; a server that was there comes back.
            wait = self._reached if file is None else file.exists()
            return Fault("again", error.message.rstrip(".")) if wait else None
        if isinstance(error, ClaimsctlError):
            return None
        return fault_of(error)

    def _failed(self, error: Exception, standing: str) -> ClaimsctlError | None:
        """The error to tell; None where `error` tells enough itself, or is a defect."""
        if isinstance(error, ConnectError) and self._reached:
            return LoadError(error.message, hint=f"{error.hint or ''} {standing}".strip())
        if isinstance(error, NotAsStaged):
            return LoadError(f"{self._database.name}: {error}", hint=standing)
        fault = self._fault(error)
        if fault is None or isinstance(error, ClaimsctlError):
            return None
        message = f"{self._database.name}: {self._what(fault)}{fault.reason}{_coded(fault)}."
        kind = PermissionDenied if fault.verdict == "forbidden" else LoadError
        return kind(message, hint=f"{_remedy(fault)} {standing}".strip())

    def _what(self, fault: Fault) -> str:
        parts = [f"table {fault.table or self.at}"] if fault.table or self.at else []
        if fault.column:
            parts.append(f"column {fault.column}")
        if fault.constraint:
            parts.append(f"constraint {fault.constraint}")
        return f"{', '.join(parts)}: " if parts else ""


def _coded(fault: Fault) -> str:
    return f" ({fault.code})" if fault.code else ""


def _remedy(fault: Fault) -> str:
    if fault.verdict == "again":
        return "Run again later."
    if fault.verdict == "forbidden":
        return "Have the rights on the tables granted; claimsctl sql test shows what is missing."
    for words, remedy in _REMEDIES.items():
        if words in fault.reason:
            return remedy
    return "claimsctl sql test shows what the database takes."


_REMEDIES: Final = {
    "unique": "Take the key away, or take out the claims that it refuses.",
    "too long": "Widen the column to what claimsctl sql ddl says.",
    "too large": "Widen the column to what claimsctl sql ddl says.",
    "does not fit": "Give the column the type that claimsctl sql ddl says.",
    "encoding": "Use a database in UTF-8, or a column for Unicode text.",
    "NULL": "Allow NULL in the column, or give it a default.",
    "foreign key": "Take the constraint away, or fill the table it refers to first.",
    "check": "Take the constraint away, or correct the claims it refuses.",
    "missing": "claimsctl sql init makes what is missing.",
    "full": "Make room there, then run again.",
    "memory": "Make room there, then run again.",
}
