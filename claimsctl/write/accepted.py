"""accepted.parquet, accepted.csv or accepted.xlsx: the canonical lines of clean claims."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

import polars as pl

from claimsctl.claim import BY_NAME
from claimsctl.write.files import OutputDir
from claimsctl.write.parquet import ParquetStream, Schema
from claimsctl.write.text import CsvStream, neutral_header, neutralise_columns
from claimsctl.write.trouble import writing
from claimsctl.write.workbook import WorkbookStream

OutputFormat = Literal["parquet", "csv", "xlsx"]
_MONEY_DIGITS: Final = 2


class AcceptedWriter:
    """The accepted lines of a run, in the order they are given; the file exists even without rows."""

    def __init__(
        self,
        out: OutputDir,
        output_format: OutputFormat,
        schema: Schema,
        *,
        safe_csv: bool = False,
    ) -> None:
        self._schema = pl.Schema(schema)
        self._safe = safe_csv
        name = f"accepted.{output_format}"
        self._file: ParquetStream | CsvStream | WorkbookStream
        match output_format:
            case "parquet":
                self._file = ParquetStream(out, name, schema)
            case "csv":
                self._file = CsvStream(out, name, neutral_header(schema) if safe_csv else list(schema))
            case "xlsx":
                self._file = WorkbookStream(out, name, "Accepted", list(schema))
        self._texts = [name for name, dtype in self._schema.items() if dtype == pl.String]
        self._money = [_is_money(name) for name in self._schema]

    @property
    def notes(self) -> list[str]:
        """What the format could not hold, for the user; complete after close."""
        return self._file.notes if isinstance(self._file, WorkbookStream) else []

    def write(self, part: pl.DataFrame) -> None:
        """Append a part that has the columns and types of the schema."""
        match self._file:
            case ParquetStream():
                self._file.write(part)
            case CsvStream():
                safe = neutralise_columns(part, self._texts) if self._safe else part
                self._file.write(safe.select(_csv_cell(n, t) for n, t in self._schema.items()))
            case WorkbookStream():
                self._write_cells(self._file, part.select(self._schema.names()))

    def close(self) -> tuple[Path, int]:
        """Finish the file; its final path and number of rows."""
        self._file.close()
        return self._file.path, self._file.rows

    def _write_cells(self, file: WorkbookStream, part: pl.DataFrame) -> None:
        with writing(file.path):
            for row in part.iter_rows():
                file.next_row()
                for column, value in enumerate(row):
                    file.value(column, value, money=self._money[column])


def _csv_cell(name: str, dtype: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if dtype == pl.String:
        return pl.when(column != "").then(column)  # a quoted "" would read as a value
    if isinstance(dtype, pl.Decimal):
        kept = _MONEY_DIGITS if _is_money(name) else 0
        if dtype.scale > kept:  # 125.5000 is 125.50 as money, 125.5 otherwise
            tail = rf"(\.\d{{{kept}}}\d*?)0+$"
            return column.cast(pl.String).str.replace(tail, "$1").str.strip_suffix(".")
    return column


def _is_money(name: str) -> bool:
    column = BY_NAME.get(name)
    return column is not None and column.type == "money"
