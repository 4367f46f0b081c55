"""One run at a time on an inbox; what a dead run left behind holds nobody up."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from claimsctl.errors import OutsideError
from claimsctl.security.files import FILE_MODE, disk_errors
from claimsctl.store.owner import Owner

LOCK: Final = ".claimsctl-inbox"
"""The lock file in an inbox."""


@contextmanager
def locked(inbox: Path) -> Iterator[None]:
    """Hold the inbox for the block; OutsideError names the run that holds it.

    The system lets go of the lock when its process ends, however it ends. Where a file system has no
    locks, the process that the file names decides.
    """
    path = inbox / LOCK
    with disk_errors(path, "lock the inbox with"):
        handle = _taken(path)
        note = {**Owner.current().as_dict(), "since": datetime.now().astimezone().isoformat("T", "seconds")}
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(note).encode(), 0)
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        os.close(handle)


def _taken(path: Path) -> int:
    """An open descriptor with the lock."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, FILE_MODE)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _note(handle)
            os.close(handle)
            raise _held(path, holder) from None
        except OSError:
            holder = _note(handle)
            if _lives(holder, os.fstat(handle).st_mtime):
                os.close(handle)
                raise _held(path, holder) from None
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), path.stat()):
                return handle
        os.close(handle)  # its holder removed it between our open and our lock


def _note(handle: int) -> dict[str, Any]:
    try:
        note = json.loads(os.pread(handle, 4096, 0))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def _lives(note: dict[str, Any], written: float) -> bool:
    try:
        return not Owner.read(note).is_dead(written)
    except (KeyError, ValueError):
        return False


def _held(path: Path, note: dict[str, Any]) -> OutsideError:
    who = f"process {note['pid']}" if "pid" in note else "another run"
    since = f" since {note['since']}" if "since" in note else ""
    return OutsideError(
        f"The inbox {path.parent} is being worked on by {who}{since}.",
        hint="Nothing was done; run again when it has finished.",
    )
