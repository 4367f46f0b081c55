"""What an account remembers, apart from the workspace, of the last record it signed: whoever cuts off the end
of the audit file cannot make it forget.
"""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from claimsctl.security.audit_lines import START, Entry
from claimsctl.security.files import FILE_MODE, disk_errors, private_directory
from claimsctl.security.keys import config_directory

if TYPE_CHECKING:
    from claimsctl.security.keys import KeyOwner

_LOST: Final = "lost"
_LONGEST: Final = 200


def memory_of(workspace: KeyOwner) -> Path:
    """Where an account keeps number and hash of the last record it signed.

    A copy of the workspace in another place has a memory of its own.
    """
    return _memory(workspace.id, str(workspace.audit_log.absolute()), os.environ.get("CLAIMSCTL_CONFIG_DIR"))


@lru_cache(maxsize=4)
def _memory(workspace_id: str, audit_log: str, _config: str | None) -> Path:
    place = hashlib.sha256(os.fsencode(audit_log)).hexdigest()[:8]
    return config_directory() / "keys" / f"{workspace_id}-{place}.audit"


def remembered(memory: Path) -> tuple[int, str] | None:
    """Number and hash of a record that was there; None where nothing is remembered."""
    try:
        return _read(memory.read_bytes())
    except OSError:
        return None


def remember(memory: Path, entry: Entry, before: Entry | None) -> None:
    """Remember a signed record of the file that ended with `before`.

    Written in place and not waited for: it may be behind the file, never before it. Where the file did not
    lead on from what is remembered, that stays, so that `audit verify` goes on to tell of it.
    """
    text = f"{entry['seq']:>12} {entry['hash']}\n".encode()
    with disk_errors(memory, "write"):
        try:
            handle = os.open(memory, os.O_RDWR | os.O_CREAT, FILE_MODE)
        except FileNotFoundError:
            private_directory(memory.parent)
            handle = os.open(memory, os.O_RDWR | os.O_CREAT, FILE_MODE)
        try:
            there = os.pread(handle, _LONGEST, 0)
            if there.split()[2:] == [_LOST.encode()]:
                return
            if _leads_on(_read(there), before):
                os.pwrite(handle, text, 0)
            else:
                os.pwrite(handle, f" {_LOST}\n".encode(), len(text) - 1)
        finally:
            os.close(handle)


def _leads_on(known: tuple[int, str] | None, before: Entry | None) -> bool:
    """Whether a file that ends with `before` may have the record that is known; others may have written."""
    if known is None:
        return True
    seq, hash_ = (0, START) if before is None else (before.get("seq"), before.get("hash"))
    return not isinstance(seq, int) or known[0] < seq or known == (seq, hash_)


def _read(text: bytes) -> tuple[int, str] | None:
    try:
        seq, hash_, *_ = text.decode("ascii").split()
        return int(seq), hash_
    except ValueError:
        return None
