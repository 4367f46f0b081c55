"""The relative value file of the Medicare physician fee schedule (PPRRVU), as CSV and as fixed-width text."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

import polars as pl

from claimsctl.reference.formats.cells import (
    FLAG,
    ROW,
    Column,
    complete,
    csv_cells,
    lines,
    text_cells,
    typed,
)
from claimsctl.reference.formats.periods import year
from claimsctl.reference.manifest import read_shipped, shipped_specs
from claimsctl.reference.releases import CPT_CODES, Format, Opened, Release, Wanted, damaged

LEAST_ROWS: Final = 1_000
_USUAL_ROWS: Final = 18_000
"""A release has about 19,000 rows; fewer than these are a piece of one."""

TEXT: Final = pl.String()
RVU: Final = pl.Decimal(12, 4)
NUMBER: Final = r"\d{1,8}(?:\.\d{0,4})?|\.\d{1,4}"


# Not only real codes: RVU26B holds the placeholder GXXX1.
CODE: Final = Column("code", r"[A-Z0-9]{5}")
MODIFIER: Final = Column("modifier", r"[A-Z0-9]{2}", may_be_blank=True)
STATUS: Final = Column("status", r"[A-Z]")


def _optional(name: str, pattern: str = r"\S", dtype: pl.DataType = TEXT) -> Column:
    return Column(name, pattern, dtype, may_be_blank=True)


_COLUMNS: Final = (
    CODE,
    MODIFIER,
    STATUS,
    Column("work_rvu", NUMBER, RVU),
    _optional("pe_nonfacility", NUMBER, RVU),
    _optional("pe_nonfacility_na", "NA", FLAG),
    _optional("pe_facility", NUMBER, RVU),
    _optional("pe_facility_na", "NA", FLAG),
    Column("mp_rvu", NUMBER, RVU),
    _optional("pctc"),
    # Three digits or letters; a shifted column or a spreadsheet that dropped zeros shows here first.
    Column("global_days", r"\d{3}|[A-Z]{3}"),
    _optional("pre_op", NUMBER, RVU),
    _optional("intra_op", NUMBER, RVU),
    _optional("post_op", NUMBER, RVU),
    _optional("mult_proc"),
    _optional("bilateral"),
    _optional("assistant"),
    _optional("co_surgeon"),
    _optional("team_surgeon"),
    _optional("pricing_indicator"),
    _optional("endo_base", CODE.pattern),
    Column("conversion_factor", r"\d{2}\.\d{2,4}", RVU),
    _optional("supervision", r"\S{2}"),
    _optional("calculation_flag"),
    _optional("imaging_family", r"\S{2}"),
    _optional("opps_pe_nonfacility", NUMBER, RVU),
    _optional("opps_pe_facility", NUMBER, RVU),
    _optional("opps_mp", NUMBER, RVU),
)

# The header is stacked over five lines and repeats its names, so a column is known by its place; "" is
# not read: the descriptor (licensed), `not used for Medicare payment`, the totals (sums of the others).
_CSV_2026: Final = (
    *("code", "modifier", "", "status", "", "work_rvu", "pe_nonfacility", "pe_nonfacility_na"),
    *("pe_facility", "pe_facility_na", "mp_rvu", "", "", "pctc", "global_days", "pre_op", "intra_op"),
    *("post_op", "mult_proc", "bilateral", "assistant", "co_surgeon", "team_surgeon"),
    *("pricing_indicator", "endo_base", "conversion_factor", "supervision", "calculation_flag"),
    *("imaging_family", "opps_pe_nonfacility", "opps_pe_facility", "opps_mp"),
)
_CSV_2025: Final = tuple(name for name in _CSV_2026 if name != "pricing_indicator")
_CSV_LAYOUTS: Final = {len(names): names for names in (_CSV_2025, _CSV_2026)}

# Fixed width, 171 characters. Before 2026 the place of the pricing indicator is blank, so that one layout
# reads both years. Status and conversion factor are spelled out: by them such a file is recognised.
_RECORD: Final = (
    r"^(?P<code>.{5})(?P<modifier>..).{50}(?P<status>[A-Z]).(?P<work_rvu>.{6}).(?P<pe_nonfacility>.{6})"
    r"(?P<pe_nonfacility_na>..).(?P<pe_facility>.{6})(?P<pe_facility_na>..).(?P<mp_rvu>.{5}).{13}(?P<pctc>.)"
    r"(?P<global_days>.{3})(?P<pre_op>.{3})(?P<intra_op>.{3})(?P<post_op>.{3})(?P<mult_proc>.)(?P<bilateral>.)"
    r"(?P<assistant>.)(?P<co_surgeon>.)(?P<team_surgeon>.)(?P<pricing_indicator>.).{6}(?P<endo_base>.{5})"
    r"(?P<conversion_factor>[ \d]\d\d\.\d{4}).(?P<supervision>..)(?P<calculation_flag>.)."
    r"(?P<imaging_family>..).{4}(?P<opps_pe_nonfacility>.{6}).(?P<opps_pe_facility>.{6}).(?P<opps_mp>.{6})"
)
_HDR: Final = "HDR "

_HEADER: Final = re.compile(r"^HCPCS,MOD,DESCRIPTION,CODE,.*$", re.M)
_TITLE: Final = re.compile(r"(20\d\d) National Physician Fee Schedule Relative Value File (\w{3})\w* Release")
_RELEASED: Final = re.compile(r"RELEASED (\d{1,2})/(\d{1,2})/(20\d\d)")
_NAMED: Final = re.compile(r"PPRRVU(?:20)?(\d\d)[-_ ]?(JAN|APR|JUL|OCT)", re.I)
_QPP: Final = re.compile(r"(NON)?[-_ ]?QPP", re.I)
_QUARTERS: Final = {"JAN": 1, "APR": 4, "JUL": 7, "OCT": 10}

FILLED: Final = r"[^\s,]"
"""Lines of commas alone are blank rows of a spreadsheet."""


def release_letter(day: date) -> str:
    """How a release of the fee schedule is called: 25D for the fourth quarter of 2025."""
    return f"{day:%y}{'ABCD'[(day.month - 1) // 3]}"


def _said(title: re.Match[str] | None) -> date | None:
    """First day of the quarter in a title or a file name."""
    if title is None or title[2].upper() not in _QUARTERS:
        return None
    return date(2000 + int(title[1][-2:]), _QUARTERS[title[2].upper()], 1)


def _release(opened: Opened, wanted: Wanted, cells: pl.DataFrame, preamble: str) -> list[Release]:
    frame = complete(opened, typed(opened, cells, _COLUMNS), ("code", "modifier"), LEAST_ROWS)
    # The text file names no release at all: its HDR lines hold only copyright years, of other years.
    said = _said(_TITLE.search(preamble)) or _said(_NAMED.search(opened.name))
    period = year(opened, wanted, said, lambda day: f"RVU{release_letter(day)}", "the relative value file")
    factors = frame["conversion_factor"].unique().sort()
    notes = [f"Conversion factor {', '.join(f'{factor:f}' for factor in factors)}."]
    table = "mpfs"
    if _is_for_qualifying(opened, factors):
        table = "mpfs_qpp"
        notes.append("For qualifying APM participants only; all others are paid by the nonQPP file.")
    if released := _RELEASED.search(preamble):
        day = f"{released[3]}-{released[1]:0>2}-{released[2]:0>2}"
        if day > str(period.valid_from):
            notes.append(
                f"Released {day}, after {period.valid_from}: say --from if this correction counts from later."
            )
    source = f"CMS physician fee schedule, relative value file {period.edition} ({opened.name})"
    return [
        Release(
            table,
            period.edition,
            period.valid_from,
            period.valid_to,
            source,
            CPT_CODES,
            frame,
            tuple(notes),
            usual=_USUAL_ROWS,
        )
    ]


def _is_for_qualifying(opened: Opened, factors: pl.Series) -> bool:
    """From 2026 each quarter has two files, alike but for the factor: QPP and nonQPP in their names."""
    if named := _QPP.search(opened.name):
        return named[1] is None
    known = read_shipped(shipped_specs()["conversion_factors"]).filter(kind="physician_qp")
    return bool(factors.is_in(known["conversion_factor"].implode()).all())


def _is_csv(opened: Opened) -> bool:
    return _HEADER.search(opened.head_text()) is not None


def _read_csv(opened: Opened, wanted: Wanted) -> list[Release]:
    rows = lines(opened.text(), FILLED)
    header = rows.filter(pl.col("line").str.contains(_HEADER.pattern))
    if header.is_empty():
        raise damaged(opened, "a header line that begins with HCPCS,MOD,DESCRIPTION,CODE", "no such line")
    line, text = header.row(0)
    width = text.count(",") + 1
    if width not in _CSV_LAYOUTS:
        raise damaged(opened, "31 columns (to 2025) or 32 (from 2026)", f"{width}")
    cells = csv_cells(opened, rows.filter(pl.col(ROW) > line), _CSV_LAYOUTS[width])
    if "pricing_indicator" not in cells.columns:
        cells = cells.with_columns(pl.lit(None, pl.String).alias("pricing_indicator"))
    preamble = "\n".join(rows.filter(pl.col(ROW) < line)["line"])
    return _release(opened, wanted, cells, preamble)


def _is_text(opened: Opened) -> bool:
    first = next((line for line in opened.head_text().splitlines() if line[:4] != _HDR), "")
    return re.match(_RECORD, first) is not None


def _read_text(opened: Opened, wanted: Wanted) -> list[Release]:
    rows = lines(opened.text(), FILLED)
    records = rows.filter(~pl.col("line").str.starts_with(_HDR))
    return _release(opened, wanted, text_cells(opened, records, _RECORD), "")


FORMATS: Final[tuple[Format, ...]] = (
    Format(
        name="pprrvu-csv",
        tables=("mpfs", "mpfs_qpp"),
        title="physician fee schedule, relative values (PPRRVU)",
        expects="PPRRVU…csv: a title, then a header whose last line begins with HCPCS,MOD,DESCRIPTION,CODE",
        recognises=_is_csv,
        read=_read_csv,
    ),
    Format(
        name="pprrvu-text",
        tables=("mpfs", "mpfs_qpp"),
        title="physician fee schedule, relative values (PPRRVU)",
        expects="PPRRVU…txt: HDR lines, then a line of 171 characters for each code and modifier",
        recognises=_is_text,
        read=_read_text,
    ),
)
