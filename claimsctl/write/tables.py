"""A table of any columns as a file: CSV, Excel, Parquet or JSON, part by part."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from claimsctl.write.files import OutputDir
from claimsctl.write.formats import TableFormat
from claimsctl.write.parquet import ParquetStream
from claimsctl.write.text import CsvStream, neutralise_columns
from claimsctl.write.trouble import writing
from claimsctl.write.workbook import WorkbookStream


def write_table(
    parts: Iterable[pl.DataFrame], schema: pl.Schema, out: OutputDir, name: str, form: TableFormat, sheet: str
) -> int:
    """Write parts of a table into `out`; how many rows there were. Nothing is there before `out` commits.

    CSV cells that a spreadsheet would run are neutralised; JSON is one array of objects; `sheet` is the name
    of the sheet in Excel. OutputError for what the disk refuses.
    """
    match form:
        case "csv":
            return _csv(parts, schema, out, name)
        case "xlsx":
            return _xlsx(parts, schema, out, name, sheet)
        case "parquet":
            return _parquet(parts, schema, out, name)
        case "json":
            return _json(parts, out, name)


def _csv(parts: Iterable[pl.DataFrame], schema: pl.Schema, out: OutputDir, name: str) -> int:
    texts = [column for column, kind in schema.items() if kind == pl.String]
    file = CsvStream(out, name, list(schema))
    for part in parts:
        file.write(neutralise_columns(part, texts))
    file.close()
    return file.rows


def _parquet(parts: Iterable[pl.DataFrame], schema: pl.Schema, out: OutputDir, name: str) -> int:
    rows = 0
    file = ParquetStream(out, name, schema)
    for part in parts:
        file.write(part)
        rows += part.height
    file.close()
    return rows


def _xlsx(parts: Iterable[pl.DataFrame], schema: pl.Schema, out: OutputDir, name: str, sheet: str) -> int:
    file = WorkbookStream(out, name, sheet, list(schema))
    with writing(file.path):
        for part in parts:
            for row in part.iter_rows():
                file.next_row()
                for column, value in enumerate(row):
                    file.value(column, value)
    file.close()
    return file.rows


def _json(parts: Iterable[pl.DataFrame], out: OutputDir, name: str) -> int:
    rows = 0
    with writing(out.path / name), out.open_temp(name) as file:
        file.write(b"[")
        for part in parts:
            text = part.write_json()[1:-1]
            file.write((",\n" if rows else "").encode() + text.encode())
            rows += part.height
        file.write(b"]\n")
    return rows
