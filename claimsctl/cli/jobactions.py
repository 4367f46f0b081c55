"""What `jobs retry` and `jobs resume` do and print."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from claimsctl.cli.joblist import print_document, screen_of
from claimsctl.cli.run import Options, notifier, open_workspace, settle, show, stop_on_signals
from claimsctl.cli.state import State
from claimsctl.errors import UsageError
from claimsctl.jobs import resuming, retrying
from claimsctl.jobs.documents import named_job
from claimsctl.jobs.locking import job_lock
from claimsctl.process.keeping import kept_constants
from claimsctl.process.repeating import given_inputs
from claimsctl.security.keys import load_keys
from claimsctl.store.jobs import JobStore
from claimsctl.store.recovery import is_committed

if TYPE_CHECKING:
    from claimsctl.pipeline import Again
    from claimsctl.settings import Settings
    from claimsctl.store.job import Job
    from claimsctl.store.workspace import Workspace


@dataclass(frozen=True)
class RetryOptions:
    """What the user typed after `jobs retry`; None: as the job had it."""

    fixed: Path | None = None
    out: Path | None = None
    duplicates: str | None = None
    as_of: date | None = None
    fix: bool = False


def retry_job(state: State, name: str, given: RetryOptions) -> None:
    """Run the failed rows of a job again, as a job of its own."""
    stop_on_signals()
    settings, workspace = open_workspace(state)
    notify = notifier(state)
    job = named_job(JobStore(workspace), name)
    with job_lock(workspace, job.job_id, notify):
        keys = load_keys(workspace)
        options = replace(
            recorded_options(workspace, job, settings),
            out=given.out or (Path(settings.process.out) if settings.process.out else None),
            as_of=given.as_of or date.today(),
            limit=None,
        )
        options = replace(
            options,
            duplicates=given.duplicates or options.duplicates,
            fix=options.fix or given.fix,
            inputs=(str(given.fixed),) if given.fixed else options.inputs,
        )
        with workspace.scratch() as spool:
            if given.fixed is None:
                retry = retrying.from_store(workspace, job, keys)
            else:
                request, _, _ = settle(options, settings)
                retry = retrying.from_file(
                    workspace, job, keys, given.fixed, request, settings.mapping, spool
                )
            for note in retry.notes:
                notify(note)
            if not retry.sources:
                _nothing_left(state, job, retry)
                return
            notify(f"Retrying {retry.told['rows']:,} rows of job {job.job_id}.")
            _run(state, settings, workspace, options, retry.again(workspace, job))


def _nothing_left(state: State, job: Job, retry: retrying.Retry) -> None:
    if state.json:
        print_document({"job_id": None, "parent_job": job.job_id, "retry": retry.told})
    else:
        screen_of(state).line(f"Nothing of job {job.job_id} is left to retry.")


def resume_job(state: State, name: str) -> None:
    """Run a stopped job again as it was, as a job of its own."""
    stop_on_signals()
    settings, workspace = open_workspace(state)
    jobs = JobStore(workspace)
    job_id = named_job(jobs, name).job_id
    with job_lock(workspace, job_id, notifier(state)):
        job = jobs.get(job_id)
        done = resuming.resumed_by(jobs, job) if job.status in resuming.RESUMABLE else job
        if done is None and is_committed(workspace, job_id):
            done = job
        if done is not None:
            if job.unfinished:
                raise UsageError(f"Job {job_id} is {job.status}; it runs still, or waits.")
            by = "" if done is job else f", as job {done.job_id}"
            status = "stored" if done is job and job.status in resuming.RESUMABLE else done.status
            if state.json:
                print_document({"job_id": done.job_id, "parent_job": job_id, "status": status})
            else:
                screen_of(state).line(f"Job {job_id} is {status}{by}; there is nothing to resume.")
            return
        resuming.check_resumable(job)
        _run(state, settings, workspace, recorded_options(workspace, job, settings), resuming.again(job))


def recorded_options(workspace: Workspace, job: Job, settings: Settings) -> Options:
    """The options of a job as if they had been typed again, with paths that hold from here."""
    recorded = job.options
    if "as_of" not in recorded:
        raise UsageError(f"Job {job.job_id} is a {job.command}; only runs of claims can be run again.")
    place = Path(recorded.get("cwd") or ".")
    ours = set(settings.rule_packs())
    constants = kept_constants(workspace, job.job_id, load_keys(workspace))
    return Options(
        inputs=tuple(given_inputs(job)),
        out=Path(recorded["out"]),
        output_format=recorded["output_format"],
        practice=job.practice_id,
        profile=recorded["profile"],
        mapping=tuple(f"{header}={column}" for header, column in recorded["mapping"].items()),
        constants=tuple(f"{column}={value}" for column, value in constants.items()),
        locality=recorded.get("locality"),
        as_of=date.fromisoformat(recorded["as_of"]),
        duplicates=recorded["duplicates"],
        batch_size=recorded["batch_size"],
        fix=recorded["fix"],
        limit=recorded["limit"],
        safe_csv=recorded["safe_csv"],
        rules=tuple(str(place / pack) for pack in recorded["rules"] if pack not in ours),
        only=tuple(recorded["only"]),
        without=tuple(recorded["without"]),
    )


def _run(state: State, settings: Settings, workspace: Workspace, options: Options, again: Again) -> None:
    from claimsctl.cli.progress import Progress
    from claimsctl.pipeline import Setting, process

    request, rulebook, _ = settle(options, settings)
    with Progress(quiet=state.quiet or state.json, verbose=state.verbose) as progress:
        setting = Setting(workspace, settings.mapping, notifier(state), progress)
        summary = process(request, rulebook, setting, again)
    show(state, summary, options)
