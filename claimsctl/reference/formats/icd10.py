"""ICD-10-CM code lists of CMS and NCHS: the order file, and billable codes with their names or alone."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

import polars as pl

from claimsctl.reference import icd10cm
from claimsctl.reference.diagnoses import described, named_as
from claimsctl.reference.formats.cells import (
    ROW,
    decoded,
    few,
    head_lines,
    lines,
    once,
    refuse,
)
from claimsctl.reference.formats.periods import Period, year_in
from claimsctl.reference.releases import US_GOVERNMENT, Format, Opened, Release, Wanted, damaged, no_date

DIAGNOSIS: Final = r"[A-Z][0-9A][0-9A-Z]{1,5}"
_CODES_LINE: Final = re.compile(rf"({DIAGNOSIS})(?:\s+\S.*|\s*)")
_ORDER_LINE: Final = re.compile(rf"\d{{5}} {DIAGNOSIS} +[01] \S")
_CODES_EXPECTED: Final = "an ICD-10-CM code, with or without its name behind it, in every line"
_ORDER_EXPECTED: Final = "in every line a number (1-5), an ICD-10-CM code (7-13), 0 or 1 (15) and names (17-)"

_CHAPTERS: Final = (
    *(("A00", 1), ("C00", 2), ("D50", 3), ("E00", 4), ("F01", 5), ("G00", 6), ("H00", 7), ("H60", 8)),
    *(("I00", 9), ("J00", 10), ("K00", 11), ("L00", 12), ("M00", 13), ("N00", 14), ("O00", 15)),
    *(("P00", 16), ("Q00", 17), ("R00", 18), ("S00", 19), ("U00", 22), ("V00", 20), ("Z00", 21)),
)
"""First category of each chapter; chapter 22 (U) stands in front of 20 and 21 by letter."""


def _is_codes(opened: Opened) -> bool:
    found = [_CODES_LINE.fullmatch(line) for line in head_lines(opened)]
    sizes = {len(match[1]) for match in found if match}
    # HCPCS codes look like ICD-10-CM codes of five characters; a list with other lengths is none of HCPCS.
    return bool(found) and all(found) and bool(sizes - {5})


def _is_order(opened: Opened) -> bool:
    found = [_ORDER_LINE.match(line) for line in head_lines(opened)]
    return bool(found) and all(found)


def _read_codes(opened: Opened, wanted: Wanted) -> list[Release]:
    period = fiscal_year(opened, wanted, "a list of ICD-10-CM codes")
    parts = pl.col("line").str.extract_groups(r"^([A-Z0-9]+)(?:\s+(\S.*))?$")
    listed = lines(decoded(opened)).select(
        ROW, parts.struct[0].alias("code"), parts.struct[1].str.strip_chars().alias("title")
    )
    refuse(opened, listed, pl.col("code").str.contains(f"^{DIAGNOSIS}$"), _CODES_EXPECTED)
    unnamed = listed.filter(pl.col("title").is_null())[ROW]
    if unnamed.to_list() == [listed[-1, ROW]] and listed.height > 1:
        raise damaged(opened, _CODES_EXPECTED, "a last line that is cut off")
    billable, notes = once(listed.select("code", "title", pl.lit(True).alias("billable")))
    headers = _headers(billable)
    frame = _described(pl.concat([billable, headers], how="diagonal").sort("code"))
    notes += (f"{headers.height:,} categories that are not billable were made from the codes below them",)
    if not billable["title"].count():
        frame, told = _named(frame)
        notes += (told,)
    return [_release(opened, period, frame, notes)]


def _named(frame: pl.DataFrame) -> tuple[pl.DataFrame, str]:
    """Codes without names, with what the shipped list tells of them, and a note on that."""
    if icd10cm.find_release() is None:
        return frame, (
            "the list has no names: side, trimester and postpartum of a code stay unknown; the order file "
            "(icd10cm_order) has them"
        )
    release, shipped = icd10cm.load()
    named = named_as(frame, shipped)
    new = named.filter(pl.col("billable") & pl.col("sided_sibling").is_null()).height
    unknown = f", and unknown for {new:,} codes that it does not have" if new else ""
    return named, (
        f"the list has no names: side, trimester and postpartum are as in the shipped list "
        f"{release.edition}{unknown}; the order file (icd10cm_order) has them"
    )


def _headers(billable: pl.DataFrame) -> pl.DataFrame:
    """Categories and subcategories above the codes; an X that only fills a place makes none."""
    code = pl.col("code")
    base = (
        pl.when(code.str.len_chars() == 7)
        .then(code.str.slice(0, 6).str.strip_chars_end("X"))
        .otherwise(code.str.head(-1))
    )
    bases = billable.select(base)
    above = [
        bases.filter(code.str.len_chars() >= size).select(code.str.slice(0, size)) for size in range(3, 7)
    ]
    return (
        pl.concat(above)
        .unique()
        .join(billable, on="code", how="anti")
        .with_columns(pl.lit(False).alias("billable"))
    )


def _read_order(opened: Opened, wanted: Wanted) -> list[Release]:
    period = fiscal_year(opened, wanted, "an ICD-10-CM order file")
    line = pl.col("line")
    short, long = (line.str.slice(at, size).str.strip_chars() for at, size in ((16, 60), (77, None)))
    listed = lines(decoded(opened)).select(
        ROW,
        line.str.slice(6, 7).str.strip_chars().alias("code"),
        line.str.slice(14, 1).replace_strict({"0": False, "1": True}, default=None).alias("billable"),
        # A line that ends within the columns of the short name has no long one.
        pl.when(long != "").then(long).otherwise(short).alias("title"),
    )
    fits = (
        pl.col("code").str.contains(f"^{DIAGNOSIS}$")
        & pl.col("billable").is_not_null()
        & (pl.col("title") != "")
    )
    refuse(opened, listed, fits, _ORDER_EXPECTED)
    frame, notes = once(listed.drop(ROW))
    if not frame["billable"].any():
        raise damaged(opened, _ORDER_EXPECTED, "no billable code")
    return [_release(opened, period, _described(frame), notes)]


def _release(opened: Opened, period: Period, frame: pl.DataFrame, notes: tuple[str, ...]) -> Release:
    return Release(
        table="icd10cm",
        edition=period.edition,
        valid_from=period.valid_from,
        valid_to=period.valid_to,
        source=f"CMS/NCHS ICD-10-CM, {opened.name}",
        licence=US_GOVERNMENT,
        frame=frame,
        notes=(*notes, *few(frame, 95_000)),
        usual=95_000,
    )


def _described(frame: pl.DataFrame) -> pl.DataFrame:
    """The columns of `diagnoses.SCHEMA` from code, billable and title (null: what a name tells is null)."""
    starts = pl.Series([start for start, _ in _CHAPTERS])
    chapters = pl.Series("chapter", [chapter for _, chapter in _CHAPTERS], dtype=pl.Int64)
    frame = frame.with_columns(
        pl.col("code").str.slice(0, 3).alias("category"), pl.col("title").str.to_lowercase()
    )
    place = starts.search_sorted(frame["category"], side="right")
    return described(frame.with_columns(chapters.gather(place - 1)))


def fiscal_year(opened: Opened, wanted: Wanted, what: str, year: int | None = None) -> Period:
    """The fiscal year (October to September) the user, the file or its name says.

    An update of April is in force from April: its new codes did not exist before.
    """
    year = year or year_in(opened.name)
    april = "april" in opened.name.lower()
    start = wanted.valid_from
    if start is None and year is not None:
        start = date(year, 4, 1) if april else date(year - 1, 10, 1)
    if start is None:
        raise no_date(opened, what, "2025-10-01")
    fiscal = start.year + (start.month >= 10)
    name = f"FY{fiscal}" + ("-04" if start.month == 4 else "")
    return Period(wanted.edition or name, start, wanted.valid_to or date(fiscal, 9, 30))


FORMATS: Final[tuple[Format, ...]] = (
    Format(
        name="icd10cm_order",
        tables=("icd10cm",),
        title="ICD-10-CM order file (icd10cm_order_YYYY.txt)",
        expects="fixed columns: number, code, 0 or 1 for billable, short and long name",
        recognises=_is_order,
        read=_read_order,
    ),
    Format(
        name="icd10cm_codes",
        tables=("icd10cm",),
        title="ICD-10-CM billable codes (icd10cm_codes_YYYY.txt, or codes alone)",
        expects="a code without dot in every line, its name behind it or not",
        recognises=_is_codes,
        read=_read_codes,
    ),
)
