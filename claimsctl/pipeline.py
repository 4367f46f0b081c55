"""The main job on one screen: open, check (take in, relate, review, route), store, publish."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from claimsctl import __version__
from claimsctl.fix.during import RunRepairs
from claimsctl.process.core import Outcome, Progress, Sink, check_inputs
from claimsctl.process.history import EarlierRuns
from claimsctl.process.intake import Input, Intake
from claimsctl.process.keeping import keep_constants
from claimsctl.process.outputs import FileOutputs
from claimsctl.process.prepare import open_inputs
from claimsctl.process.recording import recorded, tidy, watched
from claimsctl.process.repeating import earlier_run
from claimsctl.process.request import Request
from claimsctl.process.rulebook import Rulebook
from claimsctl.process.storing import (
    StoreSink,
    claim_ids,
    not_history,
    seen_inputs,
    since_last,
    stored_claims,
)
from claimsctl.process.summary import Facts, build_summary
from claimsctl.process.timing import Timings
from claimsctl.security import audit
from claimsctl.security.files import write_private
from claimsctl.security.keys import load_keys
from claimsctl.store.commit import commit_run
from claimsctl.store.digests import digest_scheme
from claimsctl.store.job import JobInput
from claimsctl.store.jobs import JobStore
from claimsctl.store.workspace import Workspace
from claimsctl.write.files import OutputDir
from claimsctl.write.marker import SUMMARY
from claimsctl.write.summary import summary_json, write_summary

DEFAULT_OUT = Path("claimsctl-out")


@dataclass(frozen=True)
class Setting:
    """Where a run happens: its workspace, the house's header mapping, how to tell the user something.

    `outputs` takes the directory of a job whose request names none; `begun` hears the id of the job.
    """

    workspace: Workspace
    mapping: Mapping[str, str] = field(default_factory=dict)
    notify: Callable[[str], None] = lambda _text: None
    progress: Progress = lambda *_: None
    outputs: Path = DEFAULT_OUT
    begun: Callable[[str], None] = lambda _job_id: None


@dataclass(frozen=True)
class Again:
    """A run that comes of an earlier job: what it is called, and how it is told of.

    `inputs` opens what is read instead of the request's files, given the request, a private directory and
    the house's header mapping. `begun` is called with the job's id when its record has been made; `told`
    are further keys of the summary.
    """

    command: str
    parent_job: str
    inputs: Callable[[Request, Path, Mapping[str, str]], list[Input]] = open_inputs
    begun: Callable[[str], None] = lambda _job_id: None
    told: Mapping[str, object] = field(default_factory=dict)


def process(
    request: Request, rulebook: Rulebook, setting: Setting, again: Again | None = None
) -> dict[str, object]:
    """Run the main job; returns the summary (design 3.2). Every outcome is recorded as a job."""
    if request.dry_run:
        return _dry_run(request, rulebook, setting)
    workspace, timings, started = setting.workspace, Timings(), datetime.now(UTC)
    jobs = JobStore(workspace, setting.notify)
    tidy(jobs)
    job_id = workspace.new_job_id()
    setting.begun(job_id)
    out = (request.out or setting.outputs / job_id).absolute()
    command = again.command if again else "process"
    with (
        recorded(jobs, job_id, request, workspace, out, command, again.parent_job if again else None) as kept,
        _output(out, job_id, request, jobs, setting) as directory,
    ):
        keys = load_keys(workspace)
        keep_constants(workspace, job_id, request.constants, keys)
        if again is not None:
            again.begun(job_id)
        spill = workspace.tmp_directory(job_id)
        inputs = (again.inputs if again else open_inputs)(request, spill, setting.mapping)
        files = FileOutputs(
            directory, request.output_format, inputs, safe_csv=request.safe_csv,
            priced=rulebook.pricing is not None,
        )  # fmt: skip
        repairs = RunRepairs(inputs, request, rulebook.tables, directory) if request.fix else None
        store = StoreSink(workspace, job_id, keys, request.practice_id, setting.notify)
        outcome = check_inputs(
            request, rulebook, inputs, spill, [files, store], timings=timings, digest_key=keys.digest,
            stored=lambda intake, copies: stored_claims(
                intake, copies, workspace, keys, request.practice_id, request.duplicates, setting.notify
            ),
            seen=lambda intake: _seen(jobs, job_id, intake),
            earlier=EarlierRuns(
                workspace, keys, request.practice_id, lambda hashes: not_history(hashes, jobs), setting.notify
            ),
            progress=watched(jobs, job_id, setting.progress),
        )  # fmt: skip
        with timings.stage("write"):
            paths = {**files.close(), **(repairs.close() if repairs else {})}
        for note in files.notes:
            setting.notify(note)
        status = "COMPLETED_WITH_ERRORS" if outcome.book.by_severity["error"] else "COMPLETED"
        with timings.stage("store"):
            setting.progress("storing", 0, 1, outcome.intake.rows)
            found = store.keep_findings()
            claims = claim_ids(outcome.intake, outcome.copies) if outcome.intake.parts else found["claim_id"]
            since = since_last(workspace, job_id, found, claims)
            facts = Facts(
                job_id, command, __version__, status, started, request, rulebook, paths, since,
                {"parent_job": again.parent_job, **again.told} if again else {},
            )  # fmt: skip
        # Published before it is stored: a run killed in between is repeated, and finds nothing stored.
        summary = build_summary(facts, outcome, timings)
        end = _end(summary, outcome, paths)
        write_summary(directory, summary)
        directory.commit()
        kept.end = end
        with timings.stage("store"):
            commit_run(
                workspace, job_id, digest_scheme=digest_scheme(keys.digest), notify=setting.notify,
                finish=end,
            )  # fmt: skip
        kept.stored = True
        summary = build_summary(facts, outcome, timings)  # now with the time of storing
        write_private(directory.path / SUMMARY, summary_json(summary).encode())
        jobs.finish(job_id, **end, timings=timings.as_dict())
        audit.record(workspace, command, job=job_id, rows=outcome.ledger.rows.read, out_files=len(paths))
    return summary


def _dry_run(request: Request, rulebook: Rulebook, setting: Setting) -> dict[str, object]:
    """Check everything, write and store nothing."""
    timings, started = Timings(), datetime.now(UTC)
    with setting.workspace.scratch() as spill:
        inputs = open_inputs(request, spill, setting.mapping)
        if request.fix:
            RunRepairs(inputs, request, rulebook.tables)
        outcome = check_inputs(
            request, rulebook, inputs, spill, [], timings=timings, progress=setting.progress
        )
    status = "COMPLETED_WITH_ERRORS" if outcome.book.by_severity["error"] else "COMPLETED"
    facts = Facts(None, "process --dry-run", __version__, status, started, request, rulebook, {}, None)
    return build_summary(facts, outcome, timings)


def _output(out: Path, job_id: str, request: Request, jobs: JobStore, setting: Setting) -> OutputDir:
    """The output directory; it may be that of the same command, run before and not stored."""
    earlier = earlier_run(out, request, setting.workspace, jobs)
    if earlier is None:
        return OutputDir.create(out, job_id)
    if not earlier.same:
        return OutputDir.create(out, job_id, hint=earlier.hint)
    setting.notify(f"Replacing the results of job {earlier.job_id}, which were not stored.")
    return OutputDir.create(out, job_id, instead_of=earlier.job_id)


def _seen(jobs: JobStore, job_id: str, intake: Intake) -> dict[str, tuple[str, str]]:
    """Record what was read, as soon as it has been, and find who finished with the same content before."""
    jobs.add_inputs(job_id, [_job_input(each) for each in intake.inputs])
    hashes = [each.source.sha256 for each in intake.inputs if each.source.sha256]
    return seen_inputs(hashes, jobs.find_by_input_hash(hashes))


def _job_input(each: Input) -> JobInput:
    source = each.source
    return JobInput(str(source.path), source.sha256 or "", source.bytes, each.rows, source.format)


def _end(summary: Mapping[str, Any], outcome: Outcome, paths: Mapping[str, Path]) -> dict[str, Any]:
    """What the job's record says at its end."""
    editions: dict[str, list[str]] = {}
    for entry in summary["reference"]:
        editions.setdefault(entry["table"], []).append(entry["edition"])
    return {
        "status": summary["status"],
        "ledger": outcome.ledger.as_dict(),
        "counts": dict(outcome.book.by_severity),
        "editions": editions,
        "mapping": summary["mapping"]["columns"],
        "outputs": {name: str(path) for name, path in paths.items()},
        "rules_digest": summary["rules"]["digest"],
    }


__all__ = ["Outcome", "Setting", "Sink", "pl", "process"]
