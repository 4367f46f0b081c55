"""The output directory of one job: files are written aside and appear under their names together."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import BinaryIO, Final, Protocol, Self

from claimsctl.errors import InternalError, OutputError
from claimsctl.write.marker import (
    MARKER,
    SUMMARY,
    job_of,
    outputs_of,
    read_marker,
    remove_below,
    remove_unfinished,
    take_lock,
)
from claimsctl.write.trouble import ELSEWHERE, writing

_SCRATCH: Final = "xlsx"
_ORDER: Final = ("accepted", "held", "rejected", "malformed", "errors", "report")


class Stoppable(Protocol):
    """A writer that can let go of its file without finishing it."""

    def stop(self) -> None:
        """Close the file as it is; called once, on abort."""


class OutputDir:
    """Files of one job in one directory, renamed to their final names by `commit()`.

    Directories are made 0700, files 0600. As a context manager it aborts unless committed. A
    directory that another job finished, or is writing to now, is refused; what a killed job left
    unfinished is removed. Made without `create` it takes no hold of the directory, which is the user's
    own then; `replaces` lets it replace files of the same names. `instead_of` is a job whose finished
    output is replaced as a whole by that of this one; `hint` is told where there is that of another.
    """

    def __init__(
        self,
        path: Path,
        job_id: str,
        *,
        replaces: bool = False,
        instead_of: str | None = None,
        hint: str = ELSEWHERE,
    ) -> None:
        self.path = path
        self.job_id = job_id
        self._instead_of = instead_of
        self._hint = hint
        self._stale: list[str] = []
        self._made: list[Path] = []
        self._temps: dict[str, Path] = {}
        self._writers: list[Stoppable] = []
        self._scratch: Path | None = None
        self._replaces = replaces
        self._lock: int | None = None
        self._done = False

    @classmethod
    def create(
        cls, path: str | Path, job_id: str, *, instead_of: str | None = None, hint: str = ELSEWHERE
    ) -> Self:
        """Claim the directory, making it where needed; OutputError when it is another job's."""
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", job_id):
            raise InternalError(f"{job_id!r} cannot be part of a file name.")
        self = cls(Path(path), job_id, instead_of=instead_of, hint=hint)
        try:
            _refuse_link(self.path)
            with writing(self.path):
                self._make(self.path)
                self._claim()
        except BaseException:
            self.abort()
            raise
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._done:
            self.abort()

    def temp_path(self, name: str) -> Path:
        """Create the empty file that will become `name` ("errors.csv", "rejected/june.csv")."""
        relative = PurePosixPath(name)
        if relative.is_absolute() or ".." in relative.parts or name in self._temps:
            raise InternalError(f"{name!r} is not a new name below the output directory.")
        final = self.path / relative
        temp = final.with_name(f".{final.name}.partial-{self.job_id}")
        with writing(final):
            if final.parent != self.path:
                _refuse_link(final.parent)
            self._make(final.parent)
            self._refuse_existing(final)
            temp.unlink(missing_ok=True)
            os.close(os.open(temp, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        self._temps[name] = temp
        return temp

    def open_temp(self, name: str) -> BinaryIO:
        """Open the file that will become `name`, for binary writing; the caller closes it."""
        temp = self.temp_path(name)
        with writing(self.path / name):
            return temp.open("wb")

    def scratch(self) -> Path:
        """A private directory for temporary files, gone after commit or abort."""
        if self._scratch is None:
            scratch = self.path / f".{_SCRATCH}.partial-{self.job_id}"
            with writing(scratch):
                scratch.mkdir(mode=0o700)
            self._scratch = scratch
        return self._scratch

    def register(self, writer: Stoppable) -> None:
        """Have `writer.stop()` called on abort, until `release(writer)`."""
        self._writers.append(writer)

    def release(self, writer: Stoppable) -> None:
        """Forget a writer that has finished its file."""
        if writer in self._writers:
            self._writers.remove(writer)

    def commit(self) -> dict[str, Path]:
        """Rename every file to its final name, summary.json last; name -> path.

        When one rename fails none of the files keeps its final name.
        """
        if self._writers:
            raise InternalError(f"{len(self._writers)} output files are not closed.")
        names = sorted(self._temps, key=_rank)
        done: list[str] = []
        try:
            with writing(self.path):
                for name in names:
                    _flush_to_disk(self._temps[name])
                    self._refuse_existing(self.path / name)
                if self._lock is not None:
                    self._note([*names, *self._stale])
                    if self._replaces:
                        (self.path / SUMMARY).unlink(missing_ok=True)
                    self._remove_stale(names)
                for name in names:
                    self._temps[name].replace(self.path / name)
                    done.append(name)
                _flush_to_disk(self.path)
        except BaseException:
            for name in done:
                with suppress(OSError):
                    (self.path / name).replace(self._temps[name])
            raise
        self._done = True
        self._temps.clear()
        self._let_go()
        return {name: self.path / name for name in names}

    def abort(self) -> None:
        """Remove everything this job wrote here, and directories it made that are empty."""
        for writer in self._writers:
            with suppress(Exception):
                writer.stop()
        self._writers.clear()
        for temp in self._temps.values():
            with suppress(OSError):
                temp.unlink(missing_ok=True)
        self._temps.clear()
        self._let_go()
        for made in reversed(self._made):
            with suppress(OSError):
                made.rmdir()
        self._done = True

    def _make(self, path: Path) -> None:
        missing = []
        while not path.is_dir():
            if path.exists() or path.is_symlink():
                raise OSError(errno.EEXIST, "exists", str(path))
            missing.append(path)
            path = path.parent
        for new in reversed(missing):
            with suppress(FileExistsError):  # another run may make the same parent
                new.mkdir(mode=0o700)
                self._made.append(new)

    def _refuse_existing(self, final: Path) -> None:
        if os.path.lexists(final) and not self._replaces:
            raise OutputError(
                f"{final} exists already; another run's output is never overwritten.",
                hint="Choose another place with --out, or move the file away.",
            )

    def _claim(self) -> None:
        marker = self.path / MARKER
        self._lock = take_lock(marker)
        if self._lock is None:
            owner = read_marker(marker).get("job_id", "another job")
            raise OutputError(f"{self.path} is being written to by {owner}.", hint=f"Wait, or: {ELSEWHERE}")
        remove_unfinished(self.path, read_marker(marker))
        summary = self.path / SUMMARY
        if os.path.lexists(summary):
            owner = job_of(summary)
            if owner not in (self.job_id, self._instead_of):
                raise OutputError(
                    f"{self.path} holds the output of another run; it is never overwritten.", hint=self._hint
                )
            self._replaces = True
            self._stale = outputs_of(summary) if owner == self._instead_of else []
        self._note([])

    def _note(self, names: list[str]) -> None:
        """Leave word of what is under way, for whoever finds the directory after a kill."""
        (self.path / MARKER).write_text(json.dumps({"job_id": self.job_id, "files": names}), "utf-8")

    def _remove_stale(self, names: Sequence[str]) -> None:
        """Remove files of the replaced job that this one does not have."""
        for name in self._stale:
            if name not in names:
                remove_below(self.path, name)
        for folder in ("rejected", "held"):
            with suppress(OSError):
                (self.path / folder).rmdir()

    def _let_go(self) -> None:
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch = None
        if self._lock is not None:
            with suppress(OSError):
                (self.path / MARKER).unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None


def _refuse_link(directory: Path) -> None:
    """Whoever makes a link in a place that others may write to would choose where patients' data goes."""
    if directory.is_symlink():
        raise OutputError(
            f"{directory} is a link; results are only written into directories.",
            hint="Name the directory that it leads to.",
        )


def _rank(name: str) -> tuple[int, str]:
    if name == SUMMARY:
        return len(_ORDER) + 1, name
    stem = re.split(r"[./]", name, maxsplit=1)[0]
    return (_ORDER.index(stem) if stem in _ORDER else len(_ORDER)), name


def _flush_to_disk(path: Path) -> None:
    """Have the bytes on disk before a name says they are; directories where the system allows it."""
    if path.is_dir() and sys.platform == "win32":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems cannot
            raise
    finally:
        os.close(descriptor)
