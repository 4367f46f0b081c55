"""Going on with a job of questions that was stopped, and trying again what failed in one that ended."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claimsctl.asking.checkpoint import CHECKPOINT, Checkpoint, Question
from claimsctl.asking.request import StatusRequest
from claimsctl.asking.routing import NoWay, Routing
from claimsctl.asking.run import Again
from claimsctl.errors import InputError, UsageError
from claimsctl.process.keeping import kept_constants
from claimsctl.security.keys import load_keys
from claimsctl.store.jobs import JobStore
from claimsctl.write.marker import SUMMARY, job_of

if TYPE_CHECKING:
    from claimsctl.store.job import Job
    from claimsctl.store.workspace import Workspace

RESUMABLE: Final = ("INTERRUPTED", "CANCELLED", "FAILED")
ENDED: Final = ("COMPLETED", "COMPLETED_WITH_ERRORS")


def is_asking(job: Job) -> bool:
    """Whether the job asks payers, whatever it is called."""
    return "checkpoint" in job.options


def resuming(workspace: Workspace, job: Job) -> tuple[StatusRequest, Again]:
    """How a stopped job goes on where it was: claims that are answered are not asked again.

    UsageError for one that is not stopped, or was stopped before anybody was asked and whose claims cannot be
    read again; InputError where its inputs have changed since.
    """
    if job.status not in RESUMABLE:
        why = "it runs still, or waits" if job.unfinished else "there is nothing to resume"
        raise UsageError(f"Job {job.job_id} is {job.status}; {why}.")
    root = str(job.options["checkpoint"])
    request = _request(workspace, job, root)
    if not _ready(workspace, root):
        if request.source != "files":
            raise UsageError(
                f"Job {job.job_id} was stopped before anybody was asked, and its claims are not kept.",
                hint="Run its command again: claimsctl check-status",
            )
        _require_same(job, request)
    return request, Again("resume", job.job_id, root=root, instead_of=_published(workspace, job, root))


def _published(workspace: Workspace, job: Job, root: str) -> str:
    """The job of the same questions whose output is there: one was killed between that and its record."""
    published = job_of(Path(job.options["out"]) / SUMMARY)
    other = JobStore(workspace).find(str(published)) if published else None
    return job.job_id if other is None or other.options.get("checkpoint") != root else other.job_id


def retrying(workspace: Workspace, job: Job, out: Path | None) -> tuple[StatusRequest, Again]:
    """How what failed of a job that ended is asked again, as a job of its own: errors, claims that were not
    asked, and those whose payer had no route; by the settings of now.

    UsageError where nothing failed.
    """
    if job.status not in ENDED:
        hint = f"Run `claimsctl jobs resume {job.job_id}`." if job.status in RESUMABLE else None
        raise UsageError(f"Job {job.job_id} is {job.status}; only a job that ended is retried.", hint=hint)
    root = str(job.options["checkpoint"])
    path = workspace.job_directory(root) / CHECKPOINT
    if not path.exists():
        raise UsageError(
            f"What job {job.job_id} asked is not kept (any more).", hint="Run its command again."
        )
    keys = load_keys(workspace, job.practice_id or "default")
    with closing(Checkpoint(path, root, keys)) as before:
        counts = before.counts()
    answered = counts["outcomes"].get("found", 0) + counts["outcomes"].get("not_found", 0)
    left = counts["claims"] - answered
    if not left:
        raise UsageError(f"Every claim of job {job.job_id} is answered; there is nothing to retry.")

    def fill(checkpoint: Checkpoint, routing: Routing) -> Mapping[str, Any]:
        key = 0
        with closing(Checkpoint(path, root, keys)) as earlier:
            for batch in earlier.told_of():
                questions = []
                for question, answer, _ in batch:
                    if answer is None or answer.outcome == "error":
                        questions.append(_routed(question, key, routing))
                        key += 1
                checkpoint.add(questions)
            told = earlier.told
        return {**told, **_left(told, left)}

    request = replace(_request(workspace, job, root), out=out, fresh=True)
    return request, Again("retry", job.job_id, fill=fill)


def _routed(question: Question, key: int, routing: Routing) -> Question:
    """The question with the way to its payer as it is now."""
    payer, name = (question.values.get(column) for column in ("payer_id", "payer_name"))
    way = routing.way(
        None if payer is None else str(payer), None if name is None else str(name), question.practice_id
    )
    if isinstance(way, NoWay):
        refusal = {"code": way.code, "message": way.message, "suggestion": way.suggestion}
        return replace(question, key=key, route=None, entry=None, there="", provider=None, refusal=refusal)
    return replace(
        question, key=key, route=way.route, entry=way.entry, there=way.payer_id, provider=way.provider,
        refusal=None,
    )  # fmt: skip


def _left(told: Mapping[str, Any], claims: int) -> dict[str, Any]:
    """The intake of a retry: only the claims that are left, no row of which was rejected."""
    counts = {"read": claims, "accepted": claims, "held": 0, "rejected": 0, "skipped": 0}
    return {
        "rows": counts, "claims": dict(counts), "findings": dict.fromkeys(told["findings"], 0),
        "findings_by_code": [], "findings_by_field": {}, "causes": [],
    }  # fmt: skip


def _request(workspace: Workspace, job: Job, root: str) -> StatusRequest:
    request = StatusRequest.of_options(job.options, job.practice_id)
    return replace(request, constants=kept_constants(workspace, root, load_keys(workspace, None)))


def _ready(workspace: Workspace, root: str) -> bool:
    path = workspace.job_directory(root) / CHECKPOINT
    if not path.exists():
        return False
    with closing(Checkpoint(path, root, load_keys(workspace, None))) as checkpoint:
        return checkpoint.ready


def _require_same(job: Job, request: StatusRequest) -> None:
    """InputError where a file has been written since the job began to read it."""
    began = (job.started_at or job.created_at).timestamp()
    late = [name for name in request.inputs if Path(name).is_file() and Path(name).stat().st_mtime > began]
    if late:
        raise InputError(
            f"{', '.join(late)}: changed since job {job.job_id} began to read it.",
            hint="Run `claimsctl check-status` on what it is now.",
        )
