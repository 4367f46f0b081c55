"""`fix` as a job: every row in its place, formats kept, nothing lost, nothing overwritten."""

from __future__ import annotations

import csv
import gzip
import json
import os
import stat
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from claimsctl.errors import OutputError, UsageError
from claimsctl.fix.fixing import fix_input
from claimsctl.fix.knowing import knowledge_of
from claimsctl.process.request import Request
from claimsctl.store.workspace import Workspace
from tests.claims import claim, csv_text, write_csv

AS_OF = date(2026, 6, 30)
DAMAGE = {
    "patient_zip": "1609", "charge_amount": "$1,120.00", "service_date_from": "05/16/2026",
    "procedure_code": "99213.0", "diagnosis_1": "f41.1", "patient_last_name": "Sample ",
}  # fmt: skip
GOOD = {
    "patient_zip": "01609", "charge_amount": "1120.00", "service_date_from": "2026-05-16",
    "procedure_code": "99213", "diagnosis_1": "F41.1", "patient_last_name": "Sample",
}  # fmt: skip

Fix = Callable[..., dict[str, Any]]


@pytest.fixture
def fix(tmp_path: Path) -> Fix:
    knowledge = knowledge_of({}, AS_OF)

    def run(
        source: Path | str,
        out: Path | None,
        *,
        replace: bool = False,
        show_phi: bool = False,
        **options: Any,
    ) -> dict[str, Any]:
        request = Request((str(source),), AS_OF, out=out, **options)
        workspace = Workspace.open(tmp_path / "workspace")
        return fix_input(request, knowledge, workspace, house={}, replace=replace, show_phi=show_phi)

    return run


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def test_only_what_is_repaired_changes(fix: Fix, tmp_path: Path) -> None:
    rows = [claim("A1", **DAMAGE) | {"Room": " 12 "}, claim("A2") | {"Room": "x"}]
    done = fix(write_csv(tmp_path / "claims.csv", rows), tmp_path / "fixed.csv")
    assert rows_of(tmp_path / "fixed.csv") == [{**rows[0], **GOOD}, rows[1]], "unknown columns stay"
    assert done["rows"] == {"read": 2, "written": 2, "malformed": 0}
    assert done["cells_repaired"] == sum(done["repairs"].values()) == len(DAMAGE)
    listed = rows_of(tmp_path / "fixed.repairs.csv")
    assert {line["field"] for line in listed} == set(DAMAGE)
    assert {line["row_number"] for line in listed} == {"2"}
    assert {line["claim_number"] for line in listed} == {"A1"}
    (amount,) = (line for line in listed if line["field"] == "charge_amount")
    assert (amount["before"], amount["after"], amount["applied"]) == ("$1,120.00", "1120.00", "yes")
    assert not (tmp_path / "fixed.malformed.csv").exists()


def test_fixing_a_fixed_file_gives_the_same_bytes(fix: Fix, tmp_path: Path) -> None:
    rows = [claim(f"A{n}", **(DAMAGE if n % 2 else {"patient_phone": "'555"})) for n in range(20)]
    fix(write_csv(tmp_path / "claims.csv", rows), tmp_path / "once.csv")
    again = fix(tmp_path / "once.csv", tmp_path / "twice.csv")
    assert (tmp_path / "twice.csv").read_bytes() == (tmp_path / "once.csv").read_bytes()
    assert again["cells_repaired"] == 0


def test_batches_do_not_matter(fix: Fix, tmp_path: Path) -> None:
    rows = [claim(f"A{n}", service_date_from=f"5/{n % 28 + 1}/2026", patient_zip="1609") for n in range(350)]
    path = write_csv(tmp_path / "claims.csv", rows)
    for name, size in (("whole", 100_000), ("parts", 100)):
        fix(path, tmp_path / f"{name}.csv", batch_size=size)
    for ending in ("csv", "repairs.csv"):
        assert (tmp_path / f"whole.{ending}").read_bytes() == (tmp_path / f"parts.{ending}").read_bytes()


