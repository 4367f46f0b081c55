"""The sheets of a workbook: what the first rows of each show, and which one is read as claims."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import fastexcel
import polars as pl

from claimsctl.ingest.excel_limits import inflated
from claimsctl.ingest.parts import Telling, UnreadSheet
from claimsctl.ingest.stream import InputFile

_MAX_TITLE_ROWS: Final = 10
_HEAD_BYTES: Final = 1 << 20
_SHEET: Final = re.compile(rb"<(\w+:)?sheetData[\s>]")
_ERROR_TEXTS: Final = {
    "NA": "#N/A",
    "Div0": "#DIV/0!",
    "Name": "#NAME?",
    "Null": "#NULL!",
    "Num": "#NUM!",
    "Ref": "#REF!",
    "Value": "#VALUE!",
    "GettingData": "#GETTING_DATA",
}


@dataclass(frozen=True)
class Sheet:
    """What the first rows of a sheet show.

    `filled` rows have a value, `below` of them stand below the header; `telling` columns of the header are
    ones that claims need.
    """

    name: str
    hidden: bool
    filled: int
    below: int
    telling: int


def look(workbook: fastexcel.ExcelReader, telling: Telling | None) -> list[Sheet]:
    """The sheets of a workbook of heads (`heads`); those that cannot be read, as charts, are left out."""
    found = []
    for name in workbook.sheet_names:
        try:
            sheet = _sheet(workbook, name)
            cells = _cells(sheet)
        except fastexcel.FastExcelError:
            continue
        filled = filled_rows(cells)
        header_at = header_index(cells)
        below = 0 if header_at is None else int(filled.slice(header_at + 1).sum())
        names = header_of(cells, header_at) if telling is not None and header_at is not None else ()
        told = telling(names) if telling is not None else 0
        found.append(Sheet(name, sheet.visible != "visible", int(filled.sum()), below, told))
    return found


def choose(sheets: Sequence[Sheet]) -> Sheet | None:
    """The first sheet with a header of claims and rows, a visible one before a hidden one.

    Where no header is one of claims: the first with at least two rows, else the first with any.
    """
    of_claims = _of_claims(sheets)
    for hidden in (False, True):
        likely = [each for each in of_claims if each.hidden is hidden]
        if likely:
            return next((each for each in likely if each.below), likely[0])
    given = [each for each in sheets if each.filled]
    return min(given, key=lambda each: (each.filled < 2, each.hidden), default=None)


def unread(sheets: Sequence[Sheet], name: str) -> tuple[UnreadSheet, ...]:
    """The other sheets that hold anything but a header of claims."""
    of_claims = _of_claims(sheets)
    return tuple(
        UnreadSheet(each.name, each.hidden, each in of_claims)
        for each in sheets
        if (each.below or (each.filled and not each.telling)) and each.name != name
    )


def _of_claims(sheets: Sequence[Sheet]) -> list[Sheet]:
    # A list of payers or codes names a column or two of those that claims need; a sheet of claims may lack
    # one that others have.
    most = max((each.telling for each in sheets), default=0)
    return [each for each in sheets if each.telling and 2 * each.telling >= most]


def heads(file: InputFile) -> bytes:
    """The workbook with only the first rows of large sheets: the library reads a sheet whole, or not."""
    cut = io.BytesIO()
    with zipfile.ZipFile(file.path) as archive, zipfile.ZipFile(cut, "w") as short:
        for entry in archive.infolist():
            blocks = inflated(file, entry)
            first = next(blocks, b"")
            head = _head(first)
            short.writestr(entry.filename, b"".join((first, *blocks)) if head is None else head)
    return cut.getvalue()


def _head(part: bytes) -> bytes | None:
    """The first rows of a part that is a large sheet; None for another part."""
    found = _SHEET.search(part, 0, _HEAD_BYTES) if len(part) > _HEAD_BYTES else None
    if found is None:
        return None
    prefix = found[1] or b""
    end = b"</" + prefix + b"row>"
    last = part.rfind(end, found.end(), _HEAD_BYTES)
    if last < 0:
        return None
    return part[: last + len(end)] + b"</" + prefix + b"sheetData></" + prefix + b"worksheet>"


def load(workbook: fastexcel.ExcelReader, name: str) -> pl.DataFrame:
    """The cells of a sheet as text, c0..cN; rows and columns keep their places."""
    return _cells(_sheet(workbook, name))


def _sheet(workbook: fastexcel.ExcelReader, name: str) -> fastexcel.ExcelSheet:
    # With both arguments rows keep their place even when the sheet begins with blank ones.
    return workbook.load_sheet(name, header_row=None, skip_rows=0, dtypes="string")


def _cells(sheet: fastexcel.ExcelSheet) -> pl.DataFrame:
    if sheet.width == 0 or sheet.total_height == 0:
        return pl.DataFrame()
    batch, errors = sheet.to_arrow_with_errors()
    cells = pl.DataFrame(pl.from_arrow(batch))
    cells.columns = [f"c{i}" for i in range(cells.width)]
    return _with_errors(cells, errors)


def _with_errors(cells: pl.DataFrame, errors: fastexcel.CellErrors | None) -> pl.DataFrame:
    """Put the text Excel shows into cells that hold an error, which arrive as null."""
    by_column: dict[int, dict[int, str]] = {}
    for error in errors.errors if errors else ():
        kind = error.detail.rpartition("Error(")[2].partition(")")[0]
        row, column = error.offset_position
        by_column.setdefault(column, {})[row] = _ERROR_TEXTS.get(kind, "#ERROR!")
    for column, texts in by_column.items():
        filled = cells.to_series(column).scatter(list(texts), list(texts.values()))
        cells = cells.with_columns(filled)
    return cells


def filled_rows(cells: pl.DataFrame) -> pl.Series:
    """Which rows have any value."""
    if cells.is_empty():
        return pl.Series(dtype=pl.Boolean)
    return cells.select(any_value(cells.columns)).to_series()


def any_value(columns: Sequence[str]) -> pl.Expr:
    """Whether any of some text columns is neither null nor blank."""
    return pl.any_horizontal((pl.col(name).str.strip_chars() != "").fill_null(False) for name in columns)


def header_of(cells: pl.DataFrame, header_at: int) -> tuple[str, ...]:
    """The header in a row, without the blank cells at its end."""
    titles = ["" if value is None else str(value) for value in cells.row(header_at)]
    while titles and not titles[-1].strip():
        titles.pop()
    return tuple(titles)


def header_index(cells: pl.DataFrame) -> int | None:
    """Row of the header: the first with a value that is not a comment, below titles of a single cell."""
    candidates: list[tuple[int, int]] = []
    for i, row in enumerate(cells.iter_rows()):
        values = [value for value in row if value is not None and value.strip()]
        if not values or (not candidates and values[0].lstrip().startswith("#")):
            continue
        candidates.append((i, len(values)))
        if len(values) >= 3 or len(candidates) > _MAX_TITLE_ROWS:
            break
    return _below_titles(candidates)


def _below_titles(candidates: Sequence[tuple[int, int]]) -> int | None:
    if not candidates:
        return None
    if candidates[0][1] == 1 and candidates[-1][1] >= 3:
        return candidates[-1][0]
    return candidates[0][0]
