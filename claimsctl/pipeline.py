"""The main job on one screen: open, check (take in, relate, review, route), store, publish."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from claimsctl import __version__
from claimsctl.process.core import Outcome, Sink, check_inputs
from claimsctl.process.fetched import named_in, returning_of, settle_sources
from claimsctl.process.history import EarlierRuns
from claimsctl.process.intake import Input, notes_of
from claimsctl.process.keeping import keep_constants, keep_sources
from claimsctl.process.outputs import FileOutputs
from claimsctl.process.prepare import open_inputs
from claimsctl.process.progress import Progress
from claimsctl.process.recording import Kept, end_of, note_inputs, recorded, tidy, watched
from claimsctl.process.repeating import earlier_run
from claimsctl.process.request import Request
from claimsctl.process.risks import risk_terms
from claimsctl.process.rulebook import Rulebook
from claimsctl.process.sending import Outboxes, forget, send
from claimsctl.process.setting import DEFAULT_OUT, Again, Setting
from claimsctl.process.storing import (
    StoreSink,
    claim_ids,
    not_history,
    since_last,
    stored_claims,
)
from claimsctl.process.summary import Facts, build_summary
from claimsctl.process.timing import Timings
from claimsctl.process.treating import treating_of
from claimsctl.process.watching import note_drift
from claimsctl.security import audit
from claimsctl.security.files import write_private
from claimsctl.security.keys import Keys, load_keys
from claimsctl.store.commit import commit_run
from claimsctl.store.digests import digest_scheme
from claimsctl.store.jobs import JobStore
from claimsctl.store.workspace import Workspace
from claimsctl.write.files import OutputDir
from claimsctl.write.marker import SUMMARY
from claimsctl.write.summary import summary_json, write_summary

if TYPE_CHECKING:
    from claimsctl.fix.during import RunRepairs
    from claimsctl.process.returning import Returning
    from claimsctl.process.scoring import RiskTerms


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
        keys = load_keys(workspace, request.practice_id)
        run = _Run(
            request, rulebook, setting, again, jobs, job_id, command, directory, kept, keys, timings, started
        )
        run.remember()
        opened = run.open()
        outcome = run.check(opened)
        facts = run.close(opened, outcome)
        # Published before it is stored: a run killed in between is repeated, and finds nothing stored.
        end = run.publish(opened, outcome, facts)
        run.store(outcome)
        facts = run.deliver(facts, end)
        summary = run.finish(outcome, facts, end)
    if opened.returning:
        settle_sources(workspace, job_id, named_in(request))
    return summary


@dataclass(frozen=True)
class _Opened:
    """The inputs of a run, how its claims are scored, and what takes their results.

    `returning` take outcomes back to the databases that inputs came from, `repairs` what `--fix` mended.
    """

    inputs: list[Input]
    spill: Path
    risk: RiskTerms | None
    files: FileOutputs
    repairs: RunRepairs | None
    claims: StoreSink
    outboxes: Outboxes
    returning: list[Returning]

    @property
    def sinks(self) -> list[Sink]:
        """All that take lines and findings."""
        return [self.files, self.claims, self.outboxes, *self.returning]


@dataclass(frozen=True)
class _Run:
    """The steps of a recorded run, in their order. `kept` hears how far it has come."""

    request: Request
    rulebook: Rulebook
    setting: Setting
    again: Again | None
    jobs: JobStore
    job_id: str
    command: str
    directory: OutputDir
    kept: Kept
    keys: Keys
    timings: Timings
    started: datetime

    @property
    def workspace(self) -> Workspace:
        """Where it is recorded and stored."""
        return self.setting.workspace

    @property
    def told(self) -> Progress:
        """Hears how far a step is."""
        return watched(self.jobs, self.job_id, self.setting.progress)

    def remember(self) -> None:
        """Keep, sealed, what a resumed or repeated run needs of this one."""
        keep_constants(self.workspace, self.job_id, self.request.constants, self.keys)
        if self.again is not None:
            self.again.begun(self.job_id)
        keep_sources(self.workspace, self.job_id, self.request.sources, self.keys)

    def open(self) -> _Opened:
        """Open the inputs, and all that takes results."""
        request, setting, workspace = self.request, self.setting, self.workspace
        spill = workspace.tmp_directory(self.job_id)
        opening = self.again.inputs if self.again else partial(open_inputs, progress=self.told)
        with self.timings.stage("ingest"):
            inputs = opening(request, spill, setting.mapping)
        for note in notes_of(inputs):
            setting.notify(note)
        returning = returning_of(inputs, spill)
        with self.timings.stage("score"):
            risk = risk_terms(request, self.rulebook, setting.scoring, workspace, inputs, setting.notify)
        files = FileOutputs(
            self.directory, request.output_format, inputs, safe_csv=request.safe_csv,
            priced=self.rulebook.pricing is not None, scored=risk is not None,
            treating=treating_of(request, workspace, self.keys),
        )  # fmt: skip
        fix = _repairs(inputs, request, self.rulebook, self.directory)
        practice = request.practice_id
        claims = StoreSink(workspace, self.job_id, self.keys, practice, setting.notify, setting.seal)
        boxes = Outboxes(workspace, self.job_id, setting.databases, self.keys, practice, request.run_date)
        return _Opened(inputs, spill, risk, files, fix, claims, boxes, returning)

    def check(self, opened: _Opened) -> Outcome:
        """Both passes over the inputs; every line reaches the sinks."""
        practice, workspace, notify = self.request.practice_id, self.workspace, self.setting.notify
        return check_inputs(
            self.request, self.rulebook, opened.inputs, opened.spill, opened.sinks, timings=self.timings,
            digest_key=self.keys.digest,
            stored=lambda intake, copies: stored_claims(
                intake, copies, workspace, self.keys, practice, self.request.duplicates, notify
            ),
            seen=lambda intake: note_inputs(self.jobs, self.job_id, intake, self.request.sheet),
            earlier=EarlierRuns(
                workspace, self.keys, practice,
                lambda hashes: not_history(hashes, self.jobs, self.request.sheet), notify,
            ),
            risk=opened.risk,
            progress=self.told,
        )  # fmt: skip

    def close(self, opened: _Opened, outcome: Outcome) -> Facts:
        """Finish the files, still without their names, and keep the findings."""
        repairs = opened.repairs
        with self.timings.stage("write"):
            paths = {**opened.files.close(), **(repairs.close() if repairs else {})}
        for note in opened.files.notes:
            self.setting.notify(note)
        with self.timings.stage("store"):
            self.told("storing", 0, 1, outcome.intake.rows)
            found = opened.claims.keep_findings()
            claims = claim_ids(outcome.intake, outcome.copies) if outcome.intake.parts else found["claim_id"]
            once = {rule.code for rule in self.rulebook.ruleset.rules if rule.level == "file"}
            since = since_last(self.workspace, self.job_id, found, claims, once)
        more = {"parent_job": self.again.parent_job, **self.again.told} if self.again else {}
        return Facts(
            self.job_id, self.command, __version__, _status(outcome), self.started, self.request,
            self.rulebook, paths, since, more,
        )  # fmt: skip

    def publish(self, opened: _Opened, outcome: Outcome, facts: Facts) -> dict[str, Any]:
        """Let all files appear under their names; what the job's record says at its end."""
        summary = build_summary(facts, outcome, self.timings)
        end = end_of(summary, outcome, facts.paths)
        with self.timings.stage("write"):
            undelivered = opened.outboxes.close(summary, end)
        write_summary(self.directory, summary)
        self.directory.commit()
        for each in opened.returning:
            each.keep(self.workspace, self.job_id, self.request.practice_id)
        self.kept.end = undelivered  # as `end`, where nothing is to be delivered
        return end

    def store(self, outcome: Outcome) -> None:
        """Make the claims part of the store."""

        def waiting() -> None:
            self.kept.only_waited = True
            self.told("storing", 0, 1, outcome.intake.rows)
            self.kept.only_waited = False

        with self.timings.stage("store"):
            commit_run(
                self.workspace, self.job_id, digest_scheme=digest_scheme(self.keys.digest),
                notify=self.setting.notify, waiting=waiting, finish=self.kept.end,
            )  # fmt: skip
        self.kept.stored = True

    def deliver(self, facts: Facts, end: dict[str, Any]) -> Facts:
        """Bring the results into the databases; what the summary says of that too."""
        if not self.setting.databases:
            return facts
        self.kept.on_its_way = f"`claimsctl jobs resume {self.job_id}` delivers the rest."
        with self.timings.stage("send"):
            sent = send(self.workspace, self.job_id, self.setting.databases, self.setting.notify, self.told)
        self.kept.on_its_way, self.kept.end = None, end
        return replace(facts, more={**facts.more, "sent": sent})

    def finish(self, outcome: Outcome, facts: Facts, end: Mapping[str, Any]) -> dict[str, object]:
        """Write the summary, now with the time of storing, the job's record and the audit log."""
        summary = build_summary(facts, outcome, self.timings)
        write_private(self.directory.path / SUMMARY, summary_json(summary).encode())
        self.jobs.finish(self.job_id, **end, timings=self.timings.as_dict())
        if self.setting.databases:
            forget(self.workspace, self.job_id)
        note_drift(self.workspace, summary)
        audit.record(
            self.workspace, self.command, notify=self.setting.notify, count=outcome.ledger.rows.read,
            job=self.job_id, rules=end["rules_digest"], out_files=len(facts.paths),
        )  # fmt: skip
        return summary


