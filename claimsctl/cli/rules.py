"""`claimsctl rules`: what is checked, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from claimsctl.cli import options as given
from claimsctl.cli.state import State

app = typer.Typer(
    help="List, explain and check rules.\n\nExample: claimsctl rules list --severity error",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Code = Annotated[str, typer.Argument(help="As in PAT-008.")]


@app.command("list")
def list_rules(
    context: typer.Context,
    category: Annotated[str | None, typer.Option(help="Only this category.")] = None,
    severity: Annotated[str | None, typer.Option(help="Only error, warning or info.")] = None,
    json: given.Json = False,
) -> None:
    """List all rules: code, severity, level, name, and whether they can run here.

    Example: claimsctl rules list --category patient
    """
    state: State = context.obj.with_options(json=json)
    from claimsctl.cli.rulebook import print_rules

    print_rules(state, category, severity)


@app.command("show")
def show(context: typer.Context, code: Code, json: given.Json = False) -> None:
    """Show one rule as it stands in its pack.

    Example: claimsctl rules show PAT-008
    """
    state: State = context.obj.with_options(json=json)
    from claimsctl.cli.rulebook import print_rule

    print_rule(state, code)


@app.command("explain")
def explain(context: typer.Context, code: Code, json: given.Json = False) -> None:
    """Explain one rule: what it checks, why payers care, how to fix it, its source and examples.

    Example: claimsctl rules explain PAT-008
    """
    state: State = context.obj.with_options(json=json)
    from claimsctl.cli.rulebook import explain_rule

    explain_rule(state, code)


@app.command("check")
def check(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="Rule packs (TOML).", show_default=False)],
    json: given.Json = False,
) -> None:
    """Compile rule packs and run the examples of their rules; exit 1 if one misbehaves, 2 if broken.

    Example: claimsctl rules check examples/house_rules.toml
    """
    state: State = context.obj.with_options(json=json)
    from claimsctl.cli.rulebook import check_packs

    raise typer.Exit(check_packs(state, files))
