"""Ranges of codes: `'99202'..'99215'`, `'Z3A00'..'Z3A49'`, `'0001F'..'9007F'`.

A range counts in the digits; a letter that is the same at both ends stays the same. So '0101T' is not
in '00100'..'01999', although it lies between them as text.
"""

from __future__ import annotations

MAX_LISTED = 10_000
"""A list of this many codes is one hash look-up, cheaper than two comparisons and a regular expression."""


def listed(first: str, last: str) -> list[str] | None:
    """Every code of a range, or None when a letter differs between the ends or there are too many."""
    places = [place for place, character in enumerate(first) if _is_digit(character)]
    for place, (low, high) in enumerate(zip(first, last, strict=True)):
        if place in places:
            if not _is_digit(high):
                return None
        elif low != high:
            return None
    if not places:
        return [first]
    low_number = int("".join(first[place] for place in places))
    high_number = int("".join(last[place] for place in places))
    if high_number - low_number >= MAX_LISTED:
        return None
    template = "".join("{}" if place in places else _braced(c) for place, c in enumerate(first))
    width = len(places)
    return [template.format(*f"{number:0{width}d}") for number in range(low_number, high_number + 1)]


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


def _braced(character: str) -> str:
    return character * 2 if character in "{}" else character
