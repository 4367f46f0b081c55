"""Where published tables are found on the web: `reference_data/publishers.toml`, filled in for an edition."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from difflib import get_close_matches
from functools import cache
from typing import Any, Final

from claimsctl.errors import SettingsError, UsageError
from claimsctl.reference.addresses import file_name, is_web_address
from claimsctl.reference.locate import data_path
from claimsctl.reference.releases import Wanted
from claimsctl.reference.terms import Terms

_MEGABYTE: Final = 1_000_000
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_PLACEHOLDER: Final = re.compile(r"\{(\w*)\}")
_PATTERNS: Final = {
    "year": r"20\d\d",
    "yy": r"\d\d",
    "quarter": "[1-4]",
    "letter": "[a-d]",
    "LETTER": "[A-D]",
    "month": r"(?:0[1-9]|1[0-2])",
    "half": "[01]",
}
"""What a placeholder of an edition's name looks like; those of addresses alone are not among them."""
_STARTS: Final[Mapping[str, tuple[int, ...]]] = {
    "month": tuple(range(1, 13)),
    "quarter": (1, 4, 7, 10),
    "half": (1, 7),
    "year": (1,),
    "fiscal_year": (10,),
    "april": (4,),
}
"""Months in which a period begins."""


@dataclass(frozen=True, slots=True)
class Series:
    """A line of editions of a table: how often, how they are called, where each is."""

    period: str
    edition: str
    urls: tuple[str, ...]
    known: Mapping[str, str]
    undated: bool

    def beginning(self, day: date) -> date:
        """First day of the period that a day is in."""
        starts = _STARTS[self.period]
        months = [month for month in starts if month <= day.month]
        return date(day.year, months[-1], 1) if months else date(day.year - 1, starts[-1], 1)

    def parts(self, first: date) -> dict[str, str]:
        """The placeholders of the edition that begins on `first`."""
        year = first.year + (self.period == "fiscal_year")
        quarter = (first.month - 1) // 3 + 1
        return {
            "year": str(year),
            "yy": f"{year % 100:02d}",
            "quarter": str(quarter),
            "letter": "abcd"[quarter - 1],
            "LETTER": "ABCD"[quarter - 1],
            "month": f"{first.month:02d}",
            "Month": _MONTHS[first.month - 1],
            "month_name": _MONTHS[first.month - 1].lower(),
            "half": str(int(first.month > 6)),
            # NCCI counts years from 1994 and quarters from 0: 32.2 is the third quarter of 2026.
            "version": f"{year - 1994}{quarter - 1}",
        }

    def named(self, name: str) -> date | None:
        """First day of the edition of a name; None when no edition of this line is called so."""
        pattern = "".join(
            f"(?P<{text}>{_PATTERNS[text]})" if place % 2 else re.escape(text)
            for place, text in enumerate(_PLACEHOLDER.split(self.edition))
        )
        found = re.fullmatch(pattern, name, re.IGNORECASE)
        if found is None:
            return None
        said = {key: text.upper() for key, text in found.groupdict().items()}
        year = int(said.get("year") or f"20{said['yy']}") - (self.period == "fiscal_year")
        days = (date(year, month, 1) for month in _STARTS[self.period])
        return next((day for day in days if self.name(day).upper() == name.upper()), None)

    def name(self, first: date) -> str:
        """What the edition is called that begins on `first`."""
        return _filled(self.edition, self.parts(first))


@dataclass(frozen=True, slots=True)
class Publisher:
    """An entry of publishers.toml. `none` says why a table cannot be fetched; it has no series then."""

    table: str
    title: str
    publisher: str
    page: str
    licence: str
    series: tuple[Series, ...] = ()
    none: str | None = None
    terms: Terms | None = None
    files: int = 1
    single: bool = False
    lag_days: int = 0
    most_bytes: int = 200 * _MEGABYTE
    sha256: Mapping[str, str] | None = None

    def current(self, today: date) -> str | None:
        """The edition for a date; None when the table cannot be fetched."""
        if not self.series:
            return None
        first = self.series[0].beginning(today - timedelta(days=self.lag_days))
        return self.series[0].name(first)


@dataclass(frozen=True, slots=True)
class Places:
    """Addresses of the user's own: one for a table, or one directory for all files."""

    sources: Mapping[str, str]
    base: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """One edition to fetch: for each of its files the addresses to try, the likeliest first.

    `own`: the addresses are of the user's settings.
    """

    publisher: Publisher
    edition: str
    wanted: Wanted
    files: tuple[tuple[str, ...], ...]
    sha256: tuple[str, ...] = ()
    own: bool = False

    def is_called(self, edition: str, *, part: bool = False) -> bool:
        """Whether an edition is the one ordered, or a part of it (2026Q3-f1 of 2026Q3).

        NPPES is ordered by month and called by day.
        """
        longer = part or self.publisher.single
        return edition == self.edition or (longer and edition.startswith(f"{self.edition}-"))


@cache
def publishers() -> Mapping[str, Publisher]:
    """All entries by table, in the order of the file."""
    with (data_path("reference_data") / "publishers.toml").open("rb") as file:
        entries = tomllib.load(file)
    terms = {name: Terms(name, **entry) for name, entry in entries.pop("terms").items()}
    return {table: _publisher(table, entry, terms) for table, entry in entries.items()}


