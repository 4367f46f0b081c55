"""What failed in a job, counted, filtered, exported, and told row by row."""

from __future__ import annotations

import csv
import json
import stat
from functools import partial
from pathlib import Path

import polars as pl
import pytest

from claimsctl.store.jobs import JobStore
from claimsctl.store.workspace import Workspace
from tests.claims import claim, write_csv
from tests.cli.conftest import Prepared
from tests.commands import Command
from tests.conftest import AS_OF

DAY = ("--as-of", AS_OF.isoformat())


def a_job(command: Command, place: Path) -> str:
    """A run with a clean claim, one of two lines with an error on the second, and two more bad ones."""
    rows = [
        claim("A1"),
        claim("B1"),
        claim("B1", line_number="2", procedure_code="93000", diagnosis_1="R00.2", charge_amount="-5"),
        claim("C1", charge_amount="-5", patient_last_name="Secretname"),
        claim("D1", patient_zip="1602", patient_address="99 Hidden Rd"),
    ]
    assert command("process", write_csv(place / "c.csv", rows), "--out", place / "o", *DAY, "-q").code == 0
    return ""


@pytest.fixture
def ran(command: Command, prepared: Prepared, tmp_path: Path) -> Command:
    """The command, in a workspace after that run."""
    prepared.copy("errors", partial(a_job, command), tmp_path)
    return command


def test_counts_and_details(ran: Command) -> None:
    found = ran("jobs", "errors", "last", "--severity", "error", "--json").json
    by_code = {each["code"]: (each["rows"], each["claims"]) for each in found["by_code"]}
    negative = next(each["code"] for each in found["details"] if each["row_number"] == 4)
    assert by_code[negative] == (2, 2)
    assert found["findings"]["error"] == found["total"] == sum(each["rows"] for each in found["by_code"])
    assert {each["type"] for each in found["by_type"]} >= {"financial", "patient"}
    assert {each["field"] for each in found["by_field"]} >= {"charge_amount", "patient_zip"}
    assert sum(each["rows"] for each in found["causes"]) == found["total"]
    assert all(each["fix"] for each in found["causes"])
    shown = ran("jobs", "errors", "last").out
    for text in (
        "Fix this first",
        "Findings by type",
        "Findings by field",
        "row 4, claim B1 line 2",
        "Fix: ",
    ):
        assert text in shown
    assert "Secretname" not in shown


def test_filters_and_pages(ran: Command) -> None:
    def rows(*options: object) -> list[int]:
        found = ran("jobs", "errors", "last", "--severity", "error", "--json", *options).json
        return [each["row_number"] for each in found["details"]]

    every = rows()
    assert rows("--claim", "C1") == [5]
    assert rows("--field", "charge_amount") == [4, 5]
    assert rows("--type", "patient") == [6]
    assert rows("--code", "pat-*") == [6]
    assert rows("--input", "other.csv") == []
    assert rows("--limit", "1", "--page", "2") == every[1:2]
    assert "No finding from" in ran("jobs", "errors", "last", "--page", "99").out
    assert "No finding." in ran("jobs", "errors", "last", "--claim", "NONE").out


@pytest.mark.parametrize("form", ["csv", "xlsx", "parquet", "json"])
def test_export_has_every_finding_as_errors_csv_has_it(ran: Command, tmp_path: Path, form: str) -> None:
    path = tmp_path / f"found.{form}"
    assert ran("jobs", "errors", "last", "--export", form, "--out", path).code == 0
    with (tmp_path / "o" / "errors.csv").open(newline="") as file:
        expected = [(row["row_number"], row["code"], row["message"]) for row in csv.DictReader(file)]
    match form:
        case "csv":
            found = pl.read_csv(path, infer_schema=False)
        case "xlsx":
            found = pl.read_excel(path)
        case "parquet":
            found = pl.read_parquet(path)
        case _:
            found = pl.DataFrame(json.loads(path.read_text()))
    got = [
        ("" if row is None else str(row), *rest)
        for row, *rest in found.select("row_number", "code", "message").rows()
    ]
    assert sorted(got) == sorted(expected)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = ran("jobs", "errors", "last", "--export", form, "--out", path)
    assert again.code == 4
    assert "exists already" in again.err
    assert (
        ran("jobs", "errors", "last", "--export", form, "--out", path, "--yes", "--code", "NONE-1").code == 0
    )


