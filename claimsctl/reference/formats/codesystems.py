"""Code systems of CMS Blue Button (FSH): adjustment reasons and groups, places, specialties, revenue."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import polars as pl

from claimsctl.reference.formats.cells import few, once
from claimsctl.reference.formats.periods import stem
from claimsctl.reference.formats.x12lists import X12_LICENCE
from claimsctl.reference.manifest import read_shipped, shipped_specs
from claimsctl.reference.releases import Format, Opened, Release, UnknownRelease, Wanted, damaged

_HEAD: Final = re.compile(r"\ACodeSystem: .*?^Id: ([A-Z-]+)$", re.DOTALL | re.MULTILINE)
_ENTRY: Final = re.compile(r'^\* #(\S+) "((?:[^"\\]|\\.)*)"', re.MULTILINE)
_EXPECTED: Final = 'lines * #code "text" below a head with CodeSystem and Id'
_CC0: Final = "CC0, CMS Blue Button"
_SAME_DATES: Final = "first and last dates are those of the shipped list, which this file does not have"


def _reasons(listed: pl.DataFrame) -> pl.DataFrame:
    text = pl.col("text")
    return (
        listed.join(_shipped("carc"), on="code", how="left", maintain_order="left")
        .with_columns(
            (text.str.contains(r"\bINACTIVE\b") | pl.col("retired").fill_null(False)).alias("retired"),
            text.str.replace(r"\s*INACTIVE\s*$", "").alias("description"),
        )
        .select("code", "retired", "valid_from", "valid_to", "description")
    )


def _groups(listed: pl.DataFrame) -> pl.DataFrame:
    return listed.select("code", pl.col("text").str.extract(r"^(.*?)(?:\s+--|$)").alias("name"))


def _places(listed: pl.DataFrame) -> pl.DataFrame:
    # A name ends where its dates or its description begin; the shipped names are those CMS uses today.
    said = pl.col("text").str.extract(r"^(.*?)(?:\s*\(|\s+-|-\s|$)")
    return (
        listed.filter(pl.col("code").str.contains(r"^\d\d$") & (pl.col("text") != "UNASSIGNED"))
        .join(_shipped("pos"), on="code", how="left", maintain_order="left")
        .select("code", pl.coalesce("name", said).alias("name"), "facility", "valid_from", "valid_to")
    )


def _specialties(listed: pl.DataFrame) -> pl.DataFrame:
    return listed.select("code", pl.col("text").alias("name"))


def _revenue(listed: pl.DataFrame) -> pl.DataFrame:
    return listed.select("code", pl.col("text").alias("description"))


def _shipped(table: str) -> pl.DataFrame:
    return read_shipped(shipped_specs()[table])


Reader = Callable[[pl.DataFrame], pl.DataFrame]
_SYSTEMS: Final[dict[str, tuple[str, int, str, Reader]]] = {
    "ANSI-RSN-CD": ("carc", 400, X12_LICENCE, _reasons),
    "ANSI-GRP-CD": ("adjustment_groups", 5, _CC0, _groups),
    "CLM-POS-CD": ("pos", 50, _CC0, _places),
    "CLM-PRVDR-SPCLTY-CD": ("specialty_codes", 150, _CC0, _specialties),
    "CLM-REV-CNTR-CD": ("revenue_codes", 530, _CC0, _revenue),
}
"""The table of each code system, its usual rows, its licence, and how it is made of code and text."""


def _is_code_system(opened: Opened) -> bool:
    return _HEAD.match(opened.head_text()) is not None


def _read(opened: Opened, wanted: Wanted) -> list[Release]:
    text = opened.text("utf-8")
    head = _HEAD.match(text)
    if head is None:
        raise damaged(opened, _EXPECTED, "another head")
    if head[1] not in _SYSTEMS:
        raise UnknownRelease(
            f"{opened.name}: there is no table for the code system {head[1]}.",
            hint=f"Those with a table: {', '.join(_SYSTEMS)}.",
        )
    table, usual, licence, made = _SYSTEMS[head[1]]
    entries = _ENTRY.findall(text)
    if not entries or len(entries) < len(re.findall(r"^\* #", text, re.MULTILINE)):
        raise damaged(opened, _EXPECTED, "an entry that breaks off" if entries else "no entry")
    listed, notes = once(pl.DataFrame(entries, schema={"code": pl.String, "text": pl.String}, orient="row"))
    words = pl.col("text").str.replace_all(r'\\(["\\])', "$1").str.replace_all(r"\s+", " ")
    frame = made(listed.with_columns(words.str.strip_chars()))
    if "valid_from" in frame.columns:
        notes += (_SAME_DATES,)
    return [
        Release(
            table=table,
            edition=wanted.edition or stem(opened.name),
            valid_from=wanted.valid_from,
            valid_to=wanted.valid_to,
            source=f"CMS Blue Button code system {head[1]}, {opened.name}",
            licence=licence,
            frame=frame,
            notes=(*notes, *few(frame, usual)),
        )
    ]


FORMATS: Final[tuple[Format, ...]] = (
    Format(
        name="code_system",
        tables=tuple(table for table, *_ in _SYSTEMS.values()),
        title="code systems of CMS Blue Button (FSH)",
        expects="text that begins with CodeSystem:, with one of the Ids " + ", ".join(_SYSTEMS),
        recognises=_is_code_system,
        read=_read,
    ),
)
