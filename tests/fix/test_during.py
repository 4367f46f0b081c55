"""`process --fix`: repaired before anything is checked, counted, listed; rejected rows stay as they came."""

from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.claims import claim, write_csv
from tests.conftest import Process

DAMAGE = {"patient_zip": "1609", "service_date_from": "05/16/2026", "service_date_to": "5/16/2026",
          "procedure_code": "99213.0", "place_of_service": "2", "charge_amount": " $120.00"}  # fmt: skip


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_repaired_cells_are_what_is_checked_and_accepted(run: Process, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "claims.csv", [claim("A1", **DAMAGE), claim("A2")])
    assert run(path, dry_run=True)["rows"]["rejected"] == 1  # type: ignore[index]
    summary: Any = run(path, fix=True, out=tmp_path / "out")
    assert summary["rows"]["accepted"] == 2, summary["findings_by_code"]
    accepted = pl.read_parquet(tmp_path / "out" / "accepted.parquet").row(0, named=True)
    assert (accepted["patient_zip"], accepted["procedure_code"], accepted["place_of_service"]) == (
        "01609", "99213", "02",
    )  # fmt: skip
    assert accepted["service_date_from"] == date(2026, 5, 16)
    assert summary["repairs"] == {
        "date_format": 2, "stray_spaces": 1, "point_zero": 1, "amount_format": 1, "place_of_service_zero": 1,
        "zip_zero": 1,
    }  # fmt: skip
    assert (summary["cells_repaired"], summary["proposals"]) == (6, {})
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["repairs"] == summary["repairs"]
    listed = rows_of(Path(summary["outputs"]["repairs"]))
    assert {(line["input"], line["row_number"], line["field"]) for line in listed} == {
        ("claims.csv", "2", field) for field in DAMAGE
    }


def test_rejected_rows_stay_as_they_came(run: Process, tmp_path: Path) -> None:
    bad = claim("A1", **DAMAGE) | {"charge_amount": "($5.00)", "patient_city": " Worcester"}
    run(write_csv(tmp_path / "claims.csv", [bad]), fix=True, out=tmp_path / "out")
    (rejected,) = rows_of(tmp_path / "out" / "rejected.csv")
    assert {name: rejected[name] for name in bad} == bad
    assert rejected["error_codes"] == "FIN-002"


@pytest.mark.parametrize("rows", [30, 2_500])
def test_as_if_the_file_had_been_fixed_before(run: Process, tmp_path: Path, rows: int) -> None:
    """Also where columns are coded, which parts of 2,000 rows and more are."""
    damaged = [claim(f"A{n}", **(DAMAGE if n % 3 else {})) for n in range(rows)]
    good = {**DAMAGE, "patient_zip": "01609", "service_date_from": "2026-05-16", "charge_amount": "120.00",
            "service_date_to": "2026-05-16", "procedure_code": "99213", "place_of_service": "02"}  # fmt: skip
    whole = [claim(f"A{n}", **(good if n % 3 else {})) for n in range(rows)]
    run(write_csv(tmp_path / "damaged.csv", damaged), fix=True, out=tmp_path / "a", output_format="csv")
    again: Any = run(
        write_csv(tmp_path / "whole.csv", whole), out=tmp_path / "b", output_format="csv", duplicates="skip"
    )
    assert (tmp_path / "a" / "accepted.csv").read_bytes() == (tmp_path / "b" / "accepted.csv").read_bytes()
    assert again["duplicates"]["found"] == 0, "the store knows the claims by what they say"


def test_several_inputs_prove_their_dates_apart(run: Process, tmp_path: Path) -> None:
    proven = write_csv(
        tmp_path / "june.csv",
        [claim("A1", service_date_from="5/4/2026"), claim("A2", service_date_from="5/16/2026")],
    )
    other = write_csv(tmp_path / "july.csv", [claim("A3", service_date_from="5/4/2026")])
    run(proven, other, fix=True, out=tmp_path / "out")
    listed = rows_of(tmp_path / "out" / "repairs.csv")
    assert [(line["input"], line["applied"]) for line in listed] == [
        ("june.csv", "yes"), ("june.csv", "yes"), ("july.csv", "no"),
    ]  # fmt: skip


def test_limit_and_dry_run(run: Process, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "claims.csv", [claim(f"A{n}", **DAMAGE) for n in range(5)])
    summary: Any = run(path, fix=True, limit=2, dry_run=True)
    assert summary["repairs"]["zip_zero"] == 2
    assert summary["cells_repaired"] == 2 * len(DAMAGE)
    assert "repairs" not in summary["outputs"]


def test_without_fix_nothing_is_said_of_repairs(run: Process, tmp_path: Path) -> None:
    summary: Any = run(write_csv(tmp_path / "claims.csv", [claim("A1", **DAMAGE)]), out=tmp_path / "out")
    assert "repairs" not in summary
    assert not (tmp_path / "out" / "repairs.csv").exists()
