"""Identifiers as people may see them: enough to recognise a row, not enough to name a person.

Masked are columns of PHI class `identifier` and birth dates; service dates, ZIP codes and claim numbers
(`quasi` too) are what a biller needs to find the row and are shown as they are.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import polars as pl

    from claimsctl.claim import Column

MASKED = "\u2039masked\u203a"
"""Stands for addresses, phones, notes and unmapped columns."""

SSN_SHAPE = r"\b\d{3}-\d{2}-(\d{4})\b"
"""What looks like an SSN is one even in a column that should not hold any (a wrong mapping)."""

Way = Literal["plain", "ssn", "name", "birth", "number", "all"]
_BIRTHS = frozenset({"patient_dob", "subscriber_dob"})
_YEARS = (
    r"(?:^|[^0-9])((?:18|19|20)[0-9]{2})(?:[^0-9]|$)",
    r"^((?:19|20)[0-9]{2})[0-9]{4}$",
    r"^[0-9]{4}((?:19|20)[0-9]{2})$",
)
"""The year of a date however it is written; no month is 19 or 20, so eight digits are not ambiguous."""
_NUMBERS = frozenset({"patient_id", "member_id", "other_member_id"})
_SHOWN = 4
# Python and Polars differ on a few control characters, so both are told what to strip.
_BLANKS = " \t\r\n\u00a0"
_SHORTEST_NUMBER = 8


def mask_expr(column: Column | None, values: pl.Expr) -> pl.Expr:
    """Masked text of a column of text; null and blank stay. `None` is an unmapped column.

    SSN `***-**-6789`, names `J.`, birth dates `1984-**-**`, member numbers `***` and their last four
    characters (only from eight characters on), other identifiers a fixed mark.
    """
    return _mask(mask_way(column), values)


def mask_by_way(values: pl.Expr, ways: pl.Expr) -> pl.Expr:
    """Texts of several columns masked, each in its own way (`mask_way`); "none" leaves a text as it is."""
    import polars as pl

    return (
        pl.when(ways == "none").then(values)
        .when(ways == "plain").then(_mask("plain", values))
        .when(ways == "ssn").then(_mask("ssn", values))
        .when(ways == "name").then(_mask("name", values))
        .when(ways == "birth").then(_mask("birth", values))
        .when(ways == "number").then(_mask("number", values))
        .otherwise(_mask("all", values))
    )  # fmt: skip


def _mask(way: Way, values: pl.Expr) -> pl.Expr:
    import polars as pl  # masking one value must not cost its import

    if way == "plain":
        return values.str.replace_all(SSN_SHAPE, "***-**-$1")
    text = values.str.strip_chars(_BLANKS)
    if way == "ssn":
        digits = text.str.replace_all(r"[^0-9]", "")
        masked = (
            pl.when(digits.str.len_bytes() == 9)
            .then(pl.lit("***-**-") + digits.str.slice(-_SHOWN))
            .otherwise(pl.lit("***"))
        )
    elif way == "name":
        masked = text.str.slice(0, 1) + "."
    elif way == "birth":
        year = pl.coalesce(text.str.extract(pattern) for pattern in _YEARS)
        masked = (year + "-**-**").fill_null("***")
    elif way == "number":
        masked = (
            pl.when(text.str.len_chars() >= _SHORTEST_NUMBER)
            .then(pl.lit("***") + text.str.slice(-_SHOWN))
            .otherwise(pl.lit("***"))
        )
    else:
        masked = pl.lit(MASKED)
    return pl.when(text == "").then(text).when(text.is_not_null()).then(masked)


def mask_value(column: Column | None, value: str) -> str:
    """One value masked, as `mask_expr` does."""
    way = mask_way(column)
    text = value.strip(_BLANKS)
    if way == "plain":
        return re.sub(SSN_SHAPE, r"***-**-\1", value)
    if not text:
        return text
    if way == "ssn":
        digits = "".join(c for c in text if c in "0123456789")
        return f"***-**-{digits[-_SHOWN:]}" if len(digits) == 9 else "***"
    if way == "name":
        return text[0] + "."
    if way == "birth":
        years = (found for pattern in _YEARS if (found := re.search(pattern, text)))
        year = next(years, None)
        return f"{year[1]}-**-**" if year else "***"
    if way == "number":
        return f"***{text[-_SHOWN:]}" if len(text) >= _SHORTEST_NUMBER else "***"
    return MASKED


def mask_way(column: Column | None) -> Way:
    """How texts of a column are masked."""
    if column is None:
        return "all"
    if column.name in _BIRTHS:
        return "birth"
    if column.phi != "identifier":
        return "plain"
    if column.name.endswith("_ssn"):
        return "ssn"
    if column.name in _NUMBERS:
        return "number"
    if column.name.endswith(("_last_name", "_first_name", "_name")):
        return "name"
    return "all"
