"""Claims that earlier runs stored: what becomes of them, and what the report says of each."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from claimsctl.process.rulebook import load_rulebook
from claimsctl.store.database import open_store
from claimsctl.store.workspace import Workspace
from claimsctl.validate.ruleset import Selection
from tests.claims import claim, write_csv
from tests.conftest import Process

LINES = 3
Told = list[dict[str, str]]


def lines(number: str, **changes: str) -> list[dict[str, str]]:
    """A claim of a few lines."""
    codes = ("99213", "93000", "36415")
    return [
        claim(number, line_number=str(n + 1), procedure_code=codes[n], diagnosis_1="R00.2", **changes)
        for n in range(LINES)
    ]


@pytest.fixture
def first(run: Process, tmp_path: Path) -> str:
    """The job that accepted A1, A2 and A3."""
    book = load_rulebook(Selection(only=frozenset({"DUP-007", "DUP-010", "FIN-002"})))
    rows = [*lines("A1"), *lines("A2"), *lines("A3")]
    job = run(write_csv(tmp_path / "first.csv", rows), out=tmp_path / "first", book=book)["job_id"]
    assert isinstance(job, str)
    return job


@pytest.fixture
def again(run: Process, tmp_path: Path) -> Any:
    """Run A1 with another charge on its last line, and A2 unchanged; a negative charge is wrong."""
    book = load_rulebook(Selection(only=frozenset({"DUP-007", "DUP-010", "FIN-002"})))

    def process(charge: str = "125.00", frequency: str = "", **options: Any) -> tuple[Any, Told]:
        rows = [*lines("A1", frequency_code=frequency), *lines("A2")]
        rows[2]["charge_amount"] = charge
        out = tmp_path / f"again-{len(list(tmp_path.iterdir()))}"
        summary = run(write_csv(tmp_path / "again.csv", rows), out=out, book=book, **options)
        with (out / "errors.csv").open(newline="") as file:
            return summary, [row for row in csv.DictReader(file) if row["code"].startswith("DUP")]

    return process


def where(told: dict[str, str]) -> tuple[str, ...]:
    return told["code"], told["severity"], told["row_number"], told["claim_number"]


def stored(tmp_path: Path, number: str) -> list[tuple[Any, ...]]:
    """version, is_current, status, lines and last charge of the stored versions of a claim."""
    workspace = Workspace.open(tmp_path / "workspace")
    with open_store(workspace, write=False) as connection:
        found = connection.execute(
            "SELECT version, is_current, status, job_id FROM claims WHERE claim_number = ? ORDER BY version",
            [number],
        ).fetchall()
    charges = []
    for *_, job in found:
        parts = sorted(workspace.lines_directory(job).glob("part-*.parquet"))
        kept = pl.concat([pl.read_parquet(part) for part in parts], how="diagonal")
        ours = kept.filter(pl.col("claim_number") == number).sort("line_number")
        charges.append(ours["charge_amount"].to_list())
    return [(*row[:3], len(each), f"{each[-1]:.2f}") for row, each in zip(found, charges, strict=True)]


def test_error_names_row_claim_and_job(first: str, again: Any, tmp_path: Path) -> None:
    summary, (told,) = again()
    assert where(told) == ("DUP-007", "error", "2", "A1")
    assert f"by job {first}" in told["message"]
    assert summary["claims"]["rejected"] == 1
    assert summary["duplicates"] == {
        "found": 1, "strategy": "error", "unchanged": 1, "jobs": {first: 2}, "exact_copies": 0,
    }  # fmt: skip
    assert [row[1:3] for row in stored(tmp_path, "A1")] == [(True, "VALIDATED"), (False, "INVALID")]


@pytest.mark.parametrize("batch", [100_000, 100])
def test_skip_names_row_claim_job_and_action(first: str, again: Any, tmp_path: Path, batch: int) -> None:
    summary, (told,) = again(duplicates="skip", batch_size=batch)
    assert where(told) == ("DUP-010", "info", "2", "A1")
    assert f"by job {first}" in told["message"]
    assert told["message"].endswith("its lines are skipped.")
    assert (summary["claims"]["skipped"], summary["rows"]["skipped"]) == (1, LINES)
    assert len(stored(tmp_path, "A1")) == 1


def test_update_says_so_and_keeps_the_old_version(first: str, again: Any, tmp_path: Path) -> None:
    summary, (told,) = again(duplicates="update")
    assert (told["code"], told["row_number"]) == ("DUP-010", "2")
    assert f"by job {first}" in told["message"]
    assert "takes its place" in told["message"]
    assert summary["claims"]["accepted"] == 2
    assert stored(tmp_path, "A1") == [
        (1, False, "VALIDATED", LINES, "120.00"), (2, True, "VALIDATED", LINES, "125.00"),
    ]  # fmt: skip
    assert len(stored(tmp_path, "A2")) == 1, "what says the same is not stored again"


def test_an_update_that_is_rejected_replaces_nothing(first: str, again: Any, tmp_path: Path) -> None:
    summary, told = again("-1", duplicates="update")
    assert summary["claims"]["rejected"] == 1
    assert "unless it is rejected" in told[0]["message"]
    assert [row[:3] for row in stored(tmp_path, "A1")] == [(1, True, "VALIDATED"), (2, False, "INVALID")]


def test_a_replacement_needs_no_option_and_is_told(first: str, again: Any, tmp_path: Path) -> None:
    summary, told = again(frequency="7")
    assert summary["claims"]["accepted"] == 2
    assert [each["code"] for each in told] == ["DUP-010"]
    assert [row[:2] for row in stored(tmp_path, "A1")] == [(1, False), (2, True)]


def test_the_rule_can_be_left_out(first: str, run: Process, tmp_path: Path) -> None:
    book = load_rulebook(Selection(only=frozenset({"FIN-002"})))
    changed = write_csv(tmp_path / "changed.csv", lines("A1", charge_amount="125.00"))
    summary: Any = run(changed, out=tmp_path / "out", book=book, duplicates="skip")
    assert (summary["claims"]["skipped"], summary["findings_by_code"]) == (1, [])


WRITTEN: dict[str, tuple[str, str]] = {
    "patient_dob": ("05/17/1980", "1980-05-17"),
    "service_date_from": ("5/14/2026", "2026-05-14"),
    "service_date_to": ("20260514", "14-May-2026"),
    "charge_amount": ("$120.00", "120"),
    "units": ("1", "1.0"),
    "diagnosis_1": ("F41.1", "f411"),
    "patient_sex": ("F", "female"),
    "patient_phone": ("(508) 555-0113", "508-555-0113"),
}
"""What cells may say in two ways."""


def written(tmp_path: Path, way: int) -> Path:
    """One claim, its cells written in the first or the second way."""
    row = claim("A1", **{name: ways[way] for name, ways in WRITTEN.items()})
    return write_csv(tmp_path / f"{way}.csv", [row])


@pytest.mark.parametrize("strategy", ["error", "update"])
def test_cells_that_are_written_otherwise_change_no_claim(
    run: Process, tmp_path: Path, strategy: str
) -> None:
    run(written(tmp_path, 0), out=tmp_path / "first")
    summary: Any = run(written(tmp_path, 1), out=tmp_path / "again", duplicates=strategy)
    assert summary["claims"]["accepted"] == 1 == summary["duplicates"]["unchanged"]
    assert not {"DUP-007", "DUP-010"} & {each["code"] for each in summary["findings_by_code"]}


def test_rows_that_say_the_same_are_copies_however_they_are_written(run: Process, tmp_path: Path) -> None:
    summary: Any = run(written(tmp_path, 0), written(tmp_path, 1), out=tmp_path / "out")
    assert summary["rows"] == {"read": 2, "accepted": 1, "held": 0, "rejected": 0, "skipped": 1}


@pytest.mark.parametrize(("colour", "skipped"), [("blue", 1), ("red", 0)])
def test_copies_are_known_where_unmapped_columns_stand_elsewhere(
    run: Process, tmp_path: Path, colour: str, skipped: int
) -> None:
    one = write_csv(tmp_path / "a.csv", [{"Colour": "blue", "Room": "7", **claim("A1")}])
    other = write_csv(tmp_path / "b.csv", [{**claim("A1"), "Room": "7", "Colour": colour}])
    summary: Any = run(one, other, out=tmp_path / "out")
    assert summary["rows"]["skipped"] == skipped


def test_another_name_in_a_column_of_full_names_changes_a_claim(run: Process, tmp_path: Path) -> None:
    book = load_rulebook(Selection(only=frozenset({"DUP-007"})))
    for name in ("Sample, Pat", "Sampel, Pat"):
        row = {"Patient Name": name, **claim("A1")}
        del row["patient_last_name"], row["patient_first_name"]
        path = write_csv(tmp_path / f"{name}.csv", [row])
        summary: Any = run(path, out=tmp_path / name, book=book)
    assert [each["code"] for each in summary["findings_by_code"]] == ["DUP-007"]


@pytest.mark.parametrize("duplicates", ["error", "skip"])
def test_what_is_said_of_copies_does_not_depend_on_the_size_of_parts(
    run: Process, tmp_path: Path, duplicates: str
) -> None:
    book = load_rulebook(Selection(only=frozenset({"DUP-001", "DUP-010", "FIN-002"})))
    run(write_csv(tmp_path / "first.csv", lines("A3")), out=tmp_path / "first", book=book)
    wrong = lines("A2", charge_amount="-5")
    rows = [*lines("A1"), *wrong, *lines("A1"), *lines("A3"), *wrong, wrong[0], *lines("A4"), *lines("A3")]
    path = write_csv(tmp_path / "claims.csv", rows)
    told = []
    for size in (2, 5, 100):
        out = tmp_path / f"{duplicates}-{size}"
        summary = run(path, out=out, book=book, batch_size=size, duplicates=duplicates)
        found: Any = summary["findings_by_code"]
        counted = {each["code"]: (each["rows"], each["claims"]) for each in found}
        assert counted["DUP-001"] == (10, 3)
        assert counted["FIN-002"] == (3, 1)
        told.append((out / "errors.csv").read_text())
    assert told[0] == told[1] == told[2]
    numbers = [int(each["row_number"]) for each in csv.DictReader(told[0].splitlines()) if each["row_number"]]
    assert numbers == sorted(numbers)
