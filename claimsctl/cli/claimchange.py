"""What `claims set-status`, `delete` and `restore` do and print."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

import typer

from claimsctl.cli.run import notifier, open_workspace
from claimsctl.cli.screen import count
from claimsctl.cli.state import State
from claimsctl.errors import UsageError
from claimsctl.inquiry.changing import Changed, delete_claims, restore_claims, set_status
from claimsctl.inquiry.finding import Named


def change_status(state: State, named: Named, status: str, note: str | None, reference: str | None) -> None:
    """Give a claim another status."""
    _, workspace = open_workspace(state)
    changed = set_status(
        workspace, named, status, note=note, payer_reference=reference, notify=notifier(state)
    )
    _tell(state, [changed], f"{changed.claim_number}: {changed.from_status} -> {changed.to_status}")


def delete_named(state: State, named: Sequence[Named], note: str | None, *, sure: bool) -> None:
    """Delete claims, after a question where somebody can answer it."""
    _, workspace = open_workspace(state)
    if not sure:
        asks = not state.json and sys.stdin.isatty() and sys.stderr.isatty()
        question = f"Delete {count(len(named), 'claim')}? They can be restored."
        if not asks:
            raise UsageError(f"Deleting {count(len(named), 'claim')} is asked about.", hint="Add --yes.")
        if not typer.confirm(question, default=False, err=True):
            raise UsageError("Nothing was deleted.")
    changed = delete_claims(workspace, named, note=note, notify=notifier(state))
    _tell(state, changed, f"Deleted {count(len(changed), 'claim')}; `claimsctl claims restore` puts back.")


def restore_named(state: State, named: Sequence[Named], note: str | None) -> None:
    """Bring deleted claims back."""
    _, workspace = open_workspace(state)
    changed = restore_claims(workspace, named, note=note, notify=notifier(state))
    _tell(state, changed, f"Restored {count(len(changed), 'claim')}.")


def _tell(state: State, changed: Sequence[Changed], text: str) -> None:
    print(json.dumps({"changed": [asdict(each) for each in changed]}, indent=2) if state.json else text)
