"""Reading cell text as dates, times, exact numbers: one function per type, from Series to Series.

Every reader takes stripped text (null = blank) and returns null where the text cannot be read; the
rules then tell "blank" from "unreadable" with `given(column)` and `unreadable(column)`.
The common spelling is tried on the whole column; only what it could not read is looked at again, once
per distinct value, so that odd spellings cost nothing where there are none.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Final

import polars as pl

MONEY: Final = pl.Decimal(18, 4)
"""Type of every amount and exact number in a typed frame."""

EXCEL_EPOCH: Final = date(1899, 12, 30)
NO_DATES: Final = (date(1, 1, 1), date(1753, 1, 1), date(1899, 12, 30), date(1900, 1, 1))
"""Dates that systems write for "no date" (catalogue DAT-015, DAT-016)."""
FAR_FUTURE: Final = date(2099, 1, 1)

# (what the text looks like, strptime format), after a time part of zeros is dropped.
_DATE_SHAPES: Final = (
    (r"^\d{4}-\d{1,2}-\d{1,2}$", "%Y-%m-%d"),
    (r"^\d{4}/\d{1,2}/\d{1,2}$", "%Y/%m/%d"),
    (r"^\d{8}$", "%Y%m%d"),
    (r"^\d{1,2}/\d{1,2}/\d{4}$", "%m/%d/%Y"),
    (r"^\d{1,2}-\d{1,2}-\d{4}$", "%m-%d-%Y"),
    (r"^\d{1,2}/\d{1,2}/\d{2}$", "%m/%d/%y"),
    (r"^\d{1,2}-\d{1,2}-\d{2}$", "%m-%d-%y"),
    (r"(?i)^\d{1,2}-[a-z]{3}-\d{4}$", "%d-%b-%Y"),
    (r"(?i)^\d{1,2}-[a-z]{3}-\d{2}$", "%d-%b-%y"),
    (r"(?i)^\d{1,2}[a-z]{3}\d{4}$", "%d%b%Y"),
)
_CLOCK: Final = (
    r"(?:(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.,][0-9]+)?)?"
    r"|(?:0?[1-9]|1[0-2]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]+)?)? ?[AP]M)"
)
_ZONE: Final = r"(?: ?(?:Z|UTC|GMT|[ECMP][SD]T|[+-][0-9]{2}(?::?[0-9]{2})?))?"
_ISO_TIME: Final = rf"(?i)^(\d{{4}}-\d{{2}}-\d{{2}})[T ]{_CLOCK}{_ZONE}$"
ZERO_TIME: Final = r"(?i)[ T]0{1,2}:00(:00(\.0+)?)?( ?am)?Z?$|[ T]12:00(:00)? ?am$"
"""A time of day that only says "no time": midnight after a date."""
_TIME_SHAPES: Final = (
    (r"^\d{1,2}:\d{2}$", "%H:%M"),
    (r"^\d{1,2}:\d{2}:\d{2}$", "%H:%M:%S"),
    (r"^\d{4}$", "%H%M"),
    (r"(?i)^\d{1,2}:\d{2} ?[ap]m$", "%I:%M%p"),
    (r"(?i)^\d{1,2}:\d{2}:\d{2} ?[ap]m$", "%I:%M:%S%p"),
)
# Separators only where they stand for thousands: 1,234.50 but not 1,5. A plain space is none, as 100 500 may
# be two numbers.
_SEPARATING_SPACES: Final = r"[\x{A0}\x{2007}\x{2009}\x{202F}]"
_NUMBER: Final = (
    rf"([0-9]{{1,3}}(?:(?:,[0-9]{{3}})+|(?:{_SEPARATING_SPACES}[0-9]{{3}})+)(?:\.[0-9]*)?"
    r"|[0-9]+\.?[0-9]*|\.[0-9]+)"
)
_BEFORE: Final = r"\s*(?:USD\s*\$?|\$)?\s*"
_BEHIND: Final = r"\s*(?:USD|\$)?\s*"
_ABOVE_ZERO: Final = f"^{_BEFORE}{_NUMBER}{_BEHIND}$"
_BELOW_ZERO: Final = (
    rf"^(?:-{_BEFORE}|{_BEFORE}-\s*){_NUMBER}{_BEHIND}$",
    rf"^{_BEFORE}{_NUMBER}(?:{_BEHIND}-|\s*-{_BEHIND})$",
    rf"^{_BEFORE}\({_BEFORE}{_NUMBER}{_BEHIND}\){_BEHIND}$",
)


def read_dates(text: pl.Series, *, latest: date | None = None) -> pl.Series:
    """Dates in ISO, YYYYMMDD, M/D/YYYY, M-D-YYYY, M/D/YY, DD-Mon-YYYY and spreadsheet serials.

    Two-digit years are 20xx, or with `latest` (birth dates: the run date) the newest year that is not
    after it. The time of an ISO timestamp is dropped, elsewhere only a time of zeros; a date
    that anything else follows is none.
    Serials are 5 digits from 10000 to 60000; rule DAT-015 reports them.
    """
    # chrono's %Y takes signs and any digit count, so only ten characters without a sign are trusted here.
    parsed = text.to_frame("t").select(
        pl.when((pl.col("t").str.len_bytes() == 10) & (pl.col("t") >= "0"))
        .then(pl.col("t"))
        .str.to_date("%Y-%m-%d", strict=False)
        .alias("t")
    )["t"]
    return _read_rest(text, parsed, lambda odd: _odd_dates(odd, latest))


def _odd_dates(odd: pl.Series, latest: date | None) -> pl.Series:
    bare = pl.col("t").str.replace(_ISO_TIME, "$1").str.replace(ZERO_TIME, "")
    shapes = [
        pl.when(bare.str.contains(shape)).then(bare).str.to_date(form, strict=False)
        for shape, form in _DATE_SHAPES
    ]
    serial = pl.when(bare.str.contains(r"^[1-6]\d{4}$")).then(bare).cast(pl.Int64, strict=False)
    serial = pl.when(serial.is_between(10_000, 60_000)).then(serial)
    shapes.append(pl.lit(EXCEL_EPOCH) + pl.duration(days=serial))
    found = odd.to_frame("t").select(bare.alias("bare"), pl.coalesce(shapes).alias("d"))
    two_digit = found["bare"].str.contains(r"(?i)[/-]\d{2}$") & ~found["bare"].str.contains(r"^\d{4}[/-]")
    if two_digit.any():
        found = found.with_columns(_two_digit_years(found["d"], two_digit, latest))
    return found["d"]


def _two_digit_years(dates: pl.Series, two_digit: pl.Series, latest: date | None) -> pl.Series:
    year = pl.col("d").dt.year() % 100 + 2000
    moved = pl.date(year, pl.col("d").dt.month(), pl.col("d").dt.day())
    if latest is not None:
        moved = pl.when(moved > latest).then(moved.dt.offset_by("-100y")).otherwise(moved)
    frame = pl.DataFrame({"d": dates, "two": two_digit})
    return frame.select(pl.when("two").then(moved).otherwise("d").alias("d"))["d"]


def read_times(text: pl.Series) -> pl.Series:
    """Times of day: 13:30, 1330, 1:30 PM, with or without seconds."""
    bare = pl.col("t").str.replace_all(" ", "").str.to_uppercase()
    shapes = [
        pl.when(bare.str.contains(shape)).then(bare).str.to_time(form, strict=False)
        for shape, form in _TIME_SHAPES
    ]
    nothing = pl.Series(text.name, [None], dtype=pl.Time).extend_constant(None, max(len(text) - 1, 0))
    return _read_rest(
        text, nothing.head(len(text)), lambda odd: odd.to_frame("t").select(pl.coalesce(shapes))["t"]
    )


def read_amounts(text: pl.Series) -> pl.Series:
    """Exact numbers with four decimals; `$`, thousands separators, accounting parentheses are read."""
    return _read_rest(text, text.cast(MONEY, strict=False), _odd_amounts)


def _odd_amounts(odd: pl.Series) -> pl.Series:
    negative, digits = amount_parts(pl.col("t"))
    value = digits.cast(MONEY, strict=False)
    return odd.to_frame("t").select(pl.when(negative).then(-value).otherwise(value).alias("t"))["t"]


def amount_parts(text: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Of amounts as people write them: whether they are below zero, and their digits without separators.

    The digits are null where a text is no amount: signs of money and minus stand before or behind the
    number, parentheses in pairs. A damaged amount must not become another one.
    """
    below = pl.coalesce([text.str.extract(shape, 1) for shape in _BELOW_ZERO])
    digits = pl.coalesce(text.str.extract(_ABOVE_ZERO, 1), below)
    return below.is_not_null(), digits.str.replace_all(f",|{_SEPARATING_SPACES}", "")


