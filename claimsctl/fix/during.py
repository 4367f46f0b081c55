"""Repairs within a run of `process`: made before anything is checked, listed in repairs.csv, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Final

import polars as pl

from claimsctl.fix.applying import REPORT, Repaired, Repairer, Tally, spreadsheet_safe
from claimsctl.fix.knowing import knowledge_from
from claimsctl.fix.survey import survey
from claimsctl.process.beside import raw_parts
from claimsctl.process.intake import Input
from claimsctl.process.request import Request
from claimsctl.process.short_records import trusted_cells
from claimsctl.reference.tables import Tables
from claimsctl.write.files import OutputDir
from claimsctl.write.text import CsvStream

NAME: Final = "repairs.csv"


class InputRepairs:
    """The repairs of one input of a run (claimsctl.process.intake.Mending); `file` lists them."""

    def __init__(self, each: Input, repairer: Repairer, file: CsvStream | None, run_date: date) -> None:
        self._each = each
        self._run_date = run_date
        self._repairer = repairer
        self._file = file
        self._tally = Tally()

    @property
    def cells(self) -> int:
        """Cells changed so far."""
        return self._tally.cells

    @property
    def repairs(self) -> Counter[str]:
        """Cells that each repair has changed so far."""
        return self._tally.repairs

    @property
    def proposals(self) -> Counter[str]:
        """Cells for which each repair only proposes a change, so far."""
        return self._tally.proposals

    def mend(self, rows: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...], object]:
        """The rows repaired, the raw columns that changed, and what to `keep`."""
        trusted = trusted_cells(rows, self._each, self._run_date)
        done = self._repairer.repair(rows, trusted=trusted)
        return done.rows, done.changed, Repaired(done.rows.clear(), done.report, done.tally, done.changed)

    def keep(self, record: object) -> None:
        """Count and list what `mend` did to a part; called in file order."""
        assert isinstance(record, Repaired)
        self._tally.add(record.tally)
        if self._file is not None:
            listed = record.report.select(pl.lit(self._each.source.name).alias("input"), *REPORT)
            self._file.write(spreadsheet_safe(listed))


class RunRepairs:
    """Has the inputs of a run repaired; without an output directory nothing is listed (a dry run)."""

    def __init__(
        self, inputs: Sequence[Input], request: Request, tables: Tables, out: OutputDir | None = None
    ) -> None:
        self._file = CsvStream(out, NAME, ["input", *REPORT]) if out is not None else None
        knowledge = knowledge_from(tables, request.run_date)
        for each in inputs:
            evidence = survey((part.rows for part in raw_parts(each, request)), each.layout)
            repairer = Repairer(each.layout, knowledge, evidence)
            each.mending = InputRepairs(each, repairer, self._file, request.run_date)

    def close(self) -> dict[str, Path]:
        """Finish the list; its key and path for the summary's outputs."""
        if self._file is None:
            return {}
        self._file.close()
        return {"repairs": self._file.path}
