"""`--priority`: a number, and numbers by pattern of the file name."""

from __future__ import annotations

from collections.abc import Iterable

from claimsctl.errors import UsageError

_LARGEST = 1_000_000


def parse_priorities(entries: Iterable[str], *, inbox: bool) -> tuple[int, dict[str, int]]:
    """The number for every file (0 unless one is given) and those by pattern; the last entry wins."""
    number, patterns = 0, {}
    for entry in entries:
        pattern, _, digits = entry.rpartition("=")
        try:
            value = int(digits)
        except ValueError:
            value = _LARGEST + 1
        if abs(value) > _LARGEST:
            raise UsageError(f"--priority {entry!r} is not a number.", hint="Write --priority 5.")
        if pattern and not inbox:
            raise UsageError(
                f"--priority {entry!r} orders files of an inbox.",
                hint="Add --move-to, or write a number.",
            )
        if pattern:
            patterns[pattern] = value
        else:
            number = value
    return number, patterns
