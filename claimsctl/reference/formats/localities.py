"""What the Medicare physician fee schedule publishes by locality: GPCI, counties, anesthesia, OPPS cap."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

import polars as pl

from claimsctl.reference.formats.cells import ROW, Column, complete, csv_cells, text_cells
from claimsctl.reference.formats.periods import year
from claimsctl.reference.formats.places import (
    CONTRACTOR,
    NUMBER,
    below,
    located,
    placed,
    recognises,
    released,
)
from claimsctl.reference.formats.pprrvu import CODE, MODIFIER, RVU, STATUS, release_letter
from claimsctl.reference.releases import CPT_CODES, Format, Opened, Release, Wanted, damaged

LEAST_ROWS: Final = {"gpci": 100, "locality_counties": 100, "anesthesia_cf": 100, "oppscap": 1_000}
"""There are 109 localities (112 before 2024); fewer than these are a piece of a file."""

NATIONAL: Final = "national"
"""Stands for a locality where the national anesthesia conversion factor is given."""

_NAME: Final = Column("name", ".+")


def _unstarred() -> pl.Expr:
    """Names without the * and ** that point to footnotes."""
    return pl.col("name").str.strip_chars_end("* ")


def _new_year(text: str, pattern: str) -> date | None:
    """First of January of the year in a text."""
    found = re.search(pattern, text, re.I)
    return date(2000 + int(found[1]), 1, 1) if found else None


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
    *(CONTRACTOR, NUMBER, Column("state", r"[A-Z]{2}"), _NAME),
    *(Column(name, *_INDEX) for name in _INDICES),
)


def _gpci_name(label: str) -> str:
    return next((name for pattern, name in _GPCI_LABELS if re.search(pattern, label.strip(), re.I)), "")


def _read_gpci(opened: Opened, wanted: Wanted) -> list[Release]:
    header, rows = below(opened, _GPCI_HEADER)
    rows, notes = located(opened, header, rows)
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
    frame = placed(opened, cells, _GPCI).with_columns(_unstarred())
    frame = frame.select("locality", *(column.name for column in _GPCI))
    above = frame.filter((work > floor).fill_null(True))
    if not above.is_empty():
        raise damaged(opened, "a work GPCI of at most that with the floor", f"more in {above['locality'][0]}")
    complete(opened, frame, ["locality"], LEAST_ROWS["gpci"])
    said = _new_year(header, r"20(\d\d) PW GPCI")
    period = year(opened, wanted, said, lambda day: f"GPCI{day.year}", "the GPCI file")
    return [released("gpci", opened, frame, period, notes)]


# --- counties of a locality

_COUNTY_TITLE: Final = r"COUNTIES INCLUDED IN 20(\d\d) LOCALITIES"
_COUNTY_HEADER: Final = r"^Medicare Admi.*Fee Schedule Area.*Counties"
_COUNTY_TEXT: Final = (
    r"^(?P<contractor>.{13})(?P<number>.{9})(?P<state>.{23})(?P<name>.{98})(?P<counties>.*)$"
)
_STATE: Final = Column("state", ".+", may_be_blank=True)
_COUNTIES: Final = (CONTRACTOR, NUMBER, _STATE, _NAME, Column("counties", ".+"))


def _read_counties(opened: Opened, wanted: Wanted) -> list[Release]:
    header, rows = below(opened, _COUNTY_HEADER)
    rows, notes = located(opened, header, rows)
    if "," in header:
        cells = csv_cells(opened, rows, [column.name for column in _COUNTIES])
    else:
        cells = text_cells(opened, rows, _COUNTY_TEXT)
        notes = ("The text file cuts long lists of counties; the CSV has them whole.", *notes)
    # Only the first row of a state names it, and a blank line parts the states. The text file leaves the
    # name of California out: filled past the blank line, its localities would be in Arkansas.
    block = (pl.col(ROW).cast(pl.Int64).diff() != 1).fill_null(True).cum_sum()
    cells = cells.with_columns(pl.col("state").forward_fill().over(block))
    frame = placed(opened, cells, _COUNTIES).with_columns(_unstarred())
    once = frame.select("locality", *(column.name for column in _COUNTIES)).unique(maintain_order=True)
    if again := frame.height - once.height:
        notes = (f"Rows left out because they stand there twice: {again}.", *notes)
    if nameless := once["state"].null_count():
        notes = (f"Localities whose state the file does not name: {nameless}.", *notes)
    complete(opened, once, ["locality"], LEAST_ROWS["locality_counties"])
    said = _new_year(opened.head_text(), _COUNTY_TITLE)
    period = year(opened, wanted, said, lambda day: f"LOCCO{day.year}", "the file of counties")
    return [released("locality_counties", opened, once, period, notes)]


# --- anesthesia conversion factors

_ANES_HEADER: Final = r"^Contractor,\s*Locality,\s*Locality Name,.*Anes"
_ANES_TEXT: Final = r"^(?P<contractor>\d{5}) {3,}(?P<number>\d\d) {3,}\S.{20,60} {3,}(?P<cents>\d{4})\s*$"
_ANES: Final = (CONTRACTOR, NUMBER, Column("conversion_factor", r"\d{2}\.\d{0,4}", RVU))


def _read_anesthesia(opened: Opened, wanted: Wanted) -> list[Release]:
    header, rows = below(opened, _ANES_HEADER)
    if header:
        cells = csv_cells(opened, rows, ("contractor", "number", "", "conversion_factor"))
    else:
        # 1931 is 19.31: the text file has no decimal points.
        factor = pl.col("cents").str.replace(r"(\d\d)$", ".${1}").alias("conversion_factor")
        cells = text_cells(opened, rows, _ANES_TEXT).with_columns(factor)
    frame = placed(opened, cells, _ANES).select("locality", "conversion_factor")
    complete(opened, frame, ["locality"], LEAST_ROWS["anesthesia_cf"])
    notes: tuple[str, ...] = ()
    if national := re.search(r"\d{2}\.\d+", header):
        row = pl.DataFrame({"locality": [NATIONAL], "conversion_factor": [national[0]]})
        frame = pl.concat([frame, row.cast(frame.schema)])
    else:
        notes = ("The file does not give the national conversion factor; the CSV does.",)
    # Neither form says its year, only its name as published does.
    said = _new_year(opened.name, r"ANES(?:20)?(\d\d)(?!\d)")
    period = year(opened, wanted, said, lambda day: f"ANES{day.year}", "the anesthesia file")
    return [released("anesthesia_cf", opened, frame, period, notes)]


# --- OPPS imaging cap

_CAP_HEADER: Final = r"^HCPCS,MOD,PROCSTAT,CARRIER,LOCALITY,"
_CAP_TEXT: Final = (
    r"^(?P<code>[A-Z0-9]{5})(?P<modifier>..) (?P<status>[A-Z]) (?P<contractor>\d{5})  (?P<number>\d\d) +"
    r"(?P<facility_price>\d+\.\d\d) +(?P<nonfacility_price>\d+\.\d\d)\s*$"
)
_DOLLARS: Final = (r"\d{1,8}(?:\.\d{1,2})?", pl.Decimal(12, 2))
_PRICES: Final = (Column("facility_price", *_DOLLARS), Column("nonfacility_price", *_DOLLARS))
_CAP: Final = (CODE, MODIFIER, STATUS, CONTRACTOR, NUMBER, *_PRICES)


def _read_cap(opened: Opened, wanted: Wanted) -> list[Release]:
    header, rows = below(opened, _CAP_HEADER)
    if header:
        cells = csv_cells(opened, rows, [column.name for column in _CAP])
    else:
        cells = text_cells(opened, rows, _CAP_TEXT)
    frame = placed(opened, cells, _CAP).select(pl.exclude("^.*_price$"), "^.*_price$")
    complete(opened, frame, ["code", "modifier", "locality"], LEAST_ROWS["oppscap"])
    # It is published each quarter, yet neither it nor its name (OPPSCAP_Oct) tells the year.
    period = year(opened, wanted, None, lambda day: f"OPPSCAP{release_letter(day)}", "the OPPS cap file")
    notes = ("For status C the price is the OPPS amount alone: there is no fee schedule amount it caps.",)
    return [released("oppscap", opened, frame, period, notes, CPT_CODES)]


FORMATS: Final[tuple[Format, ...]] = tuple(
    Format(table.replace("_", "-"), (table,), f"physician fee schedule, {title}", expects, recognises, read)
    for table, title, expects, recognises, read in (
        (
            "gpci",
            "GPCI",
            "GPCI…csv or .txt: Addendum E, a header with PW GPCI, PE GPCI and MP GPCI",
            recognises(_GPCI_HEADER),
            _read_gpci,
        ),
        (
            "locality_counties",
            "counties of localities (LOCCO)",
            "…LOCCO.csv or .txt: the title COUNTIES INCLUDED IN … LOCALITIES, then a header",
            recognises(_COUNTY_HEADER),
            _read_counties,
        ),
        (
            "anesthesia_cf",
            "anesthesia conversion factors (ANES)",
            "ANES…csv: a header that ends with National Anes CF of …; .txt: no header, factors in cents",
            recognises(_ANES_HEADER, _ANES_TEXT),
            _read_anesthesia,
        ),
        (
            "oppscap",
            "OPPS imaging cap (OPPSCAP)",
            "OPPSCAP…csv: a header HCPCS, MOD, PROCSTAT, CARRIER, LOCALITY, two prices; .txt: no header",
            recognises(_CAP_HEADER, _CAP_TEXT),
            _read_cap,
        ),
    )
)
