"""What `claims export` does."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from claimsctl.cli.run import notifier, open_workspace, stop_on_signals
from claimsctl.cli.screen import count
from claimsctl.cli.state import State
from claimsctl.errors import UsageError
from claimsctl.inquiry.exporting import Exported, export_claims
from claimsctl.inquiry.filters import Filters
from claimsctl.process.beside import job_name, remove_leftovers
from claimsctl.requiring import require
from claimsctl.security.access.opening import open_access
from claimsctl.security.audit_watch import access
from claimsctl.write.files import OutputDir
from claimsctl.write.formats import TableFormat, format_of

if TYPE_CHECKING:
    from claimsctl.security.deidentify import Dates
    from claimsctl.security.policy import Phi, Treatment
    from claimsctl.store.workspace import Workspace

SHIFTED: Final = (
    "Dates are shifted by patient and keep their intervals; Safe Harbor keeps only years (--dates year). "
    "Share shifted ones on an expert's determination, 45 CFR 164.514(b)(1)."
)
_WITH_IDENTIFIERS: Final = ("plain", "encrypt", "mask")


def export_file(
    state: State,
    filters: Filters,
    out: Path | None,
    form: str | None,
    *,
    replace: bool,
    safe_csv: bool,
    phi: Phi | None,
    dates: Dates,
) -> None:
    """Write claims to a file that appears complete, or to standard output."""
    chosen = format_of(out, form)
    stop_on_signals()
    settings, workspace = open_workspace(state)
    export = partial(
        export_claims, workspace, filters, show_phi=phi in _WITH_IDENTIFIERS, notify=notifier(state),
        treatment=_treatment(workspace, phi, dates, filters.practice),
        safe_csv=safe_csv or settings.process.safe_csv,
    )  # fmt: skip

    def leaves(done: Exported) -> None:
        """Record that claims leave, before they do."""
        access(
            workspace, "claims export", count=done.lines, notify=notifier(state), exported=True,
            claims=done.claims, format=chosen, show_phi=phi == "plain", phi=phi,
        )  # fmt: skip

    if out is None:
        if chosen in ("xlsx", "parquet"):
            raise UsageError(f"{chosen} is not written to standard output.", hint="Name a file with --out.")
        if state.json:
            raise UsageError("--json tells of a file that was written.", hint="Add --out, or --format json.")
        with workspace.scratch() as scratch:
            done = export(output=scratch, name="export", form=chosen)
            leaves(done)
            with (scratch / "export").open(encoding="utf-8", newline="") as text:
                shutil.copyfileobj(text, sys.stdout)
    else:
        done = _to_file(export, out, chosen, leaves, replace=replace)
    if phi == "deidentify" and dates == "shift":
        done.notes.append(SHIFTED)
    for note in done.notes:
        notifier(state)(note)
    if state.json:
        said = {"claims": done.claims, "lines": done.lines, "path": str(out), "format": chosen}
        print(json.dumps({**said, "notes": done.notes}, indent=2))
    elif out is not None and not state.quiet:
        print(f"{count(done.claims, 'claim')}, {count(done.lines, 'line')}: {out}")


def _treatment(workspace: Workspace, phi: Phi | None, dates: Dates, practice: str | None) -> Treatment | None:
    """How the lines are treated; PermissionDenied where the user may not have them so."""
    if phi in (None, "plain"):
        return None
    from claimsctl.security.deidentify import Deidentifier
    from claimsctl.security.policy import Treatment

    if phi == "deidentify":
        who = require(workspace, "deidentified")
        how = Deidentifier(who.deidentify_key, datetime.now(UTC).date(), dates)
        return Treatment(phi, who.keys, deidentifier=how)
    return Treatment(phi, open_access(workspace).keys, practice or "default")


def _to_file(
    export: Callable[..., Exported],
    out: Path,
    form: TableFormat,
    leaves: Callable[[Exported], None],
    *,
    replace: bool,
) -> Exported:
    folder = out.expanduser().absolute().parent
    if not folder.is_dir():
        raise UsageError(f"There is no directory {folder}.", hint="Make it first, or choose another --out.")
    if out.exists() and not replace:
        raise UsageError(f"{out} exists already.", hint="Choose another --out, or replace it with --yes.")
    remove_leftovers([out], folder, "export")
    with OutputDir(folder, job_name("export"), replaces=replace) as directory:
        done = export(output=directory, name=out.name, form=form)
        leaves(done)
        directory.commit()
    return done
