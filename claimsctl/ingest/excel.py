"""Excel workbooks (.xlsx): cells as the text a person would type, rows by their number in the sheet."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import fastexcel
import polars as pl

from claimsctl.errors import InputError
from claimsctl.ingest.excel_limits import check_workbook, damaged
from claimsctl.ingest.parts import ROW_NUMBER, Malformed, Piece, Source, split_blank
from claimsctl.ingest.stream import InputFile, Limits

# The decoded sheet is kept between opening and reading up to this size, of the first input only.
_KEEP_CELLS = 5_000_000
_MAX_TITLE_ROWS = 10
_ERROR_TEXTS = {
    "NA": "#N/A",
    "Div0": "#DIV/0!",
    "Name": "#NAME?",
    "Null": "#NULL!",
    "Num": "#NUM!",
    "Ref": "#REF!",
    "Value": "#VALUE!",
    "GettingData": "#GETTING_DATA",
}

# Its warnings would reach the terminal, and they quote the workbook.
logging.getLogger("calamine").setLevel(logging.CRITICAL)

_Result = TypeVar("_Result")


class ExcelSource(Source):
    """One sheet of a workbook: the first with data, or the one named; `row_number` is the sheet's row."""

    format = "xlsx"

    def __init__(
        self, file: InputFile, index: int, name: str, limits: Limits, sheet: str | None = None
    ) -> None:
        super().__init__(file, index, name)
        check_workbook(file, limits)
        workbook = self._open()
        self.sheets = tuple(workbook.sheet_names)
        cells = self._choose(workbook, sheet)
        header_at = _header_index(cells)
        if header_at is None:
            where = f"sheet {self.sheet!r}" if sheet else "the workbook"
            raise InputError(
                f"{self.path}: {where} has no cells.", hint="Name the right sheet, or export again."
            )
        titles = ["" if value is None else str(value) for value in cells.row(header_at)]
        while titles and not titles[-1].strip():
            titles.pop()
        self.header = tuple(titles)
        self.header_row_number = header_at + 1
        self._below = cells.height - header_at - 1
        keep = index == 0 and cells.height * cells.width <= _KEEP_CELLS
        self._cells = cells if keep else None

    def expected_rows(self, row_bytes: float) -> float:
        """The rows of the sheet below the header."""
        del row_bytes
        return self._below

    def _open(self) -> fastexcel.ExcelReader:
        return self._guarded(lambda: fastexcel.read_excel(str(self.file.path)))

    def _choose(self, workbook: fastexcel.ExcelReader, wanted: str | None) -> pl.DataFrame:
        """Cells of the sheet asked for, or of the first one that has at least a header and a row."""
        if wanted is not None:
            names = [name for name in self.sheets if name.casefold() == wanted.casefold()]
            if not names:
                listed = ", ".join(repr(name) for name in self.sheets)
                raise InputError(f"{self.path}: has no sheet {wanted!r}.", hint=f"Its sheets are {listed}.")
            self.sheet = names[0]
            return self._load(workbook, names[0])
        first: tuple[str, pl.DataFrame] | None = None
        failure: InputError | None = None
        for name in self.sheets:
            try:
                cells = self._load(workbook, name)
            except InputError as error:  # a chart sheet, or damage that need not concern us
                failure = failure or error
                continue
            filled = _filled(cells).sum()
            if filled > 1:
                self.sheet = name
                return cells
            if filled and first is None:
                first = (name, cells)
        if first is None:
            if failure:
                raise failure
            return pl.DataFrame()
        self.sheet = first[0]
        return first[1]

    def _load(self, workbook: fastexcel.ExcelReader, name: str) -> pl.DataFrame:
        def load() -> pl.DataFrame:
            # With both arguments rows keep their place even when the sheet begins with blank ones.
            sheet = workbook.load_sheet(name, header_row=None, skip_rows=0, dtypes="string")
            if sheet.width == 0 or sheet.total_height == 0:
                return pl.DataFrame()
            batch, errors = sheet.to_arrow_with_errors()
            cells = pl.DataFrame(pl.from_arrow(batch))
            cells.columns = [f"c{i}" for i in range(cells.width)]
            return _with_errors(cells, errors)

        return self._guarded(load)

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
        header_at = _header_index(cells)
        filled = _filled(cells).arg_true()
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
            given = _any_value(surplus)
            for row in part.filter(given).iter_rows():
                count = max(i for i, value in enumerate(row[1:], start=1) if value and value.strip())
                reason = f"has {count} fields, the header has {self.width}"
                cells = ["" if value is None else value for value in row[1:]]
                malformed.append(Malformed(row[0], reason, "\t".join(cells[:count]), cells[: self.width]))
            part = part.filter(~given).drop(surplus)
        rows, blanks = split_blank(part)
        return Piece(rows, malformed, blanks, bytes_read)


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


def _as_typed(cell: pl.Expr) -> pl.Expr:
    """Dates without a time of midnight, times without the date Excel counts from."""
    midnight = cell.str.contains(r"^\d{4}-\d\d-\d\d 00:00:00$")
    time_only = cell.str.contains(r"^1899-12-3[01] \d\d:\d\d:\d\d(\.\d+)?$")
    return pl.when(midnight).then(cell.str.head(10)).when(time_only).then(cell.str.slice(11)).otherwise(cell)


def _filled(cells: pl.DataFrame) -> pl.Series:
    """Which rows have any value."""
    if cells.is_empty():
        return pl.Series(dtype=pl.Boolean)
    return cells.select(_any_value(cells.columns)).to_series()


def _any_value(columns: Sequence[str]) -> pl.Expr:
    """Whether any of some text columns is neither null nor blank."""
    return pl.any_horizontal((pl.col(name).str.strip_chars() != "").fill_null(False) for name in columns)


def _header_index(cells: pl.DataFrame) -> int | None:
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
