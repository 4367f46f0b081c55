"""The `claimsctl` command: global options, command groups, and the one place where errors become exits."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from claimsctl import __version__
from claimsctl.cli.crash import abandon_output, message_and_code
from claimsctl.cli.logged import Running, begin, end, keep_crash
from claimsctl.cli.options import LogFormat, Purposes
from claimsctl.cli.permitting import PermittedGroup
from claimsctl.cli.refusals import settle_audit
from claimsctl.cli.state import State
from claimsctl.security.access.opening import forget_opened
from claimsctl.settings_security import Purpose

app = typer.Typer(
    name="claimsctl",
    cls=PermittedGroup,
    help="Check and explain US medical claims on your own machine.\n\n"
    "Example: claimsctl process examples/claims.csv",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


_running = Running()
"""What `main` runs; the options before the command are heard by another function."""


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
    practice: Annotated[
        str | None, typer.Option(envvar="CLAIMSCTL_PRACTICE", help="Practice id, as in [practice.<id>].")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No notices, progress or summary; only trouble is told.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="More about what happens.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="Plain text (also: NO_COLOR).")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Answer yes to questions.")] = False,
    log: Annotated[
        str | None,
        typer.Option(metavar="FILE|-", help="Append a log, without patient data, to a file; - is stderr."),
    ] = None,
    log_format: Annotated[LogFormat | None, typer.Option(help="Lines of the log.")] = None,
    purpose: Annotated[
        Purposes | None,
        typer.Option(
            envvar="CLAIMSCTL_PURPOSE", help="What patient data is needed for; it stands in the audit file."
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options that stand before the command and hold for all of them."""
    del version
    why: Purpose | None = purpose.value if purpose is not None else None
    context.obj = State(workspace, practice, json, quiet, verbose, no_color, yes, why)
    begin(_running, context, workspace, log, log_format.value if log_format else None)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; every failure ends in one message and an exit code (design 3.3)."""
    before = os.umask(0o077)  # what libraries write is private too
    with suppress(ImportError, OSError, ValueError):
        import resource

        # A dump of memory would hold patients.
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    try:
        code = _run(arguments)
    finally:
        os.umask(before)
    raise SystemExit(code)


def _run(arguments: list[str] | None) -> int:
    global _running
    forget_opened()
    _running, code, ended = Running(sys.argv[1:] if arguments is None else arguments), 0, None
    try:
        try:
            app(args=arguments, prog_name="claimsctl")
        finally:
            if sys.stdout is not None and not sys.stdout.closed:
                sys.stdout.flush()  # a full disk or a gone reader is noticed here, not by the interpreter
    except BaseException as error:
        message, code = message_and_code(error)
        ended = error
        if isinstance(error, OSError):
            abandon_output()
        if message is not None:
            typer.echo(message + (keep_crash(_running, error) if code == 70 else ""), err=True)
    settle_audit(ended, _running.command, _running.workspace)
    end(_running, ended, code)
    return code


if __name__ == "__main__":
    main()
