"""The temporary files of a run: parts put aside, sealed, and trouble told as what it is (a full disk)."""

from __future__ import annotations

import errno
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import polars as pl

from claimsctl.errors import StoreError
from claimsctl.facts.coded import is_coded
from claimsctl.facts.table import closure
from claimsctl.facts.typed import TEXT_SUFFIX, Layout
from claimsctl.security.files import disk_hint
from claimsctl.security.spills import read_spill, write_spill
from claimsctl.validate.cross import ROW
from claimsctl.write.trouble import system_error

COMPRESSION: Final = "lz4"


@contextmanager
def temporary_files() -> Iterator[None]:
    """Turn what the system refused inside the block into a StoreError; errors of outputs are that already."""
    try:
        yield
    except (OSError, pl.exceptions.PolarsError) as error:
        number = system_error(error)
        if number is None:
            raise
        raise StoreError(
            f"Cannot use the temporary files in the workspace: {os.strerror(number)}.",
            hint=disk_hint(errno.ENOSPC if number == errno.EIO else number),
        ) from None


def write_aside(rows: pl.DataFrame, path: Path) -> None:
    """Write a raw part to a temporary file; codes go as numbers."""
    numbers = [series.to_physical() for series in rows.iter_columns() if is_coded(series)]
    write_spill(rows.with_columns(numbers), path)


def read_aside(
    path: Path, coded: Mapping[str, pl.DataType], columns: Collection[str] | None = None
) -> pl.DataFrame:
    """Read a part written by `write_aside`; `coded` has the types of its coded columns."""
    rows = read_spill(path, columns)
    return rows.with_columns(pl.col(n).cat.to(kind) for n, kind in coded.items() if n in rows.columns)


def coded_types(rows: pl.DataFrame) -> dict[str, pl.DataType]:
    """Coded columns of a part and their types."""
    return {name: kind for name, kind in rows.schema.items() if isinstance(kind, pl.Categorical)}


def raw_columns(layout: Layout, names: Collection[str]) -> set[str]:
    """The raw columns that hold what the named columns and facts are made from, and the row's place."""
    columns, _ = closure(names)
    given = {layout.columns.get(name.removesuffix(TEXT_SUFFIX)) for name in columns}
    return {ROW, "row_number", *layout.full_names.values(), *(raw for raw in given if raw is not None)}
