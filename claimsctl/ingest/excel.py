"""Excel workbooks (.xlsx): cells as the text a person would type, rows by their number in the sheet."""

from __future__ import annotations

import logging
import zipfile
from collections.abc import Callable, Iterator
from typing import TypeVar

import fastexcel
import polars as pl

from claimsctl.errors import InputError
from claimsctl.ingest.excel_limits import check_workbook, damaged
from claimsctl.ingest.excel_sheets import (
    any_value,
    choose,
    filled_rows,
    header_index,
    header_of,
    heads,
    load,
    look,
    unread,
)
from claimsctl.ingest.parts import ROW_NUMBER, Malformed, Piece, Source, Telling, UnreadSheet, split_blank
from claimsctl.ingest.stream import InputFile, Limits

# The decoded sheet is kept between opening and reading up to this size, of the first input only.
_KEEP_CELLS = 5_000_000

# Its warnings would reach the terminal, and they quote the workbook.
logging.getLogger("calamine").setLevel(logging.CRITICAL)

_Result = TypeVar("_Result")


class ExcelSource(Source):
    """One sheet of a workbook: the one named, else the first that looks like claims, hidden ones last.

    `row_number` is the sheet's row.
    """

    format = "xlsx"

    def __init__(
        self,
        file: InputFile,
        index: int,
        name: str,
        limits: Limits,
        sheet: str | None = None,
        telling: Telling | None = None,
    ) -> None:
        super().__init__(file, index, name)
        self.blank_formulas = check_workbook(file, limits)
        workbook = self._open()
        self.sheets = tuple(workbook.sheet_names)
        self.sheet_asked, self.sheet_choosable = sheet is not None, telling is not None
        self.sheet = self._choose(sheet, telling)
        cells = self._load(workbook, self.sheet)
        header_at = header_index(cells)
        if header_at is None:
            where = f"sheet {self.sheet!r}" if sheet else "the workbook"
            raise InputError(f"{self.path}: {where} has no cells.", hint=self._hint())
        self.header = header_of(cells, header_at)
        self.header_row_number = header_at + 1
        self._below = cells.height - header_at - 1
        keep = index == 0 and cells.height * cells.width <= _KEEP_CELLS
        self._cells = cells if keep else None

    def told(self) -> dict[str, object]:
        """The sheet that is read, and those with rows that are not."""
        if len(self.sheets) == 1:
            return {}
        return {"sheet": self.sheet, "sheets_not_read": [each._asdict() for each in self.unread_sheets]}

    def notes(self) -> list[str]:
        """Which sheets are not read, and whether formulas read as blank."""
        found = []
        if self.unread_sheets:
            names = ", ".join(_described(each) for each in self.unread_sheets)
            another = " To read another: --sheet NAME." if self.sheet_choosable else ""
            found.append(f"{self.path}: only sheet {self.sheet!r} is read, not {names}.{another}")
        if self.blank_formulas:
            found.append(
                f"{self.path}: some formulas have no stored value, and their cells read as blank. "
                "Open the workbook in Excel and save it again."
            )
        return found

    def expected_rows(self, row_bytes: float) -> float:
        """The rows of the sheet below the header."""
        del row_bytes
        return self._below

    def _open(self) -> fastexcel.ExcelReader:
        return self._guarded(lambda: fastexcel.read_excel(str(self.file.path)))

    def _choose(self, wanted: str | None, telling: Telling | None) -> str:
        """The sheet asked for, else the first that looks like claims or, failing that, has rows."""
        asked = None if wanted is None else self._named(wanted)
        if len(self.sheets) == 1 or (asked is not None and telling is None):
            return asked or self.sheets[0]
        sheets = self._guarded(lambda: look(self._heads(), telling))
        if not sheets:  # none can be read: the first one says why
            return asked or self.sheets[0]
        chosen = choose(sheets) or sheets[0]
        name = asked or chosen.name
        self.unread_sheets = unread(sheets, name)
        return name

    def _named(self, wanted: str) -> str:
        names = [name for name in self.sheets if name.casefold() == wanted.casefold()]
        if not names:
            raise InputError(f"{self.path}: has no sheet {wanted!r}.", hint=self._hint())
        return wanted if wanted in names else names[0]

    def _hint(self) -> str:
        return f"Its sheets are {', '.join(repr(name) for name in self.sheets)}."

    def _heads(self) -> fastexcel.ExcelReader:
        try:
            return fastexcel.read_excel(heads(self.file))
        except (fastexcel.FastExcelError, zipfile.BadZipFile, OSError, ValueError):
            return self._open()

    def _load(self, workbook: fastexcel.ExcelReader, name: str) -> pl.DataFrame:
        return self._guarded(lambda: load(workbook, name))

    def _guarded(self, work: Callable[[], _Result]) -> _Result:
        """Run library code; its errors may quote cells, so none of their text is passed on."""
        try:
            return work()
        except fastexcel.FastExcelError as error:
            self.file.check()
            if "password" in str(error).lower():
                raise InputError(
                    f"{self.path}: is an Excel workbook protected by a password.",
                    hint="Save it without a password.",
                ) from None
            raise damaged(self.file) from None

    def _pieces(self, batch_rows: int, required_indexes: frozenset[int]) -> Iterator[Piece]:
        cells = self._cells
        if cells is None:
            cells = self._load(self._open(), self.sheet or "")
        self._cells = None
        header_at = header_index(cells)
        filled = filled_rows(cells).arg_true()
        last = int(filled[-1]) if len(filled) else -1
        first = 0 if header_at is None else header_at + 1
        for start in range(first, last + 1, batch_rows):
            part = cells.slice(start, min(batch_rows, last + 1 - start))
            part = part.with_row_index(ROW_NUMBER, start + 1).with_columns(pl.col(ROW_NUMBER).cast(pl.Int64))
            yield self._piece(part, self.bytes * min(start + batch_rows, last + 1) // (last + 1))

    def _piece(self, part: pl.DataFrame, bytes_read: int) -> Piece:
        part = part.with_columns(_as_typed(pl.col(name)) for name in part.columns[1:])
        malformed: list[Malformed] = []
        surplus = part.columns[1 + self.width :]
        if surplus:
            given = any_value(surplus)
            for row in part.filter(given).iter_rows():
                count = max(i for i, value in enumerate(row[1:], start=1) if value and value.strip())
                reason = f"has {count} fields, the header has {self.width}"
                cells = ["" if value is None else value for value in row[1:]]
                malformed.append(Malformed(row[0], reason, "\t".join(cells[:count]), cells[: self.width]))
            part = part.filter(~given).drop(surplus)
        rows, blanks = split_blank(part)
        return Piece(rows, malformed, blanks, bytes_read)


def _described(sheet: UnreadSheet) -> str:
    words = ["hidden"] * sheet.hidden + ["claims too"] * sheet.claims
    return repr(sheet.name) + (f" ({', '.join(words)})" if words else "")


def _as_typed(cell: pl.Expr) -> pl.Expr:
    """Dates without a time of midnight, times without the date Excel counts from."""
    midnight = cell.str.contains(r"^\d{4}-\d\d-\d\d 00:00:00$")
    time_only = cell.str.contains(r"^1899-12-3[01] \d\d:\d\d:\d\d(\.\d+)?$")
    return pl.when(midnight).then(cell.str.head(10)).when(time_only).then(cell.str.slice(11)).otherwise(cell)
