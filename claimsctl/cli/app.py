"""The `claimsctl` command: global options, command groups, and the one place where errors become exits."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from claimsctl import __version__
from claimsctl.cli import claims, doctor, fix, init, jobs, preview, price, process, reference, rules, template
from claimsctl.cli.crash import abandon_output, message_and_code
from claimsctl.cli.state import State

app = typer.Typer(
    name="claimsctl",
    help="Check and explain US medical claims on your own machine.\n\n"
    "Example: claimsctl process examples/claims.csv",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("init")(init.init)
app.command("process")(process.process)
app.command("preview")(preview.preview)
app.command("fix")(fix.fix)
app.command("price")(price.price)
app.command("doctor")(doctor.doctor)
app.add_typer(template.app, name="template")
app.add_typer(rules.app, name="rules")
app.add_typer(reference.app, name="reference")
app.add_typer(claims.app, name="claims")
app.add_typer(jobs.app, name="jobs")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"claimsctl {__version__}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    workspace: Annotated[
        Path | None,
        typer.Option(envvar="CLAIMSCTL_WORKSPACE", help="Workspace directory; else found upwards from here."),
    ] = None,
    practice: Annotated[str | None, typer.Option(help="Practice id, as in [practice.<id>].")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No notices or progress.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="More about what happens.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="Plain text (also: NO_COLOR).")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Answer yes to questions.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options that stand before the command and hold for all of them."""
    del version
    context.obj = State(workspace, practice, json, quiet, verbose, no_color, yes)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; every failure ends in one message and an exit code (design 3.3)."""
    code = 0
    try:
        try:
            app(args=arguments, prog_name="claimsctl")
        finally:
            if sys.stdout is not None and not sys.stdout.closed:
                sys.stdout.flush()  # a full disk or a gone reader is noticed here, not by the interpreter
    except BaseException as error:
        message, code = message_and_code(error)
        if isinstance(error, OSError):
            abandon_output()
        if message is not None:
            typer.echo(message, err=True)
    raise SystemExit(code)


if __name__ == "__main__":
    main()
