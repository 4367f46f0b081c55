"""Cells of published code lists: text into tables, tables into typed columns, names into editions."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import PurePath
from typing import Final

import polars as pl

from claimsctl.reference.releases import Opened, Wanted, damaged, no_date

ROW: Final = "#"
"""Column of `read_table` that holds the number of the row in the file; its first line is 1."""


@dataclass(frozen=True, slots=True)
class Period:
    """The edition of a file and the service dates it is for."""

    edition: str
    valid_from: date | None
    valid_to: date | None


def decoded(opened: Opened) -> str:
    """The whole text, as UTF-8 where it is that, else as cp1252."""
    text = opened.text("utf-8")
    return opened.text() if "\ufffd" in text else text


def lines(text: str) -> pl.DataFrame:
    """The filled lines of a text as column `line`, numbered in ROW."""
    return numbered(pl.DataFrame({"line": text.split("\n")}, schema={"line": pl.String})).filter(
        pl.col("line").str.strip_chars() != ""
    )


def numbered(frame: pl.DataFrame, first: int = 1) -> pl.DataFrame:
    """The frame with the number of each row in ROW."""
    return frame.with_row_index(ROW, offset=first)


def head_lines(opened: Opened, most: int = 200) -> list[str]:
    """The first lines of a file. A line that the end of the head may have cut is left out."""
    found = opened.head_text().rstrip("\x1a\n\x00 ").split("\n")
    whole = len(opened.head) == opened.path.stat().st_size
    return (found if whole else found[:-1])[:most]


def header(opened: Opened, separator: str = ",") -> list[str]:
    """The cells of the first record as `plain` makes them; none when there is no text."""
    try:
        record = next(csv.reader(opened.head_text().split("\n"), delimiter=separator), [])
    except csv.Error:
        return []
    return [plain(cell) for cell in record]


def plain(cell: str | None) -> str:
    """A header cell in lower case with single blanks, line ends within it included."""
    return " ".join((cell or "").replace("\u00a0", " ").split()).lower()


def read_table(
    opened: Opened, text: str, expected: str, separator: str = ",", first: int = 1
) -> pl.DataFrame:
    """The records of a delimited text as trimmed text columns, blank cells null, blank rows left out.

    The first record names the columns, as `plain` makes them; of a name that comes again, the later
    ones get `#2` and so on. `first` is the number of that record in the file.
    """
    try:
        raw = pl.read_csv(
            text.encode(),
            separator=separator,
            has_header=False,
            infer_schema=False,
            quote_char=None if separator == "\t" else '"',
        )
    except pl.exceptions.NoDataError:
        raise damaged(opened, expected, "an empty file") from None
    except pl.exceptions.PolarsError:
        # The message of Polars quotes the file.
        raise damaged(opened, expected, "rows that do not fit its first row, or an open quote") from None
    names: list[str] = []
    for name in map(plain, raw.row(0)):
        again = sum(known.split("#")[0] == name for known in names)
        names.append(f"{name}#{again + 1}" if again else name)
    last = text.rstrip("\n").rsplit("\n", 1)[-1]
    # Polars fills a short row with nulls: the last is where a broken download stops.
    if last.count('"') % 2 == 0 and len(next(csv.reader([last], delimiter=separator), [])) < len(names):
        raise damaged(opened, f"{expected}, {len(names)} columns in every row", "a last row that is cut off")
    raw.columns = names
    cells = numbered(raw, first).slice(1).with_columns(filled(pl.col(names).str.strip_chars()))
    return cells.filter(~pl.all_horizontal(pl.col(names).is_null()))


def filled(text: pl.Expr) -> pl.Expr:
    """The text, null where it is blank. (`replace` would keep all of a streamed file in memory.)"""
    return pl.when(text != "").then(text)


def columns_at(
    opened: Opened, found: list[str], wanted: dict[str, tuple[str, ...]], expected: str
) -> dict[str, str]:
    """Which column of a file is which of ours: ours to the first of its names that the file has."""
    chosen = {ours: next((name for name in names if name in found), "") for ours, names in wanted.items()}
    missing = [ours for ours, name in chosen.items() if not name]
    if missing:
        raise damaged(opened, expected, f"no column for {', '.join(missing)}")
    return chosen


def refuse(opened: Opened, frame: pl.DataFrame, fits: pl.Expr, expected: str) -> None:
    """UnknownRelease that names the first row where `fits` is not true, or when there are no rows."""
    if not frame.height:
        raise damaged(opened, expected, "no rows")
    wrong = frame.filter(~fits.fill_null(False))
    if wrong.height:
        raise damaged(
            opened, expected, f"{wrong.height:,} rows that do not fit, the first in line {wrong[0, ROW]}"
        )


def once(frame: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The first row of every key (the first column), and a note when there were more."""
    kept = frame.unique(frame.columns[0], keep="first", maintain_order=True)
    more = frame.height - kept.height
    return kept, (f"{more:,} rows with a code that stands above were left out",) if more else ()


def few(frame: pl.DataFrame, usual: int) -> tuple[str, ...]:
    """A note for a file with far fewer rows than are published: what is left out would count as unknown."""
    if frame.height * 2 > usual:
        return ()
    return (f"only {frame.height:,} rows where some {usual:,} are published: this looks like an excerpt",)


def procedure_code(column: str) -> pl.Expr:
    """A procedure code in capitals; the leading zeros that a spreadsheet took are put back.

    Only those of anesthesia (00100 to 01999): any other short number is a code cut off.
    """
    code = pl.col(column).str.strip_chars().str.to_uppercase()
    return pl.when(code.str.contains(r"^(?:[1-9]\d\d|1\d{3})$")).then(code.str.zfill(5)).otherwise(code)


def day(column: str, *formats: str) -> pl.Expr:
    """A date column read in the first format that fits; null where none does."""
    return pl.coalesce(pl.col(column).str.to_date(form, strict=False) for form in formats or ("%Y%m%d",))


PROCEDURE: Final = r"^(?:\d{4}|[A-Z]\d{3})[0-9A-Z]$"
"""A CPT or HCPCS code: five characters, at most the first a letter or the last."""

_IN_NAME: Final = (
    re.compile(r"(?<!\d)(?P<m>0[1-9]|1[0-2])[-_][0-3]\d[-_](?P<y>20\d\d)(?!\d)"),
    re.compile(r"(?P<y>20\d\d)[-_ ]?q(?P<q>[1-4])", re.IGNORECASE),
    re.compile(r"q(?P<q>[1-4])[-_ ]?(?P<y>20\d\d)", re.IGNORECASE),
)


def quarter(opened: Opened, wanted: Wanted, what: str, start: date | None = None) -> Period:
    """The quarter a file is for: said by the user, else `start`, else a date or quarter in its name."""
    start = wanted.valid_from or start or quarter_in(opened.name)
    if start is None:
        raise no_date(opened, what)
    number = (start.month - 1) // 3 + 1
    return Period(wanted.edition or f"{start.year}Q{number}", start, wanted.valid_to or quarter_end(start))


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
