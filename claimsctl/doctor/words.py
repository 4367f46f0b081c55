"""Numbers in the texts of checks."""

from __future__ import annotations


def size(number: float) -> str:
    """ "34 MB"; 1 kB is 1,000 bytes."""
    for unit in ("B", "kB", "MB"):
        if number < 1000:
            return f"{number:.0f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"


def counted(number: int, noun: str) -> str:
    """ "1 claim", "1,200 claims"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
