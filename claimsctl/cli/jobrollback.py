"""What `jobs rollback` does and prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from claimsctl.cli.confirming import can_ask
from claimsctl.cli.joblist import print_document, screen_of
from claimsctl.cli.run import notifier, open_workspace, stop_on_signals
from claimsctl.cli.screen import count, listed
from claimsctl.cli.state import State
from claimsctl.databases import named_database
from claimsctl.errors import Interrupted, UsageError
from claimsctl.jobs.documents import named_job
from claimsctl.jobs.locking import job_lock
from claimsctl.jobs.outputs import outputs_left
from claimsctl.jobs.rolling import check_rollable, check_sent_again, roll_back_job
from claimsctl.sql.watermark import take_back
from claimsctl.store.jobs import JobStore
from claimsctl.store.rollback import RolledBack, plan_rollback

if TYPE_CHECKING:
    from claimsctl.store.job import Job


def rollback_job(state: State, name: str, *, dry_run: bool) -> None:
    """Say what a rollback would do, ask, and do it."""
    stop_on_signals()
    settings, workspace = open_workspace(state)
    notify = notifier(state)
    jobs = JobStore(workspace)
    job = named_job(jobs, name)
    check_rollable(workspace, job)
    databases = [named_database(settings, name) for name in job.options.get("to", ())]
    with job_lock(workspace, job.job_id, notify):
        plan = plan_rollback(workspace, job.job_id, notify=notify)
        check_sent_again(jobs, job, plan)
        by_job = None
        if not plan.repeated and not dry_run:
            _confirm(state, job, plan, [database.name for database in databases])
            by_job, plan = roll_back_job(workspace, job, notify, databases)
            for source in take_back(workspace.root, job.job_id):
                notify(f"{source} is read again from where it was before, by --since last.")
    if state.json:
        print_document({"job_id": by_job, "parent_job": job.job_id, "dry_run": dry_run, **asdict(plan)})
        return
    screen = screen_of(state)
    if plan.repeated:
        screen.line(f"Job {job.job_id} was rolled back before; nothing is left of it.")
        return
    screen.line(f"Job {job.job_id} {'would be' if dry_run else 'is'} rolled back: {told(plan)}")
    left = [str(path) for path in outputs_left(job).values()]
    if left:
        screen.line(f"Its output files stay: {listed(left)}")


def told(plan: RolledBack) -> str:
    """What a rollback does, in numbers."""
    lines = f"{count(plan.claims, 'claim version')} ({count(plan.lines, 'line')}) "
    parts = [lines + ("goes" if plan.claims == 1 else "go")]
    if plan.removed:
        parts.append(f"{count(plan.removed, 'claim')} of them had no other version")
    if plan.restored:
        parts.append(f"{count(plan.restored, 'other version')} in force again")
    if plan.deleted:
        parts.append(f"{count(plan.deleted, 'claim')} deleted in another version, which can be restored")
    if plan.replaced_since:
        parts.append(
            f"{count(plan.replaced_since, 'claim')} replaced since by later jobs, whose versions stay"
        )
    if plan.kept:
        parts.append(
            f"{count(plan.kept, 'claim')} stay, as {listed(plan.kept_for)} found the same and keeps them"
        )
    if plan.statuses:
        parts.append(f"verdicts on {count(plan.statuses, 'claim')} of other jobs set back")
    if plan.risks:
        parts.append(f"denial risks of {count(plan.risks, 'claim')} of other jobs set back")
    if plan.patients:
        parts.append(f"{count(plan.patients, 'patient')} of no other claim removed")
    return "; ".join(parts) + "."


def _confirm(state: State, job: Job, plan: RolledBack, databases: Sequence[str]) -> None:
    """Ask before claims are taken out; a script must have said --yes."""
    if state.yes:
        return
    there = f" It is taken back in {listed(databases)} too." if databases else ""
    asked = f"Roll back job {job.job_id}? {told(plan)}{there}"
    if not can_ask(state):
        raise UsageError(f"{asked} Nothing was done.", hint="Say --yes to do it.")
    if not typer.confirm(asked, default=False, err=True):
        raise Interrupted("Nothing was rolled back.")
