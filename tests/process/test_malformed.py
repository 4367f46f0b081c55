"""Whose claims records are that could not be read: told where it is sure, never by what else stands there."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.conftest import Process

NAMES = "Claim #,Line #,Pt Last,Pt First,"
TAIL = "DOB,Sex,Rel,Member ID,Payer Code,Group NPI,Tax ID,DOS,CPT,POS,Dx1,Units,Charge"
CELLS = "1979-03-14,F,18,914402217,UHC,1330200654,04-4410275,2026-05-04,{},11,I10,1,165.00"
VISIT, DRAW = CELLS.format("99213"), CELLS.format("36415")
SECRETS = ("Jane", "Doe", "Smith", "219-44-5678", "123-45-6789")


def _run(run: Process, tmp_path: Path, *lines: str) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """The ledger of rows, and row number and claim number of the records that could not be read."""
    path = tmp_path / "claims.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    summary = run(path, out=tmp_path / "out")
    text = (tmp_path / "out" / "errors.csv").read_text(encoding="utf-8")
    assert not [word for word in SECRETS if word in text]
    found = [each for each in csv.DictReader(text.splitlines()) if each["code"] == "FILE-005"]
    ledger = summary["rows"]
    assert isinstance(ledger, dict)
    return ledger, [(each["row_number"], each["claim_number"]) for each in found]


def test_a_name_with_a_comma_moves_no_ssn_into_the_claim_number(run: Process, tmp_path: Path) -> None:
    _, found = _run(
        run, tmp_path,
        f"Patient Name,SSN,Claim #,{TAIL}",
        f'"Smith, Ann",219-44-1234,C1,{VISIT}',
        f"Doe, Jane,219-44-5678,C2,{VISIT}",
    )  # fmt: skip
    assert found == [("3", "")]


def test_the_rest_of_a_torn_note_is_no_claim_number(run: Process, tmp_path: Path) -> None:
    _, found = _run(
        run, tmp_path,
        f"{NAMES}{TAIL},Note",
        f'C1,1,Smith,Ann,{VISIT},"Seen with mother.',
        'Patient Jane Doe SSN 123-45-6789, says "ouch", ok',
        f"C2,1,Smith,Ann,{VISIT},fine",
    )  # fmt: skip
    assert found == [("2", "C1"), ("3", "")]


@pytest.mark.parametrize(
    ("header", "good", "torn", "number"),
    [
        (NAMES, "CL1,1,Smith,Ann,", '"CL1,2,Smith,Ann,', "CL1"),
        (NAMES, "CL1,1,Smith,Ann,", 'CL1,2,"Smith,Ann,', "CL1"),
        ("Patient Name,Claim #,Line #,", '"Smith, Ann",CL1,1,', "Smith, Ann,CL1,2,", "CL1"),
        ("Patient Name,Group Name,Claim #,Line #,", '"Smith, Ann",,CL1,1,', "Smith, Ann, Jr,,CL1,2,", "CL1"),
        ("Patient Name,Claim #,Line #,", '"Smith, Ann",7,1,', "Smith, Ann,7,2,", ""),  # may be any column's
    ],
)
def test_a_claim_is_rejected_with_its_torn_line(
    run: Process, tmp_path: Path, header: str, good: str, torn: str, number: str
) -> None:
    rows, found = _run(run, tmp_path, header + TAIL, good + VISIT, torn + DRAW)
    assert found == [("3", number)]
    assert rows["rejected"] == (2 if number else 1)


def test_a_number_is_told_where_what_follows_it_stands_in_its_place(run: Process, tmp_path: Path) -> None:
    _, found = _run(
        run, tmp_path,
        f"{NAMES}{TAIL}",
        f"C7,1,Smith,Ann,{VISIT},extra",
        f"C8,1,Smith,An,n,{VISIT}",
        f"C9,Smith,Ann,{VISIT}"[:60],
    )  # fmt: skip
    assert found == [("2", "C7"), ("3", ""), ("4", "")]


def test_nothing_tells_where_there_is_neither_date_nor_npi(run: Process, tmp_path: Path) -> None:
    _, found = _run(run, tmp_path, "Patient Name,Claim #,CPT,Charge", "Smith, Ann,C1,99213,165.00")
    assert found == [("2", "")]


@pytest.mark.parametrize(
    ("limit", "read", "malformed"),
    [(1, 2, ["2"]), (2, 4, ["2", "4"]), (3, 5, ["2", "4"]), (9, 6, ["2", "4", "7"])],
)
def test_a_limit_leaves_out_the_records_behind_it_too(
    run: Process, tmp_path: Path, limit: int, read: int, malformed: list[str]
) -> None:
    good = [f"C{n},1,Smith,Ann,{VISIT}" for n in range(3)]
    path = tmp_path / "claims.csv"
    torn = "C9,1,Smith"
    path.write_text("\n".join([f"{NAMES}{TAIL}", torn, good[0], torn, good[1], good[2], torn, ""]))
    summary = run(path, out=tmp_path / "out", limit=limit)
    rows = summary["rows"]
    assert isinstance(rows, dict)
    assert rows["read"] == read
    with (tmp_path / "out" / "malformed.csv").open(newline="") as file:
        assert [each["row_number"] for each in csv.DictReader(file)] == malformed
