"""Private files: directories 0700, files 0600, complete or absent, disk trouble told plainly."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from claimsctl.errors import StoreError

DIRECTORY_MODE = 0o700
FILE_MODE = 0o600

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


@contextmanager
def disk_errors(path: Path, doing: str) -> Iterator[None]:
    """Turn an OSError into a StoreError that says what was being done, where, and what helps."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StoreError(f"Cannot {doing} {path}: {reason}.", hint=disk_hint(error.errno)) from error


def disk_hint(number: int | None) -> str:
    """What the user can do about an errno."""
    if number in _FULL:
        return "Free some space there and run again; what was stored before is untouched."
    if number in _FORBIDDEN:
        return "Check who may write there, or name another workspace with --workspace."
    return "Check the place, or name another workspace with --workspace."


def private_directory(path: Path) -> None:
    """Create a directory that only its owner may enter; an existing one of ours loses looser rights."""
    with disk_errors(path, "create the directory"):
        path.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        tighten(path, DIRECTORY_MODE)


def tighten(path: Path, mode: int) -> None:
    """Take away rights of group and others where the path is ours."""
    found = path.stat()
    if found.st_mode & 0o077 and found.st_uid == os.geteuid():
        with suppress(PermissionError):
            path.chmod(mode)


def write_private(path: Path, data: bytes) -> None:
    """Write a file so that it is complete or not there at all, replacing an earlier one."""
    with disk_errors(path, "write"):
        aside = _write_aside(path, data)
        try:
            os.replace(aside, path)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise


def create_private(path: Path, data: bytes) -> bool:
    """Write a file unless it exists; False when it does. Of several processes exactly one wins."""
    with disk_errors(path, "write"):
        if path.exists():
            return False
        aside = _write_aside(path, data)
        try:
            os.link(aside, path)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            os.replace(aside, path)  # a file system without hard links: nearly as good
        finally:
            aside.unlink(missing_ok=True)
    return True


def sync_directory(path: Path) -> None:
    """Make renames in a directory survive a power failure where the system allows it."""
    with suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def private_umask() -> Iterator[None]:
    """Files that libraries create in the block are 0600. Process-wide, so keep the block short."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def _write_aside(path: Path, data: bytes) -> Path:
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    return aside
