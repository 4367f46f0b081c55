"""`claimsctl fix`: safe repairs of form."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from claimsctl.cli import options as given
from claimsctl.cli.state import State


def fix(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(metavar="INPUT", help="File to repair; - reads standard input.", show_default=False),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Repaired file; the list of repairs is written beside it.")
    ] = None,
    profile: given.Profile = None,
    mapping: given.Map = None,
    constants: given.Set = None,
    sheet: given.Sheet = None,
    as_of: given.AsOf = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count the repairs; write nothing.")] = False,
    yes: given.Yes = False,
    show_phi: given.ShowPhi = False,
    json: given.Json = False,
    quiet: given.Quiet = False,
) -> None:
    """Repair the form of a file: lost zeros, dates, amounts, spaces, capitals; never what a cell says.

    Example: claimsctl fix examples/claims.csv --out fixed.csv
    """
    state: State = context.obj.with_options(json=json, quiet=quiet)
    from claimsctl.cli.fixing import run_fix
    from claimsctl.cli.run import Options

    options = Options(
        inputs=(source,),
        out=out,
        practice=state.practice,
        profile=profile,
        mapping=tuple(mapping or ()),
        constants=tuple(constants or ()),
        sheet=sheet,
        as_of=as_of.date() if as_of else None,
        dry_run=dry_run,
    )
    run_fix(state, options, replace=yes or state.yes, show_phi=show_phi)