def _status(outcome: Outcome) -> str:
    return "COMPLETED_WITH_ERRORS" if outcome.book.by_severity["error"] else "COMPLETED"


def _dry_run(request: Request, rulebook: Rulebook, setting: Setting) -> dict[str, object]:
    """Check everything, write and store nothing."""
    timings, started = Timings(), datetime.now(UTC)
    with setting.workspace.scratch() as spill:
        inputs = open_inputs(request, spill, setting.mapping, setting.progress)
        for note in notes_of(inputs):
            setting.notify(note)
        _repairs(inputs, request, rulebook)
        with timings.stage("score"):
            risk = risk_terms(request, rulebook, setting.scoring, setting.workspace, inputs, setting.notify)
        outcome = check_inputs(
            request, rulebook, inputs, spill, [], timings=timings, risk=risk, progress=setting.progress
        )
    audit.record(
        setting.workspace, "process", notify=setting.notify, count=outcome.ledger.rows.read, dry_run=True
    )
    facts = Facts(
        None, "process --dry-run", __version__, _status(outcome), started, request, rulebook, {}, None
    )
    return build_summary(facts, outcome, timings)


def _repairs(
    inputs: Sequence[Input], request: Request, rulebook: Rulebook, out: OutputDir | None = None
) -> RunRepairs | None:
    """Has the inputs repaired as they are read, where that is asked for; listed in `out`."""
    if not request.fix:
        return None
    from claimsctl.fix.during import RunRepairs

    return RunRepairs(inputs, request, rulebook.tables, out)


def _output(out: Path, job_id: str, request: Request, jobs: JobStore, setting: Setting) -> OutputDir:
    """The output directory; it may be that of the same command, run before and not stored."""
    earlier = earlier_run(out, request, setting.workspace, jobs)
    if earlier is None:
        return OutputDir.create(out, job_id)
    if not earlier.same:
        return OutputDir.create(out, job_id, hint=earlier.hint)
    setting.notify(f"Replacing the results of job {earlier.job_id}, which were not stored.")
    return OutputDir.create(out, job_id, instead_of=earlier.job_id)


__all__ = ["DEFAULT_OUT", "Again", "Outcome", "Setting", "process"]
