"""Tables of your own as CSV: payers, filing limits, provider roster, fee schedules of contracts.

A file names its table in the first line, `# claimsctl table: payers`, or has exactly the columns of one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Final

import polars as pl

from claimsctl.reference.formats.cells import (
    ROW,
    day,
    decoded,
    head_lines,
    header,
    read_table,
)
from claimsctl.reference.formats.codecells import KINDS, expanded, wrong_ranges
from claimsctl.reference.formats.periods import stem
from claimsctl.reference.manifest import TYPES, shipped_specs
from claimsctl.reference.ownlists import own_lists
from claimsctl.reference.releases import Format, Opened, Release, UnknownRelease, Wanted

_NAMED: Final = re.compile(r'"?#\s*claimsctl table:\s*([A-Za-z0-9_]+)"?[\s,]*', re.IGNORECASE)
_SHOWN: Final = 5
_CORRECT: Final = "Correct the file and load it again; nothing was loaded."

_AMOUNT: Final = pl.Decimal(14, 4)
_DTYPES: Final[dict[str, pl.DataType]] = {**TYPES, "amount": _AMOUNT, "percent": _AMOUNT}
_LOOKS: Final = {
    "integer": (r"^\d{1,9}$", "a whole number"),
    "boolean": (r"(?i)^(?:yes|no)$", "yes or no"),
    "date": (r"\d", "a date such as 2026-01-31"),
    "amount": (r"^\d{1,9}(?:\.\d{1,4})?$", "a number such as 85.00"),
    "percent": (r"^\d{1,5}(?:\.\d{1,4})?\s*%?$", "a percent such as 120 or 120%"),
    "npi": (r"^[12]\d{9}$", "ten digits with the check digit of an NPI"),
    "taxonomy": (r"^[0-9A-Z]{9}X$", "ten characters, X last"),
    **{kind: (codes.pattern, codes.words) for kind, codes in KINDS.items()},
    "modifier": (r"^[0-9A-Z]{2}$", "two characters"),
    "place": (r"^\d\d$", "two digits"),
}
"""What the cells of a type look like, and how that is said; any text fits `text`."""
_DAYS: Final = ("%Y-%m-%d", "%m/%d/%Y")
"""The second is what spreadsheets make of the first."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a user's table: `filled` in every row, or `optional`: it need not be there at all."""

    name: str
    type: str
    meaning: str
    filled: bool = False
    optional: bool = False
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class House:
    """A table of the user's. No two rows are alike in `unique`; `dropped` columns may be there, unread.

    A `listed` one is known by its name alone, since many lists have the same columns.
    """

    name: str
    columns: tuple[Column, ...]
    unique: tuple[str, ...]
    dropped: tuple[str, ...] = ()
    listed: bool = False

    def suits(self, found: set[str]) -> bool:
        """Whether these are exactly the columns of this table."""
        if self.listed:
            return False
        must = {column.name for column in self.columns if not column.optional}
        return must <= found <= {*(column.name for column in self.columns), *self.dropped}


_PAYER: Final = Column("payer_id", "text", "Electronic payer id", filled=True)
_FROM: Final = Column("valid_from", "date", "First service date; blank: open")
_TO: Final = Column("valid_to", "date", "Last service date; blank: open")


@cache
def tables() -> dict[str, House]:
    """The tables a user may bring, by name."""
    payers = tuple(
        Column(c.name, c.type, c.meaning, filled=n == 0, values=c.values)
        for n, c in enumerate(shipped_specs()["payers"].columns)
    )
    filing = (
        _PAYER,
        Column("filing_limit_days", "integer", "Days from service to the first claim"),
        Column("corrected_claim_days", "integer", "Days from the payer's decision to a corrected claim"),
        Column("cob_days", "integer", "Days from the other payer's decision to this claim"),
        Column(
            "accepts_delay_reason", "boolean", "Takes late claims with a delay reason code", optional=True
        ),
    )
    roster = (
        Column("npi", "npi", "NPI of the provider", filled=True),
        Column("taxonomy", "taxonomy", "Taxonomy"),
        Column("payer_id", "text", "Payer the row is about; blank: all"),
        _FROM,
        _TO,
        Column("billing_npi", "npi", "NPI of the group", optional=True),
        Column("states", "text", "States of licence, parted by semicolons", optional=True),
    )
    fees = (
        _PAYER,
        Column("code", "code", "Procedure code; blank: all"),
        Column("modifier", "modifier", "Modifier; blank: any but 26 and TC, which a rate must name"),
        Column("place", "place", "Place of service; blank: all"),
        _FROM,
        _TO,
        Column("rate", "amount", "Dollars for one unit"),
        Column("percent_of_medicare", "percent", "Percent of the Medicare amount, where there is no rate"),
        Column("release", "text", "Release that the percent is of; blank: that of the date", optional=True),
        Column("lesser_of_charge", "boolean", "Never more than the charge", optional=True),
    )
    return {
        "payers": House("payers", payers, ("payer_id",)),
        "timely_filing": House("timely_filing", filing, ("payer_id",)),
        "roster": House(
            "roster", roster, ("npi", "payer_id", "billing_npi", "valid_from"), dropped=("name",)
        ),
        "fee_schedules": House(
            "fee_schedules", fees, ("payer_id", "code", "modifier", "place", "valid_from")
        ),
        **_lists(),
    }


