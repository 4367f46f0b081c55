"""What the files of the Medicare physician fee schedule that go by locality have in common.

A locality is known by its contractor and its number there, `01112-05`; both keep their zeros.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

import polars as pl

from claimsctl.reference.formats.cells import ROW, Column, lines, typed
from claimsctl.reference.formats.periods import Period
from claimsctl.reference.formats.pprrvu import FILLED
from claimsctl.reference.releases import US_GOVERNMENT, Opened, Release, damaged

CONTRACTOR: Final = Column("contractor", r"\d{4,5}")
NUMBER: Final = Column("number", r"\d{1,2}")
_CALIFORNIA: Final = ("17", "18", "71", "72", "73", "74")


def below(opened: Opened, header: str) -> tuple[str, pl.DataFrame]:
    """The line that matches `header` and the lines below it; an empty text and all lines without one."""
    rows = lines(opened.text(), FILLED)
    found = rows.filter(pl.col("line").str.contains(header))
    if found.is_empty():
        return "", rows
    line, text = found.row(0)
    return text, rows.filter(pl.col(ROW) > line)


def located(opened: Opened, header: str, rows: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The rows that begin with a contractor's number; the others are footnotes, told in a note."""
    begins = pl.col("line").str.contains(r'^\s*"?\d')
    footnotes = rows.filter(~begins)
    # In a CSV a footnote stands alone in the first column: more cells are a row that lost its contractor.
    unquoted = pl.col("line").str.replace_all('"[^"]*"', "")
    lost = footnotes.filter(unquoted.str.contains(r",\s*[^,\s]"))
    if "," in header and not lost.is_empty():
        raise damaged(opened, "a contractor's number first in each row", f"none in line {lost[ROW][0]}")
    notes = (f"Lines of footnotes left out: {footnotes.height}.",) if footnotes.height else ()
    return rows.filter(begins), notes


def placed(opened: Opened, cells: pl.DataFrame, columns: Sequence[Column]) -> pl.DataFrame:
    """The typed columns and `locality`; zeros that a spreadsheet took from its two parts are put back."""
    contractor, number = pl.col("contractor").str.zfill(5), pl.col("number").str.zfill(2)
    locality = pl.concat_str(contractor, number, separator="-").alias("locality")
    return typed(opened, cells, columns).with_columns(contractor, number, locality)


def released(
    table: str,
    opened: Opened,
    frame: pl.DataFrame,
    period: Period,
    notes: tuple[str, ...] = (),
    licence: str = US_GOVERNMENT,
) -> Release:
    """The release of a table by locality, with a note on where California stands."""
    source = f"CMS physician fee schedule, {period.edition} ({opened.name})"
    contractor, number = pl.col("locality").str.head(5), pl.col("locality").str.tail(2)
    california = frame.filter(contractor.is_in(["01112", "01182"]) & number.is_in(_CALIFORNIA))
    if not california.is_empty():
        shown = " and ".join(california.select(contractor.unique().sort()).to_series())
        notes = (
            *notes,
            f"California localities 17, 18 and 71-74 stand under contractor {shown}, as published: "
            "OPPSCAP files have them twice, under 01112 and 01182, the others under 01182.",
        )
    return Release(table, period.edition, period.valid_from, period.valid_to, source, licence, frame, notes)


def recognises(header: str | None = None, record: str | None = None) -> Callable[[Opened], bool]:
    """Knows a file by a `header` in its head, or by its first lines, which are all a `record`."""

    def recognises(opened: Opened) -> bool:
        head = opened.head_text()
        if header is not None and re.search(header, head, re.M):
            return True
        first = head.rstrip("\x1a\n ").splitlines()[:5]
        return record is not None and first != [] and all(re.match(record, line) for line in first)

    return recognises
