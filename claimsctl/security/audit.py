"""The audit file: who did what, when, to how many; append-only lines, each bound to the one before.

A record never holds PHI: callers give counts, job ids, codes and paths. The chain (SHA-256 over the
record with the hash of its predecessor) shows altered, removed and reordered records.
"""

from __future__ import annotations

import fcntl
import getpass
import hashlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from claimsctl.errors import StoreBusy
from claimsctl.security.files import FILE_MODE, disk_errors

Fact = str | int | float | bool | None | list[str] | dict[str, int]

_START = "0" * 64
_BLOCK = 1 << 16
_WAIT_SECONDS = 30.0


class Audited(Protocol):
    """What auditing needs of a workspace."""

    @property
    def audit_log(self) -> Path:
        """Path of the audit file."""


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """What `verify` found; no problems means that the chain is whole."""

    records: int
    problems: tuple[str, ...]


def user_name() -> str:
    """Name of the account, or its number where it has no name (containers)."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def record(workspace: Audited, action: str, **facts: Fact) -> None:
    """Append one record; facts must not hold PHI. Returns when the record is on disk."""
    path = workspace.audit_log
    with disk_errors(path, "write the audit file"):
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, FILE_MODE)
        try:
            _lock(handle, path)
            _append(handle, action, facts)
        finally:
            os.close(handle)


def verify(workspace: Audited) -> AuditCheck:
    """Read the whole file and name every record that does not fit the chain."""
    count, problems = 0, []
    expected_seq, previous = 1, _START
    torn: tuple[int, str] | None = None
    for number, line in _lines(workspace.audit_log):
        entry = _parse(line)
        if entry is None:
            if torn is not None:
                problems.append(f"line {torn[0]} is unreadable")
            torn = (number, hashlib.sha256(line.rstrip(b"\n")).hexdigest())
            continue
        count += 1
        if torn is not None:
            # A torn line is what a full disk or a power failure leaves; the next record vouches for it.
            if entry.get("torn") != torn[1]:
                problems.append(f"line {torn[0]} is unreadable")
            torn = None
        elif "torn" in entry:
            problems.append(f"line {number}: a damaged line before it was removed")
        if entry.get("hash") != _digest(entry):
            problems.append(f"line {number}: the record was altered")
        if entry.get("seq") != expected_seq or entry.get("prev") != previous:
            problems.append(f"line {number}: records before it were removed, added or reordered")
        expected_seq = _next(entry)
        previous = str(entry.get("hash"))
    if torn is not None:
        problems.append(f"line {torn[0]} is unreadable")
    return AuditCheck(count, tuple(problems))


def _append(handle: int, action: str, facts: dict[str, Fact]) -> None:
    size = os.fstat(handle).st_size
    last, torn = _tail(handle, size)
    entry: dict[str, object] = {
        "seq": 1 if last is None else _next(last),
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "user": user_name(),
        "pid": os.getpid(),
        "action": action,
        "facts": facts,
        "prev": _START if last is None else str(last.get("hash")),
    }
    if torn:
        entry["torn"] = hashlib.sha256(torn).hexdigest()
    entry["hash"] = _digest(entry)
    missing_end = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
    data = (b"\n" if missing_end else b"") + _json(entry) + b"\n"
    try:
        written = os.write(handle, data)
        if written < len(data):
            written += os.write(handle, data[written:])
        os.fsync(handle)
    except OSError:
        os.ftruncate(handle, size)
        raise


def _tail(handle: int, size: int) -> tuple[dict[str, object] | None, bytes]:
    """The last readable record, and the bytes of a torn line after it."""
    start, text = size, b""
    while True:
        lines = text.split(b"\n")
        if lines and not lines[-1]:
            lines.pop()
        complete = lines if start == 0 else lines[1:]
        for back, line in enumerate(reversed(complete)):
            entry = _parse(line)
            if entry is not None:
                return entry, complete[-1] if back else b""
        if start == 0:
            return None, complete[-1] if complete else b""
        step = min(_BLOCK, start)
        start -= step
        text = os.pread(handle, step, start) + text


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with disk_errors(path, "read the audit file"):
        if not path.exists():
            return
        with path.open("rb") as file:
            yield from enumerate(file, 1)


def _parse(line: bytes) -> dict[str, object] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and "hash" in entry else None


def _next(entry: dict[str, object]) -> int:
    seq = entry.get("seq")
    return seq + 1 if isinstance(seq, int) else 0


def _digest(entry: dict[str, object]) -> str:
    body = {key: value for key, value in entry.items() if key != "hash"}
    return hashlib.sha256(_json(body)).hexdigest()


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _lock(handle: int, path: Path) -> None:
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise StoreBusy(
                    f"The audit file {path} is held by another process since {_WAIT_SECONDS:.0f} s.",
                    hint="Run again when it has finished.",
                ) from None
            time.sleep(0.005)
        else:
            return
