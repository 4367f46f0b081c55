"""One process at a time at a piece of work: who comes second waits, and sees what the first did."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from claimsctl.errors import StoreError
from claimsctl.security.files import FILE_MODE, disk_errors

_WAIT_SECONDS: Final = 300.0
_ANNOUNCE_SECONDS: Final = 1.0
_LOOK_SECONDS: Final = 0.1


@contextmanager
def turn(
    path: Path, what: str, notify: Callable[[str], None], wait_seconds: float = _WAIT_SECONDS
) -> Iterator[None]:
    """Hold the lock file `path` for the block; StoreError when another process holds it for too long.

    `what` names the work in messages ("job 20260630-..."). The system lets go of the lock when its process
    ends, however it ends.
    """
    with disk_errors(path, f"lock {what} with"):
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, FILE_MODE)
    try:
        _wait(handle, what, notify, wait_seconds)
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)


def _wait(handle: int, what: str, notify: Callable[[str], None], wait_seconds: float) -> None:
    started, announced = time.monotonic(), False
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pass
        except OSError:  # a file system without locks: the store's own still holds
            return
        else:
            return
        waited = time.monotonic() - started
        if waited > wait_seconds:
            raise StoreError(
                f"{what[0].upper()}{what[1:]} is being worked on by {_holder(handle)} since {waited:.0f} s.",
                hint="Run again when it has finished.",
            )
        if waited > _ANNOUNCE_SECONDS and not announced:
            notify(f"Waiting for {_holder(handle)}, which is working on {what} ...")
            announced = True
        time.sleep(_LOOK_SECONDS)


def _holder(handle: int) -> str:
    with suppress(OSError, ValueError):
        return f"process {int(os.pread(handle, 32, 0))}"
    return "another run"
