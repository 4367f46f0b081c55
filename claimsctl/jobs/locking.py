"""One retry, resume or rollback of a job at a time: who comes second waits, and sees what the first did."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from claimsctl.errors import StoreError
from claimsctl.security.files import FILE_MODE, disk_errors
from claimsctl.store.workspace import Workspace

_WAIT_SECONDS: Final = 300.0
_ANNOUNCE_SECONDS: Final = 1.0
_LOOK_SECONDS: Final = 0.1


@contextmanager
def job_lock(
    workspace: Workspace,
    job_id: str,
    notify: Callable[[str], None],
    wait_seconds: float = _WAIT_SECONDS,
) -> Iterator[None]:
    """Hold a job for the block; StoreError when another process holds it for too long.

    The system lets go of the lock when its process ends, however it ends.
    """
    path = workspace.job_directory(job_id) / "lock"
    with disk_errors(path, "lock the job with"):
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, FILE_MODE)
    try:
        _wait(handle, job_id, notify, wait_seconds)
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)


def _wait(handle: int, job_id: str, notify: Callable[[str], None], wait_seconds: float) -> None:
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
                f"Job {job_id} is being worked on by {_holder(handle)} since {waited:.0f} s.",
                hint="Run again when it has finished.",
            )
        if waited > _ANNOUNCE_SECONDS and not announced:
            notify(f"Waiting for {_holder(handle)}, which is working on job {job_id} ...")
            announced = True
        time.sleep(_LOOK_SECONDS)


def _holder(handle: int) -> str:
    with suppress(OSError, ValueError):
        return f"process {int(os.pread(handle, 32, 0))}"
    return "another run"
