"""`claimsctl doctor`: is everything in order, and how to mend what is not."""

from __future__ import annotations

import typer

from claimsctl.cli import options as given
from claimsctl.cli.state import State


def doctor(context: typer.Context, json: given.Json = False, quiet: given.Quiet = False) -> None:
    """Check workspace, stores, disk, settings, rules, tables, drivers and key; say how to mend what is wrong.

    Exits with 1 when something is wrong. Warnings and notes do not count.

    Example: claimsctl doctor
    """
    state: State = context.obj.with_options(json=json, quiet=quiet)
    from claimsctl.cli.doctors import run_doctor

    raise typer.Exit(run_doctor(state))
