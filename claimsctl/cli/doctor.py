"""`claimsctl doctor`: is everything in order, and how to mend what is not."""

from __future__ import annotations

from typing import Annotated

import typer

from claimsctl.cli import options as given
from claimsctl.cli.state import State


def doctor(
    context: typer.Context,
    connect: Annotated[
        bool, typer.Option("--connect", help="Also log in to the databases of the settings.")
    ] = False,
    json: given.Json = False,
    quiet: given.Quiet = False,
) -> None:
    """Check workspace, stores, disk, settings, rules, tables, drivers and key; say how to mend what is wrong.

    Of databases it looks whether driver and password are there.

    Exits with 1 when something is wrong. Warnings and notes do not count.

    Example: claimsctl doctor
    """
    state: State = context.obj.with_options(json=json, quiet=quiet)
    from claimsctl.cli.doctors import run_doctor

    raise typer.Exit(run_doctor(state, log_in=connect))
