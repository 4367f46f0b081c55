"""A file in, files of the user's own names out beside it: what `fix` and `price` share."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import polars as pl

from claimsctl.errors import UsageError
from claimsctl.ingest.mapping import required_columns
from claimsctl.ingest.sources import RawPart, Source
from claimsctl.process.intake import Input
from claimsctl.process.request import Request
from claimsctl.process.short_records import without_shifted


def raw_parts(each: Input, request: Request, needed: Collection[str] | None = None) -> Iterator[RawPart]:
    """An input part by part, as a run of the request reads it.

    As there, a record that lacks a required column (`needed`, else those of the profile) or a delimiter is
    broken, not short, and `limit` ends the reading.
    """
    needed = required_columns(request.profile) if needed is None else needed
    required = frozenset(index for name, index in each.header_map.columns.items() if name in needed)
    left = request.limit
    for part in each.source.parts(request.batch_size, required_indexes=required):
        part = without_shifted(part, each, request.run_date)
        if left is None:
            yield part
            continue
        part = part.head(left)
        yield part
        left -= part.rows.height
        if left <= 0:
            break


def with_blank_rows(rows: pl.DataFrame, blank: pl.Series) -> pl.DataFrame:
    """The rows of a part and its blank ones, in file order."""
    if not len(blank):
        return rows
    empty = blank.alias("row_number").to_frame()
    return pl.concat([rows, empty], how="diagonal").sort("row_number", maintain_order=True)


def refuse_taken(paths: Iterable[Path], sources: Iterable[Source], *, replace: bool) -> None:
    """Raise UsageError when one of the files to write is an input, or is there and may not be replaced."""
    inputs = {source.file.identity for source in sources}
    for path in paths:
        with suppress(FileNotFoundError, NotADirectoryError):
            found = path.stat()
            if (found.st_dev, found.st_ino) in inputs:
                raise UsageError(
                    f"{path} is the input itself, which is never changed.", hint="Give another --out."
                )
        if os.path.lexists(path) and not replace:
            raise UsageError(
                f"{path} exists already and may hold your claims.",
                hint="Give another --out, or replace it with --yes.",
            )


def left_out(source: Source, what: str) -> Iterator[str]:
    """What of the input does not stand in `what` is written of it."""
    yield from source.notes()
    above = (source.header_row_number or 1) - 1
    if above:
        yield f"What stands above the header in the input ({above:,} lines) is not in the {what}."


def job_name(command: str) -> str:
    """The name of this process in the names of files it is still writing."""
    return f"{command}-{os.getpid()}"


def remove_leftovers(paths: Collection[Path], folder: Path, command: str) -> None:
    """Remove what killed runs of a command left half-written for these names: it holds patient data."""
    ours = {*(path.name for path in paths), "xlsx"}
    with suppress(OSError):
        for path in folder.iterdir():
            left = re.fullmatch(rf"\.(.+)\.partial-{command}-([0-9]+)", path.name)
            if left is None or left[1] not in ours or _lives(int(left[2])):
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another account's
        return True
    return True
