"""What the Medicare physician fee schedule publishes by locality: GPCI, counties, anesthesia, OPPS cap, ZIP.

A locality is known by its contractor and its number there, `01112-05`; both keep their zeros.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import Final

import polars as pl

from claimsctl.reference.formats.pprrvu import (
    CODE,
    FLAG,
    MODIFIER,
    RVU,
    STATUS,
    Column,
    complete,
    csv_cells,
    dated,
    lines,
    quarter,
    text_cells,
    typed,
)
from claimsctl.reference.releases import CPT_CODES, US_GOVERNMENT, Format, Opened, Release, Wanted, damaged

LEAST_ROWS: Final = {
    "gpci": 100,
    "locality_counties": 100,
    "anesthesia_cf": 100,
    "oppscap": 1_000,
    "zip_locality": 10_000,
}
"""There are 109 localities (112 before 2024) and 43,000 ZIP codes; fewer than these are a piece of a file."""

NATIONAL: Final = "national"
"""Stands for a locality where the national anesthesia conversion factor is given."""

_CONTRACTOR: Final = Column("contractor", r"\d{4,5}")
_NUMBER: Final = Column("number", r"\d{1,2}")
_NAME: Final = Column("name", ".+")
_CALIFORNIA: Final = ("17", "18", "71", "72", "73", "74")


# --- what the files have in common


def _below(opened: Opened, header: str) -> tuple[str, pl.DataFrame]:
    """The line that matches `header` and the lines below it; an empty text and all lines without one."""
    rows = lines(opened)
    found = rows.filter(pl.col("text").str.contains(header))
    if found.is_empty():
        return "", rows
    line, text = found.row(0)
    return text, rows.filter(pl.col("line") > line)


def _localities(opened: Opened, header: str, rows: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The rows that begin with a contractor's number; the others are footnotes, told in a note."""
    begins = pl.col("text").str.contains(r'^\s*"?\d')
    footnotes = rows.filter(~begins)
    # In a CSV a footnote stands alone in the first column: more cells are a row that lost its contractor.
    unquoted = pl.col("text").str.replace_all('"[^"]*"', "")
    lost = footnotes.filter(unquoted.str.contains(r",\s*[^,\s]"))
    if "," in header and not lost.is_empty():
        raise damaged(opened, "a contractor's number first in each row", f"none in line {lost['line'][0]}")
    notes = (f"Lines of footnotes left out: {footnotes.height}.",) if footnotes.height else ()
    return rows.filter(begins), notes


def _placed(opened: Opened, cells: pl.DataFrame, columns: Sequence[Column]) -> pl.DataFrame:
    """The typed columns and `locality`; zeros that a spreadsheet took from its two parts are put back."""
    contractor, number = pl.col("contractor").str.zfill(5), pl.col("number").str.zfill(2)
    locality = pl.concat_str(contractor, number, separator="-").alias("locality")
    return typed(opened, cells, columns).with_columns(contractor, number, locality)


def _unstarred() -> pl.Expr:
    """Names without the * and ** that point to footnotes."""
    return pl.col("name").str.strip_chars_end("* ")


def _release(
    table: str,
    opened: Opened,
    frame: pl.DataFrame,
    dates: tuple[str, date, date],
    notes: tuple[str, ...] = (),
    licence: str = US_GOVERNMENT,
) -> Release:
    edition, start, end = dates
    source = f"CMS physician fee schedule, {edition} ({opened.name})"
    contractor, number = pl.col("locality").str.head(5), pl.col("locality").str.tail(2)
    california = frame.filter(contractor.is_in(["01112", "01182"]) & number.is_in(_CALIFORNIA))
    if not california.is_empty():
        shown = " and ".join(california.select(contractor.unique().sort()).to_series())
        notes = (
            *notes,
            f"California localities 17, 18 and 71-74 stand under contractor {shown}, as published: "
            "OPPSCAP files have them twice, under 01112 and 01182, the others under 01182.",
        )
    return Release(table, edition, start, end, source, licence, frame, notes)


def _new_year(text: str, pattern: str) -> date | None:
    """First of January of the year in a text."""
    found = re.search(pattern, text, re.I)
    return date(2000 + int(found[1]), 1, 1) if found else None


