"""`claimsctl init`: a new workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from claimsctl.cli import options as given
from claimsctl.cli.state import State


def init(
    context: typer.Context,
    directory: Annotated[
        Path | None,
        typer.Argument(help="Directory of the workspace; else --workspace, else the current one."),
    ] = None,
    json: given.Json = False,
    quiet: given.Quiet = False,
) -> None:
    """Make a workspace: claimsctl.toml with every setting explained, inbox, outbox, house rules.

    Files that are there already are kept as they are.

    Example: claimsctl init claims
    """
    state: State = context.obj.with_options(json=json, quiet=quiet)
    from claimsctl.cli.inits import run_init

    run_init(state, directory or state.workspace or Path())
