"""`claimsctl process`: the files that it reads and writes."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.claims import claim, csv_text, write_csv
from tests.cli.conftest import read_few as read_once
from tests.commands import Command

__all__ = ["read_once"]  # a fixture: few rules will do

AS_OF = ("--as-of", "2026-06-30")


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_text_for_people(command: Command, mixed: Path, tmp_path: Path) -> None:
    ended = command("process", mixed, *AS_OF, "--out", tmp_path / "out")
    assert ended.code == 0
    assert "FIN-002" in ended.out
    assert "rejected.csv" in ended.out
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "accepted.parquet", "rejected.csv", "errors.csv", "errors.parquet", "summary.json",
    }  # fmt: skip


def test_default_output_directory_is_named_by_the_job(command: Command, clean: Path) -> None:
    ended = command("process", clean, *AS_OF)
    (job,) = Path("claimsctl-out").iterdir()
    assert json.loads((job / "summary.json").read_text())["job_id"] == job.name
    assert f"claimsctl-out/{job.name}" in ended.out.replace("\n", "")


def test_dry_run_leaves_nothing(command: Command, mixed: Path, tmp_path: Path) -> None:
    ended = command("process", mixed, *AS_OF, "--dry-run", "--out", tmp_path / "out", "--json")
    assert ended.code == 0
    assert ended.json["job_id"] is None
    assert not (tmp_path / "out").exists()
    assert not Path("claimsctl-out").exists()
    workspace = tmp_path / "workspace"
    assert not (workspace / "claims.duckdb").exists()
    assert not (workspace / "jobs.sqlite").exists()
    assert [*(workspace / "tmp").iterdir(), *(workspace / "jobs").iterdir()] == []


@pytest.mark.parametrize("file_format", ["parquet", "csv", "xlsx"])
def test_output_format(command: Command, clean: Path, tmp_path: Path, file_format: str) -> None:
    ended = command("process", clean, *AS_OF, "--output-format", file_format, "--out", tmp_path / "out")
    assert ended.code == 0
    accepted = tmp_path / "out" / f"accepted.{file_format}"
    read: dict[str, Any] = {"parquet": pl.read_parquet, "xlsx": pl.read_excel}
    frame = read.get(file_format, lambda path: pl.read_csv(path, infer_schema=False))(accepted)
    assert frame["claim_number"].to_list() == ["A1", "A2"]
    assert frame["patient_zip"].cast(pl.String).to_list() == ["01609", "01609"]


def test_files_are_for_the_user_alone(command: Command, mixed: Path, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        command("process", mixed, *AS_OF, "--out", tmp_path / "out")
    finally:
        os.umask(before)
    made = [tmp_path / "workspace", tmp_path / "config" / "keys", tmp_path / "out"]
    for path in [*made, *(path for top in made for path in top.rglob("*"))]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


def test_duplicates(command: Command, tmp_path: Path) -> None:
    """A claim that has changed: what each choice does with it; only the last one takes it in."""
    assert command("process", write_csv(tmp_path / "a.csv", [claim()]), *AS_OF, "-q").code == 0
    changed = write_csv(tmp_path / "b.csv", [claim(charge_amount="121.00")])
    for strategy, became in (
        (None, "rejected"),
        ("error", "rejected"),
        ("skip", "skipped"),
        ("update", "accepted"),
    ):
        options = ("--duplicates", strategy) if strategy else ()
        ended = command("process", changed, *AS_OF, *options, "--json")
        assert ended.json["rows"][became] == ended.json["rows"]["read"] == 1, strategy
        assert ended.json["duplicates"]["strategy"] == (strategy or "error")


def test_batch_size_does_not_change_the_files(command: Command, tmp_path: Path) -> None:
    rows = [claim(f"A{n % 90}", line_number=str(n // 90 + 1), charge_amount=str(n % 7)) for n in range(250)]
    path = write_csv(tmp_path / "claims.csv", rows)
    for name, size in (("whole", "100000"), ("parts", "100")):
        options = ("--batch-size", size, "--output-format", "csv", "--out", tmp_path / name)
        ended = command(
            "--workspace", tmp_path / f"workspace-{name}", "process", path, *AS_OF, "-q", *options
        )
        assert ended.code == 0
    for name in ("accepted.csv", "rejected.csv", "errors.csv"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes()


def test_safe_csv_neutralises_formulas(command: Command, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "claims.csv", [claim(patient_city="=1+1", charge_amount="-5")])
    for name, options in (("plain", ()), ("safe", ("--safe-csv",))):
        command("process", path, *AS_OF, *options, "--out", tmp_path / name, "-q")
    assert read_csv(tmp_path / "plain" / "rejected.csv")[0]["patient_city"] == "=1+1"
    assert read_csv(tmp_path / "safe" / "rejected.csv")[0]["patient_city"] == "'=1+1"


def test_standard_input(command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = csv_text([claim("A1"), claim("A2", charge_amount="-5")])
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    ended = command("process", "-", *AS_OF, "--json", "--out", tmp_path / "out")
    assert ended.json["rows"] == {"read": 2, "accepted": 1, "held": 0, "rejected": 1, "skipped": 0}
    assert (tmp_path / "out" / "rejected.csv").exists()


def test_several_inputs_keep_their_rejected_rows_apart(command: Command, tmp_path: Path) -> None:
    for name in ("june", "july"):
        write_csv(tmp_path / f"{name}.csv", [claim(name.upper(), charge_amount="-5")])
    ended = command("process", tmp_path / "ju*.csv", *AS_OF, "--out", tmp_path / "out", "--json")
    assert len(ended.json["inputs"]) == 2
    assert sorted(path.name for path in (tmp_path / "out" / "rejected").iterdir()) == ["july.csv", "june.csv"]


def test_corrected_file_goes_straight_back_in(command: Command, mixed: Path, tmp_path: Path) -> None:
    command("process", mixed, *AS_OF, "--out", tmp_path / "out", "-q")
    rejected = tmp_path / "out" / "rejected.csv"
    rejected.write_text(rejected.read_text().replace(",-5,", ",5,"))
    ended = command("process", rejected, *AS_OF, "--json")
    assert ended.json["rows"]["accepted"] == 1, ended.json["findings_by_code"]
    assert ended.json["since_last"]["fixed"] >= 1
