"""`claimsctl payers map`: which payer an insurance id of your files means, and how it is asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated

import typer

from claimsctl.cli import options as given
from claimsctl.cli.state import State

app = typer.Typer(
    help="Which payer an insurance id means, and how it is asked.\n\nExample: claimsctl payers map list",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Insurance = Annotated[
    str, typer.Argument(metavar="ID", help="As your files name the payer, INS001.", show_default=False)
]
_DAY = ["%Y-%m-%d"]


@app.command("add")
def add(
    context: typer.Context,
    *,
    insurance: Insurance,
    payer_id: Annotated[str | None, typer.Option(help="The payer, by id or alias (87726, UHC).")] = None,
    route: Annotated[str | None, typer.Option(help="How it is asked; else the usual way.")] = None,
    name: Annotated[str | None, typer.Option(help="What staff call it.")] = None,
    inactive: Annotated[bool, typer.Option("--inactive", help="Kept, but not used.")] = False,
    valid_from: Annotated[datetime | None, typer.Option(formats=_DAY, help="First day of use.")] = None,
    valid_to: Annotated[datetime | None, typer.Option(formats=_DAY, help="Last day of use.")] = None,
    practice: Annotated[str | None, typer.Option(help="Only for claims of this practice.")] = None,
    account: Annotated[str | None, typer.Option(help="Credentials of [payer_account.<id>].")] = None,
    credential: Annotated[
        list[str] | None,
        typer.Option(help="NAME=env:X, NAME=file:PATH or NAME=keyring:service/user; may be repeated."),
    ] = None,
    tax_id: Annotated[str | None, typer.Option(help="Tax number of the practice there, if another.")] = None,
    npi: Annotated[str | None, typer.Option(help="NPI of the practice there, if another.")] = None,
    provider_id: Annotated[str | None, typer.Option(help="The payer's own number of the practice.")] = None,
    ids: Annotated[
        list[str] | None, typer.Option("--id", help="ROUTE=PAYER ID on that route; may be repeated.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Replace what there is.")] = False,
    json: given.Json = False,
) -> None:
    """Say what an insurance id means; a claim that names it is asked about by that route.

    Example: claimsctl payers map add INS001 --payer-id UHC
    """
    state: State = context.obj.with_options(json=json)
    from claimsctl.cli.pairs import pairs
    from claimsctl.cli.payermaplist import write_mapping

    values = {
        "payer_id": payer_id,
        "route": route,
        "name": name,
        "active": False if inactive else None,
        "valid_from": valid_from.date() if valid_from else None,
        "valid_to": valid_to.date() if valid_to else None,
        "practice": practice,
        "account": account,
        "credentials": pairs("--credential", credential or ()),
        "tax_id": tax_id,
        "npi": npi,
        "provider_id": provider_id,
        "ids": pairs("--id", ids or ()),
    }
    write_mapping(replace(state, yes=state.yes or yes), insurance, values)


@app.command("list")
def list_(context: typer.Context, json: given.Json = False) -> None:
    """List the map.

    Example: claimsctl payers map list
    """
    state: State = context.obj.with_options(json=json)
    from claimsctl.cli.payermaplist import print_map

    print_map(state)


@app.command("show")
def show(context: typer.Context, insurance: Insurance, json: given.Json = False) -> None:
    """Show what an insurance id means; of credentials only where they are kept.

    Example: claimsctl payers map show INS001
    """
    state: State = context.obj.with_options(json=json)
    from claimsctl.cli.payermaplist import print_mapping

    print_mapping(state, insurance)


@app.command("remove")
def remove(context: typer.Context, insurance: Insurance, json: given.Json = False) -> None:
    """Take an insurance id out of the map.

    Example: claimsctl payers map remove INS002
    """
    state: State = context.obj.with_options(json=json)
    from claimsctl.cli.payermaplist import take_out

    take_out(state, insurance)
