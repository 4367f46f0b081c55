"""`claimsctl audit`: who did what with patient data, and whether the record of it is whole."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from claimsctl.cli import options as given
from claimsctl.cli.state import State

if TYPE_CHECKING:
    from claimsctl.security.audit_reading import Wanted

app = typer.Typer(
    help="Who did what with patient data, when, to how many claims: list, verify, export, anchor.\n\n"
    "Example: claimsctl audit list",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_MOMENT = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]


@dataclass(frozen=True)
class Which:
    """Which records."""

    user: Annotated[str | None, typer.Option(help="Only of this user or account.")] = None
    action: Annotated[
        str | None, typer.Option(help='Only this action, as "claims list", or a group of them: claims.')
    ] = None
    job: Annotated[str | None, typer.Option(help="Only of this job (its id, or how it begins).")] = None
    since: Annotated[
        datetime | None, typer.Option(formats=_MOMENT, help="From this moment on (local time).")
    ] = None
    until: Annotated[
        datetime | None, typer.Option(formats=_MOMENT, help="Before this moment (local time).")
    ] = None

    def wanted(self) -> Wanted:
        """As the reading takes them."""
        from claimsctl.security.audit_reading import Wanted

        since = self.since.astimezone() if self.since else None
        until = self.until.astimezone() if self.until else None
        return Wanted(self.user, self.action, self.job, since, until)


@app.command("list")
@given.with_groups
def list_(
    context: typer.Context,
    which: Which,
    limit: Annotated[int, typer.Option(min=0, max=given.MOST, help="At most so many; 0 for all.")] = 50,
    json: given.Json = False,
) -> None:
    """List records, the newest first: when, who, what, how many, for which purpose.

    Example: claimsctl audit list --action claims --since 2026-01-01
    """
    state: State = context.obj.with_options(json=json)
    from claimsctl.cli.audits import print_records

    print_records(state, which.wanted(), limit or None)


@app.command("verify")
def verify(
    context: typer.Context,
    anchor: Annotated[
        list[Path] | None, typer.Option(help="A file of `audit anchor` to hold against; may be repeated.")
    ] = None,
    json: given.Json = False,
) -> None:
    """Look for removed, altered, added, reordered and cut-off records, and for wrong signatures.

    Removed records at the end show only against an anchor. Exits with 1 when something is wrong.

    Example: claimsctl audit verify
    """
    state: State = context.obj.with_options(json=json)
    from claimsctl.cli.audits import verify_records

    raise typer.Exit(verify_records(state, anchor or ()))


@app.command("export")
@given.with_groups
def export(
    context: typer.Context,
    which: Which,
    out: Annotated[Path, typer.Option(help="The file.", show_default=False)],
    output_format: Annotated[
        given.ExportFormat | None, typer.Option("--format", help="Else by the end of the file's name.")
    ] = None,
    yes: given.Yes = False,
    json: given.Json = False,
) -> None:
    """Write records to a file, the newest first.

    Example: claimsctl audit export --out audit.csv
    """
    state: State = context.obj.with_options(json=json)
    from claimsctl.cli.audits import export_records

    form = output_format.value if output_format else None
    export_records(state, which.wanted(), out, form, replaces=yes or state.yes)


@app.command("anchor")
def anchor(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option(help="The file; else standard output.")] = None,
    yes: given.Yes = False,
    json: given.Json = False,
) -> None:
    """Write a signed note of the last record, to be kept elsewhere: `audit verify --anchor` holds against it.

    Example: claimsctl audit anchor --out anchor.json
    """
    state: State = context.obj.with_options(json=json)
    from claimsctl.cli.audits import write_anchor

    write_anchor(state, out, replaces=yes or state.yes)
