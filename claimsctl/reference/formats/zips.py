"""Localities of ZIP codes: the CMS file by five digits (ZIP5), and by nine where five do not decide (ZIP9).

Both have 80 columns; the layouts are those of ZIP5lyout.txt and ZIP9lyout.txt in the same archive.
"""

from __future__ import annotations

from datetime import date
from typing import Final

import polars as pl

from claimsctl.reference.formats.cells import ROW, complete, filled
from claimsctl.reference.formats.periods import Period, quarter_start, year
from claimsctl.reference.formats.places import recognises, released
from claimsctl.reference.releases import Format, Opened, Release, Wanted, damaged

LEAST_ROWS: Final = {"zip_locality": 10_000, "zip9_locality": 10_000}
"""There are 43,000 ZIP codes and a million of nine digits; fewer than these are a piece of a file."""

_KEY: Final = r"^[A-Z]{2}\d{5}\d{5}\d\d[ RB].{5}"
_QUARTER: Final = r"20\d\d[1-4]\s*$"
_ZIP5: Final = rf"{_KEY}[01] . {{52}}{_QUARTER}"
_ZIP9: Final = rf"{_KEY}(?:1\d{{4}}|0 {{4}}).{{6}}. {{43}}{_QUARTER}"


def _lines(opened: Opened, layout: str) -> pl.DataFrame:
    """State, ZIP code, locality and quarter of every line, with what follows the plus-four flag.

    Read in a stream: a million lines held as text would take a gigabyte.
    """
    line = pl.col("line")
    rows = (
        pl.scan_csv(
            opened.path,
            has_header=False,
            schema={"line": pl.String()},
            separator="\x1f",
            quote_char=None,
            encoding="utf8-lossy",
            glob=False,
        )
        .with_row_index(ROW, offset=1)
        .with_columns(line.str.strip_prefix("\ufeff").str.strip_chars_end("\r\x1a\x00"))
        .filter(line.str.contains(r"\S"))
        .select(
            ROW,
            pl.when(~line.str.contains(layout)).then(line.str.len_chars()).alias("wrong"),
            line.str.slice(2, 5).alias("zip"),
            line.str.slice(0, 2).alias("state"),
            line.str.slice(7, 5).alias("contractor"),
            line.str.slice(12, 2).alias("number"),
            pl.concat_str(line.str.slice(7, 5), line.str.slice(12, 2), separator="-").alias("locality"),
            filled(line.str.slice(14, 1).str.strip_chars()).alias("rural"),
            line.str.slice(20, 1).alias("flag"),
            line.str.slice(21, 4).alias("digits"),
            line.str.slice(75, 5).alias("quarter"),
        )
    )
    expected = "every line in the published layout"
    try:
        frame = rows.collect(engine="streaming")
    except pl.exceptions.PolarsError:
        # The message of Polars quotes the file.
        raise damaged(opened, expected, "an empty file, or one that is no text") from None
    wrong = frame.filter(pl.col("wrong").is_not_null())
    if not wrong.is_empty():
        raise damaged(opened, expected, f"another in line {wrong[0, ROW]} ({wrong[0, 'wrong']} characters)")
    return frame.drop(ROW, "wrong")


def _read_zip5(opened: Opened, wanted: Wanted) -> list[Release]:
    rows = _lines(opened, _ZIP5)
    frame = rows.drop("digits", "quarter", "flag").with_columns((rows["flag"] == "1").alias("plus_four"))
    complete(opened, frame, ["zip"], LEAST_ROWS["zip_locality"])
    notes: tuple[str, ...] = ()
    if several := frame["plus_four"].sum():
        notes = (f"ZIP codes in several localities, which only the ZIP+4 file tells apart: {several:,}.",)
    if frame["state"].is_in(["EK", "WK", "EM", "WM"]).any():
        notes = (*notes, "States EK and WK are parts of Kansas, EM and WM of Missouri.")
    return [released("zip_locality", opened, frame, _period(opened, wanted, rows, "ZIP5"), notes)]


def _read_zip9(opened: Opened, wanted: Wanted) -> list[Release]:
    rows = _lines(opened, _ZIP9)
    nine = rows.filter(pl.col("flag") == "1").with_columns(pl.concat_str("zip", "digits").alias("zip"))
    frame = nine.drop("digits", "quarter", "flag")
    complete(opened, frame, ["zip"], LEAST_ROWS["zip9_locality"])
    notes: tuple[str, ...] = ()
    if five := rows.height - frame.height:
        notes = (f"ZIP codes without four further digits left out, the ZIP5 file has them: {five:,}.",)
    return [released("zip9_locality", opened, frame, _period(opened, wanted, rows, "ZIP9"), notes)]


def _period(opened: Opened, wanted: Wanted, rows: pl.DataFrame, name: str) -> Period:
    quarters = rows["quarter"].unique().sort()
    if len(quarters) > 1:
        raise damaged(opened, "one year and quarter in columns 76-80", ", ".join(quarters))
    said = quarter_start(int(quarters[0][:4]), int(quarters[0][4]))

    def called(day: date) -> str:
        return f"{name}-{day.year}Q{(day.month + 2) // 3}"

    return year(opened, wanted, said, called, "the ZIP file")


FORMATS: Final[tuple[Format, ...]] = (
    Format(
        name="zip-locality",
        tables=("zip_locality",),
        title="physician fee schedule, localities of ZIP codes (ZIP5)",
        expects="ZIP5…txt: lines of 80 characters that end with year and quarter",
        recognises=recognises(record=_ZIP5),
        read=_read_zip5,
    ),
    Format(
        name="zip9-locality",
        tables=("zip9_locality",),
        title="physician fee schedule, localities of ZIP+4 codes (ZIP9)",
        expects="ZIP9…txt: lines of 80 characters, four further digits in columns 22-25",
        recognises=recognises(record=_ZIP9),
        read=_read_zip9,
    ),
)
