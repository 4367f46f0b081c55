"""What `claimsctl patients` does and prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import typer

from claimsctl.cli.claimlist import shown
from claimsctl.cli.confirming import can_ask
from claimsctl.cli.joblist import print_document, screen_of
from claimsctl.cli.run import notifier, open_workspace
from claimsctl.cli.screen import count, new_table
from claimsctl.cli.state import State
from claimsctl.errors import Interrupted, UsageError
from claimsctl.inquiry.listing import plain
from claimsctl.inquiry.patients import (
    SHORT,
    SHOWN,
    Patient,
    PatientChange,
    delete_patients,
    list_patients,
    restore_patients,
)
from claimsctl.security.audit_watch import access


def print_patients(
    state: State,
    search: str | None,
    practice: str | None,
    *,
    deleted: bool,
    limit: int | None,
    page: int,
    show_phi: bool,
) -> None:
    """A page of patients."""
    _, workspace = open_workspace(state)
    found, total = list_patients(
        workspace, search=search, practice=practice, deleted=deleted, limit=limit, page=page,
        show_phi=show_phi, notify=notifier(state),
    )  # fmt: skip
    access(workspace, "patients list", count=len(found), notify=notifier(state), show_phi=show_phi)
    if state.json:
        rows = [_document(patient) for patient in found]
        print_document({"total": total, "page": page, "limit": limit, "patients": rows})
        return
    screen = screen_of(state)
    if not found:
        screen.line("No patient fits." if page == 1 else "No patient on this page.")
        return
    table = new_table("patient", "last name", "first name", "member", "practice", "claims", "last service",
                      *(["deleted (UTC)"] if deleted else []))  # fmt: skip
    table.columns[5].justify = "right"
    for each in found:
        cells = (each.patient_key[:SHORT], *(each.names.get(name, "") for name in SHOWN), each.practice_id,
                 f"{each.claims:,}", shown("last_service", each.last_service),
                 *([shown("deleted_at", each.deleted_at)] if deleted else []))  # fmt: skip
        table.add_row(*(screen.text(cell) for cell in cells))
    screen.block(table, 0, least=80)
    if len(found) < total:
        screen.line(f"{count(len(found), 'patient')} of {total:,}; --page and --limit show others.", "dim")


def _document(patient: Patient) -> dict[str, object]:
    said = asdict(patient)
    names = said.pop("names")
    return {name: plain(value) for name, value in (said | names).items()}


def delete_named(state: State, named: Sequence[str], practice: str | None) -> None:
    """Delete patients, after a question where somebody can answer it."""
    _, workspace = open_workspace(state)
    if not state.yes:
        of = count(len(set(named)), "patient")
        if not can_ask(state):
            raise UsageError(f"Deleting {of} is asked about.", hint="Add --yes.")
        if not typer.confirm(f"Delete {of} with all claims? They can be restored.", default=False, err=True):
            raise Interrupted("Nothing was deleted.")
    changed = delete_patients(workspace, named, practice=practice, notify=notifier(state))
    _tell(state, changed, "Deleted", "; `claimsctl patients restore` puts back")


def restore_named(state: State, named: Sequence[str], practice: str | None) -> None:
    """Bring deleted patients back."""
    _, workspace = open_workspace(state)
    changed = restore_patients(workspace, named, practice=practice, notify=notifier(state))
    again = sum(each.came_again for each in changed)
    came = f"; {count(again, 'claim')} came again since and stay as they are" if again else ""
    _tell(state, changed, "Restored", came)


def _tell(state: State, changed: Sequence[PatientChange], done: str, more: str) -> None:
    if state.json:
        print_document({"changed": [asdict(each) for each in changed]})
        return
    claims = count(sum(each.claims for each in changed), "claim")
    keys = ", ".join(each.patient_key[:SHORT] for each in changed)
    screen_of(state).line(f"{done} {count(len(changed), 'patient')} ({keys}) with {claims}{more}.")