def _lists() -> dict[str, House]:
    """The lists of reference_data/user_tables.toml: their first column is the key, the others may lack."""
    found = {}
    for name, entry in own_lists().items():
        columns = tuple(
            Column(column, kind, "", filled=n == 0, optional=n > 0)
            for n, (column, kind) in enumerate(entry.columns.items())
        )
        unique = tuple(c.name for c in columns if c.name in (*entry.keys, "valid_from"))
        found[name] = House(name, columns, unique, listed=True)
    return found


def _declared(opened: Opened) -> str | None:
    first = next(iter(head_lines(opened, 1)), "")
    found = _NAMED.fullmatch(first)
    return found[1].lower() if found else None


def _by_columns(opened: Opened) -> str | None:
    found = header(opened)
    if len(found) != len(set(found)):
        return None
    return next((house.name for house in tables().values() if house.suits(set(found))), None)


def _recognises(opened: Opened) -> bool:
    return (_declared(opened) or _by_columns(opened)) is not None


def _read(opened: Opened, wanted: Wanted) -> list[Release]:
    declared = _declared(opened)
    house = tables().get(declared or _by_columns(opened) or "")
    if house is None:
        raise UnknownRelease(
            f"{opened.name}: there is no table {declared} of your own.",
            hint=f"Tables: {', '.join(tables())}.",
        )
    text = decoded(opened)
    # Rows are counted as a spreadsheet counts them, the line with the table's name included.
    body = text.partition("\n")[2] if declared else text
    try:
        cells = read_table(opened, body, _expected(house), first=2 if declared else 1)
    except UnknownRelease as error:
        raise UnknownRelease(error.message, hint=_CORRECT) from None
    frame = _typed(opened, house, _complete(opened, house, cells))
    return [
        Release(
            table=house.name,
            edition=wanted.edition or stem(opened.name),
            valid_from=wanted.valid_from,
            valid_to=wanted.valid_to,
            source=f"your file {opened.name}",
            licence="your own data",
            frame=frame,
        )
    ]


def _expected(house: House) -> str:
    return f"CSV with columns of {house.name}: {', '.join(column.name for column in house.columns)}"


def _complete(opened: Opened, house: House, cells: pl.DataFrame) -> pl.DataFrame:
    """The cells with every column of the table, those the file does not have as nulls."""
    names = [column.name for column in house.columns]
    for found in cells.columns[1:]:
        if found not in names and found not in house.dropped:
            near = get_close_matches(found, names, n=1)
            raise UnknownRelease(
                f"{opened.name}: {found or 'a column without a name'} is no column of {house.name}.",
                hint=f"Did you mean {near[0]}?" if near else f"Columns: {', '.join(names)}.",
            )
    missing = [column.name for column in house.columns if column.filled and column.name not in cells.columns]
    if missing:
        raise UnknownRelease(
            f"{opened.name}: {house.name} needs the column {missing[0]}.", hint="Add it; nothing was loaded."
        )
    absent = [pl.lit(None, pl.String).alias(name) for name in names if name not in cells.columns]
    mended = cells.with_columns(absent)
    mended = mended.with_columns(
        KINDS[column.type].formed(column.name).alias(column.name)
        for column in house.columns
        if column.type in KINDS
    )
    if house.name == "fee_schedules":
        return mended.with_columns(pl.col("modifier").str.to_uppercase(), pl.col("place").str.zfill(2))
    return mended


