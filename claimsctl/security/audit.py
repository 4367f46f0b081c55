"""The audit file: who did what, when, to how many, for what; append-only lines, chained and signed.

A record never holds PHI: callers give counts, job ids, codes, and paths only as `audit_names` makes them. The
chain (SHA-256 over the record with the hash of its predecessor) shows altered, removed and reordered
records, the signature who wrote one; `audit_verifying` looks for both.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol, TypeVar

from claimsctl.errors import ClaimsctlError, PermissionDenied, StoreBusy
from claimsctl.security.access.opening import Access, account_name, open_access
from claimsctl.security.audit_lines import (
    START,
    Entry,
    backwards,
    digest,
    following,
    parse,
    to_sign,
    written,
)
from claimsctl.security.audit_memory import memory_of, remember
from claimsctl.security.files import FILE_MODE, disk_errors
from claimsctl.security.keys import KeyOwner
from claimsctl.settings_security import Purpose, SecuritySettings

Fact = str | int | float | bool | None | list[str] | dict[str, int]

_Denied = TypeVar("_Denied", bound=PermissionDenied)

REFUSED: Final = "refused"
"""The action of a refusal: it may be without signature, since a stranger has no key."""
UNUSUAL: Final = "unusual"
"""The action of a record on what is out of the ordinary; of refusals it may be unsigned, as they may."""

_BEGINS: Final = re.compile(
    rb'\{"account":"(?P<account>[^"]*)","action":"(?P<action>[^"]*)","at":"(?P<at>[^"]*)",'
    rb'"count":(?:null|(?P<count>\d+)),'
)
_WAIT_SECONDS = 30.0
_ANNOUNCE_SECONDS = 1.0


class Audited(KeyOwner, Protocol):
    """What auditing needs of a workspace."""

    @property
    def audit_log(self) -> Path:
        """Path of the audit file."""


@dataclass(frozen=True, slots=True)
class _Signer:
    """Who writes: None is somebody unknown. `must`: what they cannot sign they may not write."""

    access: Access | None
    must: bool

    def signature(self, hash_: str) -> str | None:
        """Hexadecimal signature, None without a key."""
        if self.access is None:
            return None
        try:
            return self.access.sign(to_sign(hash_)).hex()
        except PermissionDenied:
            # One whose secret is lost can still work on what is not sealed; `audit verify` tells of it.
            if self.must:
                raise
            return None


@dataclass(slots=True)
class _Habits:
    """What holds for the records of a command: its settings, and who is told what is unusual."""

    security: SecuritySettings
    notify: Callable[[str], None] | None = None


_habits = _Habits(SecuritySettings())
_opening: ContextVar[bool] = ContextVar("_opening", default=False)


def follow(security: SecuritySettings, notify: Callable[[str], None] | None = None) -> None:
    """Have these settings hold for the records that this process writes from now on."""
    _habits.security, _habits.notify = security, notify


def in_force() -> SecuritySettings:
    """The settings that records are written by."""
    return _habits.security


def tell(text: str) -> None:
    """Tell the user something about the audit, where they may be told."""
    if _habits.notify is not None:
        _habits.notify(text)


def record(
    workspace: Audited,
    action: str,
    *,
    notify: Callable[[str], None] | None = None,
    count: int | None = None,
    purpose: Purpose | None = None,
    **facts: Fact,
) -> None:
    """Append one record; facts must not hold PHI. Returns when the record is on disk.

    `count` is of claims or rows; `purpose` None is that of the settings in force. What is unusual about
    it is recorded and told as well. Waits for another process that writes the file, and tells `notify`
    after a second; StoreBusy after half a minute. PermissionDenied where only signed records may be
    written and nobody who may sign is there.
    """
    if action == REFUSED and _opening.get():
        return  # opening the keys to sign a refusal was refused as well: the first one is recorded
    with opened(workspace, notify, unsigned=action == REFUSED) as log:
        log.write(action, count, purpose, facts)


def refused(workspace: Audited, error: _Denied, **facts: Fact) -> _Denied:
    """Record a refusal, once for each error, and hand it back to be raised; facts must not hold PHI."""
    if not error.recorded:
        with opened(workspace, unsigned=True) as log:
            log.write(REFUSED, None, None, facts)
        error.recorded = True
    return error


class Log:
    """The audit file, locked: nobody else writes while it is open."""

    def __init__(self, handle: int, signer: _Signer, memory: Path) -> None:
        self._handle = handle
        self._signer = signer
        self._memory = memory
        self.user = signer.access.user if signer.access is not None else None
        self.account = account_name()
        self._who = (
            json.dumps(self.account)[1:-1].encode(),
            b'"user":' + json.dumps(self.user).encode() + b"}",
        )

    def write(self, action: str, count: int | None, purpose: Purpose | None, facts: dict[str, Fact]) -> None:
        """Write a record, and with it what is unusual about it."""
        from claimsctl.security.audit_watch import unusual

        entry = self.entry(action, count, purpose, facts)
        self.append(entry, *unusual(self, entry))

    def entry(self, action: str, count: int | None, purpose: Purpose | None, facts: dict[str, Fact]) -> Entry:
        """A record of now that is not in the chain yet."""
        return {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "user": self.user,
            "account": self.account,
            "pid": os.getpid(),
            "action": action,
            "count": count,
            "purpose": purpose or in_force().purpose,
            "facts": facts,
        }

    def lines_since(self, at: str) -> Iterator[tuple[str, int, bytes]]:
        """Action, count and line of the writer's records from a moment on (as `at` has it), the newest first.

        Of a line only its beginning is read: keys stand in order, so that an hour full of records costs
        little more than reading them.
        """
        for line in backwards(self._handle):
            begins = _BEGINS.match(line)
            if begins is None:
                continue
            if begins["at"].decode() < at:
                return
            if begins["account"] == self._who[0] and line.endswith(self._who[1]):
                yield begins["action"].decode(), int(begins["count"] or 0), line

    def append(self, *entries: Entry) -> None:
        """Chain, sign and write records; all of them or none are in the file when it returns."""
        size = os.fstat(self._handle).st_size
        before, torn = self._last()
        last = before
        lines = b"\n" if size > 0 and os.pread(self._handle, 1, size - 1) != b"\n" else b""
        for entry in entries:
            entry["seq"], entry["prev"] = following(last), START if last is None else str(last.get("hash"))
            if torn:
                entry["torn"], torn = hashlib.sha256(torn).hexdigest(), b""
            entry["hash"] = digest(entry)
            signature = self._signer.signature(entry["hash"])
            if signature is not None:
                entry["sig"] = signature
            lines += written(entry) + b"\n"
            last = entry
        try:
            done = os.write(self._handle, lines)
            if done < len(lines):
                done += os.write(self._handle, lines[done:])
            os.fsync(self._handle)
        except OSError:
            os.ftruncate(self._handle, size)
            raise
        if last is not None and "sig" in last:
            remember(self._memory, last, before)

    def _last(self) -> tuple[Entry | None, bytes]:
        """The last readable record, and the bytes of a torn line after it."""
        torn = b""
        for line in backwards(self._handle):
            entry = parse(line)
            if entry is not None:
                return entry, torn
            torn = torn or line
        return None, torn


@contextmanager
def opened(
    workspace: Audited, notify: Callable[[str], None] | None = None, *, unsigned: bool = False
) -> Iterator[Log]:
    """The audit file, locked. `unsigned`: records may be written that nobody signs."""
    # Before the lock: opening keys may take long, and may itself have something to record.
    signer = _signer(workspace, unsigned=unsigned)
    path = workspace.audit_log
    with disk_errors(path, "write the audit file"):
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, FILE_MODE)
        try:
            _lock(handle, path, notify)
            yield Log(handle, signer, memory_of(workspace))
        finally:
            os.close(handle)


def _signer(workspace: Audited, *, unsigned: bool) -> _Signer:
    began = _opening.set(unsigned)
    try:
        access = open_access(workspace)
    except ClaimsctlError:
        if not unsigned:
            raise
        return _Signer(None, must=False)
    finally:
        _opening.reset(began)
    return _Signer(access, must=access.managed and not unsigned)


def _lock(handle: int, path: Path, notify: Callable[[str], None] | None) -> None:
    started, announced = time.monotonic(), False
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waited = time.monotonic() - started
            if waited > _WAIT_SECONDS:
                raise StoreBusy(
                    f"The audit file {path} is held by another process since {_WAIT_SECONDS:.0f} s.",
                    hint="Run again when it has finished.",
                ) from None
            if waited > _ANNOUNCE_SECONDS and not announced and notify is not None:
                notify(f"Waiting for another process to finish with the audit file {path} ...")
                announced = True
            time.sleep(0.005)
        else:
            return
