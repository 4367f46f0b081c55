"""The rows of one input in its own format, under its own header."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl

from claimsctl.write.files import OutputDir
from claimsctl.write.parquet import ParquetStream
from claimsctl.write.rejected import InputFormat, RejectedSource, distinct
from claimsctl.write.text import CsvStream, JsonLinesStream, ready_cells
from claimsctl.write.trouble import writing
from claimsctl.write.workbook import WorkbookStream

ENDINGS: Final[dict[InputFormat, tuple[str, ...]]] = {
    "csv": (".csv", ".tsv", ".psv", ".txt"),
    "parquet": (".parquet", ".pq"),
    "xlsx": (".xlsx",),
    "json": (".jsonl", ".ndjson"),
}
"""Ends of file names that fit a format; the first is the usual one."""


class LinesWriter:
    """Rows of an input, all columns in their order, each cell as text; the file exists even without rows.

    CSV keeps the delimiter; a file that did not come as plain UTF-8 gets a byte order mark, without which
    Excel would misread it.
    """

    def __init__(
        self, out: OutputDir, name: str, source: RejectedSource, *, sheet: str | None = None
    ) -> None:
        header = list(source.header)
        self._cells = [f"c{n}" for n in range(len(header))]
        self._delimiter = source.delimiter or ","
        self._file: CsvStream | JsonLinesStream | ParquetStream | WorkbookStream
        match source.format:
            case "csv":
                bom = source.encoding not in (None, "utf-8")
                self._file = CsvStream(out, name, header, delimiter=self._delimiter, bom=bom)
            case "xlsx":
                self._file = WorkbookStream(out, name, sheet or "Claims", header)
            case "json":
                header = distinct(header)
                self._file = JsonLinesStream(out, name)
            case "parquet":
                header = distinct(header)
                self._file = ParquetStream(out, name, dict.fromkeys(header, pl.String()))
        self._header = header

    @property
    def notes(self) -> list[str]:
        """What the format could not hold, for the user; complete after close."""
        return self._file.notes if isinstance(self._file, WorkbookStream) else []

    def write(self, rows: pl.DataFrame) -> None:
        """Append rows (c0, c1, ... as text)."""
        cells = rows.select(self._cells)
        match self._file:
            case CsvStream():
                frame, quoted = ready_cells(cells, self._cells, self._delimiter)
                self._file.write(frame, quoted=quoted)
            case WorkbookStream():
                self._write_cells(self._file, cells)
            case _:
                self._file.write(cells.rename(dict(zip(self._cells, self._header, strict=True))))

    def close(self) -> tuple[Path, int]:
        """Finish the file; its final path and number of rows."""
        self._file.close()
        return self._file.path, self._file.rows

    @staticmethod
    def _write_cells(file: WorkbookStream, cells: pl.DataFrame) -> None:
        with writing(file.path):
            for row in cells.iter_rows():
                file.next_row()
                for place, text in enumerate(row):
                    file.text(place, text, "text")
