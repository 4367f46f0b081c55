"""What `keys init`, `export-recovery` and `import-recovery` do and print."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import typer

from claimsctl.cli.confirming import can_ask
from claimsctl.cli.joblist import print_document, screen_of
from claimsctl.cli.keyways import Given, own_name, recovery_code
from claimsctl.cli.run import open_workspace
from claimsctl.cli.state import State
from claimsctl.errors import Interrupted
from claimsctl.inquiry.practices import practices_with_data
from claimsctl.security.access.changing import hold
from claimsctl.security.access.founding import Founded, found, give_up_secret, plain_secret_is_left
from claimsctl.security.access.recovery import export_recovery, import_recovery, write_kit
from claimsctl.security.access.registry import Registry
from claimsctl.security.access.rotation import add_practice
from claimsctl.store.workspace import Workspace

_TRIES = 3
_LOST = (
    "Write it down and keep it apart from the workspace: it is shown once. Without it and without every "
    "other key, names and numbers of patients stay sealed for good."
)


def found_keys(
    state: State, user: str | None, ways: Given, practices: Sequence[str], trained: date | None
) -> None:
    """Bring users and roles in; in a workspace that has them: keys of further practices, or its end."""
    settings, workspace = open_workspace(state)
    if workspace.access_file.exists():
        _further(state, workspace, practices)
        return
    name = own_name(user)
    with_data = practices_with_data(workspace)
    method = ways.made(workspace, name)

    def show(made: Founded) -> None:
        document = {
            "user": name, "role": "admin", "method": method.method.kind,
            "practices": sorted(made.registry.practices), "token": method.told, "recovery_code": made.code,
        }  # fmt: skip
        _show(state, document, "This workspace gets users and roles; you are its admin.")
        _confirm(state, made.code)

    found(
        workspace, name, method, practices={"default", *settings.practice, *practices},
        with_data={"default", *with_data}, trained=trained or date.today(), show=show,
    )  # fmt: skip
    give_up_secret(workspace)
    if with_data and not state.json:
        screen_of(state).line(
            "What is stored gets the keys of its practice by: claimsctl keys rotate --resume"
        )


def new_code(state: State, out: Path | None) -> None:
    """A new recovery code, and a copy of the registry where one is wanted."""
    _, workspace = open_workspace(state)
    kit = out and out.expanduser().absolute()

    def show(registry: Registry, code: str) -> None:
        document = {"recovery_code": code, "made": str(registry.recovery.made), "kit": kit and str(kit)}
        if kit is not None:
            write_kit(registry, kit)
        try:
            _show(state, document, "This recovery code takes the place of the one before.")
        except BaseException:
            if kit is not None:
                kit.unlink(missing_ok=True)
            raise

    export_recovery(workspace, show)


def recover(state: State, user: str | None, ways: Given, code_from: str | None, kit: Path | None) -> None:
    """Make who has the recovery code an admin."""
    _, workspace = open_workspace(state)
    name = own_name(user)
    code = recovery_code(code_from)
    method = ways.made(workspace, name)
    registry = import_recovery(workspace, code, name, method, kit=kit)
    document = {
        "user": name, "role": "admin", "method": method.method.kind,
        "practices": sorted(registry.practices), "token": method.told,
    }  # fmt: skip
    _show(state, document, f"{name} is an admin of all practices; the recovery code stays as it is.")


def _further(state: State, workspace: Workspace, practices: Sequence[str]) -> None:
    if not practices and plain_secret_is_left(workspace):
        # Cut short when the registry was in force already, and so its code seen.
        hold(workspace).authority()
        give_up_secret(workspace)
        text = "The secret from before users and roles is removed; the recovery code is as it was shown."
        print_document({"plain_secret_removed": True}) if state.json else screen_of(state).line(text)
        return
    if not practices:
        from claimsctl.errors import UsageError

        raise UsageError(
            "This workspace has users and roles already.",
            hint="--practice makes keys of a further practice, `claimsctl keys export-recovery` a new code.",
        )
    for practice in practices:
        add_practice(workspace, practice)
    text = f"Keys were made of {', '.join(practices)}, for all users who have all practices."
    print_document({"practices": list(practices)}) if state.json else screen_of(state).line(text)


def _show(state: State, document: dict[str, Any], text: str) -> None:
    """Print what is printed once; an error of printing comes up here, before anything else is done."""
    if state.json:
        print_document(document)
    else:
        screen = screen_of(state)
        screen.line(text)
        for name in ("user", "method", "practices", "token", "kit"):
            value = document.get(name)
            if value:
                screen.labelled(name, ", ".join(value) if isinstance(value, list) else str(value))
        if "recovery_code" in document:
            screen.gap()
            screen.line(f"Recovery code:  {document['recovery_code']}", "bold")
            screen.wrapped(_LOST)
    sys.stdout.flush()


def _confirm(state: State, code: str) -> None:
    """Ask somebody at a terminal whether the code is written down."""
    if state.json or not can_ask(state):
        return
    for _ in range(_TRIES):
        typed = typer.prompt("The last four characters of the code, when it is written down", err=True)
        if typed.strip().upper() == code[-4:]:
            return
    raise Interrupted("Nothing was changed: the recovery code has to be safe first.", hint="Run it again.")
