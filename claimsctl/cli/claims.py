"""`claimsctl claims`: find claims, look at one, count and export them, note what staff learn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from claimsctl.cli import options as given
from claimsctl.cli.checkstatus import Answering
from claimsctl.cli.optional import SandboxCommand
from claimsctl.cli.state import State

if TYPE_CHECKING:
    from claimsctl.inquiry.filters import Filters
    from claimsctl.inquiry.finding import Named
    from claimsctl.security import policy

app = typer.Typer(
    help="Find stored claims, follow one through time, count, export, correct their status.\n\n"
    "Example: claimsctl claims list --limit 5",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_DAY = ["%Y-%m-%d"]


class Phi(StrEnum):
    """What becomes of patients' data."""

    plain = "plain"
    encrypt = "encrypt"
    mask = "mask"
    drop = "drop"
    deidentify = "deidentify"


class Dates(StrEnum):
    """Dates of de-identified lines."""

    shift = "shift"
    year = "year"


@dataclass(frozen=True)
class Which:
    """Which claims: the options of every command on many."""

    status: Annotated[list[str] | None, typer.Option(help="Such as INVALID or PENDING; may be repeated.")] = (
        None
    )
    payer: Annotated[list[str] | None, typer.Option(help="Payer id, alias (UHC) or name.")] = None
    practice: given.Practice = None
    provider: Annotated[list[str] | None, typer.Option(help="NPI, rendering or billing.")] = None
    code: Annotated[
        list[str] | None, typer.Option(help="Procedure code on any line; 9921* for all that begin so.")
    ] = None
    diagnosis: Annotated[
        list[str] | None, typer.Option(help="Diagnosis of the claim; F33* for all that begin so.")
    ] = None
    min_amount: Annotated[str | None, typer.Option(help="Least amount billed, in dollars.")] = None
    max_amount: Annotated[str | None, typer.Option(help="Largest amount billed, in dollars.")] = None
    service_from: Annotated[
        datetime | None, typer.Option(formats=_DAY, help="With a service on this day or later.")
    ] = None
    service_to: Annotated[
        datetime | None, typer.Option(formats=_DAY, help="With a service on this day or before.")
    ] = None
    queried_after: Annotated[
        datetime | None, typer.Option(formats=_DAY, help="Whose payer was asked on this day or later.")
    ] = None
    job: Annotated[str | None, typer.Option(help="Stored by this job (its id, or how it begins).")] = None
    risk_above: Annotated[
        float | None, typer.Option(min=0, max=1, help="With a denial risk above this, from 0 to 1.")
    ] = None
    risk_band: Annotated[list[str] | None, typer.Option(help="low, medium or high; may be repeated.")] = None
    held: Annotated[bool, typer.Option("--held", help="Held back for their denial risk.")] = False
    search: Annotated[
        str | None,
        typer.Option(help='Claim number, member id, or patient ("Last, First"); whole and exact.'),
    ] = None
    deleted: Annotated[bool, typer.Option("--deleted", help="Deleted claims instead.")] = False

    def filters(self, state: State) -> Filters:
        """As the inquiry takes them; UsageError for an amount that is none."""
        from claimsctl.cli.claimlist import amount, parted
        from claimsctl.inquiry.filters import Filters

        return Filters(
            status=parted(self.status),
            payer=tuple(self.payer or ()),
            practice=self.practice or state.practice,
            provider=parted(self.provider),
            code=parted(self.code),
            diagnosis=parted(self.diagnosis),
            min_amount=amount("--min-amount", self.min_amount),
            max_amount=amount("--max-amount", self.max_amount),
            service_from=self.service_from.date() if self.service_from else None,
            service_to=self.service_to.date() if self.service_to else None,
            queried_after=self.queried_after.date() if self.queried_after else None,
            job=self.job,
            risk_above=self.risk_above,
            band=parted(self.risk_band),
            held=self.held,
            search=self.search,
            deleted=self.deleted,
        )