def _recognises(header: str | None = None, record: str | None = None) -> Callable[[Opened], bool]:
    """Knows a file by a `header` in its head, or by its first lines, which are all a `record`."""

    def recognises(opened: Opened) -> bool:
        head = opened.head_text()
        if header is not None and re.search(header, head, re.M):
            return True
        first = head.rstrip("\x1a\n ").splitlines()[:5]
        return record is not None and first != [] and all(re.match(record, line) for line in first)

    return recognises


# --- geographic practice cost indices

_GPCI_HEADER: Final = r"^Medicare Admi.*PW GPCI.*PE GPCI.*MP GPCI"
_GPCI_TEXT: Final = (
    r"^\s*(?P<contractor>\d{4,5})\s+(?P<state>[A-Z]{2})\s+(?P<number>\d{1,2})\s+(?P<name>\S.*?)\s{2,}"
    r"(?:(?P<work_gpci>[\d.]+)\s+)?(?P<work_gpci_floor>[\d.]+)\s+(?P<pe_gpci>[\d.]+)\s+(?P<mp_gpci>[\d.]+)\s*$"
)
_GPCI_LABELS: Final = (
    ("contractor", "contractor"),
    ("^state", "state"),
    ("locality number", "number"),
    ("locality name", "name"),
    ("PW GPCI.*without", "work_gpci"),
    ("PW GPCI", "work_gpci_floor"),
    ("PE GPCI", "pe_gpci"),
    ("MP GPCI", "mp_gpci"),
)
_INDEX: Final = (r"\d(?:\.\d{1,3})?", RVU)
_INDICES: Final = ("work_gpci", "work_gpci_floor", "pe_gpci", "mp_gpci")
_GPCI: Final = (
    *(_CONTRACTOR, _NUMBER, Column("state", r"[A-Z]{2}"), _NAME),
    *(Column(name, *_INDEX) for name in _INDICES),
)


def _gpci_name(label: str) -> str:
    return next((name for pattern, name in _GPCI_LABELS if re.search(pattern, label.strip(), re.I)), "")


def _read_gpci(opened: Opened, wanted: Wanted) -> list[Release]:
    header, rows = _below(opened, _GPCI_HEADER)
    rows, notes = _localities(opened, header, rows)
    if "," in header:
        names = [_gpci_name(label) for label in header.split(",")]
        if sorted({*names, "work_gpci"}) != sorted(c.name for c in _GPCI) or len(set(names)) < len(names):
            raise damaged(opened, "7 columns, or 8 with two work GPCIs", f"the header {header}")
        cells = csv_cells(opened, rows, names)
    else:
        cells = text_cells(opened, rows, _GPCI_TEXT)
    work, floor = pl.col("work_gpci"), pl.col("work_gpci_floor")
    if "work_gpci" not in cells.columns or cells["work_gpci"].is_null().all():
        cells = cells.with_columns(floor.alias("work_gpci"))
        notes = ("One work GPCI, with the 1.0 floor: it stands in both columns.", *notes)
    frame = _placed(opened, cells, _GPCI).with_columns(_unstarred())
    frame = frame.select("locality", *(column.name for column in _GPCI))
    above = frame.filter((work > floor).fill_null(True))
    if not above.is_empty():
        raise damaged(opened, "a work GPCI of at most that with the floor", f"more in {above['locality'][0]}")
    complete(opened, frame, ["locality"], LEAST_ROWS["gpci"])
    said = _new_year(header, r"20(\d\d) PW GPCI")
    dates = dated(opened, wanted, said, lambda day: f"GPCI{day.year}", "the GPCI file")
    return [_release("gpci", opened, frame, dates, notes)]


# --- counties of a locality

_COUNTY_TITLE: Final = r"COUNTIES INCLUDED IN 20(\d\d) LOCALITIES"
_COUNTY_HEADER: Final = r"^Medicare Admi.*Fee Schedule Area.*Counties"
_COUNTY_TEXT: Final = (
    r"^(?P<contractor>.{13})(?P<number>.{9})(?P<state>.{23})(?P<name>.{98})(?P<counties>.*)$"
)
_STATE: Final = Column("state", ".+", may_be_blank=True)
_COUNTIES: Final = (_CONTRACTOR, _NUMBER, _STATE, _NAME, Column("counties", ".+"))


