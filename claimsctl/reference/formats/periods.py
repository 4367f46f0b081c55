"""Which edition a published file is, and for which service dates."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import PurePath
from typing import Final

from claimsctl.reference.releases import Opened, Wanted, no_date

QUARTER: Final = "2026-04-01"
"""The first day of a quarter, as an example."""


@dataclass(frozen=True, slots=True)
class Period:
    """The edition of a file and the service dates it is for."""

    edition: str
    valid_from: date | None
    valid_to: date | None


_IN_NAME: Final = (
    re.compile(r"(?<!\d)(?P<m>0[1-9]|1[0-2])[-_][0-3]\d[-_](?P<y>20\d\d)(?!\d)"),
    re.compile(r"(?P<y>20\d\d)[-_ ]?q(?P<q>[1-4])", re.IGNORECASE),
    re.compile(r"q(?P<q>[1-4])[-_ ]?(?P<y>20\d\d)", re.IGNORECASE),
)


def quarter(opened: Opened, wanted: Wanted, what: str, start: date | None = None) -> Period:
    """The quarter a file is for: said by the user, else `start`, else a date or quarter in its name."""
    start = wanted.valid_from or start or quarter_in(opened.name)
    if start is None:
        raise no_date(opened, what, QUARTER)
    number = (start.month - 1) // 3 + 1
    return Period(wanted.edition or f"{start.year}Q{number}", start, wanted.valid_to or quarter_end(start))


def year(opened: Opened, wanted: Wanted, said: date | None, name: Callable[[date], str], what: str) -> Period:
    """The year a file is for: from the day the user or else the file `said`, to the end of its year."""
    start = wanted.valid_from or said
    if start is None:
        raise no_date(opened, what, "2026-01-01")
    # A file is called what it says, also where the user knows a later day it counts from.
    return Period(wanted.edition or name(said or start), start, wanted.valid_to or date(start.year, 12, 31))


def quarter_in(name: str) -> date | None:
    """The first day of the quarter that a file name holds (Eff_04-01-2026, 2026q2)."""
    for pattern in _IN_NAME:
        if found := pattern.search(name):
            parts = found.groupdict()
            number = int(parts["q"]) if "q" in parts else (int(parts["m"]) - 1) // 3 + 1
            return quarter_start(int(parts["y"]), number)
    return None


def quarter_start(year: int, number: int) -> date:
    """The first day of a quarter, 1 to 4."""
    return date(year, 3 * number - 2, 1)


def quarter_end(day_in: date) -> date:
    """The last day of the quarter a day is in."""
    months = day_in.year * 12 + (day_in.month - 1) // 3 * 3 + 3
    return date(months // 12, months % 12 + 1, 1) - timedelta(days=1)


def stem(name: str) -> str:
    """A file name as the name of an edition, where nothing else gives one."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", PurePath(name).stem).strip("-._")[:40] or "own"


def year_in(name: str) -> int | None:
    """The year that a file name holds."""
    found = re.search(r"(?<!\d)(20\d\d)(?!\d)", name)
    return int(found[1]) if found else None