def test_a_filter_that_nothing_fits_does_not_read_as_a_clean_job(ran: Command) -> None:
    total = ran("jobs", "errors", "last", "--json").json["total"]
    assert total
    shown = " ".join(ran("jobs", "errors", "last", "--code", "ZZZ").out.split())
    assert f"0 errors, 0 warnings, 0 info findings as asked for, of {total} findings" in shown
    assert "as asked for" not in ran("jobs", "errors", "last").out


def test_story_of_a_row(ran: Command) -> None:
    first_line = ran("jobs", "errors", "last", "--row", "3", "--json").json
    assert (first_line["verdict"], first_line["claim_number"]) == ("rejected", "B1")
    assert [each["row_number"] for each in first_line["other_lines"]] == [4]
    assert [each["status"] for each in first_line["claim_now"]] == ["INVALID"]
    third = ran("jobs", "errors", "last", "--row", "5")
    assert "rejected" in third.out
    assert "charge_amount" in third.out
    assert "Secretname" not in third.out
    assert "S." in third.out
    assert "Hidden" not in ran("jobs", "errors", "last", "--row", "6").out
    accepted = ran("jobs", "errors", "last", "--row", "2", "--json").json
    assert (accepted["verdict"], accepted["cells"]) == ("accepted", {})
    unknown = ran("jobs", "errors", "last", "--row", "77", "--json").json
    assert (unknown["verdict"], unknown["findings"]) == ("nothing is kept of it", [])
    told = ran("jobs", "errors", "last", "--row", "77").out
    assert "or the input has no such row" in " ".join(told.split())


def test_a_rollback_has_no_findings(ran: Command) -> None:
    job = ran("jobs", "show", "last", "--json").json["job_id"]
    assert ran("jobs", "rollback", "last", "--yes").code == 0
    for asked in ((), ("--row", "3"), ("--json",), ("--export", "csv")):
        refused = ran("jobs", "errors", "last", *asked)
        assert (refused.code, refused.out) == (2, "")
        assert "(rollback) is COMPLETED; it has no findings" in refused.err
        assert f"claimsctl jobs errors {job}" in refused.err
    assert ran("jobs", "errors", job, "--json").json["findings"]["error"]


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (None, "is PROCESSING; its findings are told when it has ended. Follow it: claimsctl jobs watch"),
        ("cancel", "is CANCELLED; it has no findings. Run it again: claimsctl jobs resume"),
        ("fail", "is FAILED; it has no findings. Its error: the disk was full. Run it again"),
    ],
)
def test_a_job_that_did_not_end_does_not_read_as_a_clean_one(
    command: Command, tmp_path: Path, end: str | None, said: str
) -> None:
    workspace = Workspace.open(tmp_path / "workspace")
    jobs, job = JobStore(workspace), workspace.new_job_id()
    jobs.create_job(job, "process")
    jobs.start(job)
    if end == "cancel":
        jobs.cancel(job)
    elif end == "fail":
        jobs.fail(job, "the disk was full")
    refused = command("jobs", "errors", "last")
    assert refused.code == 2
    assert said in refused.err


def test_row_of_several_inputs_needs_its_input(command: Command, tmp_path: Path) -> None:
    paths = [write_csv(tmp_path / f"{n}.csv", [claim(n, charge_amount="-5")]) for n in ("a", "b")]
    assert command("process", *paths, "--out", tmp_path / "o", *DAY, "-q").code == 0
    asked = command("jobs", "errors", "last", "--row", "2")
    assert asked.code == 2
    assert "a.csv, b.csv" in asked.err
    assert (
        command("jobs", "errors", "last", "--row", "2", "--input", "b.csv", "--json").json["claim_number"]
        == "b"
    )


def test_nothing_readable_of_rejected_rows_is_left_in_the_workspace(ran: Command, tmp_path: Path) -> None:
    (kept,) = (tmp_path / "workspace" / "jobs").glob("*/rejects")
    assert len(list(kept.iterdir())) == 2
    for path in (tmp_path / "workspace" / "jobs").rglob("*"):
        if path.is_file():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
            assert b"Secretname" not in path.read_bytes()
            assert b"Hidden" not in path.read_bytes()


def test_job_of_an_older_version_says_so(ran: Command, tmp_path: Path) -> None:
    for path in (tmp_path / "workspace" / "jobs").glob("*/details/*"):
        path.unlink()
    asked = ran("jobs", "errors", "last")
    assert asked.code == 2
    assert "errors.csv" in asked.err
