"""Findings of a job as a file: CSV, Excel, Parquet or JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import polars as pl

from claimsctl.validate.findings import FINDING
from claimsctl.write.files import OutputDir
from claimsctl.write.formats import TableFormat
from claimsctl.write.tables import write_table


def export_findings(
    findings: Iterable[pl.DataFrame],
    path: Path,
    form: TableFormat,
    job_id: str,
    *,
    replaces: bool = False,
    allowed: Callable[[int], None] = lambda _: None,
) -> int:
    """Write findings (columns FINDING) to a file that appears complete; how many there were.

    `allowed` hears how many before the file appears, and may refuse with an error of its own. OutputError
    where the file exists, unless it `replaces` that. CSV cells that a spreadsheet would run are
    neutralised; JSON is one array of objects.
    """
    with OutputDir(path.parent.absolute(), job_id, replaces=replaces) as out:
        rows = write_table(findings, pl.Schema(FINDING), out, path.name, form, "Findings")
        allowed(rows)
        out.commit()
    return rows
