"""Trying failed rows again: as they were, from corrected files of every shape, by two users at once."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from claimsctl.store.database import open_store
from claimsctl.store.workspace import Workspace
from tests.claims import claim, csv_text, write_csv
from tests.cli.conftest import Prepared
from tests.commands import Command, ended, start
from tests.conftest import AS_OF
from tests.soak.conftest import stored

DAY = ("--as-of", AS_OF.isoformat())
Row = dict[str, str]


def rejected(out: Path) -> list[Row]:
    with (out / "rejected.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def statuses(tmp_path: Path) -> dict[str, tuple[str, int]]:
    """Current claims by number: status and version; checks that nothing is lost or doubled on disk."""
    stored(tmp_path / "workspace")
    with open_store(Workspace.open(tmp_path / "workspace"), write=False) as connection:
        rows = connection.execute("SELECT claim_number, status, version FROM claims WHERE is_current")
        return {number: (status, version) for number, status, version in rows.fetchall()}


def a_job(command: Command, place: Path) -> str:
    """The id of a job with two accepted claims, and three rejected: B of two lines, C, and D of three."""
    rows = [
        claim("A"),
        claim("B", charge_amount="-5"),
        claim("B", line_number="2", procedure_code="93000", diagnosis_1="R00.2"),
        claim("C", units="x"),
        claim("D", charge_amount="-1"),
        claim("D", line_number="2", procedure_code="93000", diagnosis_1="R00.2"),
        claim("D", line_number="3", procedure_code="36415"),
        claim("E"),
    ]
    path = write_csv(place / "claims.csv", rows)
    ran = command("process", path, "--out", place / "first", *DAY, "--json")
    assert ran.json["claims"] == {"read": 5, "accepted": 2, "held": 0, "rejected": 3, "skipped": 0}
    return str(ran.json["job_id"])


@pytest.fixture
def first(command: Command, prepared: Prepared, tmp_path: Path) -> str:
    """That job, its files and workspace for this test alone."""
    return prepared.copy("retry", partial(a_job, command), tmp_path)


def corrected(rows: Iterable[Row]) -> list[Row]:
    """The rows of rejected.csv with their mistakes mended."""
    mended = []
    for row in rows:
        row = dict(row)
        row["charge_amount"] = row["charge_amount"].replace("-", "")
        row["units"] = row["units"].replace("x", "1")
        mended.append(row)
    return mended


def retry(command: Command, job: str, tmp_path: Path, *options: object, name: str = "again") -> Any:
    ran = command("jobs", "retry", job, *DAY, "--out", tmp_path / name, "--json", *options)
    assert ran.code == 0, ran.err
    return ran.json


def with_file(command: Command, job: str, tmp_path: Path, rows: Iterable[Mapping[str, str]]) -> Any:
    fixed = write_csv(tmp_path / "fixed.csv", rows)
    return retry(command, job, tmp_path, "--with", fixed)


def test_rows_that_pass_now_join_the_claims(command: Command, tmp_path: Path) -> None:
    """What was wrong is not in the rows: the services were still to come on the day of the first run."""
    path = write_csv(tmp_path / "claims.csv", [claim("A"), claim("F", service_date_from="2026-05-20",
                                                                service_date_to="2026-05-20")])  # fmt: skip
    one = command("process", path, "--as-of", "2026-05-10", "--out", tmp_path / "o", "--json").json
    assert one["claims"]["rejected"] == 1
    again = retry(command, one["job_id"], tmp_path)
    assert again["claims"] == {"read": 1, "accepted": 1, "held": 0, "rejected": 0, "skipped": 0}
    assert (again["command"], again["parent_job"]) == ("retry", one["job_id"])
    assert again["retry"]["rows"] == 1
    assert statuses(tmp_path) == {"A": ("VALIDATED", 1), "F": ("VALIDATED", 1)}, "same content, new verdict"
    shown = command("jobs", "show", one["job_id"], "--json").json
    assert [(c["command"], c["job_id"]) for c in shown["child_jobs"]] == [("retry", again["job_id"])]
    left = command("jobs", "retry", one["job_id"], *DAY)
    assert left.code == 0
    assert "Nothing of job" in left.out
    assert "1 of the rejected claims (1 rows) were accepted by a later job" in left.err
    story = command("jobs", "errors", one["job_id"], "--row", "3", "--json").json
    assert [each["status"] for each in story["claim_now"]] == ["VALIDATED"]
    assert [(each["job_id"], each["row_number"], each["errors"]) for each in story["later"]] == [
        (again["job_id"], 3, [])
    ]


def test_rows_that_fail_again_are_not_stored_twice(command: Command, first: str, tmp_path: Path) -> None:
    again = retry(command, first, tmp_path)
    assert again["rows"] == {"read": 6, "accepted": 0, "held": 0, "rejected": 6, "skipped": 0}
    before = [{k: row[k] for k in row if k != "error_messages"} for row in rejected(tmp_path / "first")]
    after = [{k: row[k] for k in row if k != "error_messages"} for row in rejected(tmp_path / "again")]
    assert after == before, "the same rows under the same row numbers"
    assert statuses(tmp_path)["B"] == ("INVALID", 1)
    retry(command, again["job_id"], tmp_path, name="third")
    assert [row["row_number"] for row in rejected(tmp_path / "third")] == [r["row_number"] for r in before]


def test_claim_of_another_payer_sequence_is_tried(command: Command, tmp_path: Path) -> None:
    """The first payer's claim was accepted since; the second payer's has the same number and was not."""
    wrong = [
        claim("A", payer_sequence="P", charge_amount="-5"),
        claim("A", payer_sequence="S", charge_amount="-5"),
        claim("B", payer_sequence="P", charge_amount="-5"),
    ]
    first = command(
        "process", write_csv(tmp_path / "1.csv", wrong), "--out", tmp_path / "1", *DAY, "--json"
    ).json
    assert first["claims"]["rejected"] == 3
    good = write_csv(tmp_path / "2.csv", [claim("A", payer_sequence="P")])
    assert command("process", good, "--out", tmp_path / "2", *DAY).code == 0
    again = retry(command, first["job_id"], tmp_path, name="once")
    assert (again["retry"]["rows"], again["retry"]["accepted_since_rows"]) == (2, 1)
    mended = [{**row, "charge_amount": "120.00"} for row in wrong]
    fixed = with_file(command, again["job_id"], tmp_path, mended)
    assert (fixed["retry"]["rows"], fixed["retry"]["left_out_rows"]) == (2, 1)


def test_corrected_file(command: Command, first: str, tmp_path: Path) -> None:
    rows = corrected(rejected(tmp_path / "first"))
    rows[2]["member_id"] = "NEW44100789"
    again = with_file(command, first, tmp_path, rows)
    assert again["claims"]["accepted"] == 3
    told = again["retry"]
    assert told["matched_rows"] == 6
    assert (told["added_rows"], told["removed_rows"], told["left_out_rows"]) == (0, 0, 0)
    assert told["edited_by_column"] == {"charge_amount": 2, "member_id": 1, "units": 1}
    assert {status for status, _ in statuses(tmp_path).values()} == {"VALIDATED"}
    story = command("jobs", "errors", first, "--row", "5", "--json").json
    (later,) = story["later"]
    assert later["row_number"] == 4, "its row in the corrected file"
    edits = {edit["column"]: (edit["before"], edit["after"]) for edit in later["edited"]}
    assert edits["units"] == ("x", "1")
    assert edits["member_id"][1] == "***0789"
    assert "NEW4410" not in json.dumps(story)
    kept = (tmp_path / "workspace" / "jobs" / again["job_id"] / "edits.parquet").read_bytes()
    assert b"NEW4410" not in kept


def test_edits_in_a_renamed_column_are_told(command: Command, first: str, tmp_path: Path) -> None:
    rows = [
        {("Line Charge" if name == "charge_amount" else name): text for name, text in row.items()}
        for row in corrected(rejected(tmp_path / "first"))
    ]
    edits = with_file(command, first, tmp_path, rows)["retry"]
    assert edits["edited_by_column"] == {"charge_amount": 2, "units": 1}


def test_one_file_is_corrected_at_a_time(command: Command, first: str, tmp_path: Path) -> None:
    """A job of several inputs writes a directory of rejected files."""
    (tmp_path / "rejected").mkdir()
    for name in ("m1.csv", "m2.csv"):
        write_csv(tmp_path / "rejected" / name, corrected(rejected(tmp_path / "first")))
    refused = command("jobs", "retry", first, "--with", tmp_path / "rejected", *DAY)
    assert refused.code == 2
    assert "holds 2 files: m1.csv, m2.csv" in refused.err
    assert "Name one file" in refused.err


def test_corrected_file_reordered(command: Command, first: str, tmp_path: Path) -> None:
    rows = corrected(rejected(tmp_path / "first"))
    again = with_file(command, first, tmp_path, reversed(rows))
    assert again["retry"]["matched_rows"] == 6
    assert again["retry"]["edited_by_column"] == {"charge_amount": 2, "units": 1}
    assert again["claims"]["accepted"] == 3


def test_corrected_file_with_rows_removed(command: Command, first: str, tmp_path: Path) -> None:
    """Claim C is left for later; of D a line is taken out."""
    rows = [row for row in corrected(rejected(tmp_path / "first")) if row["claim_number"] != "C"]
    fixed = write_csv(tmp_path / "fixed.csv", rows[:-1])
    ran = command("jobs", "retry", first, "--with", fixed, *DAY, "--out", tmp_path / "again")
    assert "2 of the failed rows are not in the file" in ran.err
    assert "1 claim lacks some of its rows; it is taken without them" in ran.err
    found = statuses(tmp_path)
    assert (found["B"], found["C"], found["D"]) == (("VALIDATED", 2), ("INVALID", 1), ("VALIDATED", 2))
    rest = retry(command, first, tmp_path, name="rest")
    assert rest["rows"]["read"] == 1, "only claim C is still to be tried"
    assert rest["retry"]["accepted_since_rows"] == 5


def test_corrected_file_with_rows_added(command: Command, first: str, tmp_path: Path) -> None:
    """A line of a failed claim, a new claim, and a row copied with its row_number."""
    rows = corrected(rejected(tmp_path / "first"))
    line = {**rows[0], "line_number": "3", "procedure_code": "36415", "row_number": ""}
    new = {**rows[2], "claim_number": "NEW", "row_number": ""}
    copied = {**rows[2], "claim_number": "COPY"}
    again = with_file(command, first, tmp_path, [*rows, line, new, copied])
    assert again["retry"]["matched_rows"] == 6
    assert again["retry"]["added_rows"] == 3
    assert set(statuses(tmp_path)) == {*"ABCDE", "NEW", "COPY"}


def test_whole_file_corrected_without_row_numbers(command: Command, first: str, tmp_path: Path) -> None:
    """Rows are matched by claim and place; claims that were accepted are left out, whatever they say now."""
    with (tmp_path / "claims.csv").open(newline="", encoding="utf-8") as file:
        rows = corrected(csv.DictReader(file))
    rows[0]["charge_amount"] = "999.00"
    again = with_file(command, first, tmp_path, rows)
    assert again["rows"]["read"] == again["retry"]["rows"] == 6
    assert again["retry"]["left_out_rows"] == 2
    assert again["retry"]["edited_by_column"] == {"charge_amount": 2, "units": 1}
    assert statuses(tmp_path)["A"] == ("VALIDATED", 1)
    assert statuses(tmp_path)["D"] == ("VALIDATED", 2)


def test_claim_with_an_unreadable_record_does_not_pass_without_it(command: Command, tmp_path: Path) -> None:
    rows = [claim("A"), claim("B")]
    text = csv_text(rows).rstrip("\n") + "\n" + ",".join(["B", "2", *["x"] * 60]) + "\n"
    path = tmp_path / "claims.csv"
    path.write_text(text)
    one = command("process", path, *DAY, "--out", tmp_path / "o", "--json").json
    assert one["rows"]["rejected"] == 2
    ran = command("jobs", "retry", one["job_id"], *DAY)
    assert "records that could not be read" in ran.err
    assert "Nothing of job" in ran.out
    assert statuses(tmp_path)["B"] == ("INVALID", 1)


def test_rejected_records_that_could_not_be_read(command: Command, tmp_path: Path) -> None:
    """They cannot be tried as they are; corrected ones are new rows, those accepted before are left out."""
    text = csv_text([claim("A")])
    path = tmp_path / "claims.csv"
    path.write_text(text + ",".join(["B", "1", *["x"] * 60]) + "\n")
    one = command("process", path, *DAY, "--out", tmp_path / "o", "--json").json
    assert one["claims"]["rejected"] == 0
    ran = command("jobs", "retry", one["job_id"], *DAY)
    assert "records that could not be read" in ran.err
    again = with_file(command, one["job_id"], tmp_path, [claim("A"), claim("B")])
    assert again["claims"]["accepted"] == again["claims"]["read"] == 1
    assert (again["retry"]["added_rows"], again["retry"]["left_out_rows"]) == (1, 1)
    assert statuses(tmp_path) == {"A": ("VALIDATED", 1), "B": ("VALIDATED", 1)}


def test_retry_repairs_when_asked(command: Command, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "c.csv", [claim("A", patient_zip="1609")])
    one = command("process", path, *DAY, "--out", tmp_path / "o", "--json").json
    assert one["claims"]["rejected"] == 1
    again = retry(command, one["job_id"], tmp_path, "--fix")
    assert again["cells_repaired"] == 1
    assert statuses(tmp_path)["A"][0] == "VALIDATED"


def test_inputs_of_every_format_and_several_at_once(command: Command, tmp_path: Path) -> None:
    frame = pl.DataFrame([claim("P", charge_amount="-5")])
    frame.write_parquet(tmp_path / "p.parquet")
    frame.with_columns(claim_number=pl.lit("J")).write_ndjson(tmp_path / "j.jsonl")
    frame.with_columns(claim_number=pl.lit("X")).write_excel(tmp_path / "x.xlsx")
    write_csv(tmp_path / "c.csv", [claim("C", charge_amount="-5")])
    paths = [tmp_path / name for name in ("p.parquet", "j.jsonl", "x.xlsx", "c.csv")]
    one = command("process", *paths, *DAY, "--out", tmp_path / "o", "--json").json
    assert one["rows"]["rejected"] == 4
    again = retry(command, one["job_id"], tmp_path)
    assert again["rows"]["rejected"] == 4
    names = sorted(path.name for path in (tmp_path / "again" / "rejected").iterdir())
    assert names == ["c.csv", "j.jsonl", "p.parquet", "x.xlsx"]
    assert set(statuses(tmp_path).values()) == {("INVALID", 1)}


def test_sessions_keep_the_numbers_they_got(command: Command, tmp_path: Path) -> None:
    """Two sessions alike but for the charge: the second is the second one also when it is tried alone."""
    session = claim(procedure_code="93000", diagnosis_1="R00.2")
    del session["claim_number"], session["line_number"]
    rows = [session, {**session, "charge_amount": "-5"}]
    path = write_csv(tmp_path / "s.csv", rows)
    one = command("process", path, "--profile", "session", *DAY, "--out", tmp_path / "o", "--json").json
    assert one["claims"]["rejected"] == 1
    before = statuses(tmp_path)
    assert len(before) == 2
    retry(command, one["job_id"], tmp_path)
    after = {number: status for number, (status, _) in statuses(tmp_path).items()}
    assert after == {number: status for number, (status, _) in before.items()}


def test_options_and_constants_are_those_of_the_job(command: Command, tmp_path: Path) -> None:
    rows = [{k: v for k, v in claim("A", charge_amount="-5").items() if k != "member_id"}]
    rows[0]["Odd"] = rows[0].pop("units")
    path = write_csv(tmp_path / "c.csv", rows)
    options = ("--set", "member_id=SECRET778899", "--map", "Odd=units", "--duplicates", "update")
    one = command("process", path, *options, *DAY, "--out", tmp_path / "o", "--json").json
    again = retry(command, one["job_id"], tmp_path)
    assert again["mapping"]["missing"] == []
    assert again["duplicates"]["strategy"] == "update"
    codes = [{each["code"] for each in run["findings_by_code"]} - {"FILE-003"} for run in (one, again)]
    assert codes[0] == codes[1]
    for kept in (tmp_path / "workspace" / "jobs").rglob("*"):
        assert not kept.is_file() or b"SECRET778899" not in kept.read_bytes()
    assert b"SECRET778899" not in (tmp_path / "workspace" / "jobs.sqlite").read_bytes()


def test_two_users_retry_the_same_job(command: Command, first: str, tmp_path: Path) -> None:
    rows = corrected(rejected(tmp_path / "first"))
    other = [{**row, "charge_amount": "77.00"} for row in rows]
    paths = [write_csv(tmp_path / "mine.csv", rows), write_csv(tmp_path / "yours.csv", other)]
    runs = [
        start("jobs", "retry", first, "--with", path, *DAY, "--out", tmp_path / path.stem, "--json")
        for path in paths
    ]
    results = [ended(run) for run in runs]
    assert [result.code for result in results] == [0, 0], [result.err for result in results]
    accepted = sorted(result.json["claims"]["accepted"] for result in results)
    assert accepted == [0, 3], "who came second is told that the claims are stored with other content"
    found = statuses(tmp_path)
    assert {found[name] for name in "BCD"} == {("VALIDATED", 2)}
    late = next(result for result in results if not result.json["claims"]["accepted"])
    assert late.json["duplicates"]["found"] == 3


def test_what_cannot_be_retried(command: Command, first: str, tmp_path: Path) -> None:
    for path in (tmp_path / "workspace" / "jobs" / first / "rejects").iterdir():
        path.unlink()
    gone = command("jobs", "retry", first)
    assert gone.code == 2
    assert "not kept" in gone.err
    clean = command(
        "process", write_csv(tmp_path / "z.csv", [claim("Z")]), *DAY, "--out", tmp_path / "z", "--json"
    )
    nothing = command("jobs", "retry", "last")
    assert (nothing.code, clean.json["job_id"] in nothing.out) == (0, True)
    assert command("jobs", "retry", "last", "--with", tmp_path / "z.csv").code == 2
