"""`claimsctl worklist`: which claims to look at first."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from claimsctl.cli import options as given
from claimsctl.cli.claims import Which
from claimsctl.cli.state import State


@given.with_groups
def worklist(
    context: typer.Context,
    which: Which,
    top: Annotated[int, typer.Option(min=0, max=given.MOST, help="So many claims; 0 for all.")] = 50,
    out: Annotated[
        Path | None, typer.Option(help="Write a file for a spreadsheet, .csv or .xlsx, instead.")
    ] = None,
    as_of: given.AsOf = None,
    yes: given.Yes = False,
    json: given.Json = False,
    quiet: given.Quiet = False,
) -> None:
    """List the claims to look at first: most money at stake, why, and what helps.

    Claims that have not gone out, by expected loss; in the last 30 days before its filing deadline more
    and more of a claim is at stake. `--status INVALID` lists rejected ones.

    Example: claimsctl worklist --top 20
    """
    state: State = context.obj.with_options(json=json, quiet=quiet)
    from claimsctl.cli.worklisting import show_worklist

    show_worklist(
        state, which.filters(state), as_of.date() if as_of else None, top or None, out,
        replace=yes or state.yes,
    )  # fmt: skip
