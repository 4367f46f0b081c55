"""ICD-10-CM lists and the edits of the Medicare Code Editor, with the quirks of each file."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from claimsctl.reference import icd10cm
from claimsctl.reference.diagnoses import NAMED, SCHEMA
from claimsctl.reference.formats.icd10 import FORMATS
from claimsctl.reference.releases import UnknownRelease, Wanted
from tests.reference.published import one, refusal, write

# --- ICD-10-CM

CODES = ["A000", "A009", "F411", "O0991", "QA0011", "S52001A", "S52001D", "T360X1A", "Z3A00", "U071"]
ABOVE = ["A00", "F41", "O09", "O099", "QA0", "QA00", "QA001", "S52", "S520", "S5200", "S52001"]
ABOVE += ["T36", "T360", "T360X", "T360X1", "Z3A", "Z3A0", "U07"]


def test_codes_alone(tmp_path: Path) -> None:
    release = one(write(tmp_path, "icd10cm_codes_2026.txt", "\r\n".join(CODES) + "\r\n\x1a"))
    assert (release.edition, release.valid_from, release.valid_to) == (
        "FY2026",
        date(2025, 10, 1),
        date(2026, 9, 30),
    )
    frame = release.frame
    assert dict(frame.schema) == SCHEMA
    assert sorted(frame.filter("billable")["code"]) == sorted(CODES)
    assert sorted(frame.filter(~pl.col("billable"))["code"]) == sorted(ABOVE)
    chapters = dict(frame.select("code", "chapter").iter_rows())
    assert [chapters[c] for c in ("A00", "F411", "QA0011", "S52001A", "U071", "Z3A00")] == [
        1,
        5,
        17,
        19,
        22,
        21,
    ]
    assert frame.filter("needs_seventh")["code"].to_list() == ["S52001", "T360X1"]


def test_codes_alone_keep_what_the_names_of_the_shipped_list_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # S52521K is new: its side is that of the others with its first six characters. H66X1 has none.
    codes = ["H65191", "H65199", "O0991", "S52521A", "S52521K", "H66X1"]
    shipped = pl.DataFrame(
        {
            "code": ["H65191", "H65199", "O0991", "S52521A", "S52521D"],
            "side": ["right", None, None, "right", "right"],
            "sided_sibling": [False, True, False, False, False],
            "trimester": [None, None, 1, None, None],
            "postpartum": [False] * 5,
        },
        schema={name: SCHEMA[name] for name in ("code", *NAMED)},
    )
    known = icd10cm.Release("1", "2026-04", date(2025, 10, 1), date(2026, 9, 30), tmp_path, tmp_path)
    monkeypatch.setattr(icd10cm, "find_release", lambda: known)
    monkeypatch.setattr(icd10cm, "load", lambda: (known, shipped))
    opened = write(tmp_path, "icd10cm_codes_2027.txt", "\n".join(codes))
    release = one(opened)
    assert dict(release.frame.schema) == SCHEMA
    found = {row["code"]: tuple(row[name] for name in NAMED) for row in release.frame.iter_rows(named=True)}
    assert {code: found[code] for code in codes} == {
        "H65191": ("right", False, None, False),
        "H65199": (None, True, None, False),
        "O0991": (None, False, 1, False),
        "S52521A": ("right", False, None, False),
        "S52521K": ("right", False, None, False),
        "H66X1": (None, None, None, None),
    }
    (told,) = (note for note in release.notes if "has no names" in note)
    assert "as in the shipped list 2026-04, and unknown for 1 codes" in told
    monkeypatch.setattr(icd10cm, "find_release", lambda: None)
    alone = one(opened)
    assert alone.frame.select(NAMED).null_count().row(0) == (alone.frame.height,) * 4
    assert any("stay unknown" in note for note in alone.notes)


def test_codes_with_names(tmp_path: Path) -> None:
    text = (
        "A000    Cholera due to Vibrio cholerae 01, biovar cholerae\n"
        "H65191  Other acute nonsuppurative otitis media, right ear\n"
        "H65192  Other acute nonsuppurative otitis media, left ear\n"
        "H65193  Other acute nonsuppurative otitis media, bilateral\n"
        "H65199  Other acute nonsuppurative otitis media, unspecified ear\n"
        "O0991   Supervision of high risk pregnancy, unspecified, first trimester\n"
        "O9903   Anemia complicating the puerperium\n"
        "S52001A Unspecified fracture of upper end of right ulna, initial encounter\n"
    )
    release = one(write(tmp_path, "icd10cm-codes-April-2026.txt", text))
    assert (release.edition, release.valid_from, release.valid_to) == (
        "FY2026-04",
        date(2026, 4, 1),
        date(2026, 9, 30),
    )
    rows = {row["code"]: row for row in release.frame.iter_rows(named=True)}
    assert [rows[f"H6519{n}"]["side"] for n in "1239"] == ["right", "left", "bilateral", None]
    assert rows["H65199"]["sided_sibling"]
    assert not rows["H65191"]["sided_sibling"]
    assert (rows["O0991"]["trimester"], rows["O9903"]["postpartum"]) == (1, True)
    assert rows["O0991"]["postpartum"] is False
    assert rows["H6519"]["sided_sibling"] is None


def order_line(number: int, code: str, billable: int, name: str, long: str | None = None) -> str:
    return f"{number:05} {code:<7} {billable} {name[:60]:<60} {name if long is None else long}".rstrip()


def test_order_file(tmp_path: Path) -> None:
    lines = [
        order_line(1, "A00", 0, "Cholera"),
        order_line(2, "A000", 1, "Cholera due to Vibrio cholerae"),
        order_line(3, "O3110X", 0, "Continuing pregnancy after spontaneous abortion, unspecified trimester"),
        order_line(
            4,
            "O3110X0",
            1,
            "Continuing pregnancy, unsp tri",
            "Continuing pregnancy, third trimester, fetus 1",
        ),
        order_line(5, "Z999", 1, "Dependence", ""),
    ]
    release = one(write(tmp_path, "icd10cm_order_2026.txt", "\r\n".join(lines) + "\r\n"))
    assert release.edition == "FY2026"
    assert release.frame.select("code", "billable", "needs_seventh", "trimester", "chapter").rows() == [
        ("A00", False, False, None, 1),
        ("A000", True, False, None, 1),
        ("O3110X", False, True, None, 15),
        ("O3110X0", True, False, 3, 15),
        ("Z999", True, False, None, 21),
    ]
    assert dict(release.frame.schema) == SCHEMA


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("codes_2026.txt", "\n".join(["A000"] * 200 + ["A00.0"]), "the first in line 201"),
        ("codes_2026.txt", "\n".join(["A000"] * 200 + ["a000"]), "the first in line 201"),
        ("order_2026.txt", "\n".join([order_line(1, "A000", 1, "x")] * 200 + ["00201 A001"]), "in line 201"),
        ("order_2026.txt", order_line(1, "A00", 0, "Cholera"), "no billable code"),
        ("codes.txt", "A000\nF411\n", "does not say from which service date"),
    ],
)
def test_damaged_diagnosis_lists_are_refused(tmp_path: Path, name: str, text: str, said: str) -> None:
    assert said in refusal(write(tmp_path, name, text))


def test_the_day_that_is_asked_for_is_one_on_which_such_lists_begin(tmp_path: Path) -> None:
    codes = next(form for form in FORMATS if form.name == "icd10cm_codes")
    with pytest.raises(UnknownRelease) as refused:
        codes.read(write(tmp_path, "codes.txt", "A000\nF411\n"), Wanted())
    assert refused.value.hint is not None
    assert "--from 2025-10-01" in refused.value.hint


def test_a_code_that_comes_twice_is_taken_once(tmp_path: Path) -> None:
    release = one(write(tmp_path, "codes_2026.txt", "A000\nF411\nA000\n"))
    assert release.frame.filter("billable")["code"].to_list() == ["A000", "F411"]
    assert "1 rows with a code that stands above" in release.notes[0]


# --- MCE

MCE_HEAD = (
    "MCE_Version\tICD_Version\tMCE_Section\tMCE_Subsection\t"
    "MCE_Edit_Type\tICD_Code_Type\tICD_Code\tICD_Desc\n"
)


def mce(*edits: tuple[str, str], version: str = "37") -> str:
    return MCE_HEAD + "".join(f'{version}\t10\t4\tA\t{edit}\tD\t{code}\tA "name"\n' for edit, code in edits)


def test_mce_edits_are_one_row_per_code(tmp_path: Path) -> None:
    text = mce(
        ("Newborn_Only", "A33"),
        ("Pediatric_Only", "A33"),
        ("Maternity_Only", "O0991"),
        ("Female_Only", "O0991"),
        ("Adult_Only", "N400"),
        ("Male_Only", "N400"),
        ("Principal_Manifestation", "H28"),
        ("Principal_Unacceptable", "Z990"),
        ("Principal_Questionable_Admit", "Z990"),
    )
    text += "37\t10\t11\tA\tNoncovered_Always\tP\t0016070\tBypass\n"
    release = one(write(tmp_path, "MCE.txt", text))
    assert (release.edition, release.valid_from, release.valid_to) == (
        "FY2020",
        date(2019, 10, 1),
        date(2020, 9, 30),
    )
    ages = {row[0]: row[1:4] for row in release.frame.iter_rows()}
    assert ages == {
        "A33": (0, 0, None),
        "H28": (None, None, None),
        "N400": (15, 124, "M"),
        "O0991": (9, 64, "F"),
        "Z990": (None, None, None),
    }
    flags = {
        row["code"]: [n for n, v in row.items() if v is True] for row in release.frame.iter_rows(named=True)
    }
    assert flags["A33"] == ["newborn", "pediatric"]
    assert flags["H28"] == ["manifestation"]
    assert flags["Z990"] == ["unacceptable_principal", "questionable_admission"]
    assert release.notes == ("1 rows on procedures were left out",)


def test_maternity_ages_before_version_37(tmp_path: Path) -> None:
    frame = one(write(tmp_path, "MCE.txt", mce(("Maternity_Only", "O0991"), version="36"))).frame
    assert frame.select("age_min", "age_max").row(0) == (12, 55)


MCE_LIST = (
    "code,age_class,age_min,age_max,sex_only_until_edit_retired,principal_dx_edits\r\n"
    "A1814,adult,15,124,M,\r\n"
    "A33,newborn,0,0,,\r\n"
    "H28,,,,,MANIFESTATION_AS_PDX|UNSPECIFIED\r\n"
    "Z5189,,,,,REQUIRES_SDX\r\n"
    "Z990,,,,,UNACCEPTABLE_PDX\r\n"
    "V0001XA,,,,,E_CODE_AS_PDX\r\n"
)


def test_diagnosis_edits_one_row_per_code(tmp_path: Path) -> None:
    release = one(write(tmp_path, "mce_dx_edits_2026.csv", MCE_LIST))
    assert (release.table, release.edition) == ("icd10cm_edits", "FY2026")
    assert release.frame["code"].to_list() == ["A1814", "A33", "H28", "Z5189", "Z990"]
    assert release.frame.filter("manifestation")["code"].to_list() == ["H28"]
    assert release.frame.filter("unacceptable_principal")["code"].to_list() == ["Z5189", "Z990"]
    assert release.frame.filter("newborn")["code"].to_list() == ["A33"]
    assert "1 codes with no edit" in release.notes[0]
    assert "no sex conflict" in release.notes[1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (MCE_HEAD, "found no rows"),
        (mce(("Odd_Only", "A33")), "the first in line 2"),
        (mce(("Newborn_Only", "A33")) + "37\t10\t4\tA\tNewborn_", "a last row that is cut off"),
        (MCE_LIST + "A34,maternity,9,,F,\r\n", "the first in line 8"),
        (MCE_LIST + "A34,elderly,9,64,F,\r\n", "the first in line 8"),
    ],
)
def test_damaged_edits_are_refused(tmp_path: Path, text: str, said: str) -> None:
    assert said in refusal(write(tmp_path, "edits_2026.txt", text))
