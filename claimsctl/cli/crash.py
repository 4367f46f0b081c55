"""How a command ends: one message and one exit code for everything that can go wrong (design 3.3)."""

from __future__ import annotations

import os
import sys

from claimsctl import __version__
from claimsctl.errors import ClaimsctlError, was_stopped


def message_and_code(error: BaseException) -> tuple[str | None, int]:
    """What to say of an error and the exit code it means; never a traceback, which could quote cells."""
    if isinstance(error, SystemExit):  # Typer has said what was wrong
        if isinstance(error.__context__, BrokenPipeError):
            return None, 0
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
        return ("claimsctl: stopped; the inputs are unchanged." if code == 130 else None), code
    if isinstance(error, ClaimsctlError):
        return f"claimsctl: {error}", error.exit_code
    if was_stopped(error):
        return "claimsctl: stopped; the inputs are unchanged.", 130
    if isinstance(error, BrokenPipeError):  # the reader has gone, as in `claimsctl rules list | head`
        ended = error.__context__
        return None, message_and_code(ended)[1] if isinstance(ended, SystemExit) else 0
    if isinstance(error, MemoryError):
        return "claimsctl: out of memory. Try a smaller --batch-size.", 4
    if isinstance(error, OSError) and error.errno is not None:
        place = f" ({error.filename})" if error.filename is not None else ""
        return f"claimsctl: the system refused: {os.strerror(error.errno)}{place}.", 4
    return describe_crash(error), 70


def describe_crash(error: BaseException) -> str:
    """Type of the error and the places in claimsctl it came through; no message, no values.

    Messages of libraries may quote cells, so only the type and our own file names and lines are shown.
    """
    from claimsctl.security.crashes import our_places

    return (
        f"claimsctl: internal error {type(error).__name__} at {our_places(error) or 'unknown place'} "
        f"(version {__version__}). Your input is unchanged. "
        "Please report this line; it holds no patient data."
    )


def abandon_output() -> None:
    """Send what is still to be printed nowhere: its reader or disk has gone."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError):  # no real file, as in tests
        return
