"""Cells with the mark of a wrong encoding: found in any format, on the cell, and rejecting the claim."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from claimsctl.process.rulebook import load_rulebook
from claimsctl.validate.ruleset import Selection
from tests.claims import claim, csv_text, write_csv
from tests.conftest import Process

MARK = "\N{REPLACEMENT CHARACTER}"


def damaged(out: Path) -> list[tuple[str, str, str, str]]:
    with (out / "errors.csv").open(newline="", encoding="utf-8") as file:
        return [
            (each["row_number"], each["claim_number"], each["field"], each["value"])
            for each in csv.DictReader(file)
            if each["code"] == "FILE-006"
        ]


@pytest.mark.parametrize("many", [False, True], ids=["text", "coded"])
def test_each_damaged_cell_is_a_finding(run: Process, tmp_path: Path, many: bool) -> None:
    rows = [claim("A1", patient_first_name=f"Jos{MARK}"), claim("A2"), claim("A3", diagnosis_1=f"F41{MARK}1"),
            claim("A4", patient_last_name="García")]  # fmt: skip
    rows += [claim(f"B{n}", patient_first_name="José") for n in range(2_100 if many else 0)]
    summary: Any = run(write_csv(tmp_path / "claims.csv", rows), out=tmp_path / "out")
    assert damaged(tmp_path / "out") == [
        ("2", "A1", "patient_first_name", "J."), ("4", "A3", "diagnosis_1", f"F41{MARK}1"),
    ]  # fmt: skip
    (told,) = [each for each in summary["findings_by_code"] if each["code"] == "FILE-006"]
    assert (told["severity"], told["rows"], told["claims"]) == ("error", 2, 2)
    assert "patient_first_name has a character that could not be read (J.)" in told["message"]
    assert "Jos" not in (tmp_path / "out" / "errors.csv").read_text()
    with (tmp_path / "out" / "rejected.csv").open(newline="", encoding="utf-8") as file:
        rejected = {each["claim_number"]: each for each in csv.DictReader(file)}
    assert rejected["A1"]["patient_first_name"] == f"Jos{MARK}"
    assert "A4" not in rejected


def test_of_every_format(run: Process, tmp_path: Path) -> None:
    line = claim("A1", patient_city=f"Worces{MARK}er")
    (tmp_path / "claims.jsonl").write_text(json.dumps(line, ensure_ascii=False) + "\n", encoding="utf-8")
    run(tmp_path / "claims.jsonl", out=tmp_path / "json")
    assert damaged(tmp_path / "json") == [("1", "A1", "patient_city", f"Worces{MARK}er")]
    text = csv_text([claim("A2", patient_city="Worcester")]).encode("utf-16")
    (tmp_path / "wide.csv").write_bytes(text.replace("r\0c\0".encode("ascii"), b"\x00\xd8c\0"))
    run(tmp_path / "wide.csv", out=tmp_path / "wide")
    assert [field for _, _, field, _ in damaged(tmp_path / "wide")] == ["patient_city"]


def test_names_in_one_column_and_columns_nobody_knows(run: Process, tmp_path: Path) -> None:
    line = {name: value for name, value in claim("A1").items() if not name.startswith("patient_")}
    line |= {"DOB": "1980-05-17", "Sex": "F", "Patient Name": f"Samp{MARK}le, Pat", "Room": f"{MARK}12"}
    run(write_csv(tmp_path / "claims.csv", [line]), out=tmp_path / "out")
    assert damaged(tmp_path / "out") == [("2", "A1", "patient_last_name", "S.")]


def test_copies_are_told_once_and_the_rule_may_be_left_out(run: Process, tmp_path: Path) -> None:
    line = claim("A1", patient_city=f"{MARK}x")
    path = write_csv(tmp_path / "claims.csv", [claim("A0"), line, line])
    run(path, out=tmp_path / "out", batch_size=1)
    assert [row for row, *_ in damaged(tmp_path / "out")] == ["3"]
    mild = load_rulebook(Selection(severities={"FILE-006": "warning"}))
    summary: Any = run(path, out=tmp_path / "mild", book=mild, duplicates="update")
    assert damaged(tmp_path / "mild")
    assert summary["rows"]["accepted"] == 2
    without = load_rulebook(Selection(without=frozenset({"FILE-006"})))
    run(path, out=tmp_path / "without", book=without, duplicates="update")
    assert damaged(tmp_path / "without") == []