def _read_counties(opened: Opened, wanted: Wanted) -> list[Release]:
    header, rows = _below(opened, _COUNTY_HEADER)
    rows, notes = _localities(opened, header, rows)
    if "," in header:
        cells = csv_cells(opened, rows, [column.name for column in _COUNTIES])
    else:
        cells = text_cells(opened, rows, _COUNTY_TEXT)
        notes = ("The text file cuts long lists of counties; the CSV has them whole.", *notes)
    # Only the first row of a state names it, and a blank line parts the states. The text file leaves the
    # name of California out: filled past the blank line, its localities would be in Arkansas.
    block = (pl.col("line").cast(pl.Int64).diff() != 1).fill_null(True).cum_sum()
    cells = cells.with_columns(pl.col("state").forward_fill().over(block))
    frame = _placed(opened, cells, _COUNTIES).with_columns(_unstarred())
    once = frame.select("locality", *(column.name for column in _COUNTIES)).unique(maintain_order=True)
    if again := frame.height - once.height:
        notes = (f"Rows left out because they stand there twice: {again}.", *notes)
    if nameless := once["state"].null_count():
        notes = (f"Localities whose state the file does not name: {nameless}.", *notes)
    complete(opened, once, ["locality"], LEAST_ROWS["locality_counties"])
    said = _new_year(opened.head_text(), _COUNTY_TITLE)
    dates = dated(opened, wanted, said, lambda day: f"LOCCO{day.year}", "the file of counties")
    return [_release("locality_counties", opened, once, dates, notes)]


# --- anesthesia conversion factors

_ANES_HEADER: Final = r"^Contractor,\s*Locality,\s*Locality Name,.*Anes"
_ANES_TEXT: Final = r"^(?P<contractor>\d{5}) {3,}(?P<number>\d\d) {3,}\S.{20,60} {3,}(?P<cents>\d{4})\s*$"
_ANES: Final = (_CONTRACTOR, _NUMBER, Column("conversion_factor", r"\d{2}\.\d{0,4}", RVU))


def _read_anesthesia(opened: Opened, wanted: Wanted) -> list[Release]:
    header, rows = _below(opened, _ANES_HEADER)
    if header:
        cells = csv_cells(opened, rows, ("contractor", "number", "", "conversion_factor"))
    else:
        # 1931 is 19.31: the text file has no decimal points.
        factor = pl.col("cents").str.replace(r"(\d\d)$", ".${1}").alias("conversion_factor")
        cells = text_cells(opened, rows, _ANES_TEXT).with_columns(factor)
    frame = _placed(opened, cells, _ANES).select("locality", "conversion_factor")
    complete(opened, frame, ["locality"], LEAST_ROWS["anesthesia_cf"])
    notes: tuple[str, ...] = ()
    if national := re.search(r"\d{2}\.\d+", header):
        row = pl.DataFrame({"locality": [NATIONAL], "conversion_factor": [national[0]]})
        frame = pl.concat([frame, row.cast(frame.schema)])
    else:
        notes = ("The file does not give the national conversion factor; the CSV does.",)
    # Neither form says its year, only its name as published does.
    said = _new_year(opened.name, r"ANES(?:20)?(\d\d)(?!\d)")
    dates = dated(opened, wanted, said, lambda day: f"ANES{day.year}", "the anesthesia file")
    return [_release("anesthesia_cf", opened, frame, dates, notes)]


# --- OPPS imaging cap

_CAP_HEADER: Final = r"^HCPCS,MOD,PROCSTAT,CARRIER,LOCALITY,"
_CAP_TEXT: Final = (
    r"^(?P<code>[A-Z0-9]{5})(?P<modifier>..) (?P<status>[A-Z]) (?P<contractor>\d{5})  (?P<number>\d\d) +"
    r"(?P<facility_price>\d+\.\d\d) +(?P<nonfacility_price>\d+\.\d\d)\s*$"
)
_DOLLARS: Final = (r"\d{1,8}(?:\.\d{1,2})?", pl.Decimal(12, 2))
_PRICES: Final = (Column("facility_price", *_DOLLARS), Column("nonfacility_price", *_DOLLARS))
_CAP: Final = (CODE, MODIFIER, STATUS, _CONTRACTOR, _NUMBER, *_PRICES)


