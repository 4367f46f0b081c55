"""Strict readers of what requests hold: one date format each, whole numbers of digits, form fields."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from urllib.parse import parse_qsl

from claimsctl.sandbox.claims import EXAMPLE_DAY

_SHAPES = {
    "%m/%d/%Y": re.compile(r"\d{2}/\d{2}/\d{4}"),
    "%Y-%m-%d": re.compile(r"\d{4}-\d{2}-\d{2}"),
    "%Y%m%d": re.compile(r"\d{8}"),
}


def read_date(text: str, form: str) -> date | None:
    """The date when it is written exactly so, with all its zeros; else None."""
    if _SHAPES[form].fullmatch(text) is None:
        return None
    try:
        return datetime.strptime(text, form).date()  # noqa: DTZ007 - a calendar day has no zone
    except ValueError:
        return None


def digits(text: str, count: int) -> bool:
    """Whether the text is exactly that many digits."""
    return len(text) == count and text.isascii() and text.isdigit()


def read_money(text: str) -> Decimal | None:
    """The amount, None when it is none."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def read_form(body: bytes) -> dict[str, str] | None:
    """The fields of a URL-encoded form, None when a field stands twice or the body is no form."""
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, strict_parsing=bool(body))
    except ValueError:
        return None
    return dict(pairs) if len({name for name, _ in pairs}) == len(pairs) else None


def in_calendar(day: date, today: date) -> bool:
    """Within the last 24 months and not to come; the days of the examples always are."""
    oldest, newest = min(today, EXAMPLE_DAY), max(today, EXAMPLE_DAY)
    years_before = oldest.replace(year=oldest.year - 2, day=min(oldest.day, 28))
    return years_before <= day <= newest


def mdy(day: date | None) -> str:
    """MM/DD/YYYY, empty without a date."""
    return f"{day:%m/%d/%Y}" if day else ""


def iso(day: date | None) -> str:
    """YYYY-MM-DD, empty without a date."""
    return f"{day:%Y-%m-%d}" if day else ""


def ymd(day: date | None) -> str:
    """YYYYMMDD, empty without a date."""
    return f"{day:%Y%m%d}" if day else ""
