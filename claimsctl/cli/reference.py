"""`claimsctl reference`: code sets, edits and fee schedules in their editions."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from claimsctl.cli import options as given
from claimsctl.cli.state import State
from claimsctl.errors import UsageError

app = typer.Typer(
    help="List, fetch, load and check reference tables: code sets, edits, fee schedules.\n\n"
    "Example: claimsctl reference list",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Day = Annotated[datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="As on this service date.")]


@app.command("list")
def list_tables(
    context: typer.Context,
    table: Annotated[str | None, typer.Argument(help="Only this table.")] = None,
    formats: Annotated[
        bool, typer.Option("--formats", help="Show the file formats that `load` knows instead.")
    ] = False,
    json: given.Json = False,
) -> None:
    """List the tables: editions, rows, service dates, age, where they came from.

    Example: claimsctl reference list
    """
    from claimsctl.cli.references import print_formats, print_tables

    state: State = context.obj.with_options(json=json)
    if formats:
        print_formats(state, table)
    else:
        print_tables(state, table)


@app.command("show")
def show(
    context: typer.Context,
    table: Annotated[str, typer.Argument(help="As in `reference list`.")],
    code: Annotated[str | None, typer.Argument(help="One code of it.")] = None,
    on: Day = None,
    json: given.Json = False,
) -> None:
    """Show what a table is and holds, or what it says of one code.

    Example: claimsctl reference show pos 11 --on 2026-03-02
    """
    from claimsctl.cli.references import print_table

    print_table(context.obj.with_options(json=json), table, code, on.date() if on else None)


@app.command("load")
def load(
    context: typer.Context,
    files: Annotated[
        list[Path], typer.Argument(help="Files as published: plain, .gz or .zip.", show_default=False)
    ],
    table: Annotated[str | None, typer.Option(help="Take only this table.")] = None,
    edition: Annotated[str | None, typer.Option(help="Name of the edition, as in 2026Q2.")] = None,
    first: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="First service date, where the file has none."),
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last service date.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Take the place of a loaded edition.")] = False,
    accept_smaller: Annotated[
        bool, typer.Option("--accept-smaller", help="Load a file with far fewer rows than its table has.")
    ] = False,
    json: given.Json = False,
) -> None:
    """Load published files into the workspace; each is recognised by what it says, not by its name.

    Example: claimsctl reference load examples/practice_fees.csv
    """
    from claimsctl.cli.references import load_files
    from claimsctl.reference.releases import Wanted

    state: State = context.obj.with_options(json=json)
    wanted = Wanted(edition, first.date() if first else None, last.date() if last else None)
    load_files(state, files, wanted, table, replace=replace, accept_smaller=accept_smaller)


@app.command("fetch")
def fetch(
    context: typer.Context,
    table: Annotated[str | None, typer.Argument(help="As in --list.")] = None,
    edition: Annotated[str | None, typer.Option(help="As in --list; else the current one.")] = None,
    accept_terms: Annotated[
        bool, typer.Option("--accept-terms", help="You have read the terms of the table and accept them.")
    ] = False,
    sha256: Annotated[
        list[str] | None, typer.Option("--sha256", help="Checksum the file must have; once for each file.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Take the place of a loaded edition.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the downloaded file.")] = False,
    listing: Annotated[
        bool, typer.Option("--list", help="Show what can be fetched, and from where.")
    ] = False,
    json: given.Json = False,
    quiet: given.Quiet = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Tell how far a download is, also outside of a terminal.")
    ] = False,
) -> None:
    """Download a table from its publisher and load it; what broke off goes on from there.

    Files with CPT codes are under terms that you accept once, with --accept-terms. Nothing of yours is
    sent.

    Example: claimsctl reference fetch --list
    """
    from claimsctl.cli.fetches import fetch_table, print_publishers

    state: State = context.obj.with_options(json=json, quiet=quiet, verbose=verbose)
    if listing:
        print_publishers(state, table)
    elif table is None:
        raise UsageError("Which table?", hint="`claimsctl reference fetch --list` shows what can be fetched.")
    else:
        fetch_table(
            state, table, edition, accept_terms=accept_terms, sha256=sha256 or (), keep=keep, replaced=replace
        )


@app.command("verify")
def verify(context: typer.Context, json: given.Json = False) -> None:
    """Check that every loaded edition is what was loaded, and where service dates overlap or leave gaps.

    Exit 1 when something is wrong.

    Example: claimsctl reference verify
    """
    from claimsctl.cli.references import verify_editions

    raise typer.Exit(verify_editions(context.obj.with_options(json=json)))


@app.command("remove")
def remove(
    context: typer.Context,
    table: Annotated[str, typer.Argument(help="As in `reference list`.")],
    edition: Annotated[str, typer.Argument(help="As in `reference list`.")],
    json: given.Json = False,
) -> None:
    """Remove a loaded edition; what is shipped cannot be removed.

    Example: claimsctl reference remove practice_fees practice_fees
    """
    from claimsctl.cli.references import remove_edition

    remove_edition(context.obj.with_options(json=json), table, edition)
