"""Dates to YYYY-MM-DD, and what of a whole column must be known before 05/04/2026 may be read as May 4."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from claimsctl.facts.cells import BIRTH_DATES
from claimsctl.facts.values import ZERO_TIME, no_date, read_dates
from claimsctl.fix.changes import Change, rewritten

_T: Final = pl.col("t")
_MIDNIGHT: Final = f"({ZERO_TIME})?$"
_YEAR_OR_NAME_FIRST: Final = (
    r"(?i)^([0-9]{4}-[0-9]{1,2}-[0-9]{1,2}|[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}|[0-9]{8}"
    r"|[0-9]{1,2}-[a-z]{3}-[0-9]{4}|[0-9]{1,2}[a-z]{3}[0-9]{4})"
)
_NAMED_SHORT_YEAR: Final = r"(?i)^[0-9]{1,2}-[a-z]{3}-[0-9]{2}$"
_NUMBERS: Final = r"^([0-9]{1,2})[/-]([0-9]{1,2})[/-]([0-9]{4}|[0-9]{2})"
_LONG_YEAR: Final = r"^[0-9]{1,2}[/-][0-9]{1,2}[/-][0-9]{4}"
_SHORT_YEAR: Final = r"^[0-9]{1,2}[/-][0-9]{1,2}[/-][0-9]{2}$"
_FIRST_SERIAL, _SURE_SERIAL, _LAST_SERIAL = 10_000, 20_000, 60_000
_EARLIEST_YEAR: Final = 1900


@dataclass(frozen=True)
class DateEvidence:
    """What the values of a date column prove about how it is written.

    `day_first`: some value can only have the day first; `month_first` likewise. `six_digits`: some value
    is a number of six digits, as 050426 is, so that 50426 may be one that lost its zero.
    """

    day_first: bool = False
    month_first: bool = False
    six_digits: bool = False

    def __or__(self, other: DateEvidence) -> DateEvidence:
        return DateEvidence(
            self.day_first or other.day_first,
            self.month_first or other.month_first,
            self.six_digits or other.six_digits,
        )


def evidence_in(text: pl.Series) -> DateEvidence:
    """What the texts of a column prove; they are stripped and free of marks."""
    first, second = _number(1), _number(2)
    found = text.to_frame("t").select(
        day=(first.is_between(13, 31) | (second.is_between(1, 12) & (first > 31))).any(),
        month=(first.is_between(1, 12) & second.is_between(13, 31)).any(),
        six=_T.str.contains("^[0-9]{6}$").any(),
    )
    return DateEvidence(*found.row(0))


def _number(group: int) -> pl.Expr:
    return _T.str.extract(_NUMBERS, group).cast(pl.Int64)


def iso_dates(text: pl.Series, latest: date | None = None) -> pl.Series:
    """Dates as they are read everywhere, as YYYY-MM-DD; null for what systems write for "no date"."""
    day = pl.col("d")
    dates = read_dates(text, latest=latest).to_frame("d")
    real = (day.dt.year() >= _EARLIEST_YEAR) & ~no_date(day)
    return dates.select(pl.when(real).then(day.dt.to_string("%Y-%m-%d"))).to_series().alias("after")


def _as_iso(where: pl.Expr) -> Change:
    """YYYY-MM-DD of the dates where a condition on their text (column "t") holds."""
    return lambda text: rewritten(text, pl.lit(iso_dates(text)), where)


# 2026/5/4, 20260504, 4-May-2026 and dates with a time of midnight: only one reading is possible.
year_first: Final = _as_iso(_T.str.contains(_YEAR_OR_NAME_FIRST + _MIDNIGHT))


def month_first(evidence: DateEvidence, *, sure: bool) -> Change:
    """5/4/2026 read month first: those that are sure by the evidence, or those that are not."""
    return _as_iso(_T.str.contains(_LONG_YEAR + _MIDNIGHT) & (_proven(evidence) == sure))


def two_digit_year(column: str, evidence: DateEvidence, as_of: date, *, sure: bool) -> Change:
    """5/4/26 and 4-May-26: sure for other dates than birth dates up to the next year, else only likely."""
    latest = as_of if column in BIRTH_DATES else None

    def change(text: pl.Series) -> pl.Series:
        after = iso_dates(text, latest)
        named = _T.str.contains(_NAMED_SHORT_YEAR)
        numbers = _T.str.contains(_SHORT_YEAR)
        near = pl.lit(after).str.head(4).cast(pl.Int64) <= as_of.year + 1
        certain = (named | _proven(evidence)) & near & pl.lit(latest is None)
        return rewritten(text, pl.lit(after), (named | numbers) & (certain == sure))

    return change


def _proven(evidence: DateEvidence) -> pl.Expr:
    """Whether month/day is certain: by the column, or because the numbers allow nothing else."""
    if evidence.day_first:
        return pl.lit(False)
    first, second = _number(1), _number(2)
    return pl.lit(evidence.month_first) | (second > 12) | (first == second)


def spreadsheet_serial(column: str, evidence: DateEvidence, as_of: date, *, sure: bool) -> Change:
    """46146, the inner number of a spreadsheet date: sure from 1954 on, unless it may be MMDDYY."""

    def change(text: pl.Series) -> pl.Series:
        digits = _T.str.extract(r"^([0-9]{5})(\.0+)?$", 1)
        number = digits.cast(pl.Int64)
        after = iso_dates(text.to_frame("t").select(digits).to_series())
        certain = number.is_between(_SURE_SERIAL, _LAST_SERIAL) & pl.lit(not evidence.six_digits)
        if column in BIRTH_DATES:
            certain &= pl.lit(after) <= pl.lit(as_of.isoformat())
        some = number.is_between(_FIRST_SERIAL, _LAST_SERIAL)
        return rewritten(text, pl.lit(after), some & (certain == sure))

    return change
