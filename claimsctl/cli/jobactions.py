"""What `jobs retry` and `jobs resume` do and print."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from typer import Exit

from claimsctl.asking.again import is_asking
from claimsctl.asking.again import resuming as resuming_questions
from claimsctl.asking.again import retrying as retrying_questions
from claimsctl.cli.joblist import print_document, screen_of
from claimsctl.cli.run import Options, notifier, open_workspace, setting_of, settle, show, stop_on_signals
from claimsctl.cli.state import State
from claimsctl.databases import named_database
from claimsctl.errors import UsageError
from claimsctl.jobs import resuming, retrying
from claimsctl.jobs.documents import named_job
from claimsctl.jobs.locking import job_lock
from claimsctl.process.fetched import owes, settle_sources
from claimsctl.process.keeping import kept_constants, kept_sources
from claimsctl.process.repeating import given_inputs
from claimsctl.process.sending import Unsent, deliverable
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
    if is_asking(job):
        retry_questions(state, workspace, job, given)
        return
    with job_lock(workspace, job.job_id, notify):
        keys = load_keys(workspace, job.practice_id or "default")
        options = replace(
            recorded_options(workspace, job, settings),
            out=given.out or (Path(settings.process.out) if settings.process.out else None),
            as_of=given.as_of or date.today(),
            limit=None,
            sources=(),
            where=None,
            since=None,
            table=None,
            query=None,
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
    named = named_job(jobs, name)
    if is_asking(named) and deliverable(workspace, named) is None:
        resume_questions(state, workspace, named)
        return
    job_id = named.job_id
    with job_lock(workspace, job_id, notifier(state)):
        job = jobs.get(job_id)
        left = deliverable(workspace, job)
        if left is not None:
            _deliver(state, settings, workspace, job, left)
            _tell_sources(state, settings, workspace, job_id)
            return
        done = resuming.resumed_by(jobs, job) if job.status in resuming.RESUMABLE else job
        if done is None and is_committed(workspace, job_id):
            done = job
        if done is not None:
            if job.unfinished:
                raise UsageError(f"Job {job_id} is {job.status}; it runs still, or waits.")
            if done.status != "ROLLED_BACK":
                _tell_sources(state, settings, workspace, done.job_id)
            by = "" if done is job else f", as job {done.job_id}"
            status = "stored" if done is job and job.status in resuming.RESUMABLE else done.status
            if state.json:
                print_document({"job_id": done.job_id, "parent_job": job_id, "status": status})
            else:
                screen_of(state).line(f"Job {job_id} is {status}{by}; there is nothing to resume.")
            return
        resuming.check_resumable(job)
        options = recorded_options(workspace, job, settings)
        _run(state, settings, workspace, options, resuming.again(jobs, job))


def _tell_sources(state: State, settings: Settings, workspace: Workspace, job_id: str) -> None:
    """Do what a job still owes the databases it read from."""
    if owes(workspace, job_id):
        settle_sources(workspace, job_id, lambda name: named_database(settings, name))
        notifier(state)(f"The source of job {job_id} has been told what became of it.")


def retry_questions(state: State, workspace: Workspace, job: Job, given: RetryOptions) -> None:
    """Ask again what a job could not have answered; exits as `check-status` does."""
    if given.fixed is not None:
        raise UsageError(
            f"Job {job.job_id} asked payers; it has no rejected file to correct.",
            hint=f"Ask about the corrected file: claimsctl check-status {given.fixed}",
        )
    from claimsctl.cli.checking import go_on

    with job_lock(workspace, job.job_id, notifier(state)):
        request, again = retrying_questions(workspace, job, given.out)
        raise Exit(go_on(state, request, again))


def resume_questions(state: State, workspace: Workspace, job: Job) -> None:
    """Go on asking where a job was stopped; exits as `check-status` does."""
    from claimsctl.cli.checking import go_on

    jobs = JobStore(workspace)
    with job_lock(workspace, str(job.options["checkpoint"]), notifier(state)):
        job = jobs.get(job.job_id)
        done = resuming.resumed_by(jobs, job)
        if done is not None:
            if state.json:
                print_document({"job_id": done.job_id, "parent_job": job.job_id, "status": done.status})
            else:
                screen_of(state).line(
                    f"Job {job.job_id} is {done.status}, as job {done.job_id}; there is nothing to resume."
                )
            return
        request, again = resuming_questions(workspace, job)
        raise Exit(go_on(state, request, again))


def recorded_options(workspace: Workspace, job: Job, settings: Settings) -> Options:
    """The options of a job as if they had been typed again, with paths that hold from here."""
    recorded = job.options
    if "as_of" not in recorded:
        raise UsageError(f"Job {job.job_id} is a {job.command}; only runs of claims can be run again.")
    place = Path(recorded.get("cwd") or ".")
    ours = set(settings.rule_packs())
    keys = load_keys(workspace, None)
    constants = kept_constants(workspace, job.job_id, keys)
    typed = kept_sources(workspace, job.job_id, keys)
    asked: dict[str, str | None] = typed[0] if typed else {}
    return Options(
        inputs=tuple(given_inputs(job)),
        out=Path(recorded["out"]),
        output_format=recorded["output_format"],
        practice=job.practice_id,
        profile=recorded["profile"],
        mapping=tuple(f"{header}={column}" for header, column in recorded["mapping"].items()),
        constants=tuple(f"{column}={value}" for column, value in constants.items()),
        sheet=recorded.get("sheet"),
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
        sources=tuple(str(each["from"]) for each in typed),
        where=asked.get("where"),
        since=asked.get("since"),
        table=asked.get("table"),
        query=asked.get("query"),
        to=tuple(recorded.get("to", ())),
        score=recorded.get("score", False),
        hold_above=recorded.get("hold_above"),
    )


def _deliver(state: State, settings: Settings, workspace: Workspace, job: Job, left: Unsent) -> None:
    """Deliver what a job has checked and stored, but not brought into all its databases."""
    from claimsctl.cli.progress import Progress
    from claimsctl.cli.sent_lines import sent_lines
    from claimsctl.databases import named_database
    from claimsctl.jobs.delivering import deliver_rest

    databases = [named_database(settings, name) for name in left.to]
    stages = {"sending": 1.0}
    with Progress(quiet=state.quiet or state.json, verbose=state.verbose, stages=stages) as progress:
        sent = deliver_rest(workspace, job, left, databases, notifier(state), progress)
    settle_sources(workspace, job.job_id, lambda name: named_database(settings, name))
    if state.json:
        print_document({"job_id": job.job_id, "status": left.status, "sent": sent})
        return
    screen = screen_of(state)
    screen.line(f"Job {job.job_id} is {left.status}; everything has arrived.")
    for _, text in sent_lines(sent):
        screen.line(text)


def _run(state: State, settings: Settings, workspace: Workspace, options: Options, again: Again) -> None:
    from claimsctl.cli.progress import Progress
    from claimsctl.cli.targets import targets
    from claimsctl.pipeline import process

    request, rulebook, _ = settle(options, settings)
    with Progress(quiet=state.quiet or state.json, verbose=state.verbose) as progress:
        databases = targets(state, settings, request.to)
        setting = setting_of(state, settings, workspace, progress, databases)
        summary = process(request, rulebook, setting, again)
    show(state, summary, options)
