"""What `jobs list`, `show`, `watch` and `cancel` do and print."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claimsctl.cli.run import console, open_workspace
from claimsctl.cli.screen import Screen, byte_size, count, duration, listed, new_table
from claimsctl.cli.state import State
from claimsctl.jobs.documents import input_names, job_document, named_job, outcome, short_document
from claimsctl.jobs.following import cancel, events
from claimsctl.requiring import require
from claimsctl.security import audit
from claimsctl.store.jobs import JobStore

if TYPE_CHECKING:
    from claimsctl.store.job import Job, JobStatus

_WIDE = 200
FAILED: Final = ("FAILED", "INTERRUPTED", "CANCELLED")
"""Statuses of jobs that somebody should look at."""
_WELL = ("COMPLETED", "COMPLETED_WITH_ERRORS")


def screen_of(state: State) -> Screen:
    """The screen; a pipe has no width, so its lines are not cut."""
    shown = console(state)
    if not shown.is_terminal:
        shown.width = _WIDE
    return Screen(shown)


def print_document(document: Any) -> None:
    """One JSON document on stdout."""
    print(json.dumps(document, indent=2, default=str))


def print_jobs(state: State, statuses: Sequence[JobStatus], limit: int) -> None:
    """The newest jobs, one a line."""
    _, workspace = open_workspace(state)
    practices = require(workspace, "jobs").practices
    found = JobStore(workspace).list_jobs(*statuses, limit=limit + 1, practices=practices)
    shown = found[:limit]
    if state.json:
        more = len(found) > limit
        print_document({"jobs": [short_document(job) for job in shown], "more": more})
        return
    screen = screen_of(state)
    if not shown:
        named = " or ".join(statuses)
        screen.line(f"No {named} job." if named else "No job yet; `claimsctl process FILE` makes one.")
        return
    held = [(job.ledger.get("rows") or {}).get("held", 0) for job in shown]
    numbered = ("rows", "accepted", "rejected", *(("held",) if any(held) else ()))
    table = new_table("job", "command", "status", "started", *numbered, "inputs")
    for name in numbered:
        next(c for c in table.columns if c.header == name).justify = "right"
    for job, back in zip(shown, held, strict=True):
        accepted, rejected = outcome(job)
        rows = (job.ledger.get("rows") or {}).get("read", job.rows_done or None)
        counts = (rows, accepted, rejected, *((back,) if any(held) else ()))
        numbers = [f"{n:,}" if n is not None else "" for n in counts]
        names = listed([Path(name).name or name for name in input_names(job)][:20])
        cells = (job.job_id, job.command, job.status, _moment(job.started_at or job.created_at), *numbers)
        table.add_row(*(screen.text(cell) for cell in (*cells, names)))
    screen.block(table, 0, least=80)
    if len(found) > limit:
        screen.line(f"Showing the newest {limit}; --limit {limit * 5} shows more.")


def print_job(state: State, name: str) -> None:
    """Everything recorded of a job, and the jobs that came of it."""
    _, workspace = open_workspace(state)
    jobs = JobStore(workspace)
    job = named_job(jobs, name)
    children = jobs.children_of(job.job_id)
    if state.json:
        print_document({**job_document(job), "child_jobs": [short_document(child) for child in children]})
        return
    screen = screen_of(state)
    screen.line(f"{job.command}  {job.job_id}  {job.status}", "bold")
    for label, text in _lines(job):
        screen.labelled(label, text, width=15)
    for child in children:
        screen.labelled("then", f"{child.command} {child.job_id}  {child.status}", width=15)
    _say_next(screen, job)


def _lines(job: Job) -> Iterable[tuple[str, str]]:
    yield "user", job.user
    yield "practice", job.practice_id or "default"
    if job.payer:
        yield "payer", job.payer
    if job.priority:
        yield "priority", str(job.priority)
    if job.parent_job:
        yield "comes of", job.parent_job
    yield "created", _moment(job.created_at)
    if job.started_at and job.finished_at:
        took = duration((job.finished_at - job.started_at).total_seconds())
        yield "finished", f"{_moment(job.finished_at)}, after {took}"
    if job.unfinished:
        yield "progress", progress_text(job)
    for each in job.inputs:
        rows = f"{each.rows or 0:,} rows, " if each.rows is not None else ""
        yield "input", f"{each.path} ({each.format}, {rows}{byte_size(each.bytes)}, sha256 {each.sha256})"
    if not job.inputs:
        yield from (("input", name) for name in input_names(job))
    options = {k: v for k, v in job.options.items() if k != "inputs" and v not in (None, [], {}, False)}
    if options:
        yield "options", ", ".join(f"{k}={_plain(v)}" for k, v in options.items())
    for unit in ("rows", "claims"):
        if unit in job.ledger:
            yield unit, ", ".join(f"{name} {number:,}" for name, number in job.ledger[unit].items())
    if job.counts:
        labels = {"rollback": "took back"} | ({job.command: "answers"} if "checkpoint" in job.options else {})
        label = labels.get(job.command, "findings")
        yield label, ", ".join(f"{name} {_plain(n)}" for name, n in job.counts.items() if n)
    if job.timings:
        yield "seconds", ", ".join(f"{name} {spent}" for name, spent in job.timings.items())
    if job.rules_digest:
        yield "rules", job.rules_digest
    if job.editions:
        yield "editions", ", ".join(f"{t}@{e}" for t, names in job.editions.items() for e in names)
    for name, path in job.outputs.items():
        yield name, str(path)
    if job.error:
        yield "error", job.error


def _plain(value: object) -> str:
    return json.dumps(value) if isinstance(value, dict | list) else str(value)


def _say_next(screen: Screen, job: Job) -> None:
    if job.status == "COMPLETED_WITH_ERRORS":
        screen.line(f"What failed, and why: claimsctl jobs errors {job.job_id}")
    if job.status in ("INTERRUPTED", "CANCELLED", "FAILED"):
        if "checkpoint" in job.options:
            screen.line(f"To go on asking where it was: claimsctl jobs resume {job.job_id}")
        elif job.command in ("process", "resume"):
            screen.line(f"To run it again as it was: claimsctl jobs resume {job.job_id}")


def watch_job(state: State, name: str) -> int:
    """Print what happens to a job until it ends; the exit status."""
    _, workspace = open_workspace(state)
    jobs = JobStore(workspace)
    job = named_job(jobs, name)
    screen = None if state.json else screen_of(state)
    for event, now in events(jobs, job.job_id):
        job = now
        if screen is None:
            print(json.dumps(event, default=str), flush=True)
        elif event["event"] == "job":
            screen.line(f"{job.command} {job.job_id} {job.status}: {listed(input_names(job))}")
        elif event["event"] == "progress":
            screen.line(progress_text(job))
        else:
            screen.line(_ended(job))
    return int(job.status not in _WELL)


def progress_text(job: Job) -> str:
    """ "checking: 45 %, 450,000 rows"."""
    stage = job.progress.get("stage") or job.status.lower()
    done, total = job.progress.get("done") or 0, job.progress.get("total") or 0
    share = f"{min(done / total, 1):.0%}, " if total else ""
    asked = "; asked to stop" if job.cancel_requested else ""
    if stage == "asking":
        from claimsctl.cli.checkprogress import counted

        told = counted(job.progress.get("counts") or {})
        checked = f"{done:,} of {count(total, 'claim')} checked"
        return f"asking: {share}{checked}{f', {told}' if told else ''}{asked}"
    return f"{stage}: {share}{count(job.rows_done, 'row')}{asked}"


def _ended(job: Job) -> str:
    accepted, rejected = outcome(job)
    held = (job.ledger.get("rows") or {}).get("held", 0)
    back = f", {held:,} held back" if held else ""
    counts = f": {accepted:,} rows accepted, {rejected:,} rejected{back}" if accepted is not None else ""
    return f"{job.job_id} {job.status}{counts}" + (f". {job.error}" if job.error else "")


def cancel_job(state: State, name: str, wait_seconds: float) -> None:
    """Ask a job to stop and say what came of it."""
    _, workspace = open_workspace(state)
    jobs = JobStore(workspace)
    before = named_job(jobs, name)
    job = before
    if before.unfinished:
        audit.record(workspace, "jobs cancel", job=before.job_id)
        job = cancel(jobs, before.job_id, wait_seconds)
    if state.json:
        print_document({"asked": before.unfinished, **short_document(job)})
        return
    if not before.unfinished:
        text = f"Job {job.job_id} is {job.status}; there is nothing to stop."
    elif job.unfinished:
        text = f"Job {job.job_id} was asked to stop; it does at its next part of lines."
        if "checkpoint" in job.options:
            text = f"Job {job.job_id} was asked to stop; it does after the questions under way."
    elif job.status == "CANCELLED":
        text = f"Job {job.job_id} is CANCELLED; nothing of it was stored."
        if "checkpoint" in job.options:
            text = f"Job {job.job_id} is CANCELLED; its answers are kept: claimsctl jobs resume {job.job_id}"
    else:
        text = f"Job {job.job_id} had come too far: it is {job.status}."
    screen_of(state).line(text)


def _moment(moment: datetime) -> str:
    """Local time, to the second."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"
