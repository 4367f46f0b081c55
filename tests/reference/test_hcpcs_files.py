"""HCPCS Level II codes as published."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from claimsctl.reference.releases import Wanted
from tests.reference.published import one, refusal, write


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
    assert one(opened, Wanted(valid_from=date(2026, 4, 1))).edition == "2026Q2"


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
