"""`claimsctl preview`: what a run would do."""

from __future__ import annotations

from typing import Annotated

import typer

from claimsctl.cli import options as given
from claimsctl.cli.state import State


@given.with_groups
def preview(
    context: typer.Context,
    inputs: given.MaybeInputs = None,
    *,
    rows: Annotated[int, typer.Option(min=1, max=1_000_000, help="Rows to look at of each input.")] = 1_000,
    databases: given.FromSql,
    reading: given.Reading,
    choosing: given.Choosing,
    json: given.Json = False,
) -> None:
    """Look at an input before running it: mapping, types, sample, findings, run time; writes nothing.

    Example: claimsctl preview examples/claims.csv
    """
    state: State = context.obj.with_options(json=json)
    from claimsctl.cli.previewing import run_preview
    from claimsctl.cli.run import Options

    run_preview(state, Options.of(state, inputs, reading, choosing, databases, limit=rows))
