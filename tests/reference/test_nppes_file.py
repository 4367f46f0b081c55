"""The NPPES file of all providers."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tests.reference.published import one, recognised, refusal, write

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
        ("1234567893", "1", True, "207R00000X", "207Q00000X;207R00000X", None, None),
        ("1679576722", "2", True, "261Q00000X", "261Q00000X", None, None),
        ("1245319599", None, False, None, None, date(2025, 3, 1), None),
        ("1881697878", "1", True, "363L00000X", "363L00000X", date(2024, 1, 15), date(2024, 6, 1)),
    ]
    assert release.frame.columns == [
        "npi",
        "entity_type",
        "named",
        "taxonomy",
        "taxonomies",
        "deactivated",
        "reactivated",
    ]


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
