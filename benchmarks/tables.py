"""Write invented reference tables of the size of the published ones, in the formats they are published in.

    python -m benchmarks.tables DIRECTORY

For a rule section of the bench where no published tables lie beside the checkout. The codes that generated
claims bill are in every table; what the tables say of them is invented and must not be used for anything.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from benchmarks import people, visits
from claimsctl.reference import icd10cm

PAIRS: Final = 2_140_693
UNITS: Final = 15_095
VALUES: Final = 19_277
EDITS: Final = 18_464
HCPCS: Final = 8_725
ZIPS: Final = 42_956
"""Rows of the releases of spring 2026: PTP pairs, MUE, fee schedule, diagnosis edits, HCPCS, ZIP codes."""

PTP_FILE: Final = "ptp_practitioner_pairs.csv"
MUE_FILE: Final = "MCR_MUE_PractitionerServices_Eff_01-01-2026.csv"
MPFS_FILE: Final = "PPRRVU2026_Jan.csv"
EDITS_FILE: Final = "mce_dx_edits_2026.csv"
HCPCS_FILE: Final = "hcpcs_level2_codes.txt"
ZIP_FILE: Final = "ZIP5_JAN2026.txt"

_MUE_HEAD = (
    '"An invented list.\n\nFor measuring only.",,,\n"HCPCS/\nCPT Code",Practitioner Services MUE Values,'
    "MUE Adjudication Indicator,MUE Rationale\n"
)
_MPFS_HEAD = (
    ",,2026 National Physician Fee Schedule Relative Value File January Release" + "," * 29 + "\n"
    ",,RELEASED 12/29/2025" + "," * 29 + "\n"
    "HCPCS,MOD,DESCRIPTION,CODE,PAYMENT,RVU,PE RVU,INDICATOR,PE RVU,INDICATOR,RVU,TOTAL,TOTAL,IND,DAYS,OP,OP,"
    "OP,PROC,SURG,SURG,SURG,SURG,IND,BASE,FACTOR,PROCEDURES,FLAG,INDICATOR,AMOUNT,AMOUNT,AMOUNT\n"
)
_MAI = ("1 Line Edit", "2 Date of Service Edit: Policy", "3 Date of Service Edit: Clinical")
_RATIONALES = (
    "Standards of medical / surgical practice",
    "CPT Manual or CMS manual coding instruction",
    "Mutually exclusive procedures",
    "More extensive procedure",
)
_AGES = {"newborn": (0, 0), "pediatric": (0, 17), "maternity": (9, 64), "adult": (15, 124)}


def procedure_codes(count: int) -> pl.Series:
    """`count` codes: those that generated claims bill first, then numbers in order."""
    billed = visits.book().line_text["procedure_code"].drop_nulls().unique().sort()
    numbers = pl.Series(np.linspace(10_000, 99_499, count).astype(int)).cast(pl.String)
    return pl.concat([billed, numbers.filter(~numbers.is_in(billed.implode()))]).head(count).alias("code")


def ptp_pairs(count: int, rng: np.random.Generator) -> pl.DataFrame:
    """Different ordered pairs of two codes; indicator 0, 1 or 9."""
    codes = procedure_codes(UNITS)
    drawn = np.unique(rng.integers(0, len(codes) ** 2, count * 2))
    first, second = np.divmod(drawn, len(codes))
    chosen = np.sort(rng.permutation(np.flatnonzero(first != second))[:count])
    return pl.DataFrame(
        {
            "column1": codes.gather(first[chosen]),
            "column2": codes.gather(second[chosen]),
            "modifier_indicator": rng.choice([0, 1, 9], count, p=[0.35, 0.6, 0.05]),
            "rationale": pl.Series(_RATIONALES).gather(rng.integers(0, len(_RATIONALES), count)),
        }
    )


def unit_limits(rng: np.random.Generator) -> pl.DataFrame:
    """MUE values from 1 to 20 with their adjudication indicators."""
    return pl.DataFrame(
        {
            "code": procedure_codes(UNITS),
            "units": rng.integers(1, 21, UNITS),
            "mai": pl.Series(_MAI).gather(rng.choice(3, UNITS, p=[0.01, 0.36, 0.63])),
            "rationale": pl.repeat("Invented", UNITS, eager=True),
        }
    )


def relative_values(rng: np.random.Generator) -> pl.DataFrame:
    """Rows of the fee schedule in the 32 columns of 2026, most codes once, some as 26 and TC too."""
    split = VALUES // 12
    codes = procedure_codes(VALUES - 2 * split)
    plain = pl.DataFrame({"c0": codes, "c1": pl.repeat("", len(codes), eager=True)})
    parts = [plain[-split:].with_columns(pl.lit(modifier).alias("c1")) for modifier in ("26", "TC")]
    keys = pl.concat([plain, *parts])
    work, expense, malpractice = (people.money(rng.integers(0, 4_000, VALUES)) for _ in range(3))
    fixed = {"c3": "A", "c13": "0", "c14": "XXX", "c24": "", "c25": "33.4009", "c26": "09", "c27": "0"}
    fixed |= dict.fromkeys(("c18", "c19", "c20", "c21", "c22", "c23"), "0") | {"c28": "99"}
    zero = ("c11", "c12", "c15", "c16", "c17", "c29", "c30", "c31")
    frame = keys.with_columns(
        work.alias("c5"), expense.alias("c6"), expense.alias("c8"), malpractice.alias("c10"),
        *[pl.lit(value).alias(name) for name, value in fixed.items()],
        *[pl.lit("0.00").alias(name) for name in zero],
        *[pl.lit("").alias(name) for name in ("c2", "c4", "c7", "c9")],
    )  # fmt: skip
    return frame.select([f"c{n}" for n in range(32)])


def diagnosis_edits(rng: np.random.Generator) -> pl.DataFrame:
    """Diagnosis codes with an age class, a sex or an edit of the principal diagnosis."""
    _release, known = icd10cm.load()
    billable = known.filter("billable")["code"].sort()
    codes = billable.gather(np.sort(rng.permutation(len(billable))[:EDITS]))
    group = rng.integers(0, 8, EDITS)
    ages = pl.Series([*_AGES, *[None] * 4], dtype=pl.String).gather(group)
    principal = pl.Series([*[""] * 5, "MANIFESTATION_AS_PDX", "UNACCEPTABLE_PDX", ""]).gather(group)
    return pl.DataFrame(
        {
            "code": codes,
            "age_class": ages,
            "age_min": ages.replace_strict({k: low for k, (low, _) in _AGES.items()}, default=None),
            "age_max": ages.replace_strict({k: high for k, (_, high) in _AGES.items()}, default=None),
            "sex_only_until_edit_retired": pl.Series([*[""] * 6, "F", "M"]).gather(group[::-1].copy()),
            "principal_dx_edits": principal,
        }
    )


def zip_lines(rng: np.random.Generator) -> list[str]:
    """Records of 80 characters: state, ZIP, contractor, locality."""
    known = {place: state for _city, state, place, *_ in people.CITIES}
    others = [f"{number:05d}" for number in np.linspace(501, 99_950, ZIPS).astype(int)]
    states = sorted(set(known.values()))
    drawn = rng.integers(0, len(states), ZIPS)
    chosen = [*known, *(z for z in others if z not in known)][:ZIPS]
    heads = (
        f"{known.get(z) or states[drawn[n]]}{z}{2102 + drawn[n]:05d}{drawn[n] + 1:02d}"
        for n, z in enumerate(chosen)
    )
    return [f"{head:<20}0 A{'':52}20261" for head in heads]


def write(folder: Path, *, pairs: int = PAIRS, seed: int = 1) -> list[Path]:
    """Write all files; the same seed gives the same bytes."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    ptp_pairs(pairs, rng).write_csv(folder / PTP_FILE)
    for name, head, frame in (
        (MUE_FILE, _MUE_HEAD, unit_limits(rng)),
        (MPFS_FILE, _MPFS_HEAD, relative_values(rng)),
    ):
        rows = frame.write_csv(include_header=False, quote_style="never")
        (folder / name).write_text(head + rows, encoding="utf-8")
    diagnosis_edits(rng).write_csv(folder / EDITS_FILE, quote_style="never")
    billed = procedure_codes(500).filter(procedure_codes(500).str.contains("^[A-V]"))
    invented = [f"{letter}{number:04d}" for letter in "ABCEGHJKLMPQRSTV" for number in range(0, 9_999, 18)]
    hcpcs = sorted({*billed, *invented})[:HCPCS]
    (folder / HCPCS_FILE).write_text("\n".join(hcpcs) + "\n", encoding="utf-8")
    (folder / ZIP_FILE).write_text("\n".join(zip_lines(rng)) + "\n", encoding="utf-8")
    return sorted(folder.iterdir())


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Write invented reference tables of the published size.")
    parser.add_argument("directory", type=Path)
    write(parser.parse_args().directory)


if __name__ == "__main__":
    main()
