"""errors.csv and errors.parquet: one row per finding, all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl

from claimsctl.write.files import OutputDir
from claimsctl.write.parquet import ParquetStream, Schema
from claimsctl.write.text import CsvStream, neutralise_columns

_NEVER_FORMULAS: Final = frozenset({"severity", "code", "category", "field"})
"""Words of ours or of a checked rule pack; leaving them out saves a third of the time."""


class ErrorsWriter:
    """The findings of a run; errors.csv is safe to open in a spreadsheet, the Parquet file is verbatim.

    `schema` lists the columns of a finding in file order; further columns of a part are left out.
    """

    def __init__(self, out: OutputDir, schema: Schema, *, parquet: bool) -> None:
        self._names = list(schema)
        self._csv = CsvStream(out, "errors.csv", self._names)
        self._parquet = ParquetStream(out, "errors.parquet", schema) if parquet else None
        self._texts = [n for n, t in schema.items() if t == pl.String and n not in _NEVER_FORMULAS]

    def write(self, findings: pl.DataFrame) -> None:
        """Append findings; values and messages are masked by the caller."""
        part = findings.select(self._names)
        if self._parquet is not None:
            self._parquet.write(part)
        self._csv.write(neutralise_columns(part, self._texts))

    def close(self) -> tuple[list[Path], int]:
        """Finish the files; their final paths and the number of findings."""
        self._csv.close()
        paths = [self._csv.path]
        if self._parquet is not None:
            self._parquet.close()
            paths.append(self._parquet.path)
        return paths, self._csv.rows


class MalformedWriter:
    """malformed.csv: records that could not be read, raw text in one quoted field, nothing lost.

    There is no file without malformed records.
    """

    def __init__(self, out: OutputDir, *, safe_csv: bool = False, name: str = "malformed.csv") -> None:
        self._out = out
        self._name = name
        self._safe = safe_csv
        self._csv: CsvStream | None = None

    def write(self, input_name: str, malformed: pl.DataFrame) -> None:
        """Append records with the columns row_number, reason and raw."""
        if not malformed.height:
            return
        if self._csv is None:
            header = ["input", "row_number", "reason", "raw"]
            self._csv = CsvStream(self._out, self._name, header, quoting="all")
        records = malformed.select(pl.lit(input_name).alias("input"), "row_number", "reason", "raw")
        self._csv.write(neutralise_columns(records, ["raw"]) if self._safe else records)

    def close(self) -> tuple[Path | None, int]:
        """Finish the file; its final path, None without records, and their number."""
        if self._csv is None:
            return None, 0
        self._csv.close()
        return self._csv.path, self._csv.rows
