"""NCCI edits as published, pairs and units, with the quirks of each file."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from claimsctl.reference.releases import Wanted
from tests.reference.published import one, recognised, refusal, write

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


@pytest.mark.parametrize(
    ("name", "said", "table"),
    [
        ("ccioph-v322r0-f1.txt", None, "ncci_ptp_hospital"),
        ("hospital-edits-2026q3.txt", "ncci_ptp", "ncci_ptp_hospital"),
        ("ccipra-v322r0-f1.txt", "ncci_ptp_hospital", "ncci_ptp"),
        ("edits-2026q3.txt", "ncci_ptp_hospital", "ncci_ptp_hospital"),
        ("edits-2026q3.txt", "ncci_ptp", "ncci_ptp"),
        ("edits-2026q3.txt", None, "ncci_ptp"),
    ],
)
def test_pairs_for_hospitals_are_a_table_of_their_own(
    tmp_path: Path, name: str, said: str | None, table: str
) -> None:
    opened = write(tmp_path, name, PTP_HEAD + PTP_ROWS)
    release = one(opened, Wanted(table=said))
    assert release.table == table
    assert release.valid_from == date(2026, 7, 1)
    assert ("hospital outpatient" in release.source) == (table == "ncci_ptp_hospital")
    assert any("--table ncci_ptp_hospital" in note for note in release.notes) == (
        said is None and name.startswith("edits")
    )


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


def test_a_sorted_list_of_pairs_does_not_say_which_code_is_denied(tmp_path: Path) -> None:
    head = PAIRS.splitlines()[0]
    listed = [f"{n},{n + 1},1,x" for n in range(20_000, 20_100)]
    note = "which code of a pair is denied is unknown"
    for rows, told in ((listed, True), ([*listed, "30001,30000,1,x"], False)):
        release = one(write(tmp_path, "pairs.csv", "\n".join([head, *rows]) + "\n"), Q2)
        assert any(note in each for each in release.notes) is told


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
        (MUE_ROWS + "99213,1,2 Policy,x\n99213,3,2 Policy,x\n", "99213 in 2 rows"),
    ],
)
def test_damaged_mue_is_refused(tmp_path: Path, rows: str, said: str) -> None:
    assert said in refusal(write(tmp_path, "mue.csv", (MUE_HEAD + rows).encode("cp1252")), Q2)


@pytest.mark.parametrize(
    ("kind", "table"),
    [("Practitioner", "mue"), ("Outpatient Hospital", "mue_hospital"), ("DME Supplier", "mue_dme")],
)
def test_units_of_each_kind_of_provider_are_a_table_of_their_own(
    tmp_path: Path, kind: str, table: str
) -> None:
    # The header tells it; the name may be that of another.
    text = (MUE_HEAD + MUE_ROWS).replace("Practitioner Services", f"{kind} Services")
    release = one(write(tmp_path, "MCR_MUE_PractitionerServices_Eff_04-01-2026.csv", text.encode("cp1252")))
    assert (release.table, release.edition, release.frame.height) == (table, "2026Q2", 3)
    assert f"{kind.lower()} services" in release.source


def test_units_of_others_are_not_recognised(tmp_path: Path) -> None:
    other = (MUE_HEAD + MUE_ROWS).replace("Practitioner Services", "Ambulance Services")
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
