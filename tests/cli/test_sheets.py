"""Which sheet of a workbook is read, and what is told of the others."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from claimsctl.cli.jobactions import recorded_options
from claimsctl.errors import InputError, UsageError
from claimsctl.pipeline import Setting, process
from claimsctl.process.request import Request
from claimsctl.process.rulebook import Rulebook
from claimsctl.settings import load_settings
from claimsctl.store.jobs import JobStore
from claimsctl.store.workspace import Workspace
from tests.claims import claim
from tests.commands import Command
from tests.conftest import AS_OF

Rows = Sequence[Sequence[object]]
NOTES: Rows = [["Ask Jo"], ["about March"]]
PAYERS: Rows = [["payer_id", "payer_name"], ["1", "AETNA"]]


def claims(*numbers: str) -> Rows:
    lines = [claim(number) for number in numbers]
    return [list(lines[0]), *(list(line.values()) for line in lines)]


JAN, FEB = claims("A1", "A2"), claims("B1", "B2", "B3")


def workbook(path: Path, hidden: Sequence[str] = (), **sheets: Rows) -> Path:
    with xlsxwriter.Workbook(path) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for at, row in enumerate(rows):
                sheet.write_row(at, 0, row)
            if name in hidden:
                sheet.hide()
        next(each for each in book.worksheets() if each.name not in hidden).activate()
    return path


@pytest.fixture
def told(tmp_path: Path, rulebook: Rulebook) -> Any:
    """The summary of a dry run, and what it told on the way."""

    def dry(path: Path, **options: Any) -> tuple[Mapping[str, Any], list[str]]:
        notes: list[str] = []
        request = Request((str(path),), AS_OF, dry_run=True, **options)
        setting = Setting(Workspace.open(tmp_path / "workspace"), notify=notes.append)
        return process(request, rulebook, setting), notes

    return dry


@pytest.mark.parametrize(
    ("hidden", "sheets", "read"),
    [
        ((), {"Notes": NOTES, "Claims": JAN}, "Claims"),
        ((), {"Notes": NOTES, "Claims": [["Claims of March"], [], *JAN]}, "Claims"),
        (("Old",), {"Old": FEB, "Claims": JAN}, "Claims"),
        (("Lookup",), {"Lookup": PAYERS, "Claims": JAN}, "Claims"),
        ((), {"Payers": PAYERS, "Claims": JAN}, "Claims"),
        ((), {"Empty": JAN[:1], "Claims": JAN}, "Claims"),
        (("Claims",), {"Claims": JAN, "Notes": NOTES}, "Claims"),
    ],
    ids=["below a cover", "with a title", "hidden claims", "hidden list", "list", "no rows", "only hidden"],
)
def test_the_first_visible_sheet_with_a_header_of_claims_is_read(
    told: Any, tmp_path: Path, hidden: Sequence[str], sheets: dict[str, Rows], read: str
) -> None:
    summary, _ = told(workbook(tmp_path / "book.xlsx", hidden, **sheets))
    assert summary["inputs"][0]["sheet"] == read
    assert summary["claims"]["read"] == 2


def test_a_header_that_is_mapped_is_one_of_claims(told: Any, tmp_path: Path) -> None:
    odd = [["Nr", "Kode", "Tag"], ["A1", "99213", "2026-05-04"]]
    path = workbook(tmp_path / "book.xlsx", Notes=NOTES, Data=odd)
    mapping = {"Nr": "claim_number", "Kode": "procedure_code", "Tag": "service_date_from"}
    assert told(path, mapping=mapping)[0]["inputs"][0]["sheet"] == "Data"


def test_a_workbook_without_claims_names_its_sheets(told: Any, tmp_path: Path) -> None:
    path = workbook(tmp_path / "book.xlsx", Cover=NOTES, More=NOTES)
    with pytest.raises(InputError, match=r"'Cover', 'More'\) names a column.*name the sheet with --sheet"):
        told(path)
    with pytest.raises(InputError, match="the header of sheet 'More' names no column"):
        told(path, sheet="more")


def test_sheets_that_are_not_read_are_told(told: Any, tmp_path: Path) -> None:
    path = workbook(tmp_path / "book.xlsx", ["Old"], Jan=JAN, Empty=[], Feb=FEB, Notes=NOTES, Old=FEB)
    summary, notes = told(path)
    assert notes == [
        f"{path}: only sheet 'Jan' is read, not 'Feb' (claims too), 'Notes', 'Old' (hidden, claims too). "
        "To read another: --sheet NAME."
    ]
    assert summary["inputs"][0]["sheets_not_read"] == [
        {"name": "Feb", "hidden": False, "claims": True},
        {"name": "Notes", "hidden": False, "claims": False},
        {"name": "Old", "hidden": True, "claims": True},
    ]
    (found,) = (each for each in summary["findings_by_code"] if each["code"] == "FILE-016")
    assert (found["severity"], found["rows"]) == ("warning", 1)
    assert found["message"] == "Sheet Feb has claims too and was not read; only sheet Jan was."


def test_a_sheet_that_was_asked_for_is_no_finding(told: Any, tmp_path: Path) -> None:
    summary, notes = told(workbook(tmp_path / "book.xlsx", Jan=JAN, Feb=FEB), sheet="FEB")
    assert summary["claims"]["read"] == 3
    assert [each["code"] for each in summary["findings_by_code"]].count("FILE-016") == 0
    assert "only sheet 'Feb' is read, not 'Jan'" in notes[0]


def test_a_workbook_of_one_sheet_says_nothing_of_sheets(told: Any, tmp_path: Path) -> None:
    summary, notes = told(workbook(tmp_path / "book.xlsx", Jan=JAN))
    assert notes == []
    assert "sheet" not in summary["inputs"][0]


def test_a_sheet_that_is_not_there(told: Any, tmp_path: Path) -> None:
    path = workbook(tmp_path / "book.xlsx", Jan=JAN, Feb=FEB)
    with pytest.raises(InputError, match=r"has no sheet 'March'\. Its sheets are 'Jan', 'Feb'"):
        told(path, sheet="March")
    (tmp_path / "a.csv").write_text("claim_number,procedure_code\nA1,99213\n")
    with pytest.raises(UsageError, match="none of the inputs is a workbook"):
        told(tmp_path / "a.csv", sheet="Jan")


def test_commands_read_the_sheet_and_say_what_they_leave(command: Command, tmp_path: Path) -> None:
    path = workbook(tmp_path / "book.xlsx", Jan=JAN, Feb=FEB)
    ended = command("process", path, "--as-of", "2026-06-30", "--dry-run")
    assert "Sheet Feb has claims too and was not read: --sheet Feb\n" in ended.out
    assert "only sheet 'Jan' is read, not 'Feb' (claims too)" in ended.err
    seen = command("preview", path, "--as-of", "2026-06-30", "--json").json
    assert any("not 'Feb' (claims too)" in warning for warning in seen["warnings"])
    assert seen["inputs"][0]["sheet"] == "Jan"
    asked = command("preview", path, "--as-of", "2026-06-30", "--sheet", "Feb", "--json").json
    assert asked["inputs"][0]["rows_looked_at"] == 3
    fixed = command("fix", path, "--sheet", "Feb", "--out", tmp_path / "fixed.xlsx", "--json").json
    assert fixed["rows"]["read"] == 3
    assert any("only sheet 'Feb' is read, not 'Jan'" in note for note in fixed["notes"])
    priced = command("price", path, "--sheet", "Feb", "--json").json
    assert priced["rows"]["read"] == 3
    assert any("only sheet 'Feb' is read" in note for note in priced["notes"])
    assert command("price", "--code", "99213", "--sheet", "Feb").code == 2


def test_a_job_remembers_its_sheet(command: Command, tmp_path: Path) -> None:
    path = workbook(tmp_path / "book.xlsx", Jan=JAN, Feb=FEB)
    ended = command("process", path, "--as-of", "2026-06-30", "--sheet", "Feb", "--out", tmp_path / "out")
    assert ended.code == 0, ended.err
    workspace = Workspace.open(tmp_path / "workspace")
    (job,) = JobStore(workspace).list_jobs()
    assert job.options["sheet"] == "Feb"
    assert recorded_options(workspace, job, load_settings(workspace.root)).sheet == "Feb"


def test_another_sheet_of_the_same_workbook_is_no_repetition(command: Command, tmp_path: Path) -> None:
    copied = [JAN[0], ["C9", *JAN[1][1:]]]
    path = workbook(tmp_path / "book.xlsx", Jan=JAN, Feb=copied)
    for name, seen, history in (("jan", [], []), ("Feb", [], ["jan"]), ("feb", ["Feb"], ["jan"])):
        ended = command(
            "process", path, "--as-of", "2026-06-30", "--sheet", name, "--out", tmp_path / f"{name}-out"
        )
        assert ended.code == 0, ended.err
        summary = json.loads((tmp_path / f"{name}-out" / "summary.json").read_text())
        codes = {each["code"] for each in summary["findings_by_code"]}
        assert ("FILE-014" in codes) == bool(seen)
        assert bool(summary["history"]["jobs"]) == bool(history)