def test_malformed_and_blank_records_are_kept(fix: Fix, tmp_path: Path) -> None:
    header, *lines = csv_text(
        [claim("A1", **DAMAGE), claim("A2"), claim("A3", patient_zip="1609")]
    ).splitlines()
    text = "\n".join([header, lines[0], lines[1] + ",surplus", "," * header.count(","), lines[2]])
    (tmp_path / "claims.csv").write_text(text + "\n")
    done = fix(tmp_path / "claims.csv", tmp_path / "fixed.csv")
    assert done["rows"] == {"read": 4, "written": 3, "malformed": 1}
    fixed = rows_of(tmp_path / "fixed.csv")
    assert [row["claim_number"] for row in fixed] == ["A1", "", "A3"], "the blank line stays where it was"
    (unread,) = rows_of(tmp_path / "fixed.malformed.csv")
    assert (unread["row_number"], unread["raw"]) == ("3", lines[1] + ",surplus")
    assert {line["row_number"] for line in rows_of(tmp_path / "fixed.repairs.csv")} == {"2", "5"}


def test_a_record_without_its_required_columns_is_not_made_whole(fix: Fix, tmp_path: Path) -> None:
    header, line = csv_text([claim("A1")]).splitlines()
    (tmp_path / "claims.csv").write_text(f"{header}\n{line}\n{line[:40]}\n")
    done = fix(tmp_path / "claims.csv", tmp_path / "fixed.csv")
    assert done["rows"] == {"read": 2, "written": 1, "malformed": 1}


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_csv_keeps_its_delimiter_header_and_order(fix: Fix, tmp_path: Path, delimiter: str) -> None:
    rows = [{f" {name} ": value for name, value in claim("A1", line_note=f"a{delimiter}b").items()}]
    path = write_csv(tmp_path / "claims.csv", rows, delimiter=delimiter)
    fix(path, tmp_path / "fixed.csv")
    assert (tmp_path / "fixed.csv").read_text() == path.read_text()


def test_lines_that_look_like_comments_are_quoted(fix: Fix, tmp_path: Path) -> None:
    rows = [claim("#1", patient_zip="1609"), claim("A2")]
    text = csv_text(rows).replace("\n#1", '\n"#1"')
    (tmp_path / "claims.csv").write_text(text)
    fix(tmp_path / "claims.csv", tmp_path / "fixed.csv")
    assert [row["claim_number"] for row in rows_of(tmp_path / "fixed.csv")] == ["#1", "A2"]
    assert fix(tmp_path / "fixed.csv", None, dry_run=True)["rows"]["read"] == 2


def test_other_encodings_become_utf8_that_excel_reads(fix: Fix, tmp_path: Path) -> None:
    text = csv_text([claim("A1", patient_last_name="Muñoz")])
    (tmp_path / "claims.csv").write_bytes(text.encode("cp1252"))
    fix(tmp_path / "claims.csv", tmp_path / "fixed.csv")
    assert (tmp_path / "fixed.csv").read_bytes() == b"\xef\xbb\xbf" + text.encode()


def test_compressed_input_is_written_plain(fix: Fix, tmp_path: Path) -> None:
    (tmp_path / "claims.csv.gz").write_bytes(gzip.compress(csv_text([claim("A1", **DAMAGE)]).encode()))
    fix(tmp_path / "claims.csv.gz", tmp_path / "fixed.csv")
    assert rows_of(tmp_path / "fixed.csv")[0]["patient_zip"] == "01609"


def test_workbooks(fix: Fix, tmp_path: Path) -> None:
    rows = [claim("A1", **DAMAGE), claim("A2")]
    pl.DataFrame(rows).write_excel(tmp_path / "claims.xlsx", worksheet="June")
    done = fix(tmp_path / "claims.xlsx", tmp_path / "fixed.xlsx")
    fixed = pl.read_excel(tmp_path / "fixed.xlsx", sheet_name="June", infer_schema_length=0)
    assert fixed.to_dicts() == [{**rows[0], **GOOD}, rows[1]]
    assert done["format"] == "xlsx"
    assert rows_of(tmp_path / "fixed.repairs.csv")[0]["row_number"] == "2"
    again = fix(tmp_path / "fixed.xlsx", tmp_path / "twice.xlsx")
    assert again["cells_repaired"] == 0


