"""Code lists as published: taxonomy, place of service, X12, with the quirks of each file."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tests.reference.published import load, one, recognised, refusal, shipped_columns, write

# --- NUCC taxonomy

TAXONOMY = (
    "Code,Grouping,Classification,Specialization,Definition,Notes,Display Name,Section\r\n"
    '207Q00000X,Allopathic & Osteopathic Physicians,Family Medicine,,"Text,\u00a0long",[new],F,Individual\r\n'
    "282N00000X,Hospitals,General\u00a0Acute,,,,H,Non-Individual\r\n"
)


@pytest.mark.parametrize(
    "content",
    [TAXONOMY.encode(), b"\xef\xbb\xbf" + TAXONOMY.encode(), TAXONOMY.encode("cp1252") + b"\x1a"],
    ids=["UTF-8", "BOM", "cp1252 and 0x1A"],
)
def test_taxonomy(tmp_path: Path, content: bytes) -> None:
    release = one(write(tmp_path, "nucc_taxonomy_251.csv", content))
    assert (release.edition, release.valid_from, release.valid_to) == (
        "25.1",
        date(2025, 7, 1),
        date(2025, 12, 31),
    )
    assert release.frame.rows() == [
        ("207Q00000X", "Allopathic & Osteopathic Physicians", "Family Medicine", "Individual"),
        ("282N00000X", "Hospitals", "General Acute", "Non-Individual"),
    ]
    assert dict(release.frame.schema) == shipped_columns("taxonomy")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("nucc_taxonomy_240.csv", TAXONOMY + "207Q,A,B,,,,C,Individual\n", "the first in line 4"),
        ("nucc_taxonomy_240.csv", TAXONOMY + "207R00000X,Allopathic", "a last row that is cut off"),
        ("nucc.csv", TAXONOMY, "does not say from which service date"),
    ],
)
def test_damaged_taxonomy_is_refused(tmp_path: Path, name: str, text: str, said: str) -> None:
    assert said in refusal(write(tmp_path, name, text))


def test_taxonomy_without_sections(tmp_path: Path) -> None:
    text = "Code,Grouping,Classification,Specialization\n207Q00000X,Physicians,Family Medicine,\n"
    release = one(write(tmp_path, "nucc_taxonomy_150.csv", text))
    assert release.frame["section"].to_list() == [None]


# --- place of service


@pytest.mark.parametrize(
    "text",
    [
        "pos_code,pos_type,pos_name,pos_description\n02,Facility,Telehealth,x\n11,Non-Facility,Office,y\n",
        "code,name,facility\r\n2,Telehealth,yes\r\n11,Office,no\r\n27-30,Unassigned,\r\n",
        "\ufeffPlace of Service Code(s),Place of Service Name\n02,Telehealth\n11,Office\n35,Unassigned\n\x1a",
    ],
    ids=["with type", "lost zero", "without facility"],
)
def test_places_of_service(tmp_path: Path, text: str) -> None:
    release = one(write(tmp_path, "places 2026.csv", text))
    assert release.edition == "places-2026"
    assert release.frame.rows() == [
        ("02", "Telehealth", True, date(2017, 1, 1), None),
        ("11", "Office", False, None, None),
    ]
    assert dict(release.frame.schema) == shipped_columns("pos")


def test_damaged_places_of_service_are_refused(tmp_path: Path) -> None:
    text = "code,name,facility\n11,Office,perhaps\n"
    assert "the first in line 2" in refusal(write(tmp_path, "pos.csv", text))


def test_a_list_of_codes_and_names_is_no_list_of_places(tmp_path: Path) -> None:
    assert recognised(write(tmp_path, "pos.csv", "code,name\n11,Elephants\n")) == []


# --- lists of X12

LISTS = {
    "carc": [("1", "Deductible Amount"), ("A1", "Claim/Service denied"), ("P12", "Workers' compensation")],
    "rarc": [("M1", "X-ray not taken"), ("MA01", "Alert: appeal"), ("N734", "Missing")],
    "status_categories": [("A1", "Acknowledgement/Receipt"), ("F1", "Finalized/Payment"), ("E0", "Response")],
    "claim_status_codes": [("0", "Cannot provide further status electronically."), ("771", "Other")],
}


def csv_of(rows: list[tuple[str, str]], header: str = "Code,Description,Start Date,Stop Date") -> str:
    lines = [f'{code},"{text}",01/01/1995,{"" if n else "6/30/2007"}' for n, (code, text) in enumerate(rows)]
    return "\n".join([header, *lines]) + "\n"


@pytest.mark.parametrize("table", LISTS)
@pytest.mark.parametrize(
    "header",
    [
        "Code,Description,Start Date,Stop Date",
        "\ufeffcode,desc,startDate,endDate",
        "code,description,effective_date,deactivation_date",
    ],
)
def test_lists_are_told_apart_by_what_they_hold(tmp_path: Path, table: str, header: str) -> None:
    release = one(write(tmp_path, "codes.csv", csv_of(LISTS[table], header)))
    assert (release.table, release.edition) == (table, "1995-01")
    code, text = LISTS[table][0]
    assert release.frame.row(0) == (code, True, date(1995, 1, 1), date(2007, 6, 30), text)
    assert release.frame["retired"].to_list()[1:] == [False] * (len(LISTS[table]) - 1)
    assert "looks like an excerpt" in release.notes[-1]


def test_adjustment_codes_have_the_columns_rules_look_up(tmp_path: Path) -> None:
    frame = one(write(tmp_path, "codes.csv", csv_of(LISTS["carc"]))).frame
    assert shipped_columns("carc").items() <= dict(frame.schema).items()


def test_repeated_header_names(tmp_path: Path) -> None:
    text = "Code,Description,Start Date,Stop Date,Description\n1,Deductible Amount,1995-01-01,,Other\n"
    assert one(write(tmp_path, "carc.csv", text)).frame["description"].to_list() == ["Deductible Amount"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("2,Coinsurance Amount,soon,\n", "the first in line 5"),
        ("2,Coinsurance Amount,1995-01-01,never\n", "the first in line 5"),
        ("2,Coinsurance", "a last row that is cut off"),
    ],
)
def test_damaged_lists_are_refused(tmp_path: Path, row: str, said: str) -> None:
    assert said in refusal(write(tmp_path, "carc.csv", csv_of(LISTS["carc"]) + row))


def test_a_list_of_other_codes_is_not_recognised(tmp_path: Path) -> None:
    assert recognised(write(tmp_path, "carc.csv", csv_of([("1", "Something else")]))) == []


XML = """<?xml version="1.0" encoding="UTF-8"?>
<codesets>
<codeset><id>states</id><version><code>AA</code></version></codeset>
<codeset><id>claim_status_cat</id><version><code>A0</code><code>A1</code></version></codeset>
<codeset><id>claim_status</id><version><code>0</code></version></codeset>
<codeset><id>remark_code</id><version><code>M1</code></version></codeset>
</codesets>"""


def test_codes_of_pyx12(tmp_path: Path) -> None:
    releases = {release.table: release for release in load(write(tmp_path, "codes.xml", XML))}
    assert set(releases) == {"status_categories", "claim_status_codes", "rarc"}
    assert releases["status_categories"].frame["code"].to_list() == ["A0", "A1"]
    assert releases["status_categories"].frame["valid_from"].to_list() == [None, None]


@pytest.mark.parametrize(
    ("text", "said"),
    [(XML[:-20], "breaks off"), (XML.replace("remark", "x"), "found status_categories, claim_status_codes")],
)
def test_damaged_xml_is_refused(tmp_path: Path, text: str, said: str) -> None:
    assert said in refusal(write(tmp_path, "codes.xml", text))


@pytest.mark.parametrize(
    "declared",
    ['[<!ENTITY a "&b;&b;"><!ENTITY b "&c;&c;"><!ENTITY c "AAAA">]', 'SYSTEM "file:///etc/passwd"'],
)
def test_xml_that_declares_entities_is_refused(tmp_path: Path, declared: str) -> None:
    text = XML.replace("<codesets>", f"<!DOCTYPE codesets {declared}>\n<codesets>", 1)
    assert "document type" in refusal(write(tmp_path, "codes.xml", text))


# --- code systems of CMS Blue Button


def code_system(name: str, *entries: str) -> str:
    head = f'CodeSystem: {name.replace("-", "_")}\nTitle: "Some codes"\nId: {name}\n* ^status = #active\n\n'
    return head + "".join(f"* #{entry}\n" for entry in entries)


def test_reason_codes_with_their_wording_keep_the_dates_of_the_shipped_list(tmp_path: Path) -> None:
    text = code_system("ANSI-RSN-CD", '1 "Deductible Amount"', '63 "Correction to a claim. INACTIVE"',
                       '15 "Authorization number"', 'Z99 "A new one,\n   over two lines"')  # fmt: skip
    release = one(write(tmp_path, "reasons.fsh", text))
    assert release.table == "carc"
    assert list(release.frame.schema.items())[:4] == list(shipped_columns("carc").items())
    assert release.frame.rows() == [
        ("1", False, None, None, "Deductible Amount"),
        ("63", True, None, date(2010, 12, 31), "Correction to a claim."),
        ("15", True, None, date(2018, 5, 1), "Authorization number"),
        ("Z99", False, None, None, "A new one, over two lines"),
    ]
    assert "dates are those of the shipped list" in release.notes[0]


@pytest.mark.parametrize(
    ("name", "entries", "table", "rows"),
    [
        ("ANSI-GRP-CD", ['CO "Contractual Obligations -- use it when"'], "adjustment_groups",
         [("CO", "Contractual Obligations")]),
        ("CLM-POS-CD",
         ['00 "UNASSIGNED"', '11 "OFFICE - A LOCATION"', '96 "MOON (EFFECTIVE 2031) - A PLACE"', '~ "NONE"'],
         "pos", [("11", "Office", False, None, None), ("96", "MOON", None, None, None)]),
        ("CLM-PRVDR-SPCLTY-CD", ['01 "GENERAL PRACTICE"', 'A1 "SAYS \\"SO\\""'], "specialty_codes",
         [("01", "GENERAL PRACTICE"), ("A1", 'SAYS "SO"')]),
        ("CLM-REV-CNTR-CD", ['0001 "TOTAL CHARGE"'], "revenue_codes", [("0001", "TOTAL CHARGE")]),
    ],
)  # fmt: skip
def test_code_systems(
    tmp_path: Path, name: str, entries: list[str], table: str, rows: list[tuple[object, ...]]
) -> None:
    release = one(write(tmp_path, "system.fsh", code_system(name, *entries)))
    assert (release.table, release.frame.rows()) == (table, rows)


def test_code_systems_that_do_not_fit(tmp_path: Path) -> None:
    other = write(tmp_path, "denials.fsh", code_system("CLM-CARR-PMT-DNL-CD", '1 "PAID"'))
    assert "no table for the code system CLM-CARR-PMT-DNL-CD" in refusal(other)
    cut = write(tmp_path, "cut.fsh", code_system("ANSI-GRP-CD", 'CO "Ours"', 'PR "The pat')[:-1])
    assert "an entry that breaks off" in refusal(cut)
    assert "found no entry" in refusal(write(tmp_path, "none.fsh", code_system("ANSI-GRP-CD")))
