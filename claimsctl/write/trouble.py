"""What the operating system refuses while an output is written, in plain words."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import polars as pl

from claimsctl.errors import OutputError

ELSEWHERE: Final = "Choose another place with --out."
_REASONS: Final = {
    errno.ENOSPC: ("the disk is full.", "Free some space, or choose another disk with --out, and run again."),
    errno.EIO: ("writing failed.", "The disk may be full: free some space, or choose another with --out."),
    errno.EDQUOT: ("the disk quota is used up.", "Free some space, or choose another disk with --out."),
    errno.EFBIG: ("the file would be larger than is allowed here.", ELSEWHERE),
    errno.EACCES: ("permission denied.", f"Ask for write permission on the directory. {ELSEWHERE}"),
    errno.EPERM: ("permission denied.", f"Ask for write permission on the directory. {ELSEWHERE}"),
    errno.EROFS: ("the file system is read-only.", ELSEWHERE),
    errno.ENOTDIR: ("part of the path is a file, not a directory.", ELSEWHERE),
    errno.EEXIST: ("it exists and is not a directory.", ELSEWHERE),
    errno.ENOENT: ("the directory has gone.", "Run again; keep the output directory until the run ends."),
    errno.ENAMETOOLONG: ("the name is too long.", ELSEWHERE),
}


def system_error(error: BaseException) -> int | None:
    """The errno of what the operating system refused, also where a library wrapped it; else None."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    said = str(error)
    if "transport error" in said:  # all that Polars says when the end of a Parquet file cannot be written
        return errno.EIO
    found = re.search(r"os error (\d+)|\[Errno (\d+)\]", said)  # Polars and XlsxWriter
    return int(found[1] or found[2]) if found else None


def output_error(path: Path, error: BaseException) -> OutputError | None:
    """What the operating system refused while writing `path`, in plain words; None for other errors."""
    number = system_error(error)
    if number is None:
        return None
    reason, hint = _REASONS.get(number, (f"{os.strerror(number)}.", ELSEWHERE))
    return OutputError(f"Cannot write {path}: {reason}", hint=hint)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn operating system errors inside the block into an OutputError that names `path`."""
    try:
        yield
    except (OSError, pl.exceptions.PolarsError) as error:
        refusal = output_error(path, error)
        if refusal is None:
            raise
        raise refusal from (error if isinstance(error, OSError) else None)
