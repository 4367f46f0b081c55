"""Findings of a job as a file: CSV, Excel, Parquet or JSON."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal

import polars as pl

from claimsctl.validate.findings import FINDING
from claimsctl.write.files import OutputDir
from claimsctl.write.parquet import ParquetStream
from claimsctl.write.text import CsvStream, neutralise_columns
from claimsctl.write.trouble import writing
from claimsctl.write.workbook import WorkbookStream

ExportFormat = Literal["csv", "xlsx", "parquet", "json"]
_TEXTS: Final = [name for name, kind in FINDING.items() if kind == pl.String]


def export_findings(
    findings: Iterable[pl.DataFrame], path: Path, form: ExportFormat, job_id: str, *, replaces: bool = False
) -> int:
    """Write findings (columns FINDING) to a file that appears complete; how many there were.

    OutputError where the file exists, unless it `replaces` that. CSV cells that a spreadsheet would run are
    neutralised; JSON is one array of objects.
    """
    with OutputDir(path.parent.absolute(), job_id, replaces=replaces) as out:
        match form:
            case "csv":
                rows = _csv(findings, out, path.name)
            case "xlsx":
                rows = _xlsx(findings, out, path.name)
            case "parquet":
                rows = _parquet(findings, out, path.name)
            case "json":
                rows = _json(findings, out, path.name)
        out.commit()
    return rows


def _csv(findings: Iterable[pl.DataFrame], out: OutputDir, name: str) -> int:
    file = CsvStream(out, name, list(FINDING))
    for part in findings:
        file.write(neutralise_columns(part, _TEXTS))
    file.close()
    return file.rows


def _parquet(findings: Iterable[pl.DataFrame], out: OutputDir, name: str) -> int:
    rows = 0
    file = ParquetStream(out, name, pl.Schema(FINDING))
    for part in findings:
        file.write(part)
        rows += part.height
    file.close()
    return rows


def _xlsx(findings: Iterable[pl.DataFrame], out: OutputDir, name: str) -> int:
    file = WorkbookStream(out, name, "Findings", list(FINDING))
    with writing(file.path):
        for part in findings:
            for row in part.iter_rows():
                file.next_row()
                for column, value in enumerate(row):
                    file.value(column, value)
    file.close()
    return file.rows


def _json(findings: Iterable[pl.DataFrame], out: OutputDir, name: str) -> int:
    rows = 0
    with writing(out.path / name), out.open_temp(name) as file:
        file.write(b"[")
        for part in findings:
            text = part.write_json()[1:-1]
            file.write((",\n" if rows else "").encode() + text.encode())
            rows += part.height
        file.write(b"]\n")
    return rows
