"""The job of `claimsctl fix`: a file in, the same file with sure repairs applied and a list of them out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from claimsctl import __version__
from claimsctl.errors import InternalError, UsageError
from claimsctl.fix.applying import REPORT, Repairer, Tally, spreadsheet_safe
from claimsctl.fix.repairs import Knowledge
from claimsctl.fix.survey import survey
from claimsctl.ingest.sources import RawPart, Source
from claimsctl.process.beside import (
    job_name,
    left_out,
    raw_parts,
    refuse_taken,
    remove_leftovers,
    with_blank_rows,
)
from claimsctl.process.intake import Input, notes_of
from claimsctl.process.prepare import open_inputs
from claimsctl.process.progress import Progress
from claimsctl.process.request import Request
from claimsctl.process.screen import repeated_headers
from claimsctl.process.short_records import trusted_cells
from claimsctl.security import audit
from claimsctl.store.workspace import Workspace
from claimsctl.write.errors import MalformedWriter
from claimsctl.write.files import OutputDir
from claimsctl.write.lines import ENDINGS, LinesWriter
from claimsctl.write.text import CsvStream

_OF_A_FORMAT = frozenset().union(*ENDINGS.values(), (".json", ".xls", ".xlsm", ".gz", ".zst", ".zip"))


@dataclass(frozen=True)
class Outputs:
    """The files of a repaired input, beside each other: its lines, the list, records nobody could read."""

    lines: Path
    repairs: Path
    malformed: Path

    @staticmethod
    def named(out: Path) -> Outputs:
        """`fixed.csv`, `fixed.repairs.csv` and `fixed.malformed.csv` for --out fixed.csv."""
        out = out.absolute()
        return Outputs(
            out, out.with_name(f"{out.stem}.repairs.csv"), out.with_name(f"{out.stem}.malformed.csv")
        )

    def __iter__(self) -> Iterator[Path]:
        return iter((self.lines, self.repairs, self.malformed))

    def check(self, source: Source, *, replace: bool) -> None:
        """Raise UsageError unless these are files to write: not the input, of its format, not there yet."""
        ending, fitting = self.lines.suffix.lower(), ENDINGS[source.format]
        if self.lines.is_dir() or (ending in _OF_A_FORMAT and ending not in fitting):
            raise UsageError(
                f"{self.lines} cannot be the repaired file: {source.path} keeps its own format.",
                hint=f"Name a file that ends in {' or '.join(fitting)} with --out.",
            )
        refuse_taken(self, [source], replace=replace)


def fix_input(
    request: Request,
    knowledge: Knowledge,
    workspace: Workspace,
    *,
    house: Mapping[str, str],
    replace: bool = False,
    show_phi: bool = False,
    progress: Progress = lambda *_: None,
) -> dict[str, object]:
    """Repair the one input of the request into `request.out`; returns what was done, without values.

    A dry run writes nothing but its record in the audit log. `show_phi`: the list of repairs has identifiers
    as they are, and the audit log says so. Raises UsageError for several inputs or an output that may not be
    written.
    """
    with workspace.scratch() as spool:
        inputs = open_inputs(request, spool, house)
        if len(inputs) != 1:
            raise UsageError(
                f"{len(inputs)} files were named; fix repairs one at a time.",
                hint="Name one file and its --out.",
            )
        run = _Run(request, inputs[0], knowledge, progress, show_phi=show_phi)
        if request.dry_run:
            for _ in run.parts():
                pass
            audit.record(workspace, "fix", count=run.read, dry_run=True)
            return run.summary({}, notes_of(inputs))
        if request.out is None:
            raise UsageError("Where should the repaired file go?", hint="Say --out fixed.csv, or --dry-run.")
        outputs = Outputs.named(request.out)
        outputs.check(inputs[0].source, replace=replace)
        paths, notes = _write(run, outputs, replace=replace)
    audit.record(
        workspace, "fix", count=run.read, cells=run.tally.cells, out_files=len(paths), show_phi=show_phi
    )
    return run.summary(paths, [*left_out(inputs[0].source, "repaired file"), *notes])


class _Run:
    """One pass of repairs over an input, and its counts."""

    def __init__(
        self, request: Request, each: Input, knowledge: Knowledge, progress: Progress, *, show_phi: bool
    ) -> None:
        self.source = each.source
        self.tally = Tally()
        self.read = self.malformed = 0
        self._request = request
        self._each = each
        self._knowledge = knowledge
        self._progress = progress
        self._show_phi = show_phi

    def parts(self) -> Iterator[tuple[RawPart, pl.DataFrame, pl.DataFrame]]:
        """Each part with its rows repaired, blank ones in their places, and the list of repairs."""
        evidence = survey((part.rows for part in self._raw("reading")), self._each.layout)
        repairer = Repairer(self._each.layout, self._knowledge, evidence, show_phi=self._show_phi)
        for part in self._raw("repairing"):
            headers = repeated_headers(part.rows, self.source.header)
            done = repairer.repair(
                part.rows,
                untouched=headers if headers.any() else None,
                trusted=trusted_cells(part.rows, self._each, self._request.run_date),
            )
            self.tally.add(done.tally)
            self.read += part.rows.height + part.malformed.height + len(part.blank_rows)
            self.malformed += part.malformed.height
            yield part, with_blank_rows(done.rows, part.blank_rows), done.report

    def _raw(self, stage: str) -> Iterator[RawPart]:
        rows = 0
        for part in raw_parts(self._each, self._request):
            yield part
            rows += part.rows.height
            self._progress(stage, part.bytes_read, self.source.bytes, rows)

    def summary(self, paths: Mapping[str, Path], notes: list[str]) -> dict[str, object]:
        """What was done."""
        return {
            "command": "fix --dry-run" if self._request.dry_run else "fix",
            "version": __version__,
            "input": str(self.source.path),
            "format": self.source.format,
            "rows": {"read": self.read, "written": self.read - self.malformed, "malformed": self.malformed},
            "cells_repaired": self.tally.cells,
            "repairs": dict(self.tally.repairs.most_common()),
            "proposals": dict(self.tally.proposals.most_common()),
            "notes": notes,
            "outputs": {name: str(path) for name, path in paths.items()},
        }


def _write(run: _Run, outputs: Outputs, *, replace: bool) -> tuple[dict[str, Path], list[str]]:
    """The files of a run, which appear together; their paths, and what a format could not hold."""
    remove_leftovers([*outputs], outputs.lines.parent, "fix")
    with OutputDir(outputs.lines.parent, job_name("fix"), replaces=replace) as directory:
        lines = LinesWriter(directory, outputs.lines.name, run.source, sheet=run.source.sheet)
        report = CsvStream(directory, outputs.repairs.name, list(REPORT))
        malformed = MalformedWriter(directory, name=outputs.malformed.name)
        for part, rows, repairs in run.parts():
            lines.write(rows)
            report.write(spreadsheet_safe(repairs))
            malformed.write(run.source.name, part.malformed)
        fixed, written = lines.close()
        report.close()
        unread, refused = malformed.close()
        if written + refused != run.read:
            raise InternalError("The rows read and written do not balance; nothing was written.")
        directory.commit()
    paths = {"fixed": fixed, "repairs": report.path}
    if unread is not None:
        paths["malformed"] = unread
    elif replace:  # one of an earlier run would look like that of this one
        outputs.malformed.unlink(missing_ok=True)
    return paths, lines.notes
