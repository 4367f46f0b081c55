"""`claimsctl scan`: find patients' data in logs and files."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from claimsctl.cli import options as given
from claimsctl.cli.state import State


class FailOn(StrEnum):
    """What makes a search end with 1."""

    known = "known"
    any = "any"


def scan(
    context: typer.Context,
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH...", help="Files and directories to search.", show_default=False),
    ],
    fail_on: Annotated[
        FailOn | None,
        typer.Option(help="Exit 1 where something is found: any, or only what stored patients have."),
    ] = None,
    json: given.Json = False,
    quiet: given.Quiet = False,
) -> None:
    """Find SSNs, member ids, names, birth dates and phones in logs, tables, archives and databases.

    Names and numbers of stored patients are found wherever they stand, through their keyed hashes. What is
    found is shown masked; nothing is changed.

    Example: claimsctl scan examples/status.csv
    """
    state: State = context.obj.with_options(json=json, quiet=quiet)
    from claimsctl.cli.scanned import run_scan

    raise typer.Exit(run_scan(state, paths, fail_on.value if fail_on else None))
