"""Ranges of codes: `'99202'..'99215'`, `'Z3A00'..'Z3A49'`, `'0001F'..'9007F'`.

A range counts in the digits; a letter that is the same at both ends stays the same. So '0101T' is not
in '00100'..'01999', although it lies between them as text.
"""

from __future__ import annotations

from functools import lru_cache

MAX_LISTED = 3_000
"""A list of this many codes is one hash look-up, cheaper than two comparisons and a regular expression."""


@lru_cache(maxsize=1024)
def listed(first: str, last: str) -> tuple[str, ...] | None:
    """Every code of a range, or None when a letter differs between the ends or there are too many."""
    fixed = [
        None if _is_digit(low) and _is_digit(high) else low for low, high in zip(first, last, strict=True)
    ]
    if any(low != high for low, high, kept in zip(first, last, fixed, strict=True) if kept is not None):
        return None
    places = [place for place, kept in enumerate(fixed) if kept is None]
    if not places:
        return (first,)
    start = int("".join(first[place] for place in places))
    stop = int("".join(last[place] for place in places)) + 1
    if stop - start > MAX_LISTED:
        return None
    numbers = [f"{number:0{len(places)}d}" for number in range(start, stop)]
    head, tail = first[: places[0]], first[places[-1] + 1 :]
    if places[-1] - places[0] == len(places) - 1:
        return tuple([head + number + tail for number in numbers])
    return tuple(_spread(number, fixed) for number in numbers)


def _spread(number: str, fixed: list[str | None]) -> str:
    digits = iter(number)
    return "".join(next(digits) if kept is None else kept for kept in fixed)


def shape(first: str, last: str) -> str:
    """Regular expression of the codes that can be in a range, which a text comparison then bounds."""
    return "^" + "".join(_place(low, high) for low, high in zip(first, last, strict=True)) + "$"


def _place(low: str, high: str) -> str:
    if _is_digit(low) and _is_digit(high):
        return "[0-9]"
    if low == high:
        return low if low.isalnum() else f"\\x{{{ord(low):X}}}"
    return "[A-Z]" if low.isupper() and high.isupper() else "."


def _is_digit(character: str) -> bool:
    return "0" <= character <= "9"