def _publisher(table: str, entry: dict[str, Any], terms: Mapping[str, Terms]) -> Publisher:
    lines = [each for each in (entry, entry.get("update")) if each and "period" in each]
    return Publisher(
        table=table,
        title=entry["title"],
        publisher=entry["publisher"],
        page=entry["page"],
        licence=entry["licence"],
        series=tuple(
            Series(
                line["period"],
                line["edition"],
                tuple(line["urls"]),
                line.get("known", {}),
                line.get("undated", False),
            )
            for line in lines
        ),
        none=entry.get("none"),
        terms=terms[entry["terms"]] if "terms" in entry else None,
        files=entry.get("parts", 1),
        single=entry.get("single", False),
        lag_days=entry.get("lag_days", 0),
        most_bytes=entry.get("most_mb", 200) * _MEGABYTE,
        sha256=entry.get("sha256"),
    )


def find(table: str) -> Publisher:
    """The entry of a table; UsageError with the nearest names when there is none."""
    known = publishers()
    if table not in known:
        near = get_close_matches(table, known, n=2)
        meant = f"Did you mean {' or '.join(near)}? " if near else ""
        raise UsageError(
            f"It is not known where {table} is published.",
            hint=f"{meant}`claimsctl reference fetch --list` shows what can be fetched.",
        )
    return known[table]


def order(publisher: Publisher, edition: str | None, today: date, places: Places) -> Order:
    """What to download for an edition, or for the one that is current `today`."""
    if not publisher.series:
        raise UsageError(
            f"{publisher.table} cannot be fetched. {publisher.none}",
            hint=f"See {publisher.page}, then: claimsctl reference load FILE",
        )
    name = edition or publisher.current(today) or ""
    for series in publisher.series:
        first = series.named(name)
        if first is None:
            continue
        # The loader knows until when such a file holds.
        wanted = Wanted(series.name(first), first) if series.undated else Wanted()
        files = _addresses(publisher, series, first, places)
        known = publisher.sha256 or {}
        sums = tuple(known.get(file_name(urls[0]), "") for urls in files) if known else ()
        own = bool(places.base or publisher.table in places.sources)
        return Order(publisher, series.name(first), wanted, files, sums, own)
    names = " or ".join(series.name(series.beginning(today)) for series in publisher.series)
    raise UsageError(f"{publisher.table} has no edition {name}.", hint=f"Editions are called as in {names}.")


def _addresses(
    publisher: Publisher, series: Series, first: date, places: Places
) -> tuple[tuple[str, ...], ...]:
    name = series.name(first)
    own = places.sources.get(publisher.table)
    published = [each for each in (series.known.get(name), *series.urls) if each]
    templates = [own] if own else published
    if not templates:
        raise UsageError(
            f"The address of {publisher.table} {name} is not known: every file of it has a name of its own.",
            hint=f"Find it on {publisher.page}, download it and run: claimsctl reference load FILE",
        )
    files = []
    for number in range(1, publisher.files + 1):
        parts = {**series.parts(first), "edition": name, "part": str(number)}
        urls = [_filled(template, parts) for template in templates]
        if places.base and not own:
            urls = [f"{places.base.rstrip('/')}/{file_name(url)}" for url in urls]
        files.append(tuple(dict.fromkeys(_checked(url, publisher.table) for url in urls)))
    if len(set(files)) < len(files):
        raise SettingsError(
            f"The address given for {publisher.table} is one, and the table has {publisher.files} files.",
            hint="Write {part} where their addresses differ.",
        )
    return tuple(files)


def _filled(template: str, parts: Mapping[str, str]) -> str:
    """The template with its placeholders filled; SettingsError for one that does not exist."""

    def fill(found: re.Match[str]) -> str:
        if found[1] not in parts:
            raise SettingsError(
                f"{found[0]} in {template} is no placeholder.",
                hint=f"Known: {', '.join(f'{{{name}}}' for name in parts)}.",
            )
        return parts[found[1]]

    return _PLACEHOLDER.sub(fill, template)


def _checked(url: str, table: str) -> str:
    if not is_web_address(url):
        raise SettingsError(
            f"The address given for {table} is no web address.",
            hint="[reference.sources] and CLAIMSCTL_REFERENCE_BASE take https://...",
        )
    return url


def check_sources(sources: Mapping[str, str]) -> None:
    """SettingsError for an address of a table that cannot be fetched anyway."""
    fetched = [each.table for each in publishers().values() if each.series]
    for table in sources:
        if table not in fetched:
            near = get_close_matches(table, fetched, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Tables: {', '.join(fetched)}."
            raise SettingsError(f"[reference.sources] {table} is no table that can be fetched.", hint=hint)


def listed(today: date, places: Places) -> Sequence[tuple[Publisher, Order | None, str | None]]:
    """Every entry with what would be downloaded for it today, or why nothing can be."""
    found: list[tuple[Publisher, Order | None, str | None]] = []
    for publisher in publishers().values():
        try:
            found.append((publisher, order(publisher, None, today, places), None))
        except SettingsError:
            raise
        except UsageError as error:
            found.append((publisher, None, publisher.none or error.message))
    return found
