"""The record of a job of questions, brought to its end whatever happens; its answers are never lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from claimsctl.asking.request import StatusRequest
from claimsctl.errors import ClaimsctlError, Interrupted, was_stopped
from claimsctl.store.jobs import JobStore
from claimsctl.store.workspace import Workspace


@contextmanager
def recorded(
    jobs: JobStore,
    job_id: str,
    request: StatusRequest,
    workspace: Workspace,
    out: Path,
    command: str,
    root: str,
    parent_job: str | None,
    kept: Callable[[], str],
) -> Iterator[None]:
    """From PENDING to the end. `root` is the job whose checkpoint is used, `kept` says in a sentence what
    of the answers is on record."""
    options = {
        **request.as_options(), "out": str(out), "cwd": str(Path.cwd()), "checkpoint": root,
    }  # fmt: skip
    jobs.create_job(
        job_id, command, options=options, practice_id=request.practice_id,
        payer=request.constants.get("payer_id"), parent_job=parent_job,
    )  # fmt: skip
    jobs.start(job_id)
    try:
        yield
    except BaseException as error:
        stopped = was_stopped(error)
        with suppress(ClaimsctlError):
            if stopped:
                jobs.cancel(job_id)
            elif isinstance(error, ClaimsctlError):
                jobs.fail(job_id, error.message)
            else:
                jobs.fail(job_id, f"internal error {type(error).__name__}")
        if stopped:
            raise Interrupted(
                f"Stopped; job {job_id} is CANCELLED. {kept()}",
                hint=f"To go on where it was: claimsctl jobs resume {job_id}",
            ) from None
        raise
    finally:
        workspace.remove_tmp(job_id)


class Stopper:
    """Whether to stop: asked for at this terminal, or from elsewhere, of which `heard` tells."""

    def __init__(self, heard: Callable[[], bool], notify: Callable[[str], None]) -> None:
        self._heard = heard
        self._notify = notify
        self.stopped = False

    def __call__(self) -> bool:
        """Told to the engine, which asks often."""
        if not self.stopped and self._heard():
            self.stopped = True
        return self.stopped

    @contextmanager
    def listening(self) -> Iterator[None]:
        """In the block a first Ctrl-C, or a polite kill, stops after what is under way, a second at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
        for each, handler in before.items():
            if handler is not signal.SIG_IGN:
                signal.signal(each, self._signalled)
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    def _signalled(self, _number: int, _frame: FrameType | None) -> None:
        if self.stopped:
            raise KeyboardInterrupt
        self.stopped = True
        self._notify("Stopping after the questions under way; Ctrl-C again leaves them.")