def test_other_sheets_and_titles_are_announced(fix: Fix, tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Claims of June"])
    sheet.append(list(claim()))
    sheet.append(list(claim().values()))
    book.create_sheet("Notes").append(["call the payer"])
    book.save(tmp_path / "claims.xlsx")
    notes = fix(tmp_path / "claims.xlsx", tmp_path / "fixed.xlsx")["notes"]
    assert any("only sheet 'Sheet' is read, not 'Notes'. To read another: --sheet" in n for n in notes)
    assert any("above the header" in note for note in notes)


def test_json_and_parquet(fix: Fix, tmp_path: Path) -> None:
    rows = [claim("A1", **DAMAGE), claim("A2")]
    (tmp_path / "claims.json").write_text(json.dumps([{**rows[0], "patient_city": None}, rows[1]]))
    fix(tmp_path / "claims.json", tmp_path / "fixed.jsonl")
    first, second = (json.loads(line) for line in (tmp_path / "fixed.jsonl").read_text().splitlines())
    assert first == {**rows[0], **GOOD, "patient_city": None}
    assert second == rows[1]
    pl.DataFrame(rows).write_parquet(tmp_path / "claims.parquet")
    fix(tmp_path / "claims.parquet", tmp_path / "whole.parquet")
    assert pl.read_parquet(tmp_path / "whole.parquet").to_dicts() == [{**rows[0], **GOOD}, rows[1]]


def test_rejected_files_of_a_run_keep_their_added_columns(fix: Fix, tmp_path: Path) -> None:
    added = {"row_number": "7", "error_codes": "fin-002", "error_messages": " as it was "}
    path = write_csv(tmp_path / "rejected.csv", [claim("A1", **DAMAGE) | added])
    (tmp_path / "summary.json").write_text('{"job_id": "20260601-083000-1a2b"}')
    fix(path, tmp_path / "fixed.csv")
    assert rows_of(tmp_path / "fixed.csv") == [{**claim("A1"), **GOOD, **added}]
    assert (tmp_path / "summary.json").exists(), "beside the output of a run nothing is touched"


def test_repeated_headers_are_no_cells(fix: Fix, tmp_path: Path) -> None:
    text = csv_text([claim("A1")]).replace("procedure_code", "cpt4")
    header, line = text.splitlines()
    (tmp_path / "claims.csv").write_text(f"{header}\n{line}\n{header}\n{line}\n")
    done = fix(tmp_path / "claims.csv", tmp_path / "fixed.csv")
    assert (tmp_path / "fixed.csv").read_text() == (tmp_path / "claims.csv").read_text()
    assert done["cells_repaired"] == 0


def test_the_report_is_safe_to_open(fix: Fix, tmp_path: Path) -> None:
    rows = [claim("=1+1", patient_city=" =cmd()", patient_zip="1609")]
    fix(write_csv(tmp_path / "claims.csv", rows), tmp_path / "fixed.csv")
    (line,) = rows_of(tmp_path / "fixed.repairs.csv")
    assert line["claim_number"] == "'=1+1"
    assert rows_of(tmp_path / "fixed.csv")[0]["patient_city"] == " =cmd()", "no repair makes a formula"


@pytest.mark.parametrize("show_phi", [False, True])
def test_identifiers_are_listed_only_on_request(fix: Fix, tmp_path: Path, show_phi: bool) -> None:
    path = write_csv(tmp_path / "claims.csv", [claim("A1", patient_last_name=" Rivera", patient_zip="1609")])
    fix(path, tmp_path / "fixed.csv", show_phi=show_phi)
    listed = {line["field"]: (line["before"], line["after"])
              for line in rows_of(tmp_path / "fixed.repairs.csv")}  # fmt: skip
    assert listed["patient_last_name"] == ((" Rivera", "Rivera") if show_phi else ("R.", "R."))
    assert listed["patient_zip"] == ("1609", "01609")
    (noted,) = (tmp_path / "workspace" / "audit.log").read_text().splitlines()
    assert json.loads(noted)["facts"]["show_phi"] is show_phi


def test_dry_run_counts_and_writes_nothing(fix: Fix, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "claims.csv", [claim("A1", **DAMAGE)])
    done = fix(path, tmp_path / "fixed.csv", dry_run=True)
    assert done["cells_repaired"] == len(DAMAGE)
    assert done["outputs"] == {}
    assert {each.name for each in tmp_path.iterdir()} == {"claims.csv", "workspace", "config"}
    (noted,) = (tmp_path / "workspace" / "audit.log").read_text().splitlines()
    assert json.loads(noted)["facts"] == {"dry_run": True}


def test_files_are_for_the_user_alone_and_recorded(fix: Fix, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        fix(write_csv(tmp_path / "claims.csv", [claim("A1", **DAMAGE)]), tmp_path / "new" / "fixed.csv")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    for path in (tmp_path / "new").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert '"fix"' in (tmp_path / "workspace" / "audit.log").read_text()


def test_the_input_is_never_overwritten(fix: Fix, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "claims.csv", [claim("A1", **DAMAGE)])
    given = path.read_bytes()
    (tmp_path / "link.csv").symlink_to(path)
    path.with_name("old.repairs.csv").hardlink_to(path)
    for out in ("claims.csv", "link.csv", "old.csv"):
        with pytest.raises(UsageError, match="the input itself"):
            fix(path, tmp_path / out, replace=True)
    assert path.read_bytes() == given
    assert len(list(tmp_path.iterdir())) == 4, "nothing was left beside it"


def test_existing_files_are_replaced_only_when_asked(fix: Fix, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "claims.csv", [claim("A1", **DAMAGE)])
    for name in ("fixed.csv", "fixed.repairs.csv", "fixed.malformed.csv"):
        (tmp_path / name).write_text("mine")
        with pytest.raises(UsageError, match=f"{name} exists already"):
            fix(path, tmp_path / "fixed.csv")
        assert (tmp_path / name).read_text() == "mine"
        (tmp_path / name).unlink()
    for name in ("fixed.csv", "fixed.malformed.csv"):
        (tmp_path / name).write_text("mine")
    fix(path, tmp_path / "fixed.csv", replace=True)
    assert rows_of(tmp_path / "fixed.csv")[0]["patient_zip"] == "01609"
    assert not (tmp_path / "fixed.malformed.csv").exists(), "it would look like part of this run"


@pytest.mark.parametrize("name", ["fixed.xlsx", "fixed.csv.gz", "fixed.json", "fixed.parquet", "."])
def test_outputs_of_another_format_are_refused(fix: Fix, tmp_path: Path, name: str) -> None:
    path = write_csv(tmp_path / "claims.csv", [claim()])
    with pytest.raises(UsageError, match="keeps its own format"):
        fix(path, tmp_path / name)


def test_one_file_at_a_time(fix: Fix, tmp_path: Path) -> None:
    for name in ("june.csv", "july.csv"):
        write_csv(tmp_path / name, [claim()])
    with pytest.raises(UsageError, match="one at a time"):
        fix(tmp_path / "ju*.csv", tmp_path / "fixed.csv")
    with pytest.raises(UsageError, match="--out"):
        fix(tmp_path / "june.csv", None)


def test_failures_leave_nothing(fix: Fix, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_csv(tmp_path / "claims.csv", [claim("A1", **DAMAGE)])
    fix(path, None, dry_run=True)
    there = {each.name for each in tmp_path.iterdir()}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("claimsctl.write.files._flush_to_disk", full)
    with pytest.raises(OutputError, match="disk is full"):
        fix(path, tmp_path / "fixed.csv")
    assert {each.name for each in tmp_path.iterdir()} == there


def test_leftovers_of_killed_runs_are_removed(fix: Fix, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "claims.csv", [claim("A1")])
    gone = 2**22 + 1  # larger than any process number
    kept = [f".fixed.csv.partial-fix-{os.getppid()}", f".other.csv.partial-fix-{gone}", ".fixed.csv"]
    for name in (f".fixed.csv.partial-fix-{gone}", *kept):
        (tmp_path / name).write_text("half")
    fix(path, tmp_path / "fixed.csv")
    hidden = {each.name for each in tmp_path.iterdir() if each.name.startswith(".")}
    assert hidden == set(kept)


def test_session_lists(fix: Fix, tmp_path: Path) -> None:
    rows = [
        {"Client Name": "Okonkwo,  Ada", "DOB": "2/16/1988", "Session Date": "5/14/2026",
         "CPT Code": "90834.0",
         "ICD-10": "f41.1", "Fee": "$150", "Payer Code": "AETNA", "Member #": "W300441287"}
    ]  # fmt: skip
    done = fix(write_csv(tmp_path / "s.csv", rows), tmp_path / "fixed.csv", profile="session")
    assert rows_of(tmp_path / "fixed.csv") == [
        {**rows[0], "Client Name": "Okonkwo, Ada", "DOB": "1988-02-16", "Session Date": "2026-05-14",
         "CPT Code": "90834", "ICD-10": "F41.1", "Fee": "150"}
    ]  # fmt: skip
    assert done["cells_repaired"] == 6
    assert {line["claim_number"] for line in rows_of(tmp_path / "fixed.repairs.csv")} == {""}
