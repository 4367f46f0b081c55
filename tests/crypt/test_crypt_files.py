"""`claimsctl crypt`: columns of files encrypted and decrypted, and what is refused."""

from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from claimsctl.crypt import files
from claimsctl.store.workspace import Workspace
from tests.cli.conftest import command, read_once
from tests.commands import Command

__all__ = ["command", "read_once"]  # fixtures

ROWS = [
    ("A1", "745-38-2916", 'Rivera, "El"'),
    ("A2", "", "Quill"),
    ("A3", "007", "Sloe\nDorn"),
    ("A4", "9", "X"),
]
CSV = "Claim #,SSN,Name\n" + "".join(f'{a},{b},"{c.replace(chr(34), chr(34) * 2)}"\n' for a, b, c in ROWS)


@pytest.fixture(autouse=True)
def _two_rows_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "BATCH_ROWS", 2)


@pytest.fixture
def claims(tmp_path: Path) -> Path:
    path = tmp_path / "claims.csv"
    path.write_text(CSV, encoding="utf-8")
    return path


def cells(path: Path) -> list[tuple[str, ...]]:
    with path.open(encoding="utf-8", newline="") as text:
        return [tuple(row) for row in csv.reader(text)][1:]


def test_csv_there_and_back(command: Command, claims: Path, tmp_path: Path) -> None:
    done = command("crypt", "encrypt", claims, "--columns", "ssn, Name")
    assert (done.code, done.err) == (0, "")
    sealed = tmp_path / "claims.encrypted.csv"
    assert done.out == f"4 rows, 2 columns encrypted (SSN, Name): {sealed}\n"
    assert sealed.stat().st_mode & 0o077 == 0
    text = sealed.read_text("utf-8")
    assert not [each for each in ("745-38-2916", "Rivera", "Quill", "Sloe\nDorn") if each in text]
    assert [row[0] for row in cells(sealed)] == ["A1", "A2", "A3", "A4"]
    assert cells(sealed)[1][1] == ""
    back = command("crypt", "decrypt", sealed, "--json").json
    assert back == {"path": str(tmp_path / "claims.decrypted.csv"), "rows": 4, "columns": ["SSN", "Name"]}
    assert cells(tmp_path / "claims.decrypted.csv") == ROWS
    log = Workspace.open(tmp_path / "workspace").audit_log.read_text()
    actions = [json.loads(line)["action"] for line in log.splitlines()]
    assert actions == ["crypt encrypt", "crypt decrypt"]


@pytest.mark.parametrize("form", ["xlsx", "parquet"])
def test_other_formats_there_and_back(command: Command, form: str, tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "id": ["1", "2", "3"],
            "born": [date(1984, 3, 9), None, date(1990, 1, 2)],
            "name": ["Rivera", None, "X"],
        }
    )
    path, sealed, again = (tmp_path / f"{name}.{form}" for name in ("in", "sealed", "again"))
    if form == "xlsx":
        frame = frame.with_columns(pl.col("born").cast(pl.String))
        frame.write_excel(path)
    else:
        frame.write_parquet(path)
    assert command("crypt", "encrypt", path, "--columns", "born,name", "--out", sealed).code == 0
    if form == "parquet":
        assert pl.read_parquet(sealed)["name"][0].startswith("phi1r.")
    assert command("crypt", "decrypt", sealed, "--out", again).code == 0
    found = pl.read_parquet(again) if form == "parquet" else pl.read_excel(again, infer_schema_length=0)
    assert found.rows() == frame.rows()


def test_rows_with_a_key_may_be_sorted_and_removed(command: Command, claims: Path, tmp_path: Path) -> None:
    sealed, again = tmp_path / "sealed.csv", tmp_path / "again.csv"
    assert (
        command("crypt", "encrypt", claims, "--columns", "SSN", "--key", "claim #", "--out", sealed).code == 0
    )
    header, *lines = pl.read_csv(sealed, infer_schema=False, has_header=False).rows()
    pl.DataFrame([lines[2], lines[0]], schema=list(header), orient="row").write_csv(sealed)
    assert command("crypt", "decrypt", sealed, "--key", "Claim #", "--out", again).code == 0
    assert cells(again) == [ROWS[2], ROWS[0]]
    without = command("crypt", "decrypt", sealed, "--out", tmp_path / "no.csv")
    assert (without.code, "sealed.csv, row 2, column SSN" in without.err) == (3, True)
    assert not (tmp_path / "no.csv").exists()


