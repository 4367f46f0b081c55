"""What commands note in the log: begun, ended, jobs, counts, times. Without a log a note costs a comparison.

A note is a name and facts out of closed lists (codes, numbers, job ids); files are given as `Path` and
appear as a hash of their name. What keeps values out all the same stands in `logfilter`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from claimsctl.security.logsink import LogSink

LogFormat = Literal["text", "json"]
Level = Literal["info", "warning", "error"]
LogFact = str | int | float | bool | Path | None | Sequence["LogFact"] | Mapping[str, "LogFact"]

_SHORTEST: Final = 4
_sink: LogSink | None = None
_hidden: set[str] = set()


def start_log(file: Path | None, log_format: LogFormat = "text") -> None:
    """Keep a log from now on, appended to a private file, or on standard error (None).

    OutputError where the file cannot be written, or is a link.
    """
    from claimsctl.security.logsink import LogSink

    global _sink
    stop_log()
    _sink = LogSink(file, log_format)


def stop_log() -> None:
    """Keep no log any more, and forget what was to be hidden."""
    global _sink
    _hidden.clear()
    if _sink is not None:
        _sink.close()
        _sink = None


def note(event: str, /, *, level: Level = "info", **facts: LogFact) -> None:
    """One line of the log. Facts never hold PHI; the name of a file is given as a `Path`."""
    if _sink is not None:
        _sink.note(event, level, facts)


def hide(value: str) -> str:
    """The value, which no line of the log will show from now on; too short ones cannot be told from text."""
    if len(value) >= _SHORTEST:
        _hidden.add(value)
    return value


def hidden() -> frozenset[str]:
    """What is to be hidden."""
    return frozenset(_hidden)
