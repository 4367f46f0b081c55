"""Code lists, NPPES and the user's own tables, with the quirks of each file."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from claimsctl.reference.formats import house
from claimsctl.reference.manifest import read_shipped, shipped_specs
from claimsctl.reference.releases import Wanted
from tests.reference.published import load, one, recognised, refusal, write


def shipped_columns(table: str) -> dict[str, pl.DataType]:
    return dict(read_shipped(shipped_specs()[table]).schema)


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


# --- NPPES

NPPES_COLUMNS = [
    "NPI",
    "Entity Type Code",
    "Replacement NPI",
    "Provider Organization Name (Legal Business Name)",
    "Provider Last Name (Legal Name)",
    *(f"Filler_{n}" for n in range(265)),
    "NPI Deactivation Reason Code",
    "NPI Deactivation Date",
    "NPI Reactivation Date",
    *(
        name
        for n in range(1, 16)
        for name in (
            f"Healthcare Provider Taxonomy Code_{n}",
            f"Healthcare Provider Primary Taxonomy Switch_{n}",
        )
    ),
    *(f"End_{n}" for n in range(27)),
]


def provider(npi: str, **cells: str) -> str:
    names = {
        "entity": "Entity Type Code",
        "organization": "Provider Organization Name (Legal Business Name)",
        "last": "Provider Last Name (Legal Name)",
        "off": "NPI Deactivation Date",
        "on": "NPI Reactivation Date",
        **{f"t{n}": f"Healthcare Provider Taxonomy Code_{n}" for n in range(1, 16)},
        **{f"s{n}": f"Healthcare Provider Primary Taxonomy Switch_{n}" for n in range(1, 16)},
    }
    row = {"NPI": npi, "Filler_3": "a street, with\na line end"} | {names[k]: v for k, v in cells.items()}
    return ",".join(f'"{row.get(name, "")}"' for name in NPPES_COLUMNS)


PROVIDERS = [
    ",".join(f'"{name}"' for name in NPPES_COLUMNS),
    provider("1234567893", entity="1", last="DOE", t1="207Q00000X", s1="N", t2="207R00000X", s2="Y"),
    provider("1679576722", entity="2", organization="CLINIC", t1="261Q00000X", s1="X"),
    provider("1245319599", off="03/01/2025"),
    provider(
        "1881697878", entity="1", last="ROE", t15="363L00000X", s15="Y", off="01/15/2024", on="06/01/2024"
    ),
]


@pytest.mark.parametrize(
    "content",
    [
        "\n".join(PROVIDERS).encode(),
        b"\xef\xbb\xbf" + "\r\n".join(PROVIDERS).encode() + b"\r\n\x1a",
        "\n".join(PROVIDERS).replace("CLINIC", "CL\u00cdNICA\u00a0").encode("cp1252") + b"\n",
    ],
    ids=["plain", "BOM, CRLF, 0x1A", "cp1252"],
)
def test_nppes(tmp_path: Path, content: bytes) -> None:
    assert len(NPPES_COLUMNS) == 330
    release = one(write(tmp_path, "npidata_pfile_20050523-20260412.csv", content))
    assert (release.table, release.edition, release.valid_from) == ("nppes", "2026-04-12", None)
    assert release.frame.rows() == [
        ("1234567893", "1", True, "207R00000X", None, None),
        ("1679576722", "2", True, "261Q00000X", None, None),
        ("1245319599", None, False, None, date(2025, 3, 1), None),
        ("1881697878", "1", True, "363L00000X", date(2024, 1, 15), date(2024, 6, 1)),
    ]
    assert release.frame.columns == ["npi", "entity_type", "named", "taxonomy", "deactivated", "reactivated"]


def test_a_weekly_file_says_so(tmp_path: Path) -> None:
    release = one(write(tmp_path, "npidata_pfile_20260406-20260412.csv", "\n".join(PROVIDERS)))
    assert "only the providers that changed" in release.notes[1]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([*PROVIDERS, '"1881697878","1","","'], "a last row that is cut off"),
        ([*PROVIDERS, provider("123")], "the first in line 6"),
        ([*PROVIDERS, provider("1881697878", entity="3")], "the first in line 6"),
        ([*PROVIDERS, provider("1881697878", off="2024")], "the first in line 6"),
        ([*PROVIDERS[:2], PROVIDERS[2].replace('"2",', '"2","",'), *PROVIDERS[3:]], "the first in line 3"),
        (
            [PROVIDERS[0].replace("Reactivation", "Revival"), *PROVIDERS[1:]],
            "none called NPI Reactivation Date",
        ),
        (PROVIDERS[:1], "found no rows"),
    ],
)
def test_damaged_nppes_is_refused(tmp_path: Path, rows: list[str], said: str) -> None:
    assert said in refusal(write(tmp_path, "npidata.csv", "\n".join(rows)))


def test_other_files_of_nppes_are_not_taken(tmp_path: Path) -> None:
    text = '"NPI","Provider Other Organization Name"\n"1234567893","X"\n'
    assert recognised(write(tmp_path, "othername_pfile_20050523-20260412.csv", text)) == []


# --- tables of the user

FEES = "payer_id,code,modifier,place,valid_from,valid_to,rate,percent_of_medicare"


def test_fee_schedule_by_its_columns(tmp_path: Path) -> None:
    rows = ["87726,99213,,11,2026-01-01,12/31/2026,95.5,", ",,,,,,,", "60054,100,qk,1,,,,110", "\x1a"]
    text = "\r\n".join([f"\ufeff{FEES}", *rows])
    release = one(write(tmp_path, "own fees (1).csv", text))
    assert (release.table, release.edition, release.valid_from) == ("fee_schedules", "own-fees-1", None)
    assert release.frame.rows() == [
        ("87726", "99213", None, "11", date(2026, 1, 1), date(2026, 12, 31), Decimal("95.5"), None),
        ("60054", "00100", "QK", "01", None, None, None, Decimal(110)),
    ]


def test_a_named_table_may_leave_columns_out(tmp_path: Path) -> None:
    text = "# claimsctl table: fee_schedules,,\npayer_id,code,rate\n87726,99213,95.50\n"
    frame = one(write(tmp_path, "fees.csv", text), Wanted("2026", date(2026, 1, 1))).frame
    assert frame.columns == FEES.split(",")
    assert frame["modifier"].to_list() == [None]


def test_payers_have_the_columns_of_the_shipped_table(tmp_path: Path) -> None:
    text = '# claimsctl table: payers\npayer_id,name,type,follows_ncci\nH0001,"Plan, Inc",commercial,NO\n'
    release = one(write(tmp_path, "payers.csv", text))
    assert dict(release.frame.schema) == shipped_columns("payers")
    assert release.frame.row(0, named=True)["follows_ncci"] is False


def test_the_shipped_payers_load(tmp_path: Path) -> None:
    frame = read_shipped(shipped_specs()["payers"])
    text = frame.with_columns(
        pl.col(pl.Boolean).replace_strict({True: "yes", False: "no"}, return_dtype=pl.String)
    )
    release = one(write(tmp_path, "payers.csv", text.write_csv()))
    assert release.frame.equals(frame)


def test_roster_leaves_names_out(tmp_path: Path) -> None:
    text = "npi,name,taxonomy,payer_id,valid_from,valid_to\n1234567893,Jane Doe,207Q00000X,,2026-01-01,\n"
    release = one(write(tmp_path, "roster.csv", text))
    assert "name" not in release.frame.columns
    assert release.frame.row(0)[:5] == ("1234567893", "207Q00000X", None, date(2026, 1, 1), None)


def test_filing_limits(tmp_path: Path) -> None:
    text = "payer_id,filing_limit_days,corrected_claim_days,cob_days\n87726,90,,180\n"
    release = one(write(tmp_path, "limits.csv", text))
    assert release.table == "timely_filing"
    assert release.frame.rows() == [("87726", 90, None, 180, None)]


def test_every_wrong_cell_is_counted_and_five_are_told(tmp_path: Path) -> None:
    text = (
        f"{FEES}\n"
        "87726,99213,,11,2026-01-01,2025-12-31,95.5,\n"
        "\n"
        ",9921,2,111,soon,,a lot,\n"
        "87726,99213,,11,2026-01-01,,1,2\n"
    )
    message = refusal(write(tmp_path, "fees.csv", text))
    told = (
        "row 2, valid_to: is before valid_from",
        "row 4, payer_id: may not be blank",
        "row 4, code: give a procedure code of five characters",
        "row 4, modifier: give two characters",
        "row 4, place: give two digits",
    )
    assert message == f"fees.csv: wrong cells in fee_schedules: {'; '.join(told)}; and 4 more."
    assert "a lot" not in message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# claimsctl table: payers\npayer_id,nam\nA,B\n", "nam is no column of payers"),
        ("# claimsctl table: payers\nname\nB\n", "payers needs the column payer_id"),
        ("# claimsctl table: prices\ncode\nB\n", "there is no table prices of your own"),
        ("# claimsctl table: payers\n", "found an empty file"),
        ("# claimsctl table: payers\npayer_id\n", "no rows below the header"),
        ("# claimsctl table: payers\npayer_id,name\nA\n", "a last row that is cut off"),
        ("# claimsctl table: payers\npayer_id,type\nA,rich\n", "row 3, type: give one of medicare, "),
        ("# claimsctl table: payers\npayer_id,drg_required\nA,1\n", "row 3, drg_required: give yes or no"),
        ("# claimsctl table: payers\npayer_id\nA\nB\nA\n", "row 5, payer_id: stands above already"),
        ("# claimsctl table: roster\nnpi\n1234567890\n", "row 3, npi: give ten digits with the check digit"),
        (
            "# claimsctl table: timely_filing\npayer_id,cob_days\nA,1.5\n",
            "row 3, cob_days: give a whole number",
        ),
    ],
)
def test_tables_of_the_user_that_do_not_fit(tmp_path: Path, text: str, said: str) -> None:
    assert said in refusal(write(tmp_path, "own.csv", text))


def test_every_column_of_a_users_table_is_explained() -> None:
    for table in house.tables().values():
        assert table.columns[0].filled
        assert table.listed or all(column.meaning for column in table.columns)
        assert set(table.unique) <= {column.name for column in table.columns}