Claim = Annotated[str, typer.Argument(metavar="CLAIM", help="Its claim number.", show_default=False)]
Claims = Annotated[
    list[str], typer.Argument(metavar="CLAIM...", help="Their claim numbers.", show_default=False)
]
Sequence = Annotated[str | None, typer.Option(help="P, S or T, where the claim of several payers is stored.")]
Note = Annotated[str | None, typer.Option(help="Kept in the history of the claim, sealed.")]


def _way(asked_for: Phi | None, *, show_phi: bool, deidentify: bool) -> policy.Phi | None:
    """The one way that the options mean; UsageError where they contradict each other."""
    asked: set[policy.Phi] = set() if asked_for is None else {asked_for.value}
    asked |= {"plain"} if show_phi else set()
    asked |= {"deidentify"} if deidentify else set()
    if len(asked) > 1:
        from claimsctl.errors import UsageError

        raise UsageError(
            f"These contradict each other: {' and '.join(sorted(asked))}.",
            hint="Give one of --show-phi, --phi and --deidentify.",
        )
    return next(iter(asked), None)


def _named(state: State, number: str, practice: str | None, sequence: str | None) -> Named:
    from claimsctl.inquiry.finding import Named

    return Named(number, practice or state.practice, sequence)


@app.command("list")
@given.with_groups
def list_(
    context: typer.Context,
    which: Which,
    sort: Annotated[
        str | None,
        typer.Option(help="Columns by commas; a minus before one: largest first.", metavar="<columns>"),
    ] = None,
    columns: Annotated[
        str | None, typer.Option(help="Columns by commas, or all.", metavar="<columns>")
    ] = None,
    limit: Annotated[int, typer.Option(min=0, max=given.MOST, help="Claims on a page; 0 for all.")] = 50,
    page: Annotated[int, typer.Option(min=1, max=given.MOST, help="Which page.")] = 1,
    json: given.Json = False,
    quiet: given.Quiet = False,
) -> None:
    """List claims: a table on a terminal, CSV elsewhere.

    Example: claimsctl claims list --status INVALID --sort=-expected_allowed_amount,service_date_from
    """
    state: State = context.obj.with_options(json=json, quiet=quiet)
    from claimsctl.cli.claimlist import print_claims

    print_claims(state, which.filters(state), sort, columns, limit or None, page)


@app.command("show")
def show(
    context: typer.Context,
    claim: Claim,
    practice: given.Practice = None,
    payer_sequence: Sequence = None,
    show_phi: given.ShowPhi = False,
    json: given.Json = False,
) -> None:
    """Show a claim: header, lines with prices, findings, status and history.

    Example: claimsctl claims show MS-1001
    """
    state: State = context.obj.with_options(json=json)
    from claimsctl.cli.claimstory import print_claim

    print_claim(state, _named(state, claim, practice, payer_sequence), show_phi=show_phi)


@app.command("history")
def history(
    context: typer.Context,
    claim: Claim,
    practice: given.Practice = None,
    payer_sequence: Sequence = None,
    json: given.Json = False,
) -> None:
    """Tell every change of a claim's status and every query: when, from, to, by whom or what job.

    Example: claimsctl claims history MS-1001
    """
    state: State = context.obj.with_options(json=json)
    from claimsctl.cli.claimstory import print_history

    print_history(state, _named(state, claim, practice, payer_sequence))


@app.command("export")
@given.with_groups
def export(
    context: typer.Context,
    which: Which,
    out: Annotated[Path | None, typer.Option(help="The file; else standard output (csv, json).")] = None,
    output_format: Annotated[
        given.ExportFormat | None,
        typer.Option("--format", help="Else by the end of the file's name, or csv."),
    ] = None,
    show_phi: given.ShowPhi = False,
    phi: Annotated[
        Phi | None,
        typer.Option(
            help="What becomes of patients' data: with identifiers, these and birth dates, cities and ZIPs "
            "encrypted, masked or dropped, or de-identified."
        ),
    ] = None,
    deidentify: Annotated[
        bool, typer.Option("--deidentify", help="Nobody can say whose the lines are; as --phi deidentify.")
    ] = False,
    dates: Annotated[
        Dates, typer.Option(help="De-identified: shifted by patient, or the year alone (Safe Harbor).")
    ] = Dates.shift,
    safe_csv: given.SafeCsv = False,
    yes: given.Yes = False,
    json: given.Json = False,
    quiet: given.Quiet = False,
) -> None:
    """Write the lines of claims with their prices and the status of their claim, as many as there are.

    Patients' identifiers are left out unless --show-phi asks for them. An Excel file goes on in a further
    sheet where one is full.

    Example: claimsctl claims export --out claims.csv --status VALIDATED
    """
    state: State = context.obj.with_options(json=json, quiet=quiet)
    from claimsctl.cli.claimexport import export_file

    export_file(
        state, which.filters(state), out, output_format.value if output_format else None,
        replace=yes or state.yes, safe_csv=safe_csv,
        phi=_way(phi, show_phi=show_phi, deidentify=deidentify), dates=dates.value,
    )  # fmt: skip


