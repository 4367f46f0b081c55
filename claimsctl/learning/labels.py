"""Reading what a label column says, and columns of the house's own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import polars as pl

from claimsctl.errors import InputError, MappingError
from claimsctl.facts.values import read_dates
from claimsctl.ingest.headers import fold
from claimsctl.score.own import own_values

YES: Final = ("1", "1.0", "true", "t", "yes", "y", "denied", "deny", "denial", "rejected")
NO: Final = (
    "0", "0.0", "false", "f", "no", "n", "paid", "pay", "approved", "accepted", "allowed", "adjusted",
    "notdenied",
)  # fmt: skip
OPEN: Final = ("pending", "open", "submitted", "inprocess", "unknown", "na", "null", "none")
USUAL: Final = (
    "denied", "is_denied", "denial_flag", "claim_denied", "denial", "denied_flag", "was_denied", "label",
)  # fmt: skip
"""Headers that say whether a claim was denied, where --label names none."""
_MOST_LEVELS: Final = 200


def label_index(header: Sequence[str], wanted: str | None, path: str, option: str = "--label") -> int:
    """Which column says whether claims were denied, or what else an `option` names; MappingError where none
    does."""
    folded = [fold(text) for text in header]
    for name in (wanted,) if wanted is not None else USUAL:
        if name is not None and fold(name) in folded:
            return folded.index(fold(name))
    if wanted is not None:
        raise MappingError(
            f"{path} has no column {wanted!r}.", hint=f"Name the column as its header is, with {option}."
        )
    raise MappingError(
        f"No column of {path} says by its name whether a claim was denied.",
        hint="Name the one that does with --label COLUMN.",
    )


def read_labels(text: pl.Series, name: str) -> pl.Series:
    """True for denied, False for paid, null where it is blank or not decided yet.

    InputError where values are none of YES, NO and OPEN; they are not quoted, as the column may be another.
    """
    bare = text.str.to_lowercase().str.replace_all(r"[\s_-]", "")
    known = pl.DataFrame({"t": bare}).select(
        pl.when(pl.col("t").is_in(YES))
        .then(pl.lit(True))
        .when(pl.col("t").is_in(NO))
        .then(pl.lit(False))
        .alias("label"),
        (pl.col("t").is_in([*YES, *NO, *OPEN, ""]) | pl.col("t").is_null()).alias("readable"),
    )
    unread = int((~known["readable"]).sum())
    if unread:
        raise InputError(
            f"{unread:,} of {len(text):,} values of the label column {name!r} are neither yes nor no.",
            hint="Write 1 or 0, yes or no, true or false, denied or paid; leave it blank where nothing is "
            "decided yet.",
        )
    return known["label"]


def read_days(text: pl.Series) -> pl.Series:
    """Dates as claims have them; a month (2026-05, 202605) is its first day."""
    month = text.str.replace(r"^(\d{4})[-/]?(0[1-9]|1[0-2])$", "$1-$2-01")
    return read_dates(month)


def own_column(text: pl.Series) -> tuple[pl.Series, str] | str:
    """A column of the house's own as numbers or a category, with its kind; or why it is of no use."""
    known = text.drop_nulls()
    if not len(known):
        return "is blank"
    if known.n_unique() == 1 and text.null_count() == 0:
        return "is the same on every row"
    numbers = own_values(text, "number")
    if numbers.null_count() == text.null_count():
        return numbers, "number"
    if read_days(known).null_count() == 0:
        return "is a date; --date names the day of a claim"
    if known.n_unique() > min(_MOST_LEVELS, max(20, len(known) // 5)):
        return "has nearly as many values as rows, as names and numbers of people have"
    return text, "category"


def feature_value(text: pl.Series, kind: str) -> pl.Series:
    """A column that says a feature of claimsctl itself; null where it cannot be read."""
    found = own_values(text, kind)
    return found > 0.5 if kind == "flag" else found


def snake(text: str) -> str:
    """A header in snake case."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
