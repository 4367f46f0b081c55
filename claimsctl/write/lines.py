"""The rows of one input in its own format, under its own header."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
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
    "sql": (".csv",),
}
"""Ends of file names that fit a format; the first is the usual one."""
_NOTHING: Final[Mapping[str, pl.DataType]] = MappingProxyType({})
_CENTS: Final = 2


class LinesWriter:
    """Rows of an input, all columns in their order, each cell as text; the file exists even without rows.

    CSV keeps the delimiter; a file that did not come as plain UTF-8 gets a byte order mark, without which
    Excel would misread it. `added` are typed columns after those of the input, by name and type.
    """

    def __init__(
        self,
        out: OutputDir,
        name: str,
        source: RejectedSource,
        *,
        sheet: str | None = None,
        added: Mapping[str, pl.DataType] = _NOTHING,
    ) -> None:
        self._added = added
        self._cells = [f"c{n}" for n in range(len(source.header))]
        header = [*source.header, *added]
        self._delimiter = source.delimiter or ","
        self._file: CsvStream | JsonLinesStream | ParquetStream | WorkbookStream
        match source.format:
            case "csv" | "sql":
                bom = source.encoding not in (None, "utf-8")
                self._file = CsvStream(out, name, header, delimiter=self._delimiter, bom=bom)
            case "xlsx":
                self._file = WorkbookStream(out, name, sheet or "Claims", header)
            case "json":
                header = distinct(header)
                self._file = JsonLinesStream(out, name)
            case "parquet":
                header = distinct(header)
                kinds = [*(pl.String() for _ in source.header), *added.values()]
                self._file = ParquetStream(out, name, dict(zip(header, kinds, strict=True)))
        self._header = header

    @property
    def notes(self) -> list[str]:
        """What the format could not hold, for the user; complete after close."""
        return self._file.notes if isinstance(self._file, WorkbookStream) else []

    def write(self, rows: pl.DataFrame) -> None:
        """Append rows (c0, c1, ... as text, then what is added)."""
        cells = rows.select(*self._cells, *self._added)
        match self._file:
            case CsvStream():
                cells = cells.with_columns(_as_text(n, kind) for n, kind in self._added.items())
                frame, quoted = ready_cells(cells, cells.columns, self._delimiter)
                self._file.write(frame, quoted=quoted)
            case WorkbookStream():
                self._write_cells(self._file, cells)
            case _:
                self._file.write(cells.rename(dict(zip(cells.columns, self._header, strict=True))))

    def close(self) -> tuple[Path, int]:
        """Finish the file; its final path and number of rows."""
        self._file.close()
        return self._file.path, self._file.rows

    def _write_cells(self, file: WorkbookStream, cells: pl.DataFrame) -> None:
        given = len(self._cells)
        money = [is_money(kind) for kind in self._added.values()]
        with writing(file.path):
            for row in cells.iter_rows():
                file.next_row()
                for place, text in enumerate(row[:given]):
                    file.text(place, text, "text")
                for number, value in enumerate(row[given:]):
                    file.value(given + number, value, money=money[number])


def is_money(kind: pl.DataType) -> bool:
    """Whether numbers of this type have cents, both of them always written."""
    return isinstance(kind, pl.Decimal) and kind.scale == _CENTS


def _as_text(name: str, kind: pl.DataType) -> pl.Expr:
    text = pl.col(name).cast(pl.String)
    if isinstance(kind, pl.Decimal) and not is_money(kind):
        text = text.str.strip_chars_end("0").str.strip_suffix(".")
    return text
