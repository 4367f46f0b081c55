"""Which files of an inbox are ready, and in which order."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from claimsctl.ingest.sources import is_claim_file, walk
from claimsctl.ingest.stream import InputFile

ERROR_TEXT: Final = ".error.txt"
"""Ending of the file beside a failed one that says why."""
_UNFINISHED: Final = (
    ".part", ".partial", ".tmp", ".temp", ".crdownload", ".download", ".filepart", ".swp", ".writing",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Waiting:
    """A file that is ready: its name below the inbox, and the file as it was found."""

    name: str
    file: InputFile
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Passed:
    """A file that is left where it is, and why; `written`: because it is not complete yet."""

    name: str
    reason: str
    written: bool = False


def ready_files(
    inbox: Path,
    *,
    without: Collection[Path] = (),
    settle_seconds: float = 0.0,
    priorities: Mapping[str, int] | None = None,
    priority: int = 0,
) -> tuple[list[Waiting], list[Passed]]:
    """The files of an inbox and below it: those to process, in their order, and those to leave.

    A file touched within `settle_seconds` is looked at again after that time, and left when it has
    changed. The order: higher priority (the first pattern that fits, else `priority`), then older, then
    by name. `without` are directories left out.
    """
    files: dict[str, InputFile] = {}
    passed: list[Passed] = []
    for path in walk(inbox, {each.resolve() for each in without}):
        name = path.relative_to(inbox).as_posix()
        if path.name.startswith("~$") or path.name.lower().endswith(_UNFINISHED):
            passed.append(Passed(name, "its name says that it is still being written", written=True))
        elif path.is_symlink():
            passed.append(Passed(name, "it is a link"))
        elif not path.is_file():  # a pipe would be waited for
            passed.append(Passed(name, "it is no regular file"))
        elif not path.name.endswith(ERROR_TEXT) and is_claim_file(path):
            files[name] = InputFile.at(path, str(path))
        else:
            passed.append(Passed(name, "its name is not that of a claim file"))
    young = [name for name, file in files.items() if _age(file.path) < settle_seconds]
    if young:
        time.sleep(settle_seconds)
    for name in young:
        file = files[name]
        if not file.path.exists():
            del files[name]
        elif InputFile.at(file.path, file.label) != file:
            del files[name]
            passed.append(Passed(name, "it is still being written", written=True))
    waiting = [
        Waiting(name, file, _priority(name, priorities or {}, priority)) for name, file in files.items()
    ]
    waiting.sort(key=lambda each: (-each.priority, each.file.modified_ns, each.name))
    return waiting, sorted(passed, key=lambda each: each.name)


def _age(path: Path) -> float:
    """Seconds since the content or the name last changed; copying may set an older time of the content."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0.0
    return max(time.time() - max(found.st_mtime, found.st_ctime), 0.0)


def _priority(name: str, priorities: Mapping[str, int], otherwise: int) -> int:
    last = name.rpartition("/")[2]
    fits = (number for pattern, number in priorities.items() if fnmatchcase(last, pattern))
    return next(fits, otherwise)
