"""Procedure and diagnosis codes as published: NCCI, ICD-10-CM, MCE, HCPCS, with the quirks of each file."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from claimsctl.reference import icd10cm
from claimsctl.reference.releases import Wanted
from tests.reference.published import load, one, recognised, refusal, write

Q2 = Wanted(valid_from=date(2026, 4, 1))

# --- NCCI pairs

PTP_HEAD = (
    "CPT only copyright 2025 American Medical Association.  All rights reserved.\t\t\t\t\t\t\n"
    "Column1/Column2 Edits\t\t\t\t\t\t\n"
    "Column 1\tColumn 2\t*=in existence\tEffective\tDeletion\tModifier\tPTP Edit Rationale\n"
    "\t\tprior to 1996\tDate\tDate\t0=not allowed\t\n"
    "\t\t\t\t*=no data\t1=allowed\t\n"
    "\t\t\t\t\t9=not applicable\t\n"
)
PTP_ROWS = (
    "11042\t97597\t\t20150101\t*\t1\tMisuse of Column Two code\n"
    "11043\t97598\t*\t19960101\t20231231\t0\tMisuse of Column Two code\n"
    "0001M\t36591\t\t20151001\t20151001\t9\tMutually exclusive\n"
)


def test_pairs_end_on_their_deletion_date_and_those_that_never_applied_go(tmp_path: Path) -> None:
    release = one(write(tmp_path, "ccipra-v322r0-f1.txt", PTP_HEAD + PTP_ROWS))
    assert release.table == "ncci_ptp"
    assert (release.edition, release.valid_from, release.valid_to) == (
        "2026Q3-f1",
        date(2026, 7, 1),
        date(2026, 9, 30),
    )
    assert release.frame.rows() == [
        ("11042", "97597", 1, date(2015, 1, 1), None, "Misuse of Column Two code"),
        ("11043", "97598", 0, date(1996, 1, 1), date(2023, 12, 31), "Misuse of Column Two code"),
    ]
    assert dict(release.frame.schema) == {
        "column1": pl.String,
        "column2": pl.String,
        "modifier_indicator": pl.UInt8,
        "valid_from": pl.Date,
        "valid_to": pl.Date,
        "rationale": pl.Categorical,
    }
    assert "1 edits deleted on the day they began" in release.notes[0]


@pytest.mark.parametrize(
    "content",
    [
        (PTP_HEAD + PTP_ROWS).replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf" + (PTP_HEAD + PTP_ROWS).encode() + b"\x1a",
        (PTP_HEAD + PTP_ROWS + "\n\n").replace("Misuse of", "Misuse\u00a0of").encode("cp1252"),
        (PTP_HEAD + "\n" + PTP_ROWS).encode().rstrip(),
    ],
    ids=["CRLF", "BOM and 0x1A", "NBSP in cp1252", "blank line, no last line end"],
)
def test_pairs_with_the_marks_of_other_systems(tmp_path: Path, content: bytes) -> None:
    frame = one(write(tmp_path, "edits.txt", content), Q2).frame
    assert frame.select("column1", "column2", "modifier_indicator", "valid_to").rows() == [
        ("11042", "97597", 1, None),
        ("11043", "97598", 0, date(2023, 12, 31)),
    ]


def test_leading_zeros_a_spreadsheet_took_come_back(tmp_path: Path) -> None:
    frame = one(write(tmp_path, "p.txt", PTP_HEAD + "100\t1999\t\t20150101\t*\t1\tAnesthesia\n"), Q2).frame
    assert frame.select("column1", "column2").row(0) == ("00100", "01999")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("", "found a heading and no such line"),
        (PTP_ROWS + "11042\t9759", "found 1 rows that do not fit, the first in line 10"),
        (PTP_ROWS + "11042\t97597\t\t2015\t*\t1\tx\n", "the first in line 10"),
        (PTP_ROWS + "11042\t97597\t\t20150101\t*\t4\tx\n", "the first in line 10"),
        (PTP_ROWS + "11042\t97597\t\t20150101\tnever\t1\tx\n", "the first in line 10"),
        (PTP_ROWS + "11042\t97597\t\t20150101\t*\t1\tx\ty\n", "lines with more columns"),
    ],
)
def test_damaged_pairs_are_refused(tmp_path: Path, rows: str, said: str) -> None:
    message = refusal(write(tmp_path, "ccipra-v322r0-f1.txt", PTP_HEAD + rows))
    assert "expected lines of seven columns parted by tabs" in message
    assert said in message


def test_pairs_without_a_quarter_ask_for_it(tmp_path: Path) -> None:
    opened = write(tmp_path, "edits.txt", PTP_HEAD + PTP_ROWS)
    assert "does not say from which service date" in refusal(opened)
    release = one(opened, Wanted("mine", date(2026, 4, 1)))
    assert (release.edition, release.valid_to) == ("mine", date(2026, 6, 30))


def test_hospital_pairs_are_no_practitioner_pairs(tmp_path: Path) -> None:
    assert "hospital outpatient" in refusal(write(tmp_path, "ccioph-v322r0-f1.txt", PTP_HEAD + PTP_ROWS))


PAIRS = (
    "column1,column2,modifier_indicator,rationale\n0001A,0003A,0,Mutually exclusive\n100,36000,1,Anesthesia\n"
)


def test_pairs_without_dates_need_a_date_and_say_what_may_be_wrong(tmp_path: Path) -> None:
    opened = write(tmp_path, "pairs_2026Q2.csv", PAIRS)
    assert "does not say from which service date" in refusal(opened)
    release = one(opened, Q2)
    assert release.frame.rows() == [
        ("0001A", "0003A", 0, None, None, "Mutually exclusive"),
        ("00100", "36000", 1, None, None, "Anesthesia"),
    ]
    assert "deleted may be among them" in release.notes[0]
    assert "looks like an excerpt" in release.notes[1]


@pytest.mark.parametrize("row", ["0001A,0003A\n", "0001A,0003A,7,x\n", "0001A,0003A,1,x,y\n"])
def test_damaged_pairs_without_dates_are_refused(tmp_path: Path, row: str) -> None:
    assert "expected columns column1" in refusal(write(tmp_path, "pairs.csv", PAIRS + row), Q2)


# --- MUE

MUE_HEAD = (
    '"Copyright 2025.\n\nCPT\u00ae is a registered trademark, of the AMA.\n\nNo warranty.",,,\n'
    '"HCPCS/\nCPT Code",Practitioner Services MUE Values,MUE Adjudication Indicator,MUE Rationale\n'
)
MUE_ROWS = (
    "0001U,1,2 Date of Service Edit: Policy,Code Descriptor / CPT Instruction\n"
    "100,0,3 Date of Service Edit: Clinical,Nature of Service\n"
    'V5364,12,1 Line Edit,"Clinical: CMS, Workgroup"\n'
)


@pytest.mark.parametrize(
    "content",
    [
        (MUE_HEAD + MUE_ROWS).encode("cp1252"),
        (MUE_HEAD + MUE_ROWS).replace("\n", "\r\n").encode("cp1252") + b"\x1a",
        b"\xef\xbb\xbf" + (MUE_HEAD + MUE_ROWS).encode(),
        (MUE_HEAD.replace(",,,\n", "\n") + MUE_ROWS + ",,,\n").encode("cp1252"),
    ],
    ids=["cp1252", "CRLF and 0x1A", "UTF-8 with BOM", "short first record, blank last row"],
)
def test_mue(tmp_path: Path, content: bytes) -> None:
    release = one(write(tmp_path, "MCR_MUE_PractitionerServices_Eff_04-01-2026.csv", content))
    assert (release.table, release.edition) == ("mue", "2026Q2")
    assert (release.valid_from, release.valid_to) == (date(2026, 4, 1), date(2026, 6, 30))
    assert release.frame.rows() == [
        ("0001U", 1, "2", "Code Descriptor / CPT Instruction"),
        ("00100", 0, "3", "Nature of Service"),
        ("V5364", 12, "1", "Clinical: CMS, Workgroup"),
    ]
    assert release.frame.schema["units"] == pl.Int64


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("", "found no rows"),
        (MUE_ROWS + "99213,one,2 Policy,x\n", "the first in line 11"),
        (MUE_ROWS + "99213,1,,x\n", "the first in line 11"),
        (MUE_ROWS + "99213,1,2 Da", "a last row that is cut off"),
        (MUE_ROWS + "99213,1,2 Policy,x,y\n", "rows that do not fit its first row"),
        (MUE_ROWS + '99213,1,2 Policy,"x\n', "an open quote"),
    ],
)
def test_damaged_mue_is_refused(tmp_path: Path, rows: str, said: str) -> None:
    assert said in refusal(write(tmp_path, "mue.csv", (MUE_HEAD + rows).encode("cp1252")), Q2)


def test_mue_of_other_settings_is_not_taken(tmp_path: Path) -> None:
    other = (MUE_HEAD + MUE_ROWS).replace("Practitioner Services", "Outpatient Hospital Services")
    assert recognised(write(tmp_path, "mue.csv", other)) == []


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("MUE_Eff_01-01-2026.csv", date(2026, 1, 1)),
        ("mue_2026Q4.csv", date(2026, 10, 1)),
        ("mue-q3-2025.csv", date(2025, 7, 1)),
    ],
)
def test_quarters_in_names(tmp_path: Path, name: str, start: date) -> None:
    assert one(write(tmp_path, name, MUE_HEAD + MUE_ROWS)).valid_from == start


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
    assert dict(frame.schema) == icd10cm.SCHEMA
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
    assert frame["side"].null_count() == frame["postpartum"].null_count() == frame.height
    assert any("has no names" in note for note in release.notes)


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
    assert dict(release.frame.schema) == icd10cm.SCHEMA


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
    "Z990,,,,,UNACCEPTABLE_PDX\r\n"
    "V0001XA,,,,,E_CODE_AS_PDX\r\n"
)


def test_diagnosis_edits_one_row_per_code(tmp_path: Path) -> None:
    release = one(write(tmp_path, "mce_dx_edits_2026.csv", MCE_LIST))
    assert (release.table, release.edition) == ("icd10cm_edits", "FY2026")
    assert release.frame["code"].to_list() == ["A1814", "A33", "H28", "Z990"]
    assert release.frame.filter("manifestation")["code"].to_list() == ["H28"]
    assert release.frame.filter("unacceptable_principal")["code"].to_list() == ["Z990"]
    assert release.frame.filter("newborn")["code"].to_list() == ["A33"]
    assert "1 codes with no edit" in release.notes[0]
    assert "no sex conflict" in release.notes[1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (MCE_HEAD, "found no rows"),
        (mce(("Odd_Only", "A33")), "the first in line 2"),
        (mce(("Newborn_Only", "A33")) + "37\t10\t4\tA\tNewborn_", "a last row that is cut off"),
        (MCE_LIST + "A34,maternity,9,,F,\r\n", "the first in line 7"),
        (MCE_LIST + "A34,elderly,9,64,F,\r\n", "the first in line 7"),
    ],
)
def test_damaged_edits_are_refused(tmp_path: Path, text: str, said: str) -> None:
    assert said in refusal(write(tmp_path, "edits_2026.txt", text))


# --- HCPCS


def record(
    code: str,
    kind: str = "3",
    added: str = "20020701",
    ended: str = "",
    *,
    pricing: str = "00",
    coverage: str = "C",
    betos: str = "O1A",
) -> str:
    text = f"{code:>5}00100{kind}{'Long description':<80}{'Short description':<28}{pricing:<8}9"
    text = f"{text:<229}{coverage}"
    text = f"{text:<256}{betos:<3}"
    return f"{text:<268}{added:<8}{added:<8}{ended:<8}N".ljust(320)


HCPCS = [
    "***Disclaimers\t\t\t",
    "*Inclusion does not imply any coverage.\u00a0\t\t",
    "",
    record("A1", "7"),
    record("A1", "8", added=""),
    record("A0021", pricing="1151", betos=""),
    record("A0021", "4", added=""),
    record("G0436", ended="20160930", coverage="D", pricing=""),
    record("99213"),
]


def test_contractor_file(tmp_path: Path) -> None:
    content = "\r\n".join(HCPCS).encode("cp1252") + b"\r\n\x1a"
    release = one(write(tmp_path, "HCPC2026_JUL_CONTR_ANWEB.txt", content))
    assert (release.edition, release.valid_from, release.valid_to) == (
        "2026Q3",
        date(2026, 7, 1),
        date(2026, 9, 30),
    )
    assert release.frame.rows() == [
        ("A0021", date(2002, 7, 1), None, "C", None, "11;51"),
        ("G0436", date(2002, 7, 1), date(2016, 9, 30), "D", "O1A", None),
    ]
    assert release.notes[:2] == ("1 modifiers were left out", "1 codes that are not Level II were left out")


def test_annual_contractor_file_is_for_its_year(tmp_path: Path) -> None:
    release = one(write(tmp_path, "HCPC2019_CONTR_ANWEB.txt", "\n".join(HCPCS)))
    assert (release.edition, release.valid_from, release.valid_to) == (
        "2019",
        date(2019, 1, 1),
        date(2019, 12, 31),
    )


@pytest.mark.parametrize(
    ("last", "said"),
    [
        (record("A0080")[:280], "the first in line 10"),
        (record("A0080", added="2002"), "the first in line 10"),
        (record("A0080", ended="20020"), "the first in line 10"),
        ("A0080 is a code", "the first in line 10"),
    ],
)
def test_damaged_contractor_files_are_refused(tmp_path: Path, last: str, said: str) -> None:
    message = refusal(write(tmp_path, "HCPC2026_CONTR_ANWEB.txt", "\n".join([*HCPCS, last])))
    assert "expected records of 293 or more characters" in message
    assert said in message


def test_contractor_file_without_a_year_asks_for_it(tmp_path: Path) -> None:
    opened = write(tmp_path, "anweb.txt", "\n".join(HCPCS))
    assert "does not say from which service date" in refusal(opened)
    assert one(opened, Q2).edition == "2026Q2"


def test_plain_list_of_codes(tmp_path: Path) -> None:
    release = one(write(tmp_path, "hcpcs_2026q3.txt", "A0021\r\nG2211\r\nA0021\r\n"))
    assert (release.table, release.edition) == ("hcpcs", "2026Q3")
    assert release.frame["code"].to_list() == ["A0021", "G2211"]
    assert release.frame["valid_to"].to_list() == [None, None]
    assert release.frame.schema["valid_from"] == pl.Date


def test_a_wrong_line_far_down_a_list_is_found(tmp_path: Path) -> None:
    codes = [f"A{n:04}" for n in range(300)]
    assert "the first in line 301" in refusal(
        write(tmp_path, "hcpcs_2026q3.txt", "\n".join([*codes, "99213"]))
    )


def test_hcpcs_and_diagnosis_lists_are_told_apart(tmp_path: Path) -> None:
    assert recognised(write(tmp_path, "a", "A0021\nA0080\n")) == ["hcpcs_codes"]
    assert recognised(write(tmp_path, "b", "A0100\nA000\n")) == ["icd10cm_codes"]


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"\x1a", b"\xef\xbb\xbf", b"Chapter 1\n", bytes(range(256)) * 9]
)
def test_nothing_is_recognised_in_files_that_are_none(tmp_path: Path, content: bytes) -> None:
    assert recognised(write(tmp_path, "icd10cm_codes_2026.txt", content)) == []


def test_every_release_has_its_key_first_and_a_name_the_store_takes(tmp_path: Path) -> None:
    found = [
        *load(write(tmp_path, "ccipra-v322r0-f1.txt", PTP_HEAD + PTP_ROWS)),
        *load(write(tmp_path, "icd10cm_codes_2026.txt", "\n".join(CODES))),
        *load(write(tmp_path, "hcpcs_2026q3.txt", "A0021\n")),
    ]
    assert [release.frame.columns[0] for release in found] == ["column1", "code", "code"]
    assert all(release.edition.replace("-", "").isalnum() for release in found)
