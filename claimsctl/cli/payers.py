"""`claimsctl payers`: the ways to ask payers, and which payer an insurance id means."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from claimsctl.cli import options as given
from claimsctl.cli import payermaps

app = typer.Typer(
    help="How payers are asked, and which payer an insurance id means.\n\nExample: claimsctl payers list",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(payermaps.app, name="map")

Route = Annotated[str, typer.Argument(metavar="ROUTE", help="As in `payers list`.", show_default=False)]


@app.command("list")
def list_routes(context: typer.Context, json: given.Json = False) -> None:
    """List the payer routes: the shipped ones and those in payers/*.toml of the workspace.

    Example: claimsctl payers list
    """
    from claimsctl.cli.payerroutes import print_routes

    print_routes(context.obj.with_options(json=json))


@app.command("show")
def show(context: typer.Context, route: Route, json: given.Json = False) -> None:
    """Show a route: addresses, credentials it needs, limits, steps, settings, error codes.

    Example: claimsctl payers show uhc
    """
    from claimsctl.cli.payerroutes import print_route

    print_route(context.obj.with_options(json=json), route)


@app.command("test")
def try_access(
    context: typer.Context,
    route: Route,
    question: Annotated[
        bool,
        typer.Option("--question", help="Also ask about an invented claim; a miss shows that all works."),
    ] = False,
    payer_id: Annotated[str | None, typer.Option(help="Payer id of the question.", metavar="ID")] = None,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Test with a sandbox on this machine, started for it.")
    ] = False,
    json: given.Json = False,
) -> None:
    """Test the access to a route: settings, credentials, connection, token.

    Example: claimsctl payers test stedi --sandbox --question
    """
    from claimsctl.cli.payertest import test_route

    test_route(
        context.obj.with_options(json=json), route, question=question, payer_id=payer_id, sandbox=sandbox
    )


@app.command("check")
def check(
    context: typer.Context,
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Connector files; else those of the workspace.", show_default=False),
    ] = None,
    json: given.Json = False,
) -> None:
    """Check connector files and run their examples, without asking anybody.

    Example: claimsctl payers check examples/payer_route.toml
    """
    from claimsctl.cli.payerroutes import check_files

    check_files(context.obj.with_options(json=json), files or [])