def _typed(opened: Opened, house: House, cells: pl.DataFrame) -> pl.DataFrame:
    """The table in its types; every cell that does not fit is counted, the first ones are told."""
    wrong = [_wrong(cells, column) for column in house.columns]
    frame = cells.select(ROW, *[_cast(column) for column in house.columns])
    wrong += _wrong_rows(house, frame)
    bad = (
        pl.concat(wrong)
        .unique([ROW, "column"], keep="first", maintain_order=True)
        .sort(ROW, maintain_order=True)
    )
    if bad.height:
        told = "; ".join(
            f"row {row}, {column}: {words}" for row, column, words in bad.head(_SHOWN).iter_rows()
        )
        more = f"; and {bad.height - _SHOWN:,} more" if bad.height > _SHOWN else ""
        raise UnknownRelease(
            f"{opened.name}: wrong cells in {house.name}: {told}{more}.",
            hint=_CORRECT,
        )
    if not frame.height:
        raise UnknownRelease(f"{opened.name}: no rows below the header.", hint=f"Give {_expected(house)}.")
    for column in house.columns:
        if column.type in KINDS:
            try:
                frame = expanded(frame, column.name, column.type)
            except ValueError as many:
                raise UnknownRelease(f"{opened.name}: {many}.", hint=_CORRECT) from None
    return frame.drop(ROW)


def _wrong(cells: pl.DataFrame, column: Column) -> pl.DataFrame:
    """Row, column and what is wanted, for every cell that does not fit its column."""
    text = pl.col(column.name)
    pattern, words = _LOOKS.get(column.type, ("", f"one of {', '.join(column.values)}"))
    fits = text.str.contains(pattern)
    if column.values:
        fits &= text.is_in(column.values)
    if column.type in KINDS:
        fits &= ~text.is_in(wrong_ranges(cells[column.name], column.type))
    if column.type == "npi":
        fits &= _check_digit_fits(text)
    if column.type == "date":
        fits &= day(column.name, *_DAYS).is_not_null()
    blank = text.is_null()
    return pl.concat(
        [
            _marked(cells.filter(~blank & ~fits.fill_null(False)), column.name, f"give {words}"),
            _marked(cells.filter(blank & pl.lit(column.filled)), column.name, "may not be blank"),
        ]
    )


def _marked(rows: pl.DataFrame, column: str, words: str) -> pl.DataFrame:
    return rows.select(ROW, pl.lit(column).alias("column"), pl.lit(words).alias("words"))


def _wrong_rows(house: House, frame: pl.DataFrame) -> list[pl.DataFrame]:
    """What only the row as a whole tells."""
    first = house.unique[0]
    found = [
        _marked(frame.filter(~pl.struct(house.unique).is_first_distinct()), first, "stands above already")
    ]
    names = {column.name for column in house.columns}
    if {"valid_from", "valid_to"} <= names:
        late = frame.filter(pl.col("valid_to") < pl.col("valid_from"))
        found.append(_marked(late, "valid_to", "is before valid_from"))
    if house.name == "fee_schedules":
        one = pl.col("rate").is_null() == pl.col("percent_of_medicare").is_null()
        found.append(_marked(frame.filter(one), "rate", "give either rate or percent_of_medicare"))
    return found


def _check_digit_fits(npi: pl.Expr) -> pl.Expr:
    """The Luhn check of an NPI; its prefix 80840 adds 24."""
    digits = [npi.str.slice(place, 1).cast(pl.Int64, strict=False) for place in range(10)]
    doubled = [2 * digit - 9 * (digit > 4).cast(pl.Int64) for digit in digits[::2]]
    return pl.sum_horizontal(*digits[1::2], *doubled, ignore_nulls=False).add(24).mod(10) == 0


def _cast(column: Column) -> pl.Expr:
    text = pl.col(column.name)
    if column.type == "boolean":
        return (text.str.to_lowercase() == "yes").alias(column.name)
    if column.type == "date":
        return day(column.name, *_DAYS).alias(column.name)
    if column.type == "percent":
        text = text.str.strip_chars_end(" %")
    return text.cast(_DTYPES.get(column.type, pl.String()), strict=False)


FORMATS: Final[tuple[Format, ...]] = (
    Format(
        name="house",
        tables=tuple(tables()),
        title="your own CSV with `# claimsctl table: NAME` in its first line",
        expects="CSV with the first line `# claimsctl table: NAME`, or with exactly the columns of one table",
        recognises=_recognises,
        read=_read,
    ),
)