def read_integers(text: pl.Series) -> pl.Series:
    """Whole numbers; 3.0 counts as 3, 3.5 is unreadable."""

    def odd_integers(odd: pl.Series) -> pl.Series:
        value = read_amounts(odd)
        whole = value.cast(pl.Int64, strict=False)
        return pl.select(pl.when(whole.cast(MONEY, strict=False) == value).then(whole)).to_series()

    return _read_rest(text, text.cast(pl.Int64, strict=False), odd_integers)


def _read_rest(text: pl.Series, parsed: pl.Series, read_odd: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """`parsed`, with the values it left unread taken from `read_odd` over their distinct texts."""
    if parsed.null_count() == text.null_count():
        return parsed.alias(text.name)
    unread = parsed.is_null() & text.is_not_null()
    odd = text.filter(unread).unique()
    values = read_odd(odd.alias("t"))
    found = text.to_frame("t").join(
        pl.DataFrame({"t": odd, "v": values}), on="t", how="left", maintain_order="left"
    )["v"]
    frame = pl.DataFrame({"parsed": parsed, "found": found})
    return frame.select(pl.coalesce("parsed", "found")).to_series().alias(text.name)


def no_date(dates: pl.Expr) -> pl.Expr:
    """True where a date is one that systems write for "no date"."""
    return dates.is_in(list(NO_DATES)) | (dates >= FAR_FUTURE)
