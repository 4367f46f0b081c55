"""Quasi-identifiers that settings have sealed stand in no stored line; who may see them gets them back."""

from __future__ import annotations

import csv
from pathlib import Path

import polars as pl

from tests.claims import claim, write_csv
from tests.commands import Command
from tests.conftest import AS_OF


def test_sealed_columns_are_in_no_line_and_come_back(command: Command, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    lines = [claim("A", patient_dob="1931-02-03", patient_zip="01609"), claim("B", patient_dob="1944-05-06")]
    path = write_csv(tmp_path / "claims.csv", lines)
    options = ("--as-of", AS_OF.isoformat(), "--json")
    first = command("process", path, "--out", tmp_path / "plain", *options).json["job_id"]
    stored = next((workspace / "lines" / first).glob("part-*.parquet"))
    assert {"patient_dob", "patient_zip"} <= set(pl.read_parquet_schema(stored))
    with (workspace / "claimsctl.toml").open("a", encoding="utf-8") as settings:
        settings.write('[security]\nseal = ["patient_dob", "patient_zip"]\n')
    changed = [{**line, "charge_amount": "121.00"} for line in lines]
    path = write_csv(tmp_path / "claims.csv", changed)
    ran = command("process", path, "--out", tmp_path / "sealed", "--duplicates", "update", *options)
    stored = next((workspace / "lines" / ran.json["job_id"]).glob("part-*.parquet"))
    assert not {"patient_dob", "patient_zip"} & set(pl.read_parquet_schema(stored))
    out = tmp_path / "all.csv"
    exported = command("--yes", "claims", "export", "--out", out, "--show-phi")
    assert exported.code == 0, exported.err
    with out.open(encoding="utf-8") as file:
        births = {
            row["claim_number"]: (row["patient_dob"], row["patient_zip"]) for row in csv.DictReader(file)
        }
    assert births == {"A": ("1931-02-03", "01609"), "B": ("1944-05-06", "01609")}
    shown = command("claims", "show", "A", "--json")
    assert "1931-02-03" not in shown.out
    assert "1931-02-03" in command("claims", "show", "A", "--show-phi", "--json").out
