"""From the text of a published file to typed columns: lines, cells, and what each cell must look like."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from claimsctl.reference.releases import Opened, damaged

ROW: Final = "#"
"""Column that holds the number of the row in the file; its first line is 1."""

PROCEDURE: Final = r"^(?:\d{4}|[A-Z]\d{3})[0-9A-Z]$"
"""A CPT or HCPCS code: five characters, at most the first a letter or the last."""

FLAG: Final = pl.Boolean()


@dataclass(frozen=True, slots=True)
class Column:
    """A column to keep: what a filled cell looks like (the whole cell) and its type.

    A flag is true where its cell is filled, unless with 0.
    """

    name: str
    pattern: str
    dtype: pl.DataType = pl.String()  # noqa: RUF009
    may_be_blank: bool = False


# --- text and its lines


def decoded(opened: Opened) -> str:
    """The whole text, as UTF-8 where it is that, else as cp1252."""
    text = opened.text("utf-8")
    return opened.text() if "\ufffd" in text else text


def lines(text: str, filled: str = r"\S") -> pl.DataFrame:
    """The lines of a text that match `filled`, column `line`, numbered in ROW."""
    every = pl.select(pl.lit(text).str.split("\n").explode().alias("line"))
    return numbered(every).filter(pl.col("line").str.contains(filled))


def numbered(frame: pl.DataFrame, first: int = 1) -> pl.DataFrame:
    """The frame with the number of each row in ROW."""
    return frame.with_row_index(ROW, offset=first)


def head_lines(opened: Opened, most: int = 200) -> list[str]:
    """The first lines of a file. A line that the end of the head may have cut is left out."""
    found = opened.head_text().rstrip("\x1a\n\x00 ").split("\n")
    whole = len(opened.head) == opened.path.stat().st_size
    return (found if whole else found[:-1])[:most]


def header(opened: Opened, separator: str = ",") -> list[str]:
    """The cells of the first record as `plain` makes them; none when there is no text."""
    try:
        record = next(csv.reader(opened.head_text().split("\n"), delimiter=separator), [])
    except csv.Error:
        return []
    return [plain(cell) for cell in record]


def head_records(opened: Opened, wanted: Mapping[str, tuple[str, ...]]) -> list[dict[str, str]]:
    """Our columns in the first records of a CSV; none when it has not all of them."""
    found = header(opened)
    places = {ours: next((found.index(n) for n in names if n in found), -1) for ours, names in wanted.items()}
    if min(places.values()) < 0:
        return []
    try:
        records = list(csv.reader(head_lines(opened, 400)))[1:]
    except csv.Error:
        return []
    whole = [record for record in records if len(record) > max(places.values())]
    return [{ours: record[place].strip() for ours, place in places.items()} for record in whole]


def plain(cell: str | None) -> str:
    """A header cell in lower case with single blanks, line ends within it included."""
    return " ".join((cell or "").replace("\u00a0", " ").split()).lower()


# --- cells


def read_table(
    opened: Opened, text: str, expected: str, separator: str = ",", first: int = 1
) -> pl.DataFrame:
    """The records of a delimited text as trimmed text columns, blank cells null, blank rows left out.

    The first record names the columns, as `plain` makes them; of a name that comes again, the later
    ones get `#2` and so on. `first` is the number of that record in the file.
    """
    try:
        raw = pl.read_csv(
            text.encode(),
            separator=separator,
            has_header=False,
            infer_schema=False,
            quote_char=None if separator == "\t" else '"',
        )
    except pl.exceptions.NoDataError:
        raise damaged(opened, expected, "an empty file") from None
    except pl.exceptions.PolarsError:
        # The message of Polars quotes the file.
        raise damaged(opened, expected, "rows that do not fit its first row, or an open quote") from None
    names: list[str] = []
    for name in map(plain, raw.row(0)):
        again = sum(known.split("#")[0] == name for known in names)
        names.append(f"{name}#{again + 1}" if again else name)
    last = text.rstrip("\n").rsplit("\n", 1)[-1]
    # Polars fills a short row with nulls: the last is where a broken download stops.
    if last.count('"') % 2 == 0 and len(next(csv.reader([last], delimiter=separator), [])) < len(names):
        raise damaged(opened, f"{expected}, {len(names)} columns in every row", "a last row that is cut off")
    raw.columns = names
    cells = numbered(raw, first).slice(1).with_columns(filled(pl.col(names).str.strip_chars()))
    return cells.filter(~pl.all_horizontal(pl.col(names).is_null()))


def columns_at(
    opened: Opened, found: list[str], wanted: dict[str, tuple[str, ...]], expected: str
) -> dict[str, str]:
    """Which column of a file is which of ours: ours to the first of its names that the file has."""
    chosen = {ours: next((name for name in names if name in found), "") for ours, names in wanted.items()}
    missing = [ours for ours, name in chosen.items() if not name]
    if missing:
        raise damaged(opened, expected, f"no column for {', '.join(missing)}")
    return chosen


def csv_cells(opened: Opened, rows: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Trimmed cells of comma-separated `rows`, null where blank; a column named "" is not read."""
    bare = pl.col("line").str.replace_all('"[^"]*"', "")
    counted = rows.select(ROW, (bare.str.count_matches(",") + 1).alias("cells"), bare.alias("bare"))
    wrong = counted.filter(pl.col("cells") != len(names))
    if not wrong.is_empty():
        line, found, _ = wrong.row(0)
        raise damaged(opened, f"{len(names)} columns in every row", f"{found} in line {line}")
    loose = counted.filter(pl.col("bare").str.contains('"', literal=True))
    if not loose.is_empty():
        raise damaged(opened, "quotes in pairs", f"a single one in line {loose[ROW][0]}")
    # A line of names above: then a file without rows is a table too.
    head = [f"{place}{name}" for place, name in enumerate(names)]
    kept = {numbered: name for numbered, name in zip(head, names, strict=True) if name}
    text = "\n".join([",".join(head), *rows["line"]])
    try:
        cells = pl.read_csv(text.encode(), infer_schema=False, columns=list(kept))
        return _trimmed(cells.rename(kept).select(rows[ROW], pl.all()))
    except pl.exceptions.PolarsError:
        # Its message quotes the file.
        raise damaged(opened, "cells parted by commas", "quotes within a cell") from None


