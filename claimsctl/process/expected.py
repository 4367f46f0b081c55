"""Expected findings, for packs tested in CI: a CSV file of rows and codes, compared with what is found."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from claimsctl.errors import InputError, OutputError
from claimsctl.validate.language.types import did_you_mean

COLUMNS: Final = ("row_number", "code", "field")
_TYPES: Final = {"row_number": pl.Int64, "code": pl.String, "field": pl.String}


@dataclass(frozen=True)
class Expected:
    """The findings a file should have, and the rows that should have none.

    A blank row number is a finding about the file as a whole; a blank field stands for any field.
    """

    findings: pl.DataFrame
    clean_rows: pl.Series


@dataclass(frozen=True)
class Differences:
    """Expected findings that were not made, and findings that nobody expected; in row order.

    `unexpected` has a column `row_is_clean`, true where the file says that the row has no findings.
    """

    missing: pl.DataFrame
    unexpected: pl.DataFrame

    def __bool__(self) -> bool:
        return bool(self.missing.height or self.unexpected.height)


def read_expected(path: Path) -> Expected:
    """Read an expected file; InputError names the line that cannot be meant."""
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise InputError(
            f"There is no file {path}.", hint="Write it from what is found now with --update, and read it."
        ) from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text.", hint="Save it as CSV in UTF-8.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from None
    reader = csv.reader(io.StringIO(text, newline=""))
    header = [name.strip().lower() for name in next(reader, [])]
    _check_header(header, path)
    rows = [_row(dict(zip(header, cells, strict=False)), f"{path}, line {reader.line_num}")
            for cells in reader if any(cell.strip() for cell in cells)]  # fmt: skip
    frame = pl.DataFrame(rows, schema=_TYPES, orient="row").unique(maintain_order=True)
    findings = frame.filter(pl.col("code").is_not_null())
    clean = frame.filter(pl.col("code").is_null())["row_number"].unique()
    both = clean.filter(clean.is_in(findings["row_number"].drop_nulls().implode()))
    if len(both):
        raise InputError(
            f"{path} says that row {both[0]} has a finding, and that it has none.",
            hint="A line without a code stands for a row without findings: take one of the two out.",
        )
    return Expected(findings, clean)


def _check_header(header: Sequence[str], path: Path) -> None:
    for name in header:
        if name not in COLUMNS:
            raise InputError(
                f"{path} has an unknown column {name or '(blank)'}.",
                hint=(did_you_mean(name, COLUMNS) or f"columns are {', '.join(COLUMNS)}.").capitalize(),
            )
    for name in ("row_number", "code"):
        if name not in header:
            raise InputError(f"{path} has no column {name}.", hint=f"Columns are {', '.join(COLUMNS)}.")


def _row(cells: Mapping[str, str], place: str) -> tuple[int | None, str | None, str | None]:
    number, code, name = (cells.get(column, "").strip() for column in COLUMNS)
    if number and not (number.isascii() and number.isdigit()):
        raise InputError(f"{place}: row_number is a whole number, the line in the claims file.")
    if not number and not code:
        raise InputError(f"{place}: give a row number, a code, or both.")
    return int(number) if number else None, code.upper() or None, name or None


def compare(found: pl.LazyFrame, expected: Expected) -> Differences:
    """What differs between the findings of a run (columns of `trial.KEPT`) and the expected ones."""
    exact = expected.findings.filter(pl.col("field").is_not_null())
    any_field = expected.findings.filter(pl.col("field").is_null())
    row_and_code = ["row_number", "code"]
    made = found.select(COLUMNS).unique().collect(engine="streaming")
    missing = pl.concat([
        exact.join(made, on=list(COLUMNS), how="anti", nulls_equal=True),
        any_field.join(made, on=row_and_code, how="anti", nulls_equal=True),
    ])  # fmt: skip
    unexpected = (
        found.join(any_field.lazy(), on=row_and_code, how="anti", nulls_equal=True)
        .join(exact.lazy(), on=list(COLUMNS), how="anti", nulls_equal=True)
        .with_columns(
            pl.col("row_number").is_in(expected.clean_rows.implode()).fill_null(False).alias("row_is_clean")
        )
        .collect(engine="streaming")
    )
    return Differences(missing.sort(COLUMNS), unexpected.sort(COLUMNS))


def write_expected(path: Path, found: pl.LazyFrame) -> int:
    """Write the findings of a run as an expected file, in the place of an older one; their number."""
    rows = found.select(COLUMNS).unique().sort(COLUMNS).collect(engine="streaming")
    aside = path.with_name(f".{path.name}.new")
    try:
        rows.write_csv(aside)
        os.replace(aside, path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise OutputError(f"Cannot write {path}: {error.strerror or error}.") from None
    return rows.height
