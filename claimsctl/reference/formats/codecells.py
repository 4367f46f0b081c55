"""Cells of users' lists that hold codes: one way to write them, ranges as one row per code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import polars as pl

from claimsctl.reference.formats.cells import procedure_code

_MOST_CODES: Final = 1_000_000
"""Rows that the ranges of a file may make; more are a mistake, or belong into fewer, wider rules."""
_THIRD: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class CodeKind:
    """A type of column: what a code looks like, what is said of it, how a cell is brought into form, and
    which codes a range `low-high` is; None where it is none."""

    pattern: str
    words: str
    formed: Callable[[str], pl.Expr]
    between: Callable[[str, str], list[str] | None]


def _upper(column: str) -> pl.Expr:
    return pl.col(column).str.strip_chars().str.to_uppercase().str.replace_all(r"\s*-\s*", "-")


def _diagnosis(column: str) -> pl.Expr:
    return _upper(column).str.replace_all(".", "", literal=True)


def _four_digits(column: str) -> pl.Expr:
    text = _upper(column)
    return pl.when(text.str.contains(r"^\d{1,3}$")).then(text.str.zfill(4)).otherwise(text)


def _bill_type(column: str) -> pl.Expr:
    """With its leading zero, without the letter that stands for any frequency: 13X is 013."""
    text = _upper(column).str.strip_suffix("X")
    return pl.when(text.str.contains(r"^[1-9]")).then(pl.lit("0") + text).otherwise(text)


def _tax_id(column: str) -> pl.Expr:
    """Without hyphens, with the leading zero that a spreadsheet took."""
    digits = pl.col(column).str.replace_all(r"[- ]", "")
    return pl.when(digits.str.len_chars() == 8).then(digits.str.zfill(9)).otherwise(digits)


def _numbered(low: str, high: str) -> list[str] | None:
    """Codes that count up in their digits between equal letters."""
    found = [re.fullmatch(r"([A-Z]*)(\d+)([A-Z]*)", code) for code in (low, high)]
    if found[0] is None or found[1] is None:
        return None
    (head, first, tail), (same_head, last, same_tail) = found[0].groups(), found[1].groups()
    if (head, tail, len(first)) != (same_head, same_tail, len(last)) or first > last:
        return None
    return [f"{head}{number:0{len(first)}d}{tail}" for number in range(int(first), int(last) + 1)]


def _categories(low: str, high: str) -> list[str] | None:
    """Three-character categories of ICD-10-CM, C4A and the like among them."""
    if len(low) != 3 or len(high) != 3 or low > high:
        return None

    def each() -> Iterator[str]:
        for letter in map(chr, range(ord(low[0]), ord(high[0]) + 1)):
            for second in "0123456789":
                yield from (letter + second + third for third in _THIRD)

    return [category for category in each() if low <= category <= high]


def _none(_low: str, _high: str) -> None:
    return None


_PROCEDURE: Final = r"(?:\d{4}|[A-Z]\d{3})[0-9A-Z]"
_CATEGORY: Final = r"[A-Z]\d[0-9A-Z]"

KINDS: Final[dict[str, CodeKind]] = {
    "code": CodeKind(rf"^{_PROCEDURE}$", "a procedure code of five characters", procedure_code, _none),
    "codes": CodeKind(
        rf"^{_PROCEDURE}(?:-{_PROCEDURE})?$", "a procedure code, or a range such as 99202-99215",
        lambda column: _upper_code(column), _numbered,
    ),
    "diagnosis": CodeKind(
        rf"^(?:[A-Z]|[A-Z]\d|{_CATEGORY}[0-9A-Z]{{0,4}}|{_CATEGORY}-{_CATEGORY})$",
        "a diagnosis, the beginning of one, or a range of categories such as E08-E13",
        _diagnosis, _categories,
    ),
    "revenue": CodeKind(
        r"^\d{4}(?:-\d{4})?$", "a revenue code of four digits, or a range such as 0450-0459",
        _four_digits, _numbered,
    ),
    "bill": CodeKind(r"^0\d{1,2}[0-9A-Z]?$", "a bill type or its beginning, such as 013", _bill_type, _none),
    "tax_id": CodeKind(r"^\d{9}$", "nine digits", _tax_id, _none),
}  # fmt: skip
"""Types of columns with codes, by the name that user_tables.toml gives them."""


def _upper_code(column: str) -> pl.Expr:
    """Procedure codes as `procedure_code` reads them; ranges in capitals."""
    text = _upper(column)
    return pl.when(text.str.contains("-", literal=True)).then(text).otherwise(procedure_code(column))


def wrong_ranges(cells: pl.Series, kind: str) -> list[str]:
    """Ranges of a column that are none: other letters, other lengths, the end before the start."""
    return [text for text in _ranges(cells) if KINDS[kind].between(*text.split("-")) is None]


def expanded(frame: pl.DataFrame, column: str, kind: str) -> pl.DataFrame:
    """The rows with a row per code of each range; ValueError when that makes far too many."""
    ranges = {text: KINDS[kind].between(*text.split("-")) for text in _ranges(frame[column])}
    if not ranges:
        return frame
    rows = frame[column].replace_strict(
        list(ranges), [len(codes or ()) for codes in ranges.values()], default=1, return_dtype=pl.Int64
    )
    if int(rows.sum()) > _MOST_CODES:
        most = f"{_MOST_CODES:,} is the limit"
        raise ValueError(f"the ranges of {column} make {int(rows.sum()):,} rows; {most}")
    codes = pl.DataFrame(
        {column: list(ranges), "each": list(ranges.values())},
        schema={column: pl.String, "each": pl.List(pl.String)},
    )
    single = pl.concat_list(pl.col(column))
    return (
        frame.join(codes, on=column, how="left", maintain_order="left")
        .with_columns(pl.coalesce("each", single).alias(column))
        .drop("each")
        .explode(column)
    )


def _ranges(cells: pl.Series) -> list[str]:
    found = cells.filter(cells.str.contains("-", literal=True).fill_null(False))
    return found.unique(maintain_order=True).to_list()
