"""`claimsctl process INBOX --move-to ... --on-error ...`: from options to a run over an inbox."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from claimsctl.cli.crash import message_and_code
from claimsctl.cli.run import (
    Options,
    console,
    exit_status,
    open_workspace,
    setting_of,
    settle,
    stop_on_signals,
)
from claimsctl.cli.state import State
from claimsctl.errors import UsageError
from claimsctl.inbox.run import Handled, InboxRun, Places, as_entries, counts, worst

if TYPE_CHECKING:
    from claimsctl.cli.screen import Screen
    from claimsctl.inbox.files import Passed
    from claimsctl.settings import Settings

_SAID: Final = {
    "processed": "processed", "seen": "processed before", "failed": "failed", "left": "left for the next run",
    "ignored": "ignored",
}  # fmt: skip


def run_inbox(state: State, options: Options) -> int:
    """Process the files of an inbox; the exit status is the highest of them (design 3.3)."""
    from claimsctl.store.warm import warm

    warm()
    from claimsctl.cli.confirming import confirm_bytes
    from claimsctl.cli.priorities import parse_priorities
    from claimsctl.cli.progress import Progress
    from claimsctl.cli.targets import targets
    from claimsctl.inbox.files import ready_files
    from claimsctl.inbox.lock import locked
    from claimsctl.pipeline import DEFAULT_OUT

    _refuse(options)
    stop_on_signals()
    settings, workspace = open_workspace(state)
    places = Places(Path(options.inputs[0]), options.move_to, options.on_error)
    priority, patterns = parse_priorities(options.priority, inbox=True)
    places.prepare()
    listing = _Listing(state, places, datetime.now(UTC))
    with locked(places.inbox):
        out = _out(options, settings)
        waiting, passed = ready_files(
            places.inbox,
            without=[each for each in (places.done, places.failed, out) if each is not None],
            settle_seconds=settings.inbox.settle_seconds,
            priorities={**settings.inbox.priority, **patterns},
            priority=priority,
        )
        confirm_bytes(state, sum(each.file.size for each in waiting), settings.process.confirm_above)
        try:
            if not waiting:  # as most times that cron looks: reading rules would be the longest part
                listing.add_passed(passed)
                return listing.exit_code
            request, rulebook, listing.fail_on = settle(options, settings)
            with Progress(quiet=state.quiet or state.json, verbose=state.verbose) as progress:
                databases = targets(state, settings, request.to)
                setting = setting_of(state, settings, workspace, progress, databases)
                run = InboxRun(
                    places,
                    replace(request, out=None),  # every job makes a directory of its own
                    rulebook,
                    replace(setting, outputs=out or DEFAULT_OUT),
                    listing.add,
                    partial(_words, workspace.root),
                )
                run.run(waiting, passed)
        finally:
            listing.end()
    return listing.exit_code


def _refuse(options: Options) -> None:
    """What does not go with an inbox."""
    if len(options.inputs) != 1 or options.inputs[0] == "-":
        raise UsageError("--move-to and --on-error go with one input, the inbox.", hint="Name its directory.")
    if options.sources:
        raise UsageError(
            "--from does not go with an inbox.", hint="Run `claimsctl process --from` by itself."
        )
    if options.limit is not None:
        raise UsageError(
            "--limit does not go with an inbox: the rest of a file would never be processed.",
            hint="Try one file of it with `claimsctl preview`.",
        )


def _out(options: Options, settings: Settings) -> Path | None:
    if options.out is not None:
        return options.out
    return settings.workspace / settings.inbox.out if settings.inbox.out else None


def _words(workspace: Path, error: BaseException) -> str:
    """What to say of an error that is none of ours: never its message, which may quote cells."""
    text, code = message_and_code(error)
    if code == 70:
        from claimsctl.security.crashes import keep_crash_report

        keep_crash_report(error, ("process",), workspace)
    return (text or type(error).__name__).removeprefix("claimsctl: ")


@dataclass
class _Listing:
    """What happened to each file, printed as it happens, or as one JSON document."""

    state: State
    places: Places
    started: datetime
    fail_on: str | None = None
    handled: list[Handled] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """The highest of the files, 1 where only findings ask for it."""
        found = [exit_status(each.summary, self.fail_on) for each in self.handled if each.summary]
        return max([worst(self.handled), *found])

    def add(self, each: Handled) -> None:
        """A file is settled."""
        self.handled.append(each)
        if self.state.json:
            return
        if each.exit_code and each.reason:
            named = "" if each.name in each.reason else f"{each.name}: "
            print(f"claimsctl: {named}{each.reason}", file=sys.stderr, flush=True)
        if not self.state.quiet:
            self._show(self._screen(), each)

    def add_passed(self, passed: Sequence[Passed]) -> None:
        """Files that are not processed."""
        for each in passed:
            self.add(Handled.of(each))

    def _screen(self) -> Screen:
        from claimsctl.cli.screen import Screen

        return Screen(console(self.state))

    def _show(self, screen: Screen, each: Handled) -> None:
        screen.line(f"{each.name}: {_SAID[each.action]}{_result(each)}")
        if each.reason and not each.exit_code:
            screen.wrapped(each.reason[:1].upper() + each.reason[1:] + ".", 2)
        if each.action == "seen" and each.moved_to is not None:
            screen.line(f"To process it again: claimsctl process {each.moved_to}", indent=2)
        if each.out is not None:
            screen.line(f"Results in {each.out}", indent=2)
        if each.moved_to is not None:
            screen.line(f"Moved to {each.moved_to}", indent=2)

    def end(self) -> None:
        """The totals."""
        found = counts(self.handled)
        if self.state.json:
            document = {
                "inbox": str(self.places.inbox), "started_at": self.started.isoformat(),
                "finished_at": datetime.now(UTC).isoformat(), "exit_code": self.exit_code,
                "counts": found, "files": list(as_entries(self.handled)),
            }  # fmt: skip
            print(json.dumps(document, indent=2, default=str))
        elif not self.state.quiet:
            said = ", ".join(f"{number:,} {_SAID[name]}" for name, number in found.items() if number)
            self._screen().line(f"Inbox {self.places.inbox}: {said or 'no files'}.")


def _result(each: Handled) -> str:
    """Claims of a processed file."""
    claims = each.summary.get("claims")
    if not claims:
        return ""
    held = f", {claims['held']:,} held back" if claims.get("held") else ""
    clean = f"{claims['accepted']:,} of {claims['read']:,} claims clean"
    return f", {clean}, {claims['rejected']:,} need fixing{held}"
