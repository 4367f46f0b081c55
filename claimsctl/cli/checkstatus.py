"""`claimsctl check-status`: what payers say about many claims."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated

import typer

from claimsctl.cli import options as given
from claimsctl.cli.state import State


class ResultFormat(StrEnum):
    """Format of the statuses."""

    csv = "csv"
    parquet = "parquet"


Sandbox = Annotated[
    str | None,
    typer.Option("--sandbox", metavar="[URL]", help="Ask invented payers; without URL started for the run."),
]
Stale = Annotated[str | None, typer.Option(help="Stored claims not answered for so long, as 7d, 12h.")]


@dataclass(frozen=True)
class Answering:
    """How payers are asked and where answers go: the options of every command that asks."""

    out: given.Out = None
    output_format: Annotated[
        ResultFormat | None, typer.Option("--format", help="Format of the statuses; csv where not given.")
    ] = None
    sandbox: Sandbox = None
    fresh: Annotated[bool, typer.Option("--fresh", help="Ask also where an answer is a few minutes old.")] = (
        False
    )
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be sent, masked; ask nobody.")
    ] = False
    limit: Annotated[
        int | None, typer.Option(min=1, max=given.MOST, help="Only the first rows of each input.")
    ] = None
    as_of: given.AsOf = None
    to: given.To = None
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before many claims.")] = False


@given.with_groups
def check_status(
    context: typer.Context,
    *,
    inputs: Annotated[
        list[str] | None, typer.Argument(help="Files, globs or directories; - reads standard input.")
    ] = None,
    stale: Stale = None,
    status: Annotated[
        list[str] | None, typer.Option(help="Stored claims of this status, as PENDING; may be repeated.")
    ] = None,
    claim: Annotated[list[str] | None, typer.Option(help="This stored claim; may be repeated.")] = None,
    payer: Annotated[
        str | None, typer.Option(help="Payer of rows that name none; of stored claims, only its claims.")
    ] = None,
    practice: given.Practice = None,
    mapping: given.Map = None,
    constants: given.Set = None,
    sheet: given.Sheet = None,
    answering: Answering,
    json: given.Json = False,
    quiet: given.Quiet = False,
    verbose: given.Verbose = False,
) -> None:
    """Ask payers for the status of many claims, of a file or of the workspace.

    Rows are checked first; a row with an error is reported and not asked about. Exit 4 when a payer could
    not be reached; what was answered is kept, and `claimsctl jobs retry` asks the rest.

    Example: claimsctl check-status examples/status.csv --sandbox
    """
    state: State = context.obj.with_options(json=json, quiet=quiet, verbose=verbose)
    from claimsctl.cli.checking import Chosen, run_check

    chosen = Chosen(
        tuple(inputs or ()), stale, tuple(status or ()), tuple(claim or ()), payer,
        practice or state.practice, tuple(mapping or ()), tuple(constants or ()), sheet,
    )  # fmt: skip
    raise typer.Exit(run_check(replace(state, yes=state.yes or answering.yes), chosen, answering))
