"""What `claims export` does."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Final

from claimsctl.cli.run import notifier, open_workspace, stop_on_signals
from claimsctl.cli.screen import count
from claimsctl.cli.state import State
from claimsctl.errors import UsageError
from claimsctl.inquiry.exporting import Exported, Format, export_claims
from claimsctl.inquiry.filters import Filters
from claimsctl.process.beside import job_name, remove_leftovers
from claimsctl.security import audit
from claimsctl.write.files import OutputDir

_ENDS: Final[dict[str, Format]] = {".csv": "csv", ".xlsx": "xlsx", ".parquet": "parquet", ".json": "json"}
_FORMATS: Final[dict[str, Format]] = {form: form for form in _ENDS.values()}


def export_file(
    state: State, filters: Filters, out: Path | None, form: str | None, *, replace: bool, show_phi: bool
) -> None:
    """Write claims to a file that appears complete, or to standard output."""
    chosen = _format(out, form)
    stop_on_signals()
    _, workspace = open_workspace(state)
    if out is None:
        if chosen in ("xlsx", "parquet"):
            raise UsageError(f"{chosen} is not written to standard output.", hint="Name a file with --out.")
        if state.json:
            raise UsageError("--json tells of a file that was written.", hint="Add --out, or --format json.")
        with workspace.scratch() as scratch:
            done = export_claims(
                workspace, filters, scratch, "export", chosen, show_phi=show_phi, notify=notifier(state)
            )
            with (scratch / "export").open(encoding="utf-8", newline="") as text:
                shutil.copyfileobj(text, sys.stdout)
    else:
        done = _to_file(state, filters, out, chosen, replace=replace, show_phi=show_phi)
    audit.record(
        workspace, "claims export", claims=done.claims, lines=done.lines, format=chosen, show_phi=show_phi
    )
    for note in done.notes:
        notifier(state)(note)
    if state.json:
        said = {"claims": done.claims, "lines": done.lines, "path": str(out), "format": chosen}
        print(json.dumps({**said, "notes": done.notes}, indent=2))
    elif out is not None and not state.quiet:
        print(f"{count(done.claims, 'claim')}, {count(done.lines, 'line')}: {out}")


def _to_file(
    state: State, filters: Filters, out: Path, form: Format, *, replace: bool, show_phi: bool
) -> Exported:
    _, workspace = open_workspace(state)
    folder = out.expanduser().absolute().parent
    if not folder.is_dir():
        raise UsageError(f"There is no directory {folder}.", hint="Make it first, or choose another --out.")
    if out.exists() and not replace:
        raise UsageError(f"{out} exists already.", hint="Choose another --out, or replace it with --yes.")
    remove_leftovers([out], folder, "export")
    with OutputDir(folder, job_name("export"), replaces=replace) as directory:
        done = export_claims(
            workspace, filters, directory, out.name, form, show_phi=show_phi, notify=notifier(state)
        )
        directory.commit()
    return done


def _format(out: Path | None, form: str | None) -> Format:
    if form is not None:
        return _FORMATS[form]
    if out is None:
        return "csv"
    if out.suffix.lower() not in _ENDS:
        raise UsageError(
            f"{out.name} does not say in which format to write.",
            hint="End it with .csv, .xlsx, .parquet or .json, or add --format.",
        )
    return _ENDS[out.suffix.lower()]
