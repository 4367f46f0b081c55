"""HCPCS Level II codes: the fixed-width contractor file of CMS, and a plain list of codes."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

import polars as pl

from claimsctl.reference.formats.cells import ROW, decoded, few, filled, head_lines, lines, once, refuse
from claimsctl.reference.formats.periods import Period, quarter, quarter_start
from claimsctl.reference.releases import US_GOVERNMENT, Format, Opened, Release, Wanted

_CODE: Final = r"[A-V]\d{4}"
_RECORD: Final = re.compile(r"(?:[A-Z]\d{4}|\d{4}[0-9A-Z]|   [0-9A-Z]{2})\d{5}[3478].{266}")
"""Code or modifier, sequence number, kind of record, and as many characters as reach past the add date."""
_RECORD_EXPECTED: Final = (
    "records of 293 or more characters with code (1-5), sequence number (6-10), kind 3, 4, 7 or 8 (11), "
    "add date (269-276) and termination date (285-292)"
)
_LIST_EXPECTED: Final = "one HCPCS Level II code, a letter and four digits, in every line"
_MONTHS: Final = {"jan": 1, "apr": 4, "jul": 7, "oct": 10}
_SCHEMA: Final[dict[str, pl.DataType]] = {
    "code": pl.String(),
    "valid_from": pl.Date(),
    "valid_to": pl.Date(),
    "coverage": pl.String(),
    "betos": pl.String(),
    "pricing": pl.String(),
}


def _is_contractor(opened: Opened) -> bool:
    return any(_RECORD.match(line) for line in head_lines(opened))


def _read_contractor(opened: Opened, wanted: Wanted) -> list[Release]:
    period = _period(opened, wanted)
    text = pl.col("line")

    def field(first: int, last: int) -> pl.Expr:
        return filled(text.str.slice(first - 1, last - first + 1).str.strip_chars())

    listed = lines(decoded(opened))
    # Disclaimers stand in front of the records, not among them.
    begins = listed.filter(text.str.contains(f"^{_RECORD.pattern}"))[ROW].min()
    records = listed.filter(pl.col(ROW) >= begins)
    fields = records.select(
        ROW,
        field(1, 5).alias("code"),
        text.str.slice(10, 1).alias("kind"),
        pl.concat_list(field(at, at + 1) for at in (120, 122, 124, 126))
        .list.drop_nulls()
        .list.join(";")
        .alias("pricing"),
        field(230, 230).alias("coverage"),
        field(257, 259).alias("betos"),
        field(269, 276).alias("added"),
        field(285, 292).alias("ended"),
        text.str.len_chars().alias("size"),
    ).with_columns(
        filled(pl.col("pricing")),
        pl.col("added").str.to_date("%Y%m%d", strict=False).alias("valid_from"),
        pl.col("ended").str.to_date("%Y%m%d", strict=False).alias("valid_to"),
    )
    # Kind 4 goes on with a description; 7 and 8 are modifiers.
    first = pl.col("kind") == "3"
    fits = pl.col("kind").is_in(["3", "4", "7", "8"]) & (
        ~first
        | (pl.col("size") >= 293)  # the action code is never blank
        & pl.col("valid_from").is_not_null()
        & (pl.col("valid_to").is_not_null() | pl.col("ended").is_null())
    )
    refuse(opened, fields, fits, _RECORD_EXPECTED)
    procedures = fields.filter(first)
    level_two = procedures.filter(pl.col("code").str.contains(f"^{_CODE}$"))
    refuse(opened, level_two, pl.lit(True), _RECORD_EXPECTED)
    frame, notes = once(level_two.select([pl.col(name).cast(dtype) for name, dtype in _SCHEMA.items()]))
    modifiers = fields.filter(pl.col("kind") == "7").height
    if modifiers:
        notes += (f"{modifiers:,} modifiers were left out",)
    if procedures.height > level_two.height:
        notes += (f"{procedures.height - level_two.height:,} codes that are not Level II were left out",)
    return [_release(opened, period, frame, notes, "contractor file")]


def _period(opened: Opened, wanted: Wanted) -> Period:
    """The quarter in a name like HCPC2026_JUL_CONTR_ANWEB; the file without a month is for its year."""
    name = opened.name.lower()
    found = re.search(r"hcpc(20\d\d|\d\d)(?:[-_ ]?(jan|apr|jul|oct))?", name)
    if wanted.valid_from is None and found is not None:
        year = int(found[1]) % 100 + 2000
        if found[2] is None:
            return Period(
                wanted.edition or str(year), date(year, 1, 1), wanted.valid_to or date(year, 12, 31)
            )
        start = quarter_start(year, _MONTHS[found[2]] // 3 + 1)
        return quarter(opened, Wanted(wanted.edition, start, wanted.valid_to), "")
    return quarter(opened, wanted, "an HCPCS contractor file")


def _is_list(opened: Opened) -> bool:
    found = head_lines(opened)
    return bool(found) and all(re.fullmatch(rf"{_CODE}\s*", line) for line in found)


def _read_list(opened: Opened, wanted: Wanted) -> list[Release]:
    period = quarter(opened, wanted, "a list of HCPCS codes")
    listed = lines(decoded(opened)).with_columns(pl.col("line").str.strip_chars().alias("code"))
    refuse(opened, listed, pl.col("code").str.contains(f"^{_CODE}$"), _LIST_EXPECTED)
    frame, notes = once(
        listed.select(
            "code", *[pl.lit(None, dtype).alias(name) for name, dtype in _SCHEMA.items() if name != "code"]
        )
    )
    notes += ("the list has no dates: it holds the codes of its quarter only",)
    return [_release(opened, period, frame, notes, "list of codes")]


def _release(
    opened: Opened, period: Period, frame: pl.DataFrame, notes: tuple[str, ...], what: str
) -> Release:
    return Release(
        table="hcpcs",
        edition=period.edition,
        valid_from=period.valid_from,
        valid_to=period.valid_to,
        source=f"CMS HCPCS Level II, {what}, {opened.name}",
        licence=US_GOVERNMENT,
        frame=frame,
        notes=(*notes, *few(frame, 8_000)),
        usual=7_000,  # as in 2019: older ones have fewer
    )


FORMATS: Final[tuple[Format, ...]] = (
    Format(
        name="hcpcs_contractor",
        tables=("hcpcs",),
        title="HCPCS Level II contractor file (HCPCyyyy_CONTR_ANWEB.txt)",
        expects="fixed columns: code 1-5, sequence number 6-10, kind of record 11, dates from 269",
        recognises=_is_contractor,
        read=_read_contractor,
    ),
    Format(
        name="hcpcs_codes",
        tables=("hcpcs",),
        title="HCPCS Level II codes, one in a line",
        expects="a letter A to V and four digits in every line",
        recognises=_is_list,
        read=_read_list,
    ),
)
