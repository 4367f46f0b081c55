"""A column that the header gives and no row fills: an error does not depend on what other rows have."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from tests.claims import claim, write_csv
from tests.conftest import Process


@pytest.mark.parametrize(
    ("code", "alone", "beside"),
    [
        ("PAY-001", {"payer_id": "", "payer_name": ""}, {}),
        ("CLM-011", {"frequency_code": "7", "original_claim_number": ""},
         {"frequency_code": "7", "original_claim_number": "ICN1234567"}),
    ],
)  # fmt: skip
def test_a_rejected_claim_that_comes_back_as_it_was_is_rejected_again(
    run: Process, tmp_path: Path, code: str, alone: dict[str, str], beside: dict[str, str]
) -> None:
    rows = [claim("A1", **alone), claim("A2", **beside)]
    columns = {name: "" for row in rows for name in row}
    path = write_csv(tmp_path / "claims.csv", [columns | row for row in rows])
    first: Any = run(path, out=tmp_path / "first")
    assert first["claims"]["rejected"] == 1
    again: Any = run(tmp_path / "first" / "rejected.csv", out=tmp_path / "again")
    assert (again["claims"]["rejected"], again["claims"]["accepted"]) == (1, 0)
    assert again["since_last"]["fixed"] == 0
    with (tmp_path / "again" / "errors.csv").open(newline="", encoding="utf-8") as file:
        errors = {each["code"] for each in csv.DictReader(file) if each["severity"] == "error"}
    assert errors == {code}


def test_what_only_warns_of_a_blank_column_is_not_run(run: Process, tmp_path: Path) -> None:
    row = claim("A1", subscriber_dob="", relationship_code="01")
    summary: Any = run(write_csv(tmp_path / "claims.csv", [row]), dry_run=True)
    not_run = {each["code"]: each["reason"] for each in summary["rules"]["not_run"]}
    assert "the input has no value in subscriber_dob" in not_run["PAT-025"]
