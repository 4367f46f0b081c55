"""Moving files out of an inbox, so that a kill neither loses nor doubles one."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from claimsctl.errors import InternalError, OutputError
from claimsctl.ingest.stream import InputFile
from claimsctl.process.beside import job_name, remove_leftovers
from claimsctl.security.files import DIRECTORY_MODE, sync_directory
from claimsctl.write.trouble import writing

_NO_LINKS: Final = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


def unchanged(file: InputFile) -> bool:
    """Whether the file is there as it was found."""
    try:
        found = file.path.stat()
    except OSError:
        return False
    now = (found.st_size, found.st_mtime_ns, (found.st_dev, found.st_ino))
    return now == (file.size, file.modified_ns, file.identity)


def move(file: InputFile, directory: Path, name: str) -> Path:
    """Move a file to `name` below a directory; where it is now. OutputError says why it stays.

    Another file of that name is never replaced: the moved one becomes NAME-2. A kill at any moment leaves
    the content in one place or in both; moving it again then ends with one.
    """
    source = file.path
    first = directory / name
    with writing(first):
        for above in first.relative_to(directory).parents:
            if above != Path() and (directory / above).is_symlink():
                raise OutputError(
                    f"{directory / above} is a link; files of the inbox are only moved into directories.",
                    hint="Remove the link; the file stays where it is.",
                )
        make_directory(first.parent)
        for target in _names(first):
            while True:
                if os.path.lexists(target):
                    if not _is_copy(file, target):
                        break
                    source.unlink()  # a move that a kill cut short
                    return target
                try:
                    _place(source, target)
                except FileExistsError:
                    continue  # somebody was faster: look at theirs
                if unchanged(file):  # and not a new file of the same name
                    source.unlink()
                sync_directory(target.parent)
                return target
    raise InternalError("There are no names left.")


def make_directory(path: Path) -> None:
    """Make a directory that only its owner may enter; one that is there keeps its rights."""
    path.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)


def _names(path: Path) -> Iterator[Path]:
    """june.csv, june-2.csv, june-3.csv, ..."""
    yield path
    stem, dot, suffix = path.name.partition(".")
    number = 2
    while True:
        yield path.with_name(f"{stem}-{number}{dot}{suffix}")
        number += 1


def _is_copy(file: InputFile, target: Path) -> bool:
    found = target.lstat()
    if (found.st_dev, found.st_ino) == file.identity:
        return True
    same = target.is_file() and not target.is_symlink() and found.st_size == file.size
    return same and InputFile.at(target, str(target)).sha256() == file.sha256()


def _place(source: Path, target: Path) -> None:
    """Give the file the name `target` as well; FileExistsError when something has it."""
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno == errno.EXDEV:
            _copy(source, target)
        elif error.errno in _NO_LINKS:
            os.rename(source, target)  # nobody else moves files while the inbox is locked
        else:
            raise


def _copy(source: Path, target: Path) -> None:
    """Copy to another file system; the name appears when the copy is complete."""
    command = "inbox"
    remove_leftovers([target], target.parent, command)
    aside = target.with_name(f".{target.name}.partial-{job_name(command)}")
    try:
        with source.open("rb") as read, open(os.open(aside, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as write:
            shutil.copyfileobj(read, write, 1 << 20)
            write.flush()
            os.fsync(write.fileno())
        shutil.copystat(source, aside)
        try:
            os.link(aside, target)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            os.rename(aside, target)
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
