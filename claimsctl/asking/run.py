"""A job of questions on one screen: take in, choose the ways, ask, store, publish."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from claimsctl.asking.accounts import account_of
from claimsctl.asking.cache import CACHE, AnswerCache
from claimsctl.asking.checkpoint import CHECKPOINT, Checkpoint
from claimsctl.asking.intake import Taken, status_rulebook, take_in
from claimsctl.asking.questions import question_of, routing_of
from claimsctl.asking.recording import Stopper, recorded
from claimsctl.asking.request import COMMAND, Place, StatusRequest
from claimsctl.asking.results import Results
from claimsctl.asking.routing import Routing
from claimsctl.asking.stored import claims_to_ask
from claimsctl.asking.storing import store_answers
from claimsctl.asking.summary import Told, build_summary, intake_told
from claimsctl.asking.telling import put_aside
from claimsctl.asking.work import Group, Heard, Work
from claimsctl.errors import Interrupted, OutsideError, SettingsError, UsageError
from claimsctl.payers.account import Account
from claimsctl.process.intake import notes_of
from claimsctl.process.keeping import keep_constants
from claimsctl.process.prepare import open_inputs
from claimsctl.process.recording import tidy
from claimsctl.process.sending import Outboxes, forget, send
from claimsctl.process.timing import Timings
from claimsctl.security import audit
from claimsctl.security.files import write_private
from claimsctl.security.keys import Keys, load_keys
from claimsctl.store.answers import Stored
from claimsctl.store.job import JobInput
from claimsctl.store.jobs import JobStore
from claimsctl.store.workspace import DETAILS
from claimsctl.write.files import OutputDir
from claimsctl.write.marker import SUMMARY
from claimsctl.write.summary import summary_json, write_summary

if TYPE_CHECKING:
    from claimsctl.process.intake import Intake


@dataclass(frozen=True)
class Again:
    """A job that goes on with, or tries again, what an earlier one asked.

    `root` is the job whose checkpoint is gone on with, None for one of its own that `fill` fills.
    `instead_of` is a job whose output this one replaces.
    """

    command: str
    parent_job: str
    root: str | None = None
    fill: Callable[[Checkpoint, Routing], Mapping[str, Any]] | None = None
    instead_of: str | None = None


def check_status(request: StatusRequest, place: Place, again: Again | None = None) -> dict[str, Any]:
    """Ask the payers of many claims; the summary. Every outcome is recorded as a job.

    Raises Interrupted where it was stopped, and OutsideError where no payer could be reached and nothing was
    answered; `resume` goes on after both.
    """
    return _Job(request, place, again).run()


class _Job:
    def __init__(self, request: StatusRequest, place: Place, again: Again | None) -> None:
        self.request = request
        self.place = place
        self.again = again
        self.workspace = place.workspace
        self.jobs = JobStore(self.workspace, place.notify)
        tidy(self.jobs)
        self.job_id = self.workspace.new_job_id()
        self.root = again.root if again is not None and again.root is not None else self.job_id
        self.started = datetime.now(UTC)
        self.timings = Timings()
        self.keys: Keys = load_keys(self.workspace, request.practice_id)
        self.details = self.workspace.job_directory(self.job_id) / DETAILS
        place.begun(self.job_id)

    def run(self) -> dict[str, Any]:
        """The whole job, from its record to its summary."""
        again, out = self.again, self.request.out or self.place.outputs / self.job_id
        out = out.absolute()
        path = self.workspace.job_directory(self.root) / CHECKPOINT
        command = again.command if again else COMMAND
        answered = "Nothing was asked."

        with recorded(
            self.jobs, self.job_id, self.request, self.workspace, out, command, self.root,
            again.parent_job if again else None, lambda: answered,
        ):  # fmt: skip
            checkpoint = Checkpoint(path, self.root, self.keys)
            try:
                with OutputDir.create(
                    out, self.job_id, instead_of=again.instead_of if again else None
                ) as directory:
                    return self._work(checkpoint, directory, command)
            finally:
                answered = _answered(checkpoint)
                checkpoint.close()

    def _work(self, checkpoint: Checkpoint, directory: OutputDir, command: str) -> dict[str, Any]:
        if not checkpoint.ready:
            checkpoint.clear()
            checkpoint.finish_intake({**self._fill(checkpoint), "taken_in_by": self.job_id})
        self._copy_findings(str(checkpoint.told["taken_in_by"]))
        accounts, unset = self._accounts(checkpoint)
        heard = self._ask(checkpoint, accounts)
        heard.unset |= unset
        lost = {route: ("network", why) for route, why in heard.unreachable.items()}
        lost |= {route: ("auth", why) for route, why in heard.unset.items()}
        counts = checkpoint.counts()
        if lost and not counts["outcomes"]:
            self._give_up(heard)
        with self.timings.stage("write"):
            results = Results(directory, self.request.format, self.details)
            results.findings()
            results.claims(checkpoint, lost)
            paths = results.close()
        stored = None
        if self.request.sandbox is None:
            with self.timings.stage("store"):
                spill = self.workspace.tmp_directory(self.job_id)
                stored = store_answers(
                    self.workspace, self.root, checkpoint, spill, self.keys, self.place.notify
                )
        summary = self._summary(command, checkpoint.told, results, heard, stored, paths)
        write_summary(directory, summary)
        directory.commit()
        end = {
            "status": summary["status"],
            "ledger": {"rows": summary["rows"], "claims": summary["claims"]},
            "counts": {**summary["answers"], **summary["errors"]},
            "outputs": {name: str(path) for name, path in paths.items()},
            "mapping": summary["mapping"].get("columns", {}),
        }
        if self.place.databases:
            summary["sent"] = self._send(summary, end)
            write_private(directory.path / SUMMARY, summary_json(summary).encode())
        self.jobs.finish(self.job_id, **end, timings=self.timings.as_dict(), error=None)
        if self.place.databases:
            forget(self.workspace, self.job_id)
        audit.record(
            self.workspace, command, count=counts["claims"], job=self.job_id,
            requests=sum(each.requests for each in heard.totals.values()),
        )  # fmt: skip
        return summary

    def _send(self, summary: Mapping[str, Any], end: Mapping[str, Any]) -> dict[str, Any]:
        """Bring what was learned into the databases; a failure leaves it for `jobs resume`."""
        databases = self.place.databases
        boxes = Outboxes(self.workspace, self.job_id, databases, self.keys, self.request.practice_id)
        with self.timings.stage("send"):
            put_aside(boxes, self.workspace, self.root, self.place.notify)
            self.jobs.finish(self.job_id, **boxes.close(summary, end, stored=True))
            return send(self.workspace, self.job_id, databases, self.place.notify, self.place.progress)

    def _fill(self, checkpoint: Checkpoint) -> Mapping[str, Any]:
        """All questions on record."""
        request = self.request
        rulebook = status_rulebook(self.place.settings, request.run_date)
        routing = routing_of(request, self.place, rulebook)
        if self.again is not None and self.again.fill is not None:
            return self.again.fill(checkpoint, routing)
        keep_constants(self.workspace, self.job_id, request.constants, self.keys)
        spill = self.workspace.tmp_directory(self.job_id)
        with self.timings.stage("ingest"):
            reading = request.reading(self._inputs(spill))
            inputs = open_inputs(reading, spill, self.place.settings.mapping)
        for note in notes_of(inputs):
            self.place.notify(note)
        taken = take_in(
            reading, rulebook, inputs, spill, self.details, timings=self.timings,
            digest_key=self.keys.digest, seen=self._seen, progress=self.place.progress,
        )  # fmt: skip
        self._put(checkpoint, taken, routing)
        return intake_told(taken.outcome)

    def _inputs(self, spill: Path) -> tuple[str, ...]:
        if self.request.filters is None:
            return self.request.inputs
        found = claims_to_ask(self.workspace, self.request.filters, spill, self.place.notify)
        if found is None:
            raise UsageError(
                "No stored claim fits, so there is nothing to ask.",
                hint="`claimsctl claims list` with the same filters shows what fits.",
            )
        return (str(found),)

    def _put(self, checkpoint: Checkpoint, taken: Taken, routing: Routing) -> None:
        key = 0
        for batch in taken.batches():
            questions = []
            for each in batch:
                questions.append(question_of(key, each, self.request, self.place, routing))
                key += 1
            checkpoint.add(questions)

    def _seen(self, intake: Intake) -> Mapping[str, tuple[str, str]]:
        """Record what is read; a file that was asked about before is asked about again."""
        self.jobs.add_inputs(
            self.job_id,
            [
                JobInput(str(each.source.path), each.source.sha256 or "", each.source.bytes, each.rows,
                         each.source.format)
                for each in intake.inputs
            ],
        )  # fmt: skip
        return {}

    def _copy_findings(self, taken_in_by: str) -> None:
        """A job that goes on has the findings of the one that took the claims in."""
        if taken_in_by == self.job_id:
            return
        before = self.workspace.job_directory(taken_in_by) / DETAILS
        found = [path for path in sorted(before.glob("found-*.parquet")) if "answers" not in path.name]
        if found:
            self.details.mkdir(mode=0o700)
        for path in found:
            (self.details / path.name).write_bytes(path.read_bytes())
            (self.details / path.name).chmod(0o600)

    def _accounts(self, checkpoint: Checkpoint) -> tuple[dict[Group, Account], dict[str, str]]:
        """Whose access each group is asked with; and routes for which there is none, with the reason."""
        found: dict[Group, Account] = {}
        unset: dict[str, str] = {}
        for group in checkpoint.open_groups():
            try:
                found[group] = (
                    self.place.accounts[group[0]]
                    if self.place.accounts is not None and group[0] in self.place.accounts
                    else account_of(self.place.settings, *group)
                )
            except SettingsError as error:
                unset[group[0]] = str(error)
        return found, unset

    def _ask(self, checkpoint: Checkpoint, accounts: Mapping[Group, Account]) -> Heard:
        counts = checkpoint.counts()
        heard = Heard.of(counts)
        total = counts["claims"] - counts["refused"]

        def poll(*, last: bool = False) -> bool:
            at = {"stage": "asking", "done": heard.checked, "total": total, "counts": dict(heard.counts)}
            return self.jobs.progress(self.job_id, heard.checked, total, at=at, last=last)

        self.place.confirm(total - heard.checked)
        stop = Stopper(poll, self.place.notify)
        cache = None
        if not self.request.fresh and self.request.sandbox is None:
            cache = AnswerCache(self.workspace.root / CACHE, self.keys)

        def told(now: Heard) -> None:
            stop()
            self.place.told(now, total)

        try:
            with self.timings.stage("ask"), stop.listening():
                Work(checkpoint, self.place.settings, self.place.asker, accounts, cache, told, stop).run(
                    heard
                )
        finally:
            poll(last=True)  # a job that is stopped here says how far it came
            if cache is not None:
                cache.close()
        if stop.stopped and any(group in accounts for group in checkpoint.open_groups()):
            raise Interrupted("Stopped.")
        return heard

    def _give_up(self, heard: Heard) -> None:
        """Nothing at all was answered, and not for reasons of the claims."""
        if heard.unreachable:
            raise OutsideError(
                " ".join(heard.unreachable.values()),
                hint=f"Nothing was answered. To try again: claimsctl jobs resume {self.job_id}",
            )
        raise SettingsError(
            " ".join(heard.unset.values()),
            hint=f"docs/status.md says how to set a route up; then: claimsctl jobs resume {self.job_id}",
        )

    def _summary(
        self,
        command: str,
        intake: Mapping[str, Any],
        results: Results,
        heard: Heard,
        stored: Stored | None,
        paths: Mapping[str, Path],
    ) -> dict[str, Any]:
        told = Told(
            self.job_id, command, self.again.parent_job if self.again else None, self.started,
            self.request, stored, paths,
        )  # fmt: skip
        return build_summary(told, intake, results.told, heard, self.timings)


def _answered(checkpoint: Checkpoint) -> str:
    """For the user who stopped it."""
    found = checkpoint.counts()
    answered = sum(found["outcomes"].values())
    return f"Of {found['claims']:,} claims {answered:,} are answered; these answers are kept."