def test_a_moved_altered_or_replaced_cell_is_refused_by_row_and_column(
    command: Command, claims: Path, tmp_path: Path
) -> None:
    sealed = tmp_path / "sealed.csv"
    assert command("crypt", "encrypt", claims, "--columns", "SSN,Name", "--out", sealed).code == 0
    good = pl.read_csv(sealed, infer_schema=False).fill_null("")
    ssn = good["SSN"].to_list()
    for put, row in (
        ([ssn[2], "", ssn[0], ssn[3]], 2),
        ([ssn[0], "", ssn[2], "9"], 5),
        ([ssn[0], ssn[2], ssn[2], ssn[3]], 3),
        ([ssn[0], "", ssn[2], ssn[3][:-2] + "AA"], 5),
    ):
        good.with_columns(pl.Series("SSN", put)).write_csv(sealed)
        refused = command("crypt", "decrypt", sealed, "--out", tmp_path / "again.csv")
        assert refused.code == 3
        assert f"sealed.csv, row {row}, column SSN: " in refused.err
        assert "phi1r" not in refused.err
        assert not (tmp_path / "again.csv").exists()


def test_another_workspace_has_another_key(
    command: Command, claims: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = tmp_path / "sealed.csv"
    assert command("crypt", "encrypt", claims, "--columns", "SSN", "--out", sealed).code == 0
    monkeypatch.setenv("CLAIMSCTL_WORKSPACE", str(tmp_path / "other"))
    refused = command("crypt", "decrypt", sealed, "--out", tmp_path / "again.csv")
    assert refused.code == 5
    assert "sealed.csv, row 2, column SSN: encrypted with a key that is not at hand" in refused.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--columns", "SNN"], 2, "There is no column 'SNN'. There are Claim #, SSN, Name."),
        (["--columns", "SSN", "--key", "SSN"], 2, "cannot be encrypted and be the key"),
        (["--columns", " "], 2, "No column was named"),
        (["--columns", "SSN", "--out", "sealed.parquet"], 2, "does not end as a file of the same format"),
        (["--columns", "SSN", "--out", "claims.csv"], 2, "is the input itself"),
        (["--columns", "SSN", "--out", "nowhere/claims.csv"], 2, "There is no directory"),
    ],
)
def test_what_cannot_be_meant(
    command: Command,
    claims: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    said: str,
) -> None:
    monkeypatch.chdir(claims.parent)
    done = command("crypt", "encrypt", "claims.csv", *arguments)
    assert (done.code, said in done.err) == (code, True), done.err
    assert not list(claims.parent.glob("*.encrypted.*"))


def test_json_is_written_as_lines(command: Command, tmp_path: Path) -> None:
    path, sealed, again = tmp_path / "a.json", tmp_path / "b.jsonl", tmp_path / "c.jsonl"
    path.write_text('[{"ssn": "7", "id": "1"}, {"id": "2"}]')
    assert command("crypt", "encrypt", path, "--columns", "ssn", "--out", sealed).code == 0
    assert command("crypt", "decrypt", sealed, "--out", again).code == 0
    documents = [json.loads(line) for line in again.read_text().splitlines()]
    assert documents == [{"ssn": "7", "id": "1"}, {"ssn": None, "id": "2"}]


def test_a_file_with_records_that_cannot_be_read_is_refused(command: Command, tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("a,b\n1,2\n1,2,3,Rivera\n")
    refused = command("crypt", "encrypt", tmp_path / "b.csv", "--columns", "a")
    assert (refused.code, "the first in row 3" in refused.err, "Rivera" in refused.err) == (3, True, False)