@app.command("stats")
@given.with_groups
def stats(
    context: typer.Context,
    which: Which,
    top: Annotated[
        int, typer.Option(min=0, max=given.MOST, help="Groups listed of each kind; 0 for all.")
    ] = 10,
    json: given.Json = False,
) -> None:
    """Count claims by status, payer, provider, code, diagnosis and month, with amounts and RVUs.

    Example: claimsctl claims stats
    """
    state: State = context.obj.with_options(json=json)
    from claimsctl.cli.claimstats import print_statistics

    print_statistics(state, which.filters(state), top or None)


@app.command("refresh", cls=SandboxCommand)
@given.with_groups
def refresh(
    context: typer.Context,
    which: Which,
    stale: Annotated[str, typer.Option(help="Whose payer has not answered for so long, as 7d, 12h.")] = "7d",
    *,
    answering: Answering,
    json: given.Json = False,
    quiet: given.Quiet = False,
    verbose: given.Verbose = False,
) -> None:
    """Ask payers again about claims that are still open, and note what they say.

    Without --status these are claims submitted, pending, with action required, not found or unknown.

    Example: claimsctl claims refresh --stale 0h --status VALIDATED --dry-run
    """
    state: State = context.obj.with_options(json=json, quiet=quiet, verbose=verbose)
    from claimsctl.cli.checking import run_refresh

    state = replace(state, yes=state.yes or answering.yes)
    raise typer.Exit(run_refresh(state, which.filters(state), stale, answering))


@app.command("set-status")
def set_status(
    context: typer.Context,
    claim: Claim,
    status: Annotated[str, typer.Argument(help="The new status, such as PENDING.", show_default=False)],
    note: Note = None,
    reference: Annotated[
        str | None, typer.Option(help="The payer's number of the claim or of the call.")
    ] = None,
    practice: given.Practice = None,
    payer_sequence: Sequence = None,
    json: given.Json = False,
) -> None:
    """Note the status of a claim as staff learned it, by phone or in a portal.

    Example: claimsctl claims set-status MS-1001 PENDING --note "in review"
    """
    state: State = context.obj.with_options(json=json)
    from claimsctl.cli.claimchange import change_status

    change_status(state, _named(state, claim, practice, payer_sequence), status, note, reference)


@app.command("delete")
def delete(
    context: typer.Context,
    claims: Claims,
    note: Note = None,
    practice: given.Practice = None,
    payer_sequence: Sequence = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: given.Json = False,
) -> None:
    """Take claims out of lists, counts and comparisons; `claims restore` puts them back.

    Example: claimsctl claims delete MS-1002 --note "entered twice" --yes
    """
    state: State = context.obj.with_options(json=json)
    from claimsctl.cli.claimchange import delete_named

    named = [_named(state, claim, practice, payer_sequence) for claim in claims]
    delete_named(state, named, note, sure=yes or state.yes)


@app.command("restore")
def restore(
    context: typer.Context,
    claims: Claims,
    note: Note = None,
    practice: given.Practice = None,
    payer_sequence: Sequence = None,
    json: given.Json = False,
) -> None:
    """Put deleted claims back as they were; `claims list --deleted` shows them.

    Example: claimsctl claims restore MS-1003
    """
    state: State = context.obj.with_options(json=json)
    from claimsctl.cli.claimchange import restore_named

    restore_named(state, [_named(state, claim, practice, payer_sequence) for claim in claims], note)