def text_cells(opened: Opened, rows: pl.DataFrame, pattern: str) -> pl.DataFrame:
    """Trimmed cells of fixed-width `rows`, null where blank: the named groups of `pattern`."""
    text = pl.col("line")
    wrong = rows.filter(~text.str.contains(pattern))
    if not wrong.is_empty():
        line, other = wrong.row(0)
        found = f"another in line {line} ({len(other)} characters)"
        raise damaged(opened, "every line in the published layout", found)
    return _trimmed(rows.select(ROW, text.str.extract_groups(pattern).alias("cells")).unnest("cells"))


def _trimmed(cells: pl.DataFrame) -> pl.DataFrame:
    return cells.with_columns(filled(pl.col(pl.String).str.strip_chars()))


def filled(text: pl.Expr) -> pl.Expr:
    """The text, null where it is blank. (`replace` would keep all of a streamed file in memory.)"""
    return pl.when(text != "").then(text)


# --- what cells look like, and their types


def procedure_code(column: str) -> pl.Expr:
    """A procedure code in capitals; the leading zeros that a spreadsheet took are put back.

    Only those of anesthesia (00100 to 01999): any other short number is a code cut off.
    """
    code = pl.col(column).str.strip_chars().str.to_uppercase()
    return pl.when(code.str.contains(r"^(?:[1-9]\d\d|1\d{3})$")).then(code.str.zfill(5)).otherwise(code)


def day(column: str, *formats: str) -> pl.Expr:
    """A date column read in the first format that fits; null where none does."""
    return pl.coalesce(pl.col(column).str.to_date(form, strict=False) for form in formats or ("%Y%m%d",))


def typed(opened: Opened, cells: pl.DataFrame, columns: Sequence[Column]) -> pl.DataFrame:
    """`columns` of `cells` in their types; the first cell that does not look as it must is damage."""
    for column in columns:
        fits = pl.col(column.name).str.contains(f"^(?:{column.pattern})$").fill_null(column.may_be_blank)
        wrong = cells.filter(~fits).select(ROW, column.name)
        if not wrong.is_empty():
            line, cell = wrong.row(0)
            found = "an empty cell" if cell is None else f"{cell!r}"
            raise damaged(opened, f"{column.name} to match {column.pattern}", f"{found} in line {line}")
    return cells.select(_cast(column) for column in columns)


def _cast(column: Column) -> pl.Expr:
    text = pl.col(column.name)
    # Text to Decimal directly: a float between would change the last digit of some factors.
    return (text != "0").fill_null(False) if column.dtype == FLAG else text.cast(column.dtype)


# --- rows


def refuse(opened: Opened, frame: pl.DataFrame, fits: pl.Expr, expected: str) -> None:
    """UnknownRelease that names the first row where `fits` is not true, or when there are no rows."""
    if not frame.height:
        raise damaged(opened, expected, "no rows")
    wrong = frame.filter(~fits.fill_null(False))
    if wrong.height:
        raise damaged(
            opened, expected, f"{wrong.height:,} rows that do not fit, the first in line {wrong[0, ROW]}"
        )


def once(frame: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The first row of every key (the first column), and a note when there were more."""
    kept = frame.unique(frame.columns[0], keep="first", maintain_order=True)
    more = frame.height - kept.height
    return kept, (f"{more:,} rows with a code that stands above were left out",) if more else ()


def few(frame: pl.DataFrame, usual: int) -> tuple[str, ...]:
    """A note for a file with far fewer rows than are published: what is left out would count as unknown."""
    if frame.height * 2 > usual:
        return ()
    return (f"only {frame.height:,} rows where some {usual:,} are published: this looks like an excerpt",)


def complete(opened: Opened, frame: pl.DataFrame, key: Sequence[str], least: int) -> pl.DataFrame:
    """The frame, if it has at least `least` rows and no two with the same `key`."""
    if frame.height < least:
        raise damaged(opened, f"at least {least:,} rows", f"{frame.height:,}: a part of the file is missing")
    twice = frame.group_by(key, maintain_order=True).len().filter(pl.col("len") > 1)
    if not twice.is_empty():
        shown = " ".join(str(cell) for cell in twice.row(0)[:-1] if cell is not None)
        raise damaged(opened, f"one row for each {', '.join(key)}", f"{shown} in {twice['len'][0]} rows")
    return frame
