"""Dry runs whose findings are kept to be compared: nothing is stored, nothing published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl

from claimsctl.process.core import Outcome, check_inputs
from claimsctl.process.prepare import open_inputs
from claimsctl.process.progress import Progress
from claimsctl.process.request import Request
from claimsctl.process.routing import Reviewed
from claimsctl.process.rulebook import Rulebook
from claimsctl.process.timing import Timings
from claimsctl.security.spills import scan_spills, write_spill
from claimsctl.store.workspace import Workspace
from claimsctl.validate.findings import FINDING

KEPT: Final = ("input", "row_number", "claim_number", "severity", "code", "field", "value")
"""What is kept of a finding; values are masked as everywhere."""


@dataclass
class FoundFindings:
    """Keeps the findings of a run in file order, in private temporary files: there may be millions."""

    folder: Path
    _paths: list[Path] = field(default_factory=list)

    def findings(self, findings: pl.DataFrame) -> None:
        """Put a part's findings aside."""
        path = self.folder / f"found-{len(self._paths):05d}.parquet"
        write_spill(findings.select(KEPT), path)
        self._paths.append(path)

    def malformed(self, input_name: str, malformed: pl.DataFrame) -> None:
        """Records that could not be read have a finding each."""

    def lines(self, part: Reviewed, rejected: pl.Series) -> None:
        """The ledger counts lines and claims."""

    def scan(self) -> pl.LazyFrame:
        """All findings, to be read part by part."""
        if not self._paths:
            return pl.LazyFrame(schema={name: FINDING[name] for name in KEPT})
        return scan_spills(self._paths)


@dataclass(frozen=True)
class Trial:
    """A dry run: what it learned, and what it found."""

    outcome: Outcome
    found: FoundFindings


def try_rules(
    request: Request,
    rulebook: Rulebook,
    workspace: Workspace,
    mapping: Mapping[str, str],
    folder: Path,
    *,
    progress: Progress = lambda *_: None,
) -> Trial:
    """Check the inputs of a request as `process` would; findings are kept in `folder` until it goes."""
    found = FoundFindings(folder)
    with workspace.scratch() as spill:
        inputs = open_inputs(request, spill, mapping)
        outcome = check_inputs(
            request, rulebook, inputs, spill, [found], timings=Timings(), progress=progress
        )
    return Trial(outcome, found)
