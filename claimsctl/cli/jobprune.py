"""What `jobs prune` does and prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import typer

from claimsctl.cli.confirming import can_ask
from claimsctl.cli.joblist import print_document, screen_of
from claimsctl.cli.run import notifier, open_workspace
from claimsctl.cli.screen import byte_size, count
from claimsctl.cli.state import State
from claimsctl.errors import Interrupted, UsageError
from claimsctl.jobs.pruning import KINDS, Kind, Prunable, plan, prune


def prune_jobs(state: State, days: int, only: Sequence[Kind], *, dry_run: bool) -> None:
    """Say what is older than so many days, ask, and remove it."""
    settings, workspace = open_workspace(state)
    notify = notifier(state)
    before, kinds = datetime.now(UTC) - timedelta(days=days), only or KINDS
    kept = max(days, settings.security.retention_days)
    retained = datetime.now(UTC) - timedelta(days=kept)
    found = plan(workspace, before, kinds, deleted_before=retained, notify=notify)
    anything = any(each.files or each.versions or each.patients for each in found)
    screen = screen_of(state)
    if not state.json:
        screen.line(f"Older than {count(days, 'day')} ({before:%Y-%m-%d}):")
        for each in found:
            screen.line(_told(each), indent=2)
        if "history" in kinds and kept > days:
            screen.line(f"Claims and patients who were deleted are kept for {count(kept, 'day')}.", "dim", 2)
    if anything and not dry_run:
        _confirm(state)
        prune(workspace, before, kinds, deleted_before=retained, notify=notify)
    if state.json:
        print_document({"before": before, "dry_run": dry_run, "removed": [asdict(each) for each in found]})
    elif not anything:
        screen.line("There is nothing to remove.")
    else:
        screen.line("Nothing was removed (--dry-run)." if dry_run else "Removed.")


def _told(each: Prunable) -> str:
    if each.kind == "history":
        versions = count(each.versions, "version")
        patients = f", {count(each.patients, 'deleted patient')}" if each.patients else ""
        return f"history: {versions} of claims that are not in force ({count(each.lines, 'line')}){patients}"
    of = "findings and rejected rows" if each.kind == "details" else "output files"
    size = byte_size(each.bytes)
    return f"{each.kind}: {of} of {count(each.jobs, 'job')} ({count(each.files, 'file')}, {size})"


def _confirm(state: State) -> None:
    if state.yes:
        return
    if not can_ask(state):
        raise UsageError("Nothing was removed.", hint="Say --yes to remove it, or --dry-run to look only.")
    if not typer.confirm("Remove it?", default=False, err=True):
        raise Interrupted("Nothing was removed.")
