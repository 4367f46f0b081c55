"""What of a command goes into the log: that it began, and how it ended."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claimsctl import __version__
from claimsctl.errors import ClaimsctlError
from claimsctl.security.logs import Level, LogFormat, note, start_log, stop_log

if TYPE_CHECKING:
    from claimsctl.settings_log import LogSettings

_FILE: Final = re.compile(rb"^\s*(?:log\.)?file\s*=|^\s*log\s*=", re.MULTILINE)
"""A setting that may be the file of a log."""


@dataclass(slots=True)
class Running:
    """The command under way: its words without options, and the workspace it was told to use."""

    arguments: Sequence[str] = ()
    command: tuple[str, ...] = ()
    workspace: Path | None = None
    begun: float = field(default_factory=time.monotonic)


def begin(
    running: Running, context: Any, workspace: Path | None, log: str | None, log_format: LogFormat | None
) -> None:
    """Note that a command began, where `log` or the settings ask for a log."""
    running.command = _words(context.command, context.invoked_subcommand, running.arguments)
    running.workspace = workspace
    kept = None if log else _settings(workspace)
    if log is None and kept is None:
        return
    if kept is not None and kept.file is not None:
        from claimsctl.security.files import private_directory

        beside = _workspace(workspace) / Path(kept.file).expanduser()
        if not beside.parent.exists():  # a variable may name a log before there is a workspace
            private_directory(beside.parent)
        file: Path | None = beside
    else:
        file = None if log in (None, "-") else Path(str(log)).expanduser()
    start_log(file, log_format or (kept.format if kept else "text"))
    note("command.begin", command=" ".join(running.command), version=__version__)


def end(running: Running, error: BaseException | None, code: int) -> None:
    """Note how the command ended, and close the log."""
    level: Level = "error" if code in (4, 70) else "warning" if code in (3, 5) else "info"
    kind = None if error is None or isinstance(error, SystemExit) else type(error).__name__
    note(
        "command.end", level=level, command=" ".join(running.command), code=code, error=kind,
        seconds=round(time.monotonic() - running.begun, 3), places=_places(error) if kind else None,
    )  # fmt: skip
    stop_log()


def keep_crash(running: Running, error: BaseException) -> str:
    """Leave a crash report in the workspace, if there is one; the sentence that says so, "" otherwise."""
    from claimsctl.security.crashes import keep_crash_report

    try:
        path = keep_crash_report(error, running.command, _workspace(running.workspace))
    except (ClaimsctlError, OSError):  # settings or a directory that cannot be read
        return ""
    if path is None:
        return ""
    note("crash", level="error", report=path)
    return f" More is in {path}, without patient data: it says how to share it."


def _places(error: BaseException | None) -> str | None:
    from claimsctl.security.crashes import our_places

    return None if error is None else our_places(error)


def _words(group: Any, first: str | None, arguments: Sequence[str]) -> tuple[str, ...]:
    """`claims`, `show` of a command line: only names of commands, never what was typed beside them."""
    words: list[str] = []
    found = first
    while found is not None:
        words.append(found)
        group = group.commands[found]
        arguments = arguments[arguments.index(found) + 1 :] if found in arguments else ()
        inner = getattr(group, "commands", {})
        found = next((each for each in arguments if each in inner), None)
    return tuple(words)


def _workspace(named: Path | None) -> Path:
    from claimsctl.settings import find_workspace

    return find_workspace(named)


def _settings(workspace: Path | None) -> LogSettings | None:
    """`[log]`, read only where a look at the variables and the bytes of the file finds one."""
    asked = any(name.upper().startswith("CLAIMSCTL_LOG__") for name in os.environ)
    if not asked:
        try:
            asked = _FILE.search((_workspace(workspace) / "claimsctl.toml").read_bytes()) is not None
        except OSError:
            return None
    if not asked:
        return None
    from claimsctl.settings import load_settings

    try:
        settings = load_settings(workspace).log
    except ClaimsctlError:  # the command itself says what is wrong, or does without settings
        return None
    return settings if settings.file else None
