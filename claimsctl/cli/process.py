"""`claimsctl process`: the main job."""

from __future__ import annotations

from dataclasses import replace

import typer

from claimsctl.cli import options as given
from claimsctl.cli.state import State


@given.with_groups
def process(
    context: typer.Context,
    inputs: given.MaybeInputs = None,
    out: given.Out = None,
    output_format: given.Format = None,
    *,
    databases: given.FromSql,
    reading: given.Reading,
    duplicates: given.OnStored = None,
    batch_size: given.BatchSize = None,
    to: given.To = None,
    dry_run: given.DryRun = False,
    fix: given.Fix = False,
    risk: given.Risk,
    fail_on: given.FailAt = None,
    limit: given.Limit = None,
    safe_csv: given.SafeCsv = False,
    choosing: given.Choosing,
    queueing: given.Queueing,
    yes: given.GoOn = False,
    json: given.Json = False,
    quiet: given.QuietRun = False,
    verbose: given.Verbose = False,
) -> None:
    """Check claims: accepted ones, rejected ones with every error explained, and a summary.

    Example: claimsctl process examples/claims.csv --out checked
    """
    state: State = context.obj.with_options(json=json, quiet=quiet, verbose=verbose)
    from claimsctl.cli.run import Options, run_process

    state = replace(state, yes=state.yes or yes)
    options = Options.of(
        state, inputs, reading, choosing, databases,
        out=out,
        output_format=output_format.value if output_format else None,
        duplicates=duplicates.value if duplicates else None,
        batch_size=batch_size,
        to=tuple(to or ()),
        dry_run=dry_run,
        fix=fix,
        score=not risk.no_score,
        hold_above=risk.hold_above,
        fail_on=fail_on.value if fail_on else None,
        limit=limit,
        safe_csv=safe_csv,
        move_to=queueing.move_to,
        on_error=queueing.on_error,
        priority=tuple(queueing.priority or ()),
    )  # fmt: skip
    if options.is_inbox:
        from claimsctl.cli.inboxes import run_inbox

        raise typer.Exit(run_inbox(state, options))
    raise typer.Exit(run_process(state, options))
