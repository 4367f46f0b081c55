"""`claimsctl practices`: the practices that bill, as [practice.<id>] of claimsctl.toml."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated, Any

import typer

from claimsctl.cli import options as given
from claimsctl.cli.state import State

app = typer.Typer(
    help="The practices that bill and ask: add, list, show, change.\n\nExample: claimsctl practices list",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Id = Annotated[str, typer.Argument(metavar="ID", help="Short id, as in maple-street.", show_default=False)]


@dataclass(frozen=True)
class About:
    """What is said of a practice; None: as it is."""

    name: Annotated[str | None, typer.Option(help="Name; fills billing_name.")] = None
    npi: Annotated[str | None, typer.Option(help="NPI that bills.")] = None
    tax_id: Annotated[str | None, typer.Option(help="Tax number, nine digits.")] = None
    taxonomy: Annotated[str | None, typer.Option(help="Taxonomy code.")] = None
    address: Annotated[str | None, typer.Option(help="Street.")] = None
    city: Annotated[str | None, typer.Option(help="City.")] = None
    state: Annotated[str | None, typer.Option(help="State, as MA.")] = None
    zip: Annotated[str | None, typer.Option(help="ZIP code, better with its last four digits.")] = None
    locality: Annotated[str | None, typer.Option(help="Medicare locality, as 14212/99.")] = None
    practice_type: Annotated[str | None, typer.Option("--type", help="Kind of practice, as therapy.")] = None
    payer: Annotated[str | None, typer.Option(help="Payer of lines that name none.")] = None
    network: Annotated[list[str] | None, typer.Option(help="PAYER=in or PAYER=out; may be repeated.")] = None
    coverage: Annotated[list[str] | None, typer.Option(help="PAYER=what is agreed; may be repeated.")] = None

    def values(self) -> dict[str, Any]:
        """What was given, as settings have it."""
        from claimsctl.cli.pairs import pairs

        found: dict[str, Any] = {}
        for each in fields(self):
            value = getattr(self, each.name)
            if value is not None:
                found[each.name] = pairs(f"--{each.name}", value) if isinstance(value, list) else value
        return found


@app.command("add")
@given.with_groups
def add(context: typer.Context, practice: Id, about: About, json: given.Json = False) -> None:
    """Add a practice to claimsctl.toml.

    Example: claimsctl practices add oak --name Oak --npi 1234567893
    """
    state: State = context.obj.with_options(json=json)
    from claimsctl.cli.practicelist import write_practice

    write_practice(state, practice, about.values(), new=True)


@app.command("list")
def list_(context: typer.Context, json: given.Json = False) -> None:
    """List the practices.

    Example: claimsctl practices list
    """
    state: State = context.obj.with_options(json=json)
    from claimsctl.cli.practicelist import print_practices

    print_practices(state)


@app.command("show")
def show(context: typer.Context, practice: Id, json: given.Json = False) -> None:
    """Show all that is said of a practice.

    Example: claimsctl practices show oak
    """
    state: State = context.obj.with_options(json=json)
    from claimsctl.cli.practicelist import print_practice

    print_practice(state, practice)


@app.command("edit")
@given.with_groups
def edit(context: typer.Context, practice: Id, about: About, json: given.Json = False) -> None:
    """Change what is said of a practice; "" takes a value out. Comments in the file stay.

    Example: claimsctl practices edit oak --network 87726=in
    """
    state: State = context.obj.with_options(json=json)
    from claimsctl.cli.practicelist import write_practice

    write_practice(state, practice, about.values(), new=False)
