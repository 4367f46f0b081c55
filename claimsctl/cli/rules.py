"""`claimsctl rules`: what is checked, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from claimsctl.cli import options as given
from claimsctl.cli.state import State

app = typer.Typer(
    help="List, explain, check and compare rules.\n\nExample: claimsctl rules list --severity error",
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


@app.command("test")
@given.with_groups
def try_rules(
    context: typer.Context,
    *,
    claims: Annotated[str, typer.Argument(help="One claims file.", show_default=False)],
    expect: Annotated[Path, typer.Option(help="CSV file: row_number, code and, if you like, field.")],
    update: Annotated[bool, typer.Option("--update", help="Write that file from what is found.")] = False,
    reading: given.Reading,
    choosing: given.Choosing,
    json: given.Json = False,
) -> None:
    """Check a claims file and compare the findings with the expected ones; exit 1 if they differ.

    Nothing is stored. Packs of your own are tested in CI with --only 'HOUSE-*' and an --as-of date.

    Example: claimsctl rules test examples/claims.csv --expect exp.csv --update
    """
    state: State = context.obj.with_options(json=json)
    from claimsctl.cli.ruletest import run_test
    from claimsctl.cli.run import Options

    options = Options.of(state, [claims], reading, choosing, dry_run=True)
    raise typer.Exit(run_test(state, options, expect, update=update))


@app.command("diff")
@given.with_groups
def diff(
    context: typer.Context,
    *,
    before: Annotated[
        str, typer.Argument(help="A rule pack or folder of packs, or an edition (mue@2026Q2).")
    ],
    after: Annotated[str, typer.Argument(help="What takes its place.")],
    claims: Annotated[
        list[str] | None, typer.Option("--claims", help="Claims to check with one, then with the other.")
    ] = None,
    show: Annotated[
        int, typer.Option("--show", min=1, max=1_000, help="Codes of a table, and rows of a code, to print.")
    ] = 5,
    reading: given.Reading,
    rules: given.Rules = None,
    json: given.Json = False,
) -> None:
    """Compare two rule packs or two editions of a table; exit 1 if they differ.

    With --claims: which findings would appear and disappear. Nothing is stored.

    Example: claimsctl rules diff examples/house_rules.toml examples/autumn.toml
    """
    state: State = context.obj.with_options(json=json)
    from claimsctl.cli.rulediff import run_diff
    from claimsctl.cli.run import Options

    options = Options.of(state, claims or (), reading, given.Choosing(rules), dry_run=True)
    raise typer.Exit(run_diff(state, before, after, options, show))
