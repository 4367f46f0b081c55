"""Lines of the audit file: one record each, in one form, so that every changed bit shows."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from claimsctl.security.files import disk_errors

Entry = dict[str, Any]
"""A record as it stands in the file.

`seq` from 1 on, `at` (UTC), `user` (None: nobody known), `account` of the operating system, `pid`, `action`,
`count` of claims or rows (or None), `purpose`, `facts`, `prev` and `hash` (SHA-256, hex), `sig` (Ed25519 over
the hash, hex). Records from before there were signatures lack `account`, `count`, `purpose` and `sig`.
"""

START: Final = "0" * 64
"""What the first record has in place of the hash of the one before it."""
_SIGNED: Final = b"claimsctl audit record 1 "
_BLOCK: Final = 1 << 16
_FIRST_BLOCK: Final = 1 << 11
"""The last record is what is mostly wanted."""


def parse(line: bytes) -> Entry | None:
    """The record of a line, None where there is none."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and "hash" in entry else None


def written(entry: Entry) -> bytes:
    """A record as its line has it, without the line end; anything else is no record of ours."""
    return json.dumps(entry, sort_keys=True, separators=(",", ":")).encode()


def digest(entry: Entry) -> str:
    """SHA-256 of all of a record but its hash and signature."""
    return hashlib.sha256(
        written({key: value for key, value in entry.items() if key not in ("hash", "sig")})
    ).hexdigest()


def to_sign(hash_: str) -> bytes:
    """What is signed of a record; the prefix keeps the signature from meaning anything else."""
    return _SIGNED + hash_.encode("ascii", "replace")


def following(entry: Entry | None) -> int:
    """The number of the record after this one."""
    if entry is None:
        return 1
    seq = entry.get("seq")
    return seq + 1 if isinstance(seq, int) else 0


def forwards(path: Path) -> Iterator[tuple[int, bytes]]:
    """Lines with their numbers from 1 on, the oldest first; nothing where there is no file."""
    with disk_errors(path, "read the audit file"):
        if not path.exists():
            return
        with path.open("rb") as file:
            yield from enumerate(file, 1)


def backwards(handle: int, end: int | None = None) -> Iterator[bytes]:
    """Lines of an open file, without their ends, the newest first; `end`: the first bytes only."""
    start, rest = os.fstat(handle).st_size if end is None else end, b""
    first, block = True, _FIRST_BLOCK
    while start > 0:
        step, block = min(block, start), _BLOCK
        start -= step
        lines = (os.pread(handle, step, start) + rest).split(b"\n")
        if first and not lines[-1]:
            lines.pop()
        first = False
        rest = lines.pop(0)
        yield from reversed(lines)
    if rest or not first:
        yield rest
