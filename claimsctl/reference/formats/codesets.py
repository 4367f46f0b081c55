"""Code lists of NUCC, CMS and X12: taxonomy, place of service, adjustment, remark and claim status codes."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Final
from xml.etree import ElementTree

import polars as pl

from claimsctl.reference.formats.cells import (
    ROW,
    columns_at,
    day,
    decoded,
    few,
    head_lines,
    header,
    once,
    read_table,
    refuse,
)
from claimsctl.reference.formats.periods import stem
from claimsctl.reference.manifest import read_shipped, shipped_specs
from claimsctl.reference.releases import US_GOVERNMENT, Format, Opened, Release, Wanted, damaged, no_date

_X12: Final = "(c) X12; codes are facts, the wording is for use under your own X12 licence"

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
        raise no_date(opened, "a list of taxonomy codes")
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
    records = _head_records(opened, _POS_NAMES)
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


_LIST_NAMES: Final = {
    "code": ("code", "reason code", "remark code", "claim status category code", "claim status code"),
    "description": ("description", "desc", "long description"),
    "start": ("start date", "start", "startdate", "start_date", "effective date", "effective_date"),
    "stop": (
        "stop date",
        "stop",
        "stopdate",
        "stop_date",
        "end date",
        "enddate",
        "end_date",
        "deactivation_date",
    ),
}
_LISTS: Final[Mapping[str, tuple[str, str]]] = {
    "carc": (r"\d{1,3}|[ABDPWY]\d{1,2}", r"deductible amount|coinsurance amount"),
    "rarc": (r"(?:M|MA|N)\d{1,4}", r""),
    "status_categories": (r"[ADEFPRX]\d{1,2}|DR\d\d|RQ", r"acknowledge?ment/|finalized|pending/"),
    "claim_status_codes": (
        r"\d{1,4}",
        r"further status|see remittance advice|more detailed information in letter",
    ),
}
"""What the codes of each list look like, and wording that this list alone has."""
_LIST_TITLES: Final = {
    "carc": "Claim adjustment reason codes",
    "rarc": "Remittance advice remark codes",
    "status_categories": "Claim status category codes (507)",
    "claim_status_codes": "Claim status codes (508)",
}
_LIST_ROWS: Final = {"carc": 400, "rarc": 1_100, "status_categories": 48, "claim_status_codes": 780}
_LIST_SCHEMA: Final[dict[str, pl.DataType]] = {
    "code": pl.String(),
    "retired": pl.Boolean(),
    "valid_from": pl.Date(),
    "valid_to": pl.Date(),
    "description": pl.String(),
}
_DAYS: Final = ("%Y-%m-%d", "%m/%d/%Y", "%Y%m%d")


def _head_records(opened: Opened, wanted: Mapping[str, tuple[str, ...]]) -> list[dict[str, str]]:
    """Our columns in the first records of a CSV; none when it has not all of them."""
    found = header(opened)
    places = {ours: next((found.index(n) for n in names if n in found), -1) for ours, names in wanted.items()}
    if min(places.values()) < 0:
        return []
    try:
        records = list(csv.reader(head_lines(opened, 400)))[1:]
    except csv.Error:
        return []
    whole = [record for record in records if len(record) > max(places.values())]
    return [{ours: record[place].strip() for ours, place in places.items()} for record in whole]


def _list_recogniser(table: str) -> Callable[[Opened], bool]:
    codes, words = (re.compile(pattern, re.IGNORECASE) for pattern in _LISTS[table])

    def recognises(opened: Opened) -> bool:
        records = [record for record in _head_records(opened, _LIST_NAMES) if record["code"]]
        return (
            bool(records)
            and all(codes.fullmatch(record["code"]) for record in records)
            and any(words.search(record["description"]) for record in records)
        )

    return recognises


def _list_reader(table: str) -> Callable[[Opened, Wanted], list[Release]]:
    expected = f"code, description, start and stop date of {_LIST_TITLES[table].lower()} in every row"

    def read(opened: Opened, wanted: Wanted) -> list[Release]:
        cells = read_table(opened, decoded(opened), expected)
        chosen = columns_at(opened, cells.columns, dict(_LIST_NAMES), expected)
        listed = cells.select(ROW, *[pl.col(name).alias(ours) for ours, name in chosen.items()]).with_columns(
            day("start", *_DAYS).alias("valid_from"), day("stop", *_DAYS).alias("valid_to")
        )
        fits = (
            pl.col("code").str.contains(f"^(?:{_LISTS[table][0]})$")
            & (pl.col("start").is_null() == pl.col("valid_from").is_null())
            & (pl.col("stop").is_null() == pl.col("valid_to").is_null())
        )
        refuse(opened, listed, fits, expected)
        frame, notes = once(
            listed.with_columns(pl.col("valid_to").is_not_null().alias("retired")).select(list(_LIST_SCHEMA))
        )
        newest = frame["valid_from"].max()
        name = f"{newest:%Y-%m}" if isinstance(newest, date) else stem(opened.name)
        return [_list_release(opened, wanted, table, name, frame, notes)]

    return read


def _list_release(
    opened: Opened, wanted: Wanted, table: str, name: str, frame: pl.DataFrame, notes: tuple[str, ...]
) -> Release:
    return Release(
        table=table,
        edition=wanted.edition or name,
        valid_from=wanted.valid_from,
        valid_to=wanted.valid_to,
        source=f"X12 {_LIST_TITLES[table].lower()}, {opened.name}",
        licence=_X12,
        frame=frame,
        notes=(*notes, *few(frame, _LIST_ROWS[table])),
    )


_XML_LISTS: Final = {
    "claim_status_cat": "status_categories",
    "claim_status": "claim_status_codes",
    "remark_code": "rarc",
}
_XML_EXPECTED: Final = f"the code sets {', '.join(_XML_LISTS)} of pyx12"


def _is_xml(opened: Opened) -> bool:
    text = opened.head_text()
    return text.lstrip().startswith("<?xml") and "<codesets" in text and "<codeset>" in text


def _read_xml(opened: Opened, wanted: Wanted) -> list[Release]:
    try:
        root = ElementTree.parse(opened.path).getroot()
    except ElementTree.ParseError:
        raise damaged(opened, _XML_EXPECTED, "XML that breaks off or is not well formed") from None
    codes = {
        table: [code.text.strip() for code in each.iter("code") if code.text]
        for each in root.iter("codeset")
        if (table := _XML_LISTS.get(each.findtext("id", "").strip()))
    }
    if len(codes) < len(_XML_LISTS) or not all(codes.values()):
        raise damaged(opened, _XML_EXPECTED, ", ".join(codes) or "none of them")
    nulls = [pl.lit(None, dtype).alias(name) for name, dtype in _LIST_SCHEMA.items() if name != "code"]
    note = "codes only, without dates, some years old: a code that is not among them may be newer"
    releases = []
    for table, listed in codes.items():
        frame, notes = once(pl.DataFrame({"code": listed}, schema={"code": pl.String}).with_columns(nulls))
        releases.append(_list_release(opened, wanted, table, "pyx12", frame, (*notes, note)))
    return releases


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
    *(
        Format(
            name=table,
            tables=(table,),
            title=f"{title} (CSV)",
            expects="CSV with the columns code, description, start date, stop date",
            recognises=_list_recogniser(table),
            read=_list_reader(table),
        )
        for table, title in _LIST_TITLES.items()
    ),
    Format(
        name="pyx12_codes",
        tables=tuple(_XML_LISTS.values()),
        title="claim status and remark codes of pyx12 (codes.xml)",
        expects="XML with the root codesets",
        recognises=_is_xml,
        read=_read_xml,
    ),
)
