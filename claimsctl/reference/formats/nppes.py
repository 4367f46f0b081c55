"""The NPPES file of all providers (npidata_pfile): read in a stream, names are never kept."""

from __future__ import annotations

import csv
import re
from datetime import date
from typing import Final

import polars as pl

from claimsctl.reference.formats.cells import ROW, few, filled, refuse
from claimsctl.reference.formats.periods import stem
from claimsctl.reference.releases import US_GOVERNMENT, Format, Opened, Release, Wanted, damaged

_NPI: Final = "NPI"
_ENTITY: Final = "Entity Type Code"
_NAMES: Final = ("Provider Organization Name (Legal Business Name)", "Provider Last Name (Legal Name)")
_DEACTIVATED: Final = "NPI Deactivation Date"
_REACTIVATED: Final = "NPI Reactivation Date"
_TAXONOMIES: Final = tuple(f"Healthcare Provider Taxonomy Code_{n}" for n in range(1, 16))
_SWITCHES: Final = tuple(f"Healthcare Provider Primary Taxonomy Switch_{n}" for n in range(1, 16))
_NEEDED: Final = (_NPI, _ENTITY, *_NAMES, _DEACTIVATED, _REACTIVATED, *_TAXONOMIES, *_SWITCHES)
_EXPECTED: Final = (
    "an NPI of ten digits, entity type 1, 2 or blank, a taxonomy of ten characters and "
    "dates MM/DD/YYYY in every row"
)
_PERIOD: Final = re.compile(r"(20\d{6})-(20\d{6})")
_TAIL_BYTES: Final = 1 << 16
_ROW_START: Final = re.compile(r'(?:^|\n)"?(?:[12]\d{9}|NPI)"?,')


def _columns(opened: Opened) -> list[str]:
    first = opened.head_text().split("\n", 1)[0]
    try:
        return [cell.strip() for cell in next(csv.reader([first]), [])]
    except csv.Error:
        return []


def _recognises(opened: Opened) -> bool:
    # The files of other names, endpoints and places of practice begin with NPI too.
    found = _columns(opened)
    return found[:2] == [_NPI, _ENTITY] and _TAXONOMIES[0] in found


def _read(opened: Opened, wanted: Wanted) -> list[Release]:
    columns = _columns(opened)
    # Of a name that comes again the first column counts.
    places = {name: place for place, name in reversed(list(enumerate(columns)))}
    missing = [name for name in _NEEDED if name not in places]
    if missing:
        raise damaged(opened, f"{len(_NEEDED)} columns it names", f"none called {missing[0]}")
    _check_end(opened, len(columns))
    period = _PERIOD.search(opened.name)
    first, last = (_day(period[1]), _day(period[2])) if period else (None, None)
    frame = _frame(opened, places, len(columns))
    weekly = first is not None and last is not None and (last - first).days < 60
    notes: tuple[str, ...] = ("names and addresses were not read",)
    if weekly:
        notes += ("a weekly update: it holds only the providers that changed, not all",)
    else:
        notes += few(frame, 8_000_000)
    return [
        Release(
            table="nppes",
            edition=wanted.edition or (last.isoformat() if last else stem(opened.name)),
            valid_from=wanted.valid_from,
            valid_to=wanted.valid_to,
            source=f"CMS NPPES data dissemination, {opened.name}",
            licence=US_GOVERNMENT,
            frame=frame,
            notes=notes,
        )
    ]


def _frame(opened: Opened, places: dict[str, int], width: int) -> pl.DataFrame:
    def cell(name: str) -> pl.Expr:
        return pl.col(f"c{places[name]}")

    pairs = zip(_TAXONOMIES, _SWITCHES, strict=True)
    primary = pl.coalesce(pl.when(cell(switch) == "Y").then(cell(code)) for code, switch in pairs)
    taxonomy = primary.fill_null(cell(_TAXONOMIES[0]))
    registered = pl.concat_str([filled(cell(name)) for name in _TAXONOMIES], separator=";", ignore_nulls=True)
    days = {"deactivated": cell(_DEACTIVATED), "reactivated": cell(_REACTIVATED)}
    parsed = {name: day.str.to_date("%m/%d/%Y", strict=False) for name, day in days.items()}
    fits = (
        cell(_NPI).str.contains(r"^[12]\d{9}$")
        & cell(_ENTITY).fill_null("").str.contains("^[12]?$")
        # A row that has shifted shows here; Polars does not count the columns it need not read.
        & taxonomy.fill_null("").str.contains(r"^(?:[0-9A-Z]{10})?$")
        & cell(_SWITCHES[0]).fill_null("").str.contains("^[XYN]?$")
        & pl.all_horizontal((days[name].fill_null("") == "") == parsed[name].is_null() for name in days)
    )
    rows = (
        pl.scan_csv(
            opened.path,
            # By place: the header may begin with a byte order mark.
            has_header=False,
            skip_lines=1,
            schema={f"c{place}": pl.String() for place in range(width)},
            encoding="utf8-lossy",
            glob=False,
        )
        .with_row_index(ROW, offset=2)
        # A last line of 0x1A, as DOS programs leave it.
        .filter(cell(_NPI) != "\x1a")
        .select(
            ROW,
            fits.fill_null(False).alias("fits"),
            cell(_NPI).alias("npi"),
            filled(cell(_ENTITY)).alias("entity_type"),
            pl.any_horizontal(cell(name).fill_null("") != "" for name in _NAMES).alias("named"),
            filled(taxonomy).alias("taxonomy"),
            filled(registered).alias("taxonomies"),
            *(expr.alias(name) for name, expr in parsed.items()),
        )
    )
    try:
        frame = rows.collect(engine="streaming")
    except pl.exceptions.PolarsError:
        # The message of Polars quotes the file.
        raise damaged(opened, _EXPECTED, "rows that do not fit the header, or an open quote") from None
    refuse(opened, frame, pl.col("fits"), _EXPECTED)
    return frame.drop(ROW, "fits")


def _check_end(opened: Opened, width: int) -> None:
    """A download that broke off ends within a row, whose missing cells would read as blank."""
    size = opened.path.stat().st_size
    with opened.path.open("rb") as file:
        file.seek(max(0, size - _TAIL_BYTES))
        tail = file.read().decode("cp1252", errors="replace").rstrip("\x1a\r\n")
    starts = [found.start() for found in _ROW_START.finditer(tail)]
    last = tail[starts[-1] :] if starts else ""
    cells = [len(row) for row in csv.reader(last.lstrip("\n").splitlines(keepends=True))]
    if cells[-1:] != [width] or last.count('"') % 2:
        raise damaged(opened, f"{width} columns in every row", "a last row that is cut off")


def _day(text: str) -> date | None:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None


FORMATS: Final[tuple[Format, ...]] = (
    Format(
        name="nppes",
        tables=("nppes",),
        title="NPPES providers (npidata_pfile CSV)",
        expects="CSV with the header NPI, Entity Type Code, ... Healthcare Provider Taxonomy Code_1",
        recognises=_recognises,
        read=_read,
    ),
)