def _read_cap(opened: Opened, wanted: Wanted) -> list[Release]:
    header, rows = _below(opened, _CAP_HEADER)
    if header:
        cells = csv_cells(opened, rows, [column.name for column in _CAP])
    else:
        cells = text_cells(opened, rows, _CAP_TEXT)
    frame = _placed(opened, cells, _CAP).select(pl.exclude("^.*_price$"), "^.*_price$")
    complete(opened, frame, ["code", "modifier", "locality"], LEAST_ROWS["oppscap"])
    # It is published each quarter, yet neither it nor its name (OPPSCAP_Oct) tells the year.
    dates = dated(opened, wanted, None, lambda day: f"OPPSCAP{quarter(day)}", "the OPPS cap file")
    notes = ("For status C the price is the OPPS amount alone: there is no fee schedule amount it caps.",)
    return [_release("oppscap", opened, frame, dates, notes, CPT_CODES)]


# --- ZIP codes

_ZIP_TEXT: Final = (
    r"^(?P<state>[A-Z]{2})(?P<zip>\d{5})(?P<contractor>\d{5})(?P<number>\d\d)(?P<rural>[ RB]).{5}"
    r"(?P<plus_four>[01]) . {52}(?P<quarter>20\d\d[1-4])\s*$"
)
_ZIP: Final = (
    Column("zip", r"\d{5}"),
    Column("state", r"[A-Z]{2}"),
    _CONTRACTOR,
    _NUMBER,
    Column("rural", "[RB]", may_be_blank=True),
    Column("plus_four", "[01]", FLAG),
)


def _read_zip(opened: Opened, wanted: Wanted) -> list[Release]:
    cells = text_cells(opened, lines(opened), _ZIP_TEXT)
    frame = _placed(opened, cells, _ZIP)
    frame = frame.select("zip", "state", "contractor", "number", "locality", "rural", "plus_four")
    complete(opened, frame, ["zip"], LEAST_ROWS["zip_locality"])
    quarters = cells["quarter"].unique().sort()
    if len(quarters) > 1:
        raise damaged(opened, "one year and quarter in columns 76-80", ", ".join(quarters))
    year, number = int(quarters[0][:4]), int(quarters[0][4])
    said = date(year, 3 * number - 2, 1)
    dates = dated(opened, wanted, said, lambda day: f"ZIP5-{day.year}Q{(day.month + 2) // 3}", "the ZIP file")
    notes: tuple[str, ...] = ()
    if several := frame["plus_four"].sum():
        notes = (f"ZIP codes in several localities, which only the ZIP+4 file tells apart: {several:,}.",)
    if frame["state"].is_in(["EK", "WK", "EM", "WM"]).any():
        notes = (*notes, "States EK and WK are parts of Kansas, EM and WM of Missouri.")
    return [_release("zip_locality", opened, frame, dates, notes)]


FORMATS: Final[tuple[Format, ...]] = tuple(
    Format(table.replace("_", "-"), (table,), f"physician fee schedule, {title}", expects, recognises, read)
    for table, title, expects, recognises, read in (
        (
            "gpci",
            "GPCI",
            "GPCI…csv or .txt: Addendum E, a header with PW GPCI, PE GPCI and MP GPCI",
            _recognises(_GPCI_HEADER),
            _read_gpci,
        ),
        (
            "locality_counties",
            "counties of localities (LOCCO)",
            "…LOCCO.csv or .txt: the title COUNTIES INCLUDED IN … LOCALITIES, then a header",
            _recognises(_COUNTY_HEADER),
            _read_counties,
        ),
        (
            "anesthesia_cf",
            "anesthesia conversion factors (ANES)",
            "ANES…csv: a header that ends with National Anes CF of …; .txt: no header, factors in cents",
            _recognises(_ANES_HEADER, _ANES_TEXT),
            _read_anesthesia,
        ),
        (
            "oppscap",
            "OPPS imaging cap (OPPSCAP)",
            "OPPSCAP…csv: a header HCPCS, MOD, PROCSTAT, CARRIER, LOCALITY, two prices; .txt: no header",
            _recognises(_CAP_HEADER, _CAP_TEXT),
            _read_cap,
        ),
        (
            "zip_locality",
            "localities of ZIP codes (ZIP5)",
            "ZIP5…txt: lines of 80 characters that end with year and quarter",
            _recognises(record=_ZIP_TEXT),
            _read_zip,
        ),
    )
)
