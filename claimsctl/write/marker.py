"""The marker of an output directory: who is writing there, and what a killed job left unfinished."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Final

from claimsctl.write.trouble import writing

SUMMARY: Final = "summary.json"
MARKER: Final = ".claimsctl-job"


def clear_unfinished(path: str | Path) -> bool:
    """Remove what a killed job left unfinished in `path`; False when nothing was, or its job is alive."""
    marker = Path(path) / MARKER
    if not marker.exists():
        return False
    with writing(Path(path)):
        lock = take_lock(marker)
        if lock is None:
            return False
        try:
            remove_unfinished(Path(path), read_marker(marker))
            marker.unlink(missing_ok=True)
        finally:
            os.close(lock)
    return True


def take_lock(marker: Path) -> int | None:
    """An open descriptor that holds the marker's lock, or None while another process does."""
    while True:
        descriptor = os.open(marker, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        if sys.platform == "win32":
            return descriptor
        import fcntl

        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except OSError:  # a file system without locks: names alone have to do
            return descriptor
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), marker.stat()):
                return descriptor
        os.close(descriptor)  # its owner removed it between our open and our lock


def read_marker(marker: Path) -> dict[str, object]:
    """What a JSON file of a directory says; {} when it cannot be read."""
    try:
        note = json.loads(marker.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def job_of(summary: Path) -> object:
    """The job that a summary is of."""
    return read_marker(summary).get("job_id")


def outputs_of(summary: Path) -> list[str]:
    """Names of the output files of a run that stand in the directory of its summary."""
    outputs = read_marker(summary).get("outputs")
    paths = (
        [Path(path) for path in outputs.values() if isinstance(path, str)]
        if isinstance(outputs, dict)
        else []
    )
    folder = summary.parent
    return [path.relative_to(folder).as_posix() for path in paths if path.is_relative_to(folder)]


def remove_unfinished(path: Path, note: dict[str, object]) -> None:
    """Remove partial files of the noted job and, without a summary, files it had already renamed."""
    job_id, names = note.get("job_id"), note.get("files")
    if not isinstance(job_id, str) or not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", job_id):
        return
    for directory in (path, path / "rejected"):
        for partial in directory.glob(f".*.partial-{job_id}"):
            if partial.is_dir() and not partial.is_symlink():
                shutil.rmtree(partial, ignore_errors=True)
            else:
                partial.unlink(missing_ok=True)
    if isinstance(names, list) and not (path / SUMMARY).exists():
        for name in names:
            remove_below(path, str(name))
    with suppress(OSError):
        (path / "rejected").rmdir()


def remove_below(path: Path, name: str) -> None:
    """Remove a file of a directory that a file in it names; what leads out of the directory stays."""
    below = PurePosixPath(name)
    if below.is_absolute() or ".." in below.parts:
        return
    if (path / below).parent.resolve().is_relative_to(path.resolve()):
        (path / below).unlink(missing_ok=True)
