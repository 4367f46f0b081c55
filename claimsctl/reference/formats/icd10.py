"""ICD-10-CM code lists of CMS and NCHS, and the diagnosis edits of the Medicare Code Editor (MCE)."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

import polars as pl

from claimsctl.reference import icd10cm
from claimsctl.reference.formats.cells import (
    ROW,
    decoded,
    few,
    head_lines,
    header,
    lines,
    once,
    read_table,
    refuse,
)
from claimsctl.reference.formats.periods import Period, year_in
from claimsctl.reference.releases import US_GOVERNMENT, Format, Opened, Release, Wanted, damaged, no_date

_DIAGNOSIS: Final = r"[A-Z][0-9A][0-9A-Z]{1,5}"
_CODES_LINE: Final = re.compile(rf"({_DIAGNOSIS})(?:\s+\S.*|\s*)")
_ORDER_LINE: Final = re.compile(rf"\d{{5}} {_DIAGNOSIS} +[01] \S")
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
    period = _fiscal_year(opened, wanted, "a list of ICD-10-CM codes")
    parts = pl.col("line").str.extract_groups(r"^([A-Z0-9]+)(?:\s+(\S.*))?$")
    listed = lines(decoded(opened)).select(
        ROW, parts.struct[0].alias("code"), parts.struct[1].str.strip_chars().alias("title")
    )
    refuse(opened, listed, pl.col("code").str.contains(f"^{_DIAGNOSIS}$"), _CODES_EXPECTED)
    billable, notes = once(listed.select("code", "title", pl.lit(True).alias("billable")))
    if not billable["title"].count():
        notes += (
            "the list has no names: side, trimester and postpartum of a code stay unknown; "
            "the order file (icd10cm_order) has them",
        )
    headers = _headers(billable)
    frame = pl.concat([billable, headers], how="diagonal").sort("code")
    notes += (f"{headers.height:,} categories that are not billable were made from the codes below them",)
    return [_release(opened, period, frame, notes)]


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
    period = _fiscal_year(opened, wanted, "an ICD-10-CM order file")
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
        pl.col("code").str.contains(f"^{_DIAGNOSIS}$")
        & pl.col("billable").is_not_null()
        & (pl.col("title") != "")
    )
    refuse(opened, listed, fits, _ORDER_EXPECTED)
    frame, notes = once(listed.drop(ROW))
    if not frame["billable"].any():
        raise damaged(opened, _ORDER_EXPECTED, "no billable code")
    return [_release(opened, period, frame, notes)]


def _release(opened: Opened, period: Period, frame: pl.DataFrame, notes: tuple[str, ...]) -> Release:
    return Release(
        table="icd10cm",
        edition=period.edition,
        valid_from=period.valid_from,
        valid_to=period.valid_to,
        source=f"CMS/NCHS ICD-10-CM, {opened.name}",
        licence=US_GOVERNMENT,
        frame=_described(frame),
        notes=(*notes, *few(frame, 95_000)),
    )


def _described(frame: pl.DataFrame) -> pl.DataFrame:
    """The columns of `icd10cm.SCHEMA` from code, billable and title (null: what a name tells is null)."""
    starts = pl.Series([start for start, _ in _CHAPTERS])
    chapters = pl.Series("chapter", [chapter for _, chapter in _CHAPTERS], dtype=pl.Int64)
    frame = frame.with_columns(
        pl.col("code").str.slice(0, 3).alias("category"), pl.col("title").str.to_lowercase()
    )
    place = starts.search_sorted(frame["category"], side="right")
    frame = frame.with_columns(chapters.gather(place - 1))
    incomplete = icd10cm.incomplete(frame).filter(pl.col("kind") == "seventh")["value"]
    title = pl.col("title")
    return frame.with_columns(
        (~pl.col("billable") & pl.col("code").is_in(incomplete.implode())).alias("needs_seventh"),
        icd10cm._side(frame["title"]),
        pl.when(title.is_not_null()).then(icd10cm._sided_sibling(frame)).alias("sided_sibling"),
        title.str.contains(r"\b(?:puerper\w*|postpartum)\b").alias("postpartum"),
        title.str.extract(r"\b(first|second|third) trimester\b")
        .replace_strict({"first": 1, "second": 2, "third": 3}, default=None, return_dtype=pl.Int64)
        .alias("trimester"),
    ).select([pl.col(name).cast(dtype) for name, dtype in icd10cm.SCHEMA.items()])


def _fiscal_year(opened: Opened, wanted: Wanted, what: str, year: int | None = None) -> Period:
    """The fiscal year (October to September) the user, the file or its name says.

    An update of April is in force from April: its new codes did not exist before.
    """
    year = year or year_in(opened.name)
    april = "april" in opened.name.lower()
    start = wanted.valid_from
    if start is None and year is not None:
        start = date(year, 4, 1) if april else date(year - 1, 10, 1)
    if start is None:
        raise no_date(opened, what)
    fiscal = start.year + (start.month >= 10)
    name = f"FY{fiscal}" + ("-04" if start.month == 4 else "")
    return Period(wanted.edition or name, start, wanted.valid_to or date(fiscal, 9, 30))


_MCE_HEADER: Final = [
    *("mce_version", "icd_version", "mce_section", "mce_subsection"),
    *("mce_edit_type", "icd_code_type", "icd_code", "icd_desc"),
]
_MCE_EXPECTED: Final = (
    "the eight columns MCE_Version to ICD_Desc, a diagnosis code with a known edit in every row"
)
_MCE_EDITS: Final = {
    "Newborn_Only": "newborn",
    "Pediatric_Only": "pediatric",
    "Maternity_Only": "maternity",
    "Adult_Only": "adult",
    "Female_Only": "female",
    "Male_Only": "male",
    "Principal_Manifestation": "manifestation",
    "Principal_Questionable_Admit": "questionable_admission",
    "Principal_Unacceptable": "unacceptable_principal",
}
_MCE_LEFT_OUT: Final = ("Wrong_Performed",)
_LIST_HEADER: Final = [
    *("code", "age_class", "age_min", "age_max", "sex_only_until_edit_retired", "principal_dx_edits"),
]
_LIST_EXPECTED: Final = "a diagnosis code, an age class with its ages, F or M, edits parted by | in every row"
_AGE_CLASSES: Final = ("newborn", "pediatric", "maternity", "adult")
_SEX_NOTE: Final = "the editor raises no sex conflict for dates from 1 October 2024"


def _is_mce(opened: Opened) -> bool:
    return header(opened, "\t") == _MCE_HEADER


def _read_mce(opened: Opened, wanted: Wanted) -> list[Release]:
    cells = read_table(opened, decoded(opened), _MCE_EXPECTED, "\t")
    diagnoses = cells.filter(pl.col("icd_code_type") == "D", ~pl.col("mce_edit_type").is_in(_MCE_LEFT_OUT))
    fits = (
        pl.col("icd_code").str.contains(f"^{_DIAGNOSIS}$")
        & pl.col("mce_edit_type").is_in(list(_MCE_EDITS))
        & pl.col("mce_version").str.contains(r"^\d\d(?:\.\d)?$")
        & (pl.col("icd_version") == "10")
    )
    refuse(opened, diagnoses, fits, _MCE_EXPECTED)
    version = int(str(diagnoses[0, "mce_version"])[:2])
    # MCE 37 is the editor of fiscal year 2020; it widened the maternity ages from 12-55.
    period = _fiscal_year(opened, wanted, "a list of MCE edits", 1983 + version)
    ages = {"newborn": (0, 0), "pediatric": (0, 17), "maternity": (9, 64), "adult": (15, 124)}
    if version < 37:
        ages["maternity"] = (12, 55)
    edit = pl.col("mce_edit_type")
    flags = diagnoses.group_by("icd_code").agg(
        [(edit == listed).any().alias(name) for listed, name in _MCE_EDITS.items()]
    )
    lowest = [pl.when(name).then(pl.lit(low, pl.Int64)) for name, (low, _) in ages.items()]
    highest = [pl.when(name).then(pl.lit(high, pl.Int64)) for name, (_, high) in ages.items()]
    frame = flags.with_columns(
        pl.max_horizontal(lowest).alias("age_min"),
        pl.min_horizontal(highest).alias("age_max"),
        pl.when(pl.col("female") & ~pl.col("male"))
        .then(pl.lit("F"))
        .when("male")
        .then(pl.lit("M"))
        .alias("sex"),
    ).rename({"icd_code": "code"})
    left_out = cells.height - diagnoses.height
    notes = (f"{left_out:,} rows on procedures were left out",) if left_out else ()
    return [_edits(opened, period, frame, notes)]


def _is_list(opened: Opened) -> bool:
    return header(opened) == _LIST_HEADER


def _read_list(opened: Opened, wanted: Wanted) -> list[Release]:
    period = _fiscal_year(opened, wanted, "a list of diagnosis edits")
    cells = read_table(opened, decoded(opened), _LIST_EXPECTED).rename({"sex_only_until_edit_retired": "sex"})
    typed = cells.with_columns(pl.col("age_min", "age_max").cast(pl.Int64, strict=False))
    aged = pl.col("age_min").is_not_null() & pl.col("age_max").is_not_null()
    fits = (
        pl.col("code").str.contains(f"^{_DIAGNOSIS}$")
        & pl.when(pl.col("age_class").is_null())
        .then(~aged)
        .otherwise(aged & pl.col("age_class").is_in(_AGE_CLASSES))
        & pl.col("sex").is_in(["F", "M"]).fill_null(True)
    )
    refuse(opened, typed, fits, _LIST_EXPECTED)
    principal = pl.col("principal_dx_edits").fill_null("").str.split("|")
    frame = typed.with_columns(
        *[(pl.col("age_class") == name).fill_null(False).alias(name) for name in _AGE_CLASSES],
        principal.list.contains("MANIFESTATION_AS_PDX").alias("manifestation"),
        principal.list.contains("UNACCEPTABLE_PDX").alias("unacceptable_principal"),
        principal.list.contains("QUESTIONABLE_ADMISSION").alias("questionable_admission"),
    )
    other = pl.any_horizontal(
        pl.col("age_class", "sex").is_not_null(),
        "manifestation",
        "unacceptable_principal",
        "questionable_admission",
    )
    kept, notes = once(frame.filter(other).drop(ROW))
    left_out = frame.height - frame.filter(other).height
    if left_out:
        notes += (
            f"{left_out:,} codes with no edit of age, sex or principal diagnosis used here were left out",
        )
    return [_edits(opened, period, kept, notes)]


def _edits(opened: Opened, period: Period, frame: pl.DataFrame, notes: tuple[str, ...]) -> Release:
    columns = ("code", "age_min", "age_max", "sex", "newborn", "pediatric", "maternity", "adult")
    principal = ("manifestation", "unacceptable_principal", "questionable_admission")
    return Release(
        table="icd10cm_edits",
        edition=period.edition,
        valid_from=period.valid_from,
        valid_to=period.valid_to,
        source=f"CMS Medicare Code Editor, diagnosis edits, {opened.name}",
        licence=US_GOVERNMENT,
        frame=frame.select(*columns, *principal).sort("code"),
        notes=(*notes, _SEX_NOTE)
        if period.valid_to is None or period.valid_to >= date(2024, 10, 1)
        else notes,
    )


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
    Format(
        name="mce_edits",
        tables=("icd10cm_edits",),
        title="MCE simple code edits (text parted by tabs)",
        expects="text parted by tabs with the header MCE_Version to ICD_Desc",
        recognises=_is_mce,
        read=_read_mce,
    ),
    Format(
        name="mce_dx_edits",
        tables=("icd10cm_edits",),
        title="MCE diagnosis edits, one row per code (CSV)",
        expects="CSV with the header code,age_class,age_min,age_max,sex_only...,principal_dx_edits",
        recognises=_is_list,
        read=_read_list,
    ),
)
