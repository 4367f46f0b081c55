"""Excel files in constant memory, the same bytes for the same rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Literal

from claimsctl.errors import OutputError
from claimsctl.write.files import OutputDir
from claimsctl.write.trouble import writing

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

MAX_ROWS: Final = 1_048_576
MAX_COMMENTS: Final = 10_000
"""Excel opens workbooks with far more notes than this only after minutes."""
_MAX_TEXT: Final = 32_767
_MAX_COMMENT: Final = 1_500
_EXACT_DIGITS: Final = 15
_CREATED: Final = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
_FORMATS: Final[Mapping[str, dict[str, str | bool]]] = {
    "header": {"bold": True, "bottom": True},
    "text": {"num_format": "@"},
    "date": {"num_format": "yyyy-mm-dd"},
    "datetime": {"num_format": "yyyy-mm-dd hh:mm:ss"},
    "time": {"num_format": "hh:mm:ss"},
    "money": {"num_format": "0.00"},
    "error": {"num_format": "@", "bg_color": "#FFC7CE"},
    "warning": {"num_format": "@", "bg_color": "#FFEB9C"},
    "info": {"num_format": "@", "bg_color": "#DDEBF7"},
}
Style = Literal["header", "text", "date", "datetime", "time", "money", "error", "warning", "info"]


class WorkbookStream:
    """One .xlsx file fed row by row; a further sheet starts when one is full.

    Text stays text (leading zeros survive, nothing is a formula). Excel holds 15 digits of a number:
    longer ones are written as text. `notes` says what Excel's limits cost.
    """

    def __init__(
        self, out: OutputDir, name: str, sheet: str, header: Sequence[str], *, max_rows: int = MAX_ROWS
    ) -> None:
        import xlsxwriter

        self.path = out.path / name
        self.rows = 0
        self.notes: list[str] = []
        self._out = out
        self._title = sheet
        self._header = header
        self._max_rows = max_rows
        self._cut = 0
        self._comments = 0
        self._uncommented = 0
        self._file = out.open_temp(name)
        out.register(self)
        # Rows wait in temporary files: they hold what the output holds, so they stay beside it.
        options = {"constant_memory": True, "tmpdir": str(out.scratch())}
        self._book: Any = xlsxwriter.Workbook(self._file, options)
        self._book.set_properties({"created": _CREATED, "author": "claimsctl"})
        self._formats: dict[str, Format] = {k: self._book.add_format(v) for k, v in _FORMATS.items()}
        self._sheets = 0
        self._row = 0
        self._sheet: Worksheet
        with writing(self.path):
            self._next_sheet()

    def next_row(self) -> None:
        """Begin a row; cells are written left to right after it."""
        if self._row + 1 >= self._max_rows:
            self._next_sheet()
        self._row += 1
        self.rows += 1

    def text(self, column: int, value: str | None, style: Style | None = None, comment: str = "") -> None:
        """Write a text cell; blank cells are left out unless they have a style."""
        if value:
            if self._sheet.write_string(self._row, column, value, self._format(style)) == -2:
                self._cut += 1
        elif style is not None:
            self._sheet.write_blank(self._row, column, None, self._format(style))
        if comment:
            self._comment(column, comment)

    def value(self, column: int, value: object, *, money: bool = False) -> None:
        """Write a typed cell: number, date, time or truth value; anything else as text."""
        sheet, row = self._sheet, self._row
        match value:
            case None | "":
                pass
            case str():
                self.text(column, value)
            case bool():
                sheet.write_boolean(row, column, value)
            case int() | float() | Decimal():
                if isinstance(value, float) or _digits(value) <= _EXACT_DIGITS:
                    sheet.write_number(row, column, float(value), self._format("money" if money else None))
                else:
                    self.text(column, str(value), "text")
            case dt.datetime():
                sheet.write_datetime(row, column, value, self._format("datetime"))
            case dt.date():
                if value.year < 1900:  # Excel's calendar begins there
                    self.text(column, value.isoformat(), "text")
                else:
                    at_midnight = dt.datetime.combine(value, dt.time())
                    sheet.write_datetime(row, column, at_midnight, self._format("date"))
            case dt.time():
                sheet.write_datetime(row, column, value, self._format("time"))
            case _:
                self.text(column, str(value))

    def close(self) -> None:
        """Finish the file; OutputError when it could not be written or is too large for Excel."""
        from xlsxwriter.exceptions import XlsxWriterException

        try:
            with writing(self.path):
                self._book.close()
                self._file.close()
        except XlsxWriterException as error:
            raise OutputError(
                f"Cannot write {self.path}: {type(error).__name__}.",
                hint="Use --output-format parquet or csv.",
            ) from None
        self._out.release(self)
        if self._cut:
            self.notes.append(
                f"{self.path.name}: {self._cut:,} texts longer than {_MAX_TEXT:,} characters were cut to fit."
            )
        if self._uncommented:
            self.notes.append(
                f"{self.path.name}: comments stand on the first {self._comments:,} of "
                f"{self._comments + self._uncommented:,} coloured cells; error_messages has them all."
            )

    def stop(self) -> None:
        """Give the file up."""
        self._book.fileclosed = 1  # or its destructor warns that it was never closed
        for sheet in self._book.worksheets():
            if sheet.row_data_fh is not None and not sheet.row_data_fh.closed:
                sheet.row_data_fh.close()
        self._file.close()

    def _format(self, style: Style | None) -> Format | None:
        return self._formats[style] if style else None

    def _comment(self, column: int, text: str) -> None:
        if self._comments >= MAX_COMMENTS:
            self._uncommented += 1
            return
        self._comments += 1
        shown = text if len(text) <= _MAX_COMMENT else text[: _MAX_COMMENT - 3] + "..."
        lines = sum(1 + len(line) // 50 for line in shown.splitlines())
        size = {"width": 300, "height": 20 + 14 * lines, "author": "claimsctl"}
        self._sheet.write_comment(self._row, column, shown, size)

    def _next_sheet(self) -> None:
        self._sheets += 1
        title = self._title if self._sheets == 1 else f"{self._title} {self._sheets}"
        sheet: Worksheet = self._book.add_worksheet(title)
        sheet.freeze_panes(1, 0)
        for column, name in enumerate(self._header):
            sheet.set_column(column, column, min(max(len(name) + 2, 10), 40))
            sheet.write_string(0, column, name, self._formats["header"])
        self._sheet, self._row = sheet, 0


def _digits(number: int | Decimal) -> int:
    return len(Decimal(number).normalize().as_tuple().digits)
