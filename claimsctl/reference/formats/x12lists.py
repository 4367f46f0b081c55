"""Code lists of X12: adjustment reasons, remarks, claim status, as CSV or in the XML file of pyx12."""

from __future__ import annotations

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
    head_records,
    once,
    read_table,
    refuse,
)
from claimsctl.reference.formats.periods import stem
from claimsctl.reference.plainxml import DoctypeFound, plain_xml
from claimsctl.reference.releases import Format, Opened, Release, Wanted, damaged

X12_LICENCE: Final = "(c) X12; codes are facts, the wording is for use under your own X12 licence"

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


def _list_recogniser(table: str) -> Callable[[Opened], bool]:
    codes, words = (re.compile(pattern, re.IGNORECASE) for pattern in _LISTS[table])

    def recognises(opened: Opened) -> bool:
        records = [record for record in head_records(opened, _LIST_NAMES) if record["code"]]
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
        licence=X12_LICENCE,
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
        root = plain_xml(opened.path)
    except DoctypeFound:
        raise damaged(opened, _XML_EXPECTED, "a declaration of a document type") from None
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
