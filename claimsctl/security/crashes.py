"""What a defect leaves: where it happened and in what surroundings, without any value that was handled."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path, PurePath
from traceback import walk_tb
from types import FrameType
from typing import Final

from claimsctl import __version__
from claimsctl.errors import ClaimsctlError
from claimsctl.security.files import private_directory, write_private

DIRECTORY: Final = "crashes"
SHARING: Final = (
    "This report was written by claimsctl after an internal error. It holds kinds of errors, places in "
    "programs, versions and the name of the command: no messages, values, options, or names of files. It "
    "may be sent to the maintainers. Look through it first; never send claim files with it: invent "
    "rows that show the same."
)
_KEPT: Final = 20
_LONGEST_CHAIN: Final = 8
_LIBRARIES: Final = ("polars", "duckdb", "pyarrow", "fastexcel", "sqlalchemy", "cryptography", "typer")


def places_of(error: BaseException) -> list[str]:
    """Where an error came through, the innermost place last: program file, line and function.

    Neither messages nor lines of programs nor local values: libraries quote cells in theirs.
    """
    return [f"{_module(frame)}:{line} {frame.f_code.co_name}" for frame, line in walk_tb(error.__traceback__)]


def our_places(error: BaseException, most: int = 4) -> str:
    """The innermost places within claimsctl, innermost first, as `files.py:12 < run.py:40`."""
    ours = [
        f"{PurePath(frame.f_code.co_filename).name}:{line}"
        for frame, line in walk_tb(error.__traceback__)
        if _module(frame).startswith("claimsctl/")
    ]
    return " < ".join(reversed(ours[-most:]))


def crash_report(error: BaseException, command: Sequence[str]) -> dict[str, object]:
    """All that a maintainer needs and may have. `command` are words of the command, without its options."""
    import platform

    return {
        "sharing": SHARING,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join(command),
        "errors": [{"kind": _kind(each), "places": places_of(each)} for each in _chain(error)],
        "versions": {
            "claimsctl": __version__,
            "python": platform.python_version(),
            **{name: _version(name) for name in _LIBRARIES},
        },
        "system": f"{platform.system()} {platform.machine()}",
    }


def keep_crash_report(error: BaseException, command: Sequence[str], workspace: Path) -> Path | None:
    """Write the report into `crashes/` of a workspace that exists; where it is, None where it cannot be.

    The newest twenty are kept.
    """
    if not (workspace / "workspace.id").is_file():
        return None
    directory = workspace / DIRECTORY
    path = (
        directory / f"crash-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{time.time_ns() % 10**6:06}.json"
    )
    try:
        private_directory(directory)
        text = json.dumps(crash_report(error, command), indent=2)
        write_private(path, text.encode() + b"\n")
    except (ClaimsctlError, OSError):
        return None
    for old in sorted(directory.glob("crash-*.json"))[:-_KEPT]:
        with suppress(OSError):
            old.unlink()
    return path


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came of."""
    seen: BaseException | None = error
    for _ in range(_LONGEST_CHAIN):
        if seen is None:
            return
        yield seen
        seen = seen.__cause__ or seen.__context__


def _kind(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _module(frame: FrameType) -> str:
    """File of a frame from its package on; a directory of this machine may bear a name of a person."""
    parts = PurePath(frame.f_code.co_filename).parts
    name = str(frame.f_globals.get("__name__", ""))
    top = name.partition(".")[0]
    if top == "__main__" or top not in parts:
        top = "claimsctl" if "claimsctl" in parts else ""
    if top and top in parts:
        return "/".join(parts[len(parts) - 1 - parts[::-1].index(top) :])
    return parts[-1] if top in sys.stdlib_module_names or name in sys.stdlib_module_names else "elsewhere"


def _version(name: str) -> str | None:
    from importlib import metadata

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
