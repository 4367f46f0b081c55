"""`claimsctl jobs`: what ran, what failed and why, and what to do about it."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from claimsctl.cli import options as given
from claimsctl.cli.state import State

app = typer.Typer(
    help="Come back to a run: look, retry, resume, cancel, roll back.\n\nExample: claimsctl jobs list",
    no_args_is_help=True,
    rich_markup_mode=None,
)

JobId = Annotated[str, typer.Argument(metavar="JOB", help='A job id, or "last".', show_default=False)]
Limit = Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")]


class Status(StrEnum):
    """Statuses of a job."""

    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    COMPLETED = "COMPLETED"
    COMPLETED_WITH_ERRORS = "COMPLETED_WITH_ERRORS"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    INTERRUPTED = "INTERRUPTED"
    ROLLED_BACK = "ROLLED_BACK"


@app.command("list")
def list_jobs(
    context: typer.Context,
    status: Annotated[Status | None, typer.Option(help="Only jobs of this status.")] = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="Only jobs that failed, were interrupted or cancelled.")
    ] = False,
    limit: Limit = 20,
    json: given.Json = False,
) -> None:
    """List jobs, the newest first: status, rows, inputs.

    Example: claimsctl jobs list --limit 5
    """
    state: State = context.obj.with_options(json=json)
    from claimsctl.cli.joblist import FAILED, print_jobs

    if failed and status:
        raise typer.BadParameter("--failed and --status do not go together.")
    print_jobs(state, FAILED if failed else (status.value,) if status else (), limit)


@app.command("show")
def show(context: typer.Context, job: JobId, json: given.Json = False) -> None:
    """Show all that is recorded of a job: options, inputs with hashes, counts, editions, outputs.

    Example: claimsctl jobs show last
    """
    state: State = context.obj.with_options(json=json)
    from claimsctl.cli.joblist import print_job

    print_job(state, job)


@app.command("watch")
def watch(context: typer.Context, job: JobId, json: given.Json = False) -> None:
    """Follow a job that runs elsewhere until it ends; exit 1 if it does not end well.

    With --json one event a line: job, progress, end. Ctrl-C ends the watching, not the job.

    Example: claimsctl jobs watch last
    """
    state: State = context.obj.with_options(json=json)
    from claimsctl.cli.joblist import watch_job

    raise typer.Exit(watch_job(state, job))


@app.command("cancel")
def cancel(
    context: typer.Context,
    job: JobId,
    wait: Annotated[float, typer.Option(min=0, max=3600, help="Seconds to wait for its end.")] = 10,
    json: given.Json = False,
) -> None:
    """Stop a job that runs elsewhere, at its next part of lines; nothing of it is stored.

    Example: claimsctl jobs cancel last
    """
    state: State = context.obj.with_options(json=json)
    from claimsctl.cli.joblist import cancel_job

    cancel_job(state, job, wait)


class Severity(StrEnum):
    """Severities of findings."""

    error = "error"
    warning = "warning"
    info = "info"


@app.command("errors")
def errors(
    context: typer.Context,
    *,
    job: JobId,
    severity: Annotated[Severity | None, typer.Option(help="Only findings of this severity.")] = None,
    code: Annotated[str | None, typer.Option(help="Only this rule; PAT-* for a group.")] = None,
    field: Annotated[str | None, typer.Option(help="Only findings on this column.")] = None,
    type_: Annotated[str | None, typer.Option("--type", help="Only this category of rules.")] = None,
    claim: Annotated[str | None, typer.Option(help="Only this claim number.")] = None,
    input_: Annotated[str | None, typer.Option("--input", help="Only this input, by its name.")] = None,
    row: Annotated[
        int | None, typer.Option(min=1, max=given.MOST, help="The whole story of one row.")
    ] = None,
    limit: Limit = 20,
    page: Annotated[int, typer.Option(min=1, max=given.MOST, help="Which page of so many.")] = 1,
    export: Annotated[given.ExportFormat | None, typer.Option(help="Write them to a file instead.")] = None,
    out: Annotated[Path | None, typer.Option(help="That file; else errors-JOB.<format> here.")] = None,
    yes: given.Yes = False,
    json: given.Json = False,
) -> None:
    """Say what failed in a job and why: by cause, code, type and field, then one by one.

    Example: claimsctl jobs errors last --severity error
    """
    state: State = replace(context.obj.with_options(json=json), yes=context.obj.yes or yes)
    from claimsctl.cli.joberrors import Asked, print_errors
    from claimsctl.jobs.findings import Filter

    wanted = Filter(severity.value if severity else None, code, field, type_, claim, input_, row)
    print_errors(state, Asked(job, wanted, limit, page, export.value if export else None, out))


@app.command("retry")
def retry(
    context: typer.Context,
    *,
    job: JobId,
    fixed: Annotated[
        Path | None, typer.Option("--with", help="A corrected copy of the rejected file.", exists=True)
    ] = None,
    out: given.Out = None,
    duplicates: given.OnStored = None,
    as_of: given.AsOf = None,
    fix: given.Fix = False,
    json: given.Json = False,
    quiet: given.Quiet = False,
    verbose: given.Verbose = False,
) -> None:
    """Run only the failed rows of a job again, with its options and the rules and tables of now.

    The rows are those that the job kept, or those of a corrected file, matched by row_number and claim.

    Example: claimsctl jobs retry last
    """
    state: State = context.obj.with_options(json=json, quiet=quiet, verbose=verbose)
    from claimsctl.cli.jobactions import RetryOptions, retry_job

    strategy = duplicates.value if duplicates else None
    retry_job(state, job, RetryOptions(fixed, out, strategy, as_of.date() if as_of else None, fix))


@app.command("resume")
def resume(
    context: typer.Context,
    job: JobId,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, however large it is.")] = False,
    json: given.Json = False,
    quiet: given.Quiet = False,
    verbose: given.Verbose = False,
) -> None:
    """Run a job again that was interrupted, cancelled or failed: same options, inputs and output place.

    Refused where an input has changed. Nothing of a stopped run was stored, so nothing is doubled.

    Example: claimsctl jobs resume last
    """
    state: State = context.obj.with_options(json=json, quiet=quiet, verbose=verbose)
    state = replace(state, yes=state.yes or yes)
    from claimsctl.cli.jobactions import resume_job

    resume_job(state, job)


@app.command("rollback")
def rollback(
    context: typer.Context,
    job: JobId,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would do.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")] = False,
    json: given.Json = False,
) -> None:
    """Take back what a job added to the claims; earlier versions are in force again, history keeps the trace.

    Claims that a later job replaced or found unchanged stay, and are told. Output files stay.

    Example: claimsctl jobs rollback last --yes
    """
    state: State = replace(context.obj.with_options(json=json), yes=context.obj.yes or yes)
    from claimsctl.cli.jobrollback import rollback_job

    rollback_job(state, job, dry_run=dry_run)


class Kind(StrEnum):
    """What is removed by age."""

    details = "details"
    outputs = "outputs"
    history = "history"


@app.command("prune")
def prune(
    context: typer.Context,
    older_than: Annotated[int, typer.Option("--older-than", min=0, max=36_500, help="Age in days.")],
    only: Annotated[list[Kind] | None, typer.Option("--only", help="Only this; may be repeated.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would remove.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")] = False,
    json: given.Json = False,
) -> None:
    """Remove what is old: details of failed rows, output files, versions of claims not in force.

    It says what it would remove and asks first. Records of jobs and claims in force stay; claims and patients
    who were deleted stay for `retention_days` of [security].

    Example: claimsctl jobs prune --older-than 90 --dry-run
    """
    state: State = replace(context.obj.with_options(json=json), yes=context.obj.yes or yes)
    from claimsctl.cli.jobprune import prune_jobs

    prune_jobs(state, older_than, [kind.value for kind in only or ()], dry_run=dry_run)
