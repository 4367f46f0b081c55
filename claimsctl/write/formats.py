"""The formats a table is written in, and which one a file's name asks for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, get_args

from claimsctl.errors import UsageError

TableFormat = Literal["csv", "xlsx", "parquet", "json"]
_FORMATS: Final[Mapping[str, TableFormat]] = {name: name for name in get_args(TableFormat)}


def format_of(out: Path | None, named: str | None) -> TableFormat:
    """The format that was named, else that of the end of the file's name; CSV without a file.

    Raises UsageError where neither says one, and where they say different ones.
    """
    said = None if out is None else _FORMATS.get(out.suffix.lower().removeprefix("."))
    if out is not None and named in _FORMATS and said not in (None, named):
        raise UsageError(
            f"{out.name} is the name of another format than {named}.",
            hint=f"Leave out --format, or end the name with .{named}.",
        )
    asked = named or ("csv" if out is None else out.suffix.lower().removeprefix("."))
    if asked not in _FORMATS:
        raise UsageError(
            f"{asked if out is None else out.name or out} does not say in which format to write.",
            hint="End it with .csv, .xlsx, .parquet or .json, or add --format.",
        )
    return _FORMATS[asked]
