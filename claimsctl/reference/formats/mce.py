"""Diagnosis edits of the Medicare Code Editor (MCE): age, sex, principal diagnosis."""

from __future__ import annotations

from datetime import date
from typing import Final

import polars as pl

from claimsctl.reference.formats.cells import ROW, decoded, header, once, read_table, refuse
from claimsctl.reference.formats.icd10 import DIAGNOSIS, fiscal_year
from claimsctl.reference.formats.periods import Period
from claimsctl.reference.releases import US_GOVERNMENT, Format, Opened, Release, Wanted

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
        pl.col("icd_code").str.contains(f"^{DIAGNOSIS}$")
        & pl.col("mce_edit_type").is_in(list(_MCE_EDITS))
        & pl.col("mce_version").str.contains(r"^\d\d(?:\.\d)?$")
        & (pl.col("icd_version") == "10")
    )
    refuse(opened, diagnoses, fits, _MCE_EXPECTED)
    version = int(str(diagnoses[0, "mce_version"])[:2])
    # MCE 37 is the editor of fiscal year 2020; it widened the maternity ages from 12-55.
    period = fiscal_year(opened, wanted, "a list of MCE edits", 1983 + version)
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
    period = fiscal_year(opened, wanted, "a list of diagnosis edits")
    cells = read_table(opened, decoded(opened), _LIST_EXPECTED).rename({"sex_only_until_edit_retired": "sex"})
    typed = cells.with_columns(pl.col("age_min", "age_max").cast(pl.Int64, strict=False))
    aged = pl.col("age_min").is_not_null() & pl.col("age_max").is_not_null()
    fits = (
        pl.col("code").str.contains(f"^{DIAGNOSIS}$")
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
        # The editor's name for the one code of that list that another diagnosis makes acceptable (Z51.89).
        pl.any_horizontal(
            principal.list.contains(name) for name in ("UNACCEPTABLE_PDX", "REQUIRES_SDX")
        ).alias("unacceptable_principal"),
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
        usual=7_500,
    )


FORMATS: Final[tuple[Format, ...]] = (
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
