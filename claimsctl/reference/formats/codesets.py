"""Code lists of NUCC and CMS: provider taxonomy, place of service."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

import polars as pl

from claimsctl.reference.formats.cells import (
    ROW,
    columns_at,
    decoded,
    few,
    head_records,
    header,
    once,
    read_table,
    refuse,
)
from claimsctl.reference.formats.periods import stem
from claimsctl.reference.manifest import read_shipped, shipped_specs
from claimsctl.reference.releases import US_GOVERNMENT, Format, Opened, Release, Wanted, no_date

_TAXONOMY_EXPECTED: Final = (
    "columns Code, Grouping, Classification and a code of ten characters, X last, in every row"
)
_TAXONOMY_NAME: Final = re.compile(r"taxonomy[-_ ]?(\d\d)[._]?([01])(?!\d)", re.IGNORECASE)


def _is_taxonomy(opened: Opened) -> bool:
    return header(opened)[:4] == ["code", "grouping", "classification", "specialization"]


def _read_taxonomy(opened: Opened, wanted: Wanted) -> list[Release]:
    found = _TAXONOMY_NAME.search(opened.name)
    start, end, edition = wanted.valid_from, wanted.valid_to, wanted.edition
    if found is not None:
        # Two versions a year: 24.0 of January and 24.1 of July 2024.
        year, half = 2000 + int(found[1]), int(found[2])
        edition = edition or f"{found[1]}.{found[2]}"
        if start is None:
            start, end = (
                date(year, 6 * half + 1, 1),
                end or (date(year, 12, 31) if half else date(year, 6, 30)),
            )
    if start is None:
        raise no_date(opened, "a list of taxonomy codes", "2026-01-01")
    cells = read_table(opened, decoded(opened), _TAXONOMY_EXPECTED)
    if "section" not in cells.columns:
        cells = cells.with_columns(pl.lit(None, pl.String).alias("section"))
    fits = pl.col("code").str.contains(r"^[0-9A-Z]{9}X$") & pl.col("grouping", "classification").is_not_null()
    refuse(opened, cells, pl.all_horizontal(fits), _TAXONOMY_EXPECTED)
    frame, notes = once(cells.select("code", "grouping", "classification", "section"))
    return [
        Release(
            table="taxonomy",
            edition=edition or f"{start:%Y-%m}",
            valid_from=start,
            valid_to=end,
            source=f"NUCC Health Care Provider Taxonomy, {opened.name}",
            licence=shipped_specs()["taxonomy"].licence,
            frame=frame,
            notes=(*notes, *few(frame, 870)),
        )
    ]


_POS_NAMES: Final = {
    "code": ("pos_code", "code", "pos code", "place of service code", "place of service code(s)"),
    "name": ("pos_name", "name", "place of service name"),
}
_POS_FACILITY: Final = ("pos_type", "facility")
_FACILITY: Final = {
    **dict.fromkeys(("facility", "yes", "y", "f"), True),
    **dict.fromkeys(("non-facility", "nonfacility", "no", "n", "nf"), False),
}
_POS_EXPECTED: Final = "a code of two digits and a name in every row"


def _is_pos(opened: Opened) -> bool:
    records = head_records(opened, _POS_NAMES)
    # `code,name` is the header of many lists: two places everybody bills tell this one.
    return any(
        (code.zfill(2), name.lower()) in {("11", "office"), ("21", "inpatient hospital")}
        for code, name in ((record["code"], record["name"]) for record in records)
    )


def _read_pos(opened: Opened, wanted: Wanted) -> list[Release]:
    cells = read_table(opened, decoded(opened), _POS_EXPECTED)
    chosen = columns_at(opened, cells.columns, _POS_NAMES, _POS_EXPECTED)
    flag = next((pl.col(name) for name in _POS_FACILITY if name in cells.columns), pl.lit(None, pl.String))
    listed = cells.select(
        ROW,
        pl.col(chosen["code"]).str.zfill(2).alias("code"),
        pl.col(chosen["name"]).alias("name"),
        flag.str.to_lowercase().alias("flag"),
    ).filter(~pl.col("name").str.contains("(?i)unassigned").fill_null(False))
    fits = (
        pl.col("code").str.contains(r"^\d\d$")
        & pl.col("name").is_not_null()
        & pl.col("flag").is_in(list(_FACILITY)).fill_null(True)
    )
    refuse(opened, listed, fits, _POS_EXPECTED)
    kept, notes = once(listed.drop(ROW))
    shipped = read_shipped(shipped_specs()["pos"]).drop("name")
    frame = kept.join(shipped, on="code", how="left", maintain_order="left").with_columns(
        pl.coalesce(
            pl.col("flag").replace_strict(_FACILITY, default=None, return_dtype=pl.Boolean), "facility"
        ).alias("facility")
    )
    notes += (
        "first and last dates, and facility flags where the file has none, are those of the shipped list",
    )
    return [
        Release(
            table="pos",
            edition=wanted.edition or stem(opened.name),
            valid_from=wanted.valid_from,
            valid_to=wanted.valid_to,
            source=f"CMS place of service codes, {opened.name}",
            licence=US_GOVERNMENT,
            frame=frame.select("code", "name", "facility", "valid_from", "valid_to"),
            notes=(*notes, *few(frame, 50)),
        )
    ]


FORMATS: Final[tuple[Format, ...]] = (
    Format(
        name="nucc_taxonomy",
        tables=("taxonomy",),
        title="NUCC provider taxonomy (CSV)",
        expects="CSV with the header Code,Grouping,Classification,Specialization",
        recognises=_is_taxonomy,
        read=_read_taxonomy,
    ),
    Format(
        name="pos",
        tables=("pos",),
        title="place of service codes (CSV)",
        expects="CSV with code and name, facility or not, and the places 11 Office or 21 Inpatient Hospital",
        recognises=_is_pos,
        read=_read_pos,
    ),
)
