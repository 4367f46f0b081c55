"""Processing an inbox: every file once by its content, one job each, then moved away."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal, get_args

from claimsctl.errors import (
    ClaimsctlError,
    InputError,
    InternalError,
    Interrupted,
    OutputError,
    OutsideError,
    PermissionDenied,
    UsageError,
    was_stopped,
)
from claimsctl.inbox.files import ERROR_TEXT, Passed, Waiting
from claimsctl.inbox.moving import make_directory, move, unchanged
from claimsctl.pipeline import Setting, process
from claimsctl.process.repeating import earlier_run
from claimsctl.process.request import Request
from claimsctl.process.rulebook import Rulebook
from claimsctl.security import audit
from claimsctl.security.audit_names import named
from claimsctl.security.files import write_private
from claimsctl.security.keys import load_keys
from claimsctl.store.job import Job
from claimsctl.store.jobs import JobStore
from claimsctl.store.recovery import is_committed
from claimsctl.write.trouble import writing

Action = Literal["processed", "seen", "failed", "left", "ignored"]
_DONE: Final = ("COMPLETED", "COMPLETED_WITH_ERRORS")
_OUTSIDE_IN_A_ROW: Final = 2
"""After so many files that something outside refused, the rest waits for the next run."""


@dataclass(frozen=True)
class Places:
    """The inbox, and where its files go; None: they stay."""

    inbox: Path
    done: Path | None = None
    failed: Path | None = None

    def prepare(self) -> None:
        """Check that they fit together, and make those that are missing."""
        if not self.inbox.exists():
            raise InputError(f"{self.inbox}: there is no such directory.", hint="Check the name.")
        if not self.inbox.is_dir():
            raise UsageError(f"{self.inbox} is a file; --move-to and --on-error need a directory.")
        for option, place in (("--move-to", self.done), ("--on-error", self.failed)):
            if place is None:
                continue
            if place.resolve() == self.inbox.resolve():
                raise UsageError(f"{option} is the inbox itself.", hint="Name another directory.")
            if place.exists() and not place.is_dir():
                raise UsageError(f"{option} {place} is a file.", hint="Name a directory.")
            with writing(place):
                make_directory(place)


@dataclass(frozen=True)
class Handled:
    """What happened to a file.

    `action`: processed; seen (its content was processed by `job_id` before); failed; left (for the next
    run, `reason` says why); ignored (no claim file). `exit_code` is that of design 3.3 for the file alone.
    """

    name: str
    action: Action
    reason: str | None = None
    exit_code: int = 0
    job_id: str | None = None
    moved_to: Path | None = None
    out: Path | None = None
    sha256: str | None = None
    bytes: int | None = None
    priority: int = 0
    summary: Mapping[str, Any] = field(default_factory=dict)

    @staticmethod
    def of(passed: Passed) -> Handled:
        """A file that is not looked into."""
        return Handled(passed.name, "left" if passed.written else "ignored", passed.reason)


@dataclass
class InboxRun:
    """A run over the ready files of an inbox; `tell` hears of every file when it is settled.

    The caller holds the lock of the inbox. With a dry run nothing is moved or recorded.
    """

    places: Places
    request: Request
    rulebook: Rulebook
    setting: Setting
    tell: Callable[[Handled], None]
    describe: Callable[[BaseException], str] = lambda error: type(error).__name__
    _job_id: str | None = None

    def __post_init__(self) -> None:
        self._jobs = JobStore(self.setting.workspace, self.setting.notify)
        self._setting = replace(self.setting, begun=self._begun)

    def run(self, waiting: Sequence[Waiting], passed: Sequence[Passed]) -> None:
        """Settle every file. What stops the run (Ctrl-C, a missing key) is raised at the end."""
        load_keys(self.setting.workspace, None)
        for left in passed:
            self.tell(Handled.of(left))
        handled, outside = 0, 0
        stop: BaseException | None = None
        for number, each in enumerate(waiting):
            try:
                found = self._settled(each)
            except (KeyboardInterrupt, Interrupted) as error:
                found, stop = self._left(each, "the run was stopped", error), error
            outside = outside + 1 if found.exit_code in (4, 5) else 0
            handled += found.action in ("processed", "seen", "failed")
            self.tell(found)
            if stop is not None or outside == _OUTSIDE_IN_A_ROW:
                for other in waiting[number + 1 :]:
                    self.tell(self._left(other, "the run ended before it"))
                break
        if handled and not self.request.dry_run:
            audit.record(
                self.setting.workspace,
                "inbox",
                notify=self.setting.notify,
                inbox=named(self.setting.workspace, self.places.inbox),
                files=handled,
            )
        if stop is not None:
            raise stop

    def _settled(self, each: Waiting) -> Handled:
        """Process a file or find it processed, and move it."""
        self._job_id = None
        try:
            sha256 = each.file.sha256()
            seen = self._stored(sha256)
            found = self._processed(each, sha256) if seen is None else self._seen(each, sha256, seen)
        except (OutsideError, PermissionDenied, MemoryError, OSError) as error:
            return self._left(each, self._words(error), error)
        except (KeyboardInterrupt, Interrupted):
            raise
        except Exception as error:
            if not unchanged(each.file):
                return self._left(each, "it was changed or taken away while it was read")
            return self._failed(each, error)
        if not unchanged(each.file) or found.sha256 != sha256:
            return replace(found, reason="it changed since it was read; its new content waits")
        return self._moved(found, each, self.places.done)

    def _processed(self, each: Waiting, sha256: str) -> Handled:
        request = replace(self.request, inputs=(str(each.file.path),), priority=each.priority)
        summary = process(self._again(request, sha256), self.rulebook, self._setting)
        inputs: Sequence[Mapping[str, Any]] = summary["inputs"]  # type: ignore[assignment]
        if not any(given["rows"] for given in inputs):
            raise InputError(
                f"{each.file.label}: the file has no row below its header, so no claims.",
                hint="Export it again, or remove it.",
            )
        outputs: Mapping[str, str] = summary["outputs"]  # type: ignore[assignment]
        return Handled(
            each.name, "processed", job_id=self._job_id, sha256=inputs[0]["sha256"], bytes=each.file.size,
            priority=each.priority, summary=summary,
            out=Path(outputs["accepted"]).parent if "accepted" in outputs else None,
        )  # fmt: skip

    def _stored(self, sha256: str) -> Job | None:
        """The job that stored the claims of this content, if there is one that was not rolled back.

        The store is asked too: it may have been lost, or be an older one from a backup, which knows less
        than the list of jobs.
        """
        for job in self._jobs.find_by_input_hash([sha256]):
            whole = job.command in ("process", "resume") and not job.options.get("limit")
            whole = whole and job.read_sheet(self.request.sheet)
            whole = whole and any(given.rows != 0 for given in job.inputs)  # None: an older job did not say
            ours = whole and job.status in _DONE and job.practice_id == self.request.practice_id
            if ours and is_committed(self.setting.workspace, job.job_id):
                return job
        return None

    def _again(self, request: Request, sha256: str) -> Request:
        """The request with the output directory of a run that was killed before it stored its results."""
        for job in self._jobs.find_by_input_hash([sha256]):
            out = job.options.get("out")
            if isinstance(out, str) and out and Path(out).parent == self.setting.outputs.absolute():
                asked = replace(request, out=Path(out))
                earlier = earlier_run(asked.out or Path(), asked, self.setting.workspace, self._jobs)
                if earlier is not None and earlier.same:
                    return asked
        return request

    def _seen(self, each: Waiting, sha256: str, job: Job) -> Handled:
        reason = f"job {job.job_id} processed this content before"
        return Handled(
            each.name, "seen", reason, job_id=job.job_id, sha256=sha256, bytes=each.file.size,
            priority=each.priority,
        )  # fmt: skip

    def _failed(self, each: Waiting, error: Exception) -> Handled:
        code = error.exit_code if isinstance(error, ClaimsctlError) else InternalError.exit_code
        found = Handled(
            each.name, "failed", self._words(error), code, self._job_id, bytes=each.file.size,
            priority=each.priority,
        )  # fmt: skip
        found = self._moved(found, each, self.places.failed)
        if found.moved_to is not None:
            try:
                write_private(
                    found.moved_to.with_name(found.moved_to.name + ERROR_TEXT), f"{found.reason}\n".encode()
                )
            except ClaimsctlError:
                return found  # the listing says it too
        return found

    def _left(self, each: Waiting, reason: str, error: BaseException | None = None) -> Handled:
        code = 0 if error is None else error.exit_code if isinstance(error, ClaimsctlError) else 4
        if error is not None and was_stopped(error):
            code = Interrupted.exit_code
        return Handled(
            each.name, "left", reason, code, self._job_id if error is not None else None,
            bytes=each.file.size, priority=each.priority,
        )  # fmt: skip

    def _moved(self, found: Handled, each: Waiting, directory: Path | None) -> Handled:
        if directory is None or self.request.dry_run:
            return found
        try:
            return replace(found, moved_to=move(each.file, directory, each.name))
        except (OutputError, OSError, InputError) as error:
            said = f"{found.reason}; " if found.reason else ""
            reason = f"{said}it could not be moved: {self._words(error)}"
            return replace(found, reason=reason, exit_code=max(found.exit_code, 4))

    def _words(self, error: BaseException) -> str:
        return str(error) if isinstance(error, ClaimsctlError) else self.describe(error)

    def _begun(self, job_id: str) -> None:
        self._job_id = job_id


def worst(handled: Sequence[Handled]) -> int:
    """The exit code of a run: the highest of its files (design 3.3)."""
    return max((each.exit_code for each in handled), default=0)


def counts(handled: Sequence[Handled]) -> dict[str, int]:
    """Files by action."""
    return {name: sum(each.action == name for each in handled) for name in get_args(Action)}


def as_entries(handled: Sequence[Handled]) -> Iterator[dict[str, object]]:
    """The files for JSON: what happened to each."""
    for each in handled:
        yield {
            "file": each.name, "action": each.action, "reason": each.reason, "exit_code": each.exit_code,
            "job_id": each.job_id, "sha256": each.sha256, "bytes": each.bytes, "priority": each.priority,
            "status": each.summary.get("status"), "rows": each.summary.get("rows"),
            "claims": each.summary.get("claims"), "findings": each.summary.get("findings"),
            "out": str(each.out) if each.out else None,
            "moved_to": str(each.moved_to) if each.moved_to else None,
        }  # fmt: skip
