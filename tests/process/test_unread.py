"""Cells that are no dates or numbers: counted by column with the row of the first, found on their rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from claimsctl.cli.fact_lines import fact_lines
from claimsctl.process.rulebook import load_rulebook
from claimsctl.validate.ruleset import Selection
from tests.claims import claim, write_csv
from tests.conftest import Process


@pytest.mark.parametrize("batch_size", [2, 10_000])
@pytest.mark.parametrize("more", [0, 2_100], ids=["text", "coded"])
def test_cells_are_counted_by_column(run: Process, tmp_path: Path, batch_size: int, more: int) -> None:
    rows = [
        claim("A1", admission_date="10 June", session_start_time="9:00", minutes="45", onset_date="1/1/1900"),
        claim("A2", admission_date="", session_start_time="noon", minutes="x", onset_date="2026-05-01"),
        claim("A3", admission_date="13/32/2026", session_start_time="", minutes="3.5", onset_date="1/1/2099"),
        claim("A4", admission_date="2026-05-04", service_date_from="soon", onset_date=""),
        *(claim(f"B{n}", admission_date="2026-05-04") for n in range(more if batch_size > 2 else 0)),
    ]
    path = write_csv(tmp_path / "claims.csv", rows)
    summary: Any = run(path, dry_run=True, batch_size=batch_size)
    assert summary["unread"] == [
        {"input": "claims.csv", "column": "admission_date", "cells": 2, "first_row": 2},
        {"input": "claims.csv", "column": "minutes", "cells": 2, "first_row": 3},
        {"input": "claims.csv", "column": "session_start_time", "cells": 1, "first_row": 3},
    ]
    assert dict(fact_lines(summary))["Unread"] == (
        "cells that are no date, time or number and count as blank: 2 of admission_date (first in row 2),"
        " 2 of minutes (first in row 3), 1 of session_start_time (first in row 3)"
    )


@pytest.mark.parametrize("batch_size", [1, 10_000])
def test_each_is_a_finding_where_no_other_rule_is_about_it(
    run: Process, tmp_path: Path, batch_size: int
) -> None:
    rows = [
        claim("A1", copay_amount="250,00", subscriber_dob="1979-14-03"),
        claim("A2", copay_amount="20.00", units="x", charge_amount="many", patient_dob="soon"),
        claim("A3", copay_amount="n/k", session_start_time="noon", relationship_code="18"),
    ]
    path, out = write_csv(tmp_path / "claims.csv", rows), tmp_path / "out"
    run(path, out=out, batch_size=batch_size)
    found = pl.read_parquet(out / "errors.parquet").filter(code="FILE-017").sort("row_number", "field")
    assert found.select("row_number", "claim_number", "severity", "field", "value").rows() == [
        (2, "A1", "warning", "copay_amount", "250,00"),
        (2, "A1", "warning", "subscriber_dob", "1979-**-**"),
        (4, "A3", "warning", "copay_amount", "n/k"),
        (4, "A3", "warning", "session_start_time", "noon"),
    ]
    assert "1979-14" not in "".join(found["message"])
    without = tmp_path / "without"
    run(path, out=without, book=load_rulebook(Selection(without=frozenset({"FILE-017"}))))
    assert not pl.read_parquet(without / "errors.parquet").filter(code="FILE-017").height


def test_nothing_is_said_where_all_can_be_read(run: Process, tmp_path: Path) -> None:
    rows = [claim("A1", admission_date=" 5/4/2026 ", copay_amount="$ 20.00", minutes="45.0")]
    summary: Any = run(write_csv(tmp_path / "claims.csv", rows), dry_run=True)
    assert summary["unread"] == []
    assert dict(fact_lines(summary))["Unread"] == ""


def test_a_constant_does_not_stand_for_what_cannot_be_read(run: Process, tmp_path: Path) -> None:
    rows = [claim("A1", minutes="x"), claim("A2", minutes="")]
    summary: Any = run(write_csv(tmp_path / "claims.csv", rows), dry_run=True, constants={"minutes": "45"})
    assert [(each["column"], each["cells"]) for each in summary["unread"]] == [("minutes", 1)]
