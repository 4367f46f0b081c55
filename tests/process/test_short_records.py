"""Records that lack cells at their end: trimmed by a spreadsheet, or short of a delimiter."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from claimsctl.claim import BY_NAME
from claimsctl.facts.cells import readable
from claimsctl.fix.fixing import fix_input
from claimsctl.fix.knowing import knowledge_of
from claimsctl.jobs.story import row_story
from claimsctl.process.request import Request
from claimsctl.security.keys import load_keys
from claimsctl.store.jobs import JobStore
from claimsctl.store.workspace import Workspace
from tests.claims import claim, csv_text
from tests.conftest import AS_OF, Process

SECRETS = {
    "patient_last_name": "Zebrowski", "patient_first_name": "Quillian", "member_id": "QWE99887766",
}  # fmt: skip
TAIL = {
    "copay_amount": "20.00", "group_number": "", "patient_address": "14 Alderwood Court",
    "patient_phone": "916-555-0142", "prior_auth_number": "", "patient_ssn": "745-38-2916",
    "line_note": "Calls her sister Ottilie", "referral_number": "",
}  # fmt: skip
WORDS = ("Zebrowski", "Quillian", "QWE99887766", "Alderwood", "2916", "555-0142", "Ottilie")


def row(number: str = "A1", **changes: str) -> dict[str, str]:
    """A line whose required columns are followed by others, as in many exports."""
    line = {name: value for name, value in claim(number, **SECRETS).items() if name != "patient_address"}
    return {**line, **TAIL, **changes}


def trimmed(**changes: str) -> str:
    """A file of one line whose last columns are blank and left out."""
    header, line = csv_text([row("A1", **dict.fromkeys(TAIL, ""), **changes)]).splitlines()
    return f"{header}\n{line.rstrip(',')}\n"


def without_delimiter(line: str, at: int) -> str:
    cells = line.split(",")
    return ",".join([*cells[:at], cells[at] + cells[at + 1], *cells[at + 2 :]])


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def findings(out: Path) -> list[dict[str, str]]:
    with (out / "errors.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def told(out: Path) -> str:
    return (out / "errors.csv").read_text() + (out / "summary.json").read_text()


def orders() -> Iterator[list[str]]:
    """Orders of columns, required ones first or last, names beside the claim number or far from it."""
    names = list(row())
    yield names
    yield ["claim_number", "patient_last_name", "patient_first_name", "member_id",
           *(n for n in names if n not in ("claim_number", "patient_last_name", "patient_first_name",
                                           "member_id"))]  # fmt: skip


@pytest.mark.parametrize("names", list(orders()), ids=["as is", "names first"])
def test_no_identifier_is_told_wherever_a_delimiter_is_lost(
    run: Process, tmp_path: Path, names: list[str]
) -> None:
    """One record for every place; some are broken by what they lack, some are evident, some in doubt."""
    header, *lines = csv_text(
        {name: row(f"A{n}")[name] for name in names} for n in range(len(names) - 1)
    ).splitlines()
    broken = [without_delimiter(line, n) for n, line in enumerate(lines)]
    path = write(tmp_path / "claims.csv", "\n".join([header, *broken]) + "\n")
    summary: Any = run(path, out=tmp_path / "out")
    assert summary["rows"]["read"] == len(lines)
    assert not [word for word in WORDS if word in told(tmp_path / "out")]
    with (tmp_path / "out" / "malformed.csv").open(newline="", encoding="utf-8") as file:
        malformed = {int(each["row_number"]): each for each in csv.DictReader(file)}
    assert len(malformed) > len(names) / 3
    assert all(each["raw"] == broken[number - 2] for number, each in malformed.items())
    request = Request((str(path),), AS_OF, out=tmp_path / "fixed.csv")
    fix_input(request, knowledge_of({}, AS_OF), Workspace.open(tmp_path / "workspace"), house={})
    listed = (tmp_path / "fixed.repairs.csv").read_text()
    assert not [word for word in WORDS if word in listed]


@pytest.mark.parametrize("names", list(orders()), ids=["as is", "names first"])
def test_the_story_of_a_row_tells_no_identifier(run: Process, tmp_path: Path, names: list[str]) -> None:
    header, *lines = csv_text(
        {name: row(f"A{n}", charge_amount="-5")[name] for name in names} for n in range(len(names) - 1)
    ).splitlines()
    glued = [line.replace(",", ";", n % 7 + 1) for n, line in enumerate(lines)]
    broken = [without_delimiter(line, n) for n, line in enumerate(lines)]
    path = write(tmp_path / "claims.csv", "\n".join([header, *broken, *glued]) + "\n")
    run(path, out=tmp_path / "out")
    workspace = Workspace.open(tmp_path / "workspace")
    jobs, keys = JobStore(workspace), load_keys(workspace)
    (job,) = jobs.list_jobs()
    stories = [row_story(workspace, jobs, job, n, None, keys) for n in range(2, len(broken + glued) + 2)]
    assert sum(bool(each["cells"]) for each in stories) > len(names) / 3
    assert not [word for word in WORDS if word in repr(stories)]
    assert not [word for word in WORDS if word in told(tmp_path / "out")]


@pytest.mark.parametrize("glue", [";", "|", "\t"])
def test_cells_glued_to_the_claim_number_are_malformed(run: Process, tmp_path: Path, glue: str) -> None:
    header, good, bad = csv_text([row("A1"), row("A2")]).splitlines()
    path = write(tmp_path / "claims.csv", "\n".join([header, good, bad.replace(",", glue, 6)]) + "\n")
    summary: Any = run(path, out=tmp_path / "out")
    assert summary["rows"] == {"read": 2, "accepted": 1, "held": 0, "rejected": 1, "skipped": 0}
    (finding,) = (each for each in findings(tmp_path / "out") if each["code"] == "FILE-005")
    assert (finding["row_number"], finding["claim_number"]) == ("3", "")
    assert "Zebrowski" not in told(tmp_path / "out")


def test_a_row_with_all_its_cells_is_told_as_it_is(run: Process, tmp_path: Path) -> None:
    whole = row("A1", charge_amount="-5", place_of_service="98", referral_number="R1")
    run(write(tmp_path / "claims.csv", csv_text([whole])), out=tmp_path / "out")
    workspace = Workspace.open(tmp_path / "workspace")
    jobs = JobStore(workspace)
    story = row_story(workspace, jobs, jobs.list_jobs()[0], 2, None, load_keys(workspace))
    assert story["claim_number"] == "A1"
    assert {"-5", "98"} <= set(story["cells"].values())


def test_a_shifted_record_is_malformed_and_rejects_its_claim(run: Process, tmp_path: Path) -> None:
    second = row("A1", line_number="2", procedure_code="36415")
    header, good, shifted, other = csv_text([row("A1"), second, row("A2", member_id="QWE11")]).splitlines()
    shifted = without_delimiter(shifted, 2)
    path = write(tmp_path / "claims.csv", "\n".join([header, good, shifted, other]) + "\n")
    summary: Any = run(path, out=tmp_path / "out")
    assert summary["rows"] == {"read": 3, "accepted": 1, "held": 0, "rejected": 2, "skipped": 0}
    (finding,) = [each for each in findings(tmp_path / "out") if each["code"] == "FILE-005"]
    assert (finding["row_number"], finding["claim_number"]) == ("3", "A1")
    assert "and from field 5 on they do not fit their columns" in finding["message"]


def test_cells_that_a_spreadsheet_left_out(run: Process, tmp_path: Path) -> None:
    """Nothing but blanks is missing: such a record is like any other."""
    blank = dict.fromkeys(TAIL, "")
    rows = [row(f"A{n}", **blank, place_of_service="98" if n == 3 else "11") for n in range(5)]
    lines = csv_text(rows).splitlines()
    short = [lines[0], *(line.rstrip(",") for line in lines[1:])]
    assert short[1].count(",") == lines[1].count(",") - len(TAIL)
    summaries = [
        run(write(tmp_path / f"{name}.csv", "\n".join(text) + "\n"), out=tmp_path / name, duplicates="update")
        for name, text in (("whole", lines), ("short", short))
    ]
    assert summaries[0]["rows"] == summaries[1]["rows"]
    told = [[{**each, "input": ""} for each in findings(tmp_path / name)] for name in ("whole", "short")]
    assert told[1] == told[0]
    assert "98" in {each["value"] for each in told[1]}


def test_one_mistake_in_a_short_record_is_a_finding_with_the_rest_masked(
    run: Process, tmp_path: Path
) -> None:
    text = trimmed(place_of_service="98", service_date_from="soon", procedure_code="9921")
    run(write(tmp_path / "claims.csv", text), out=tmp_path / "out")
    found = {each["code"]: each for each in findings(tmp_path / "out")}
    masked = "\u2039masked\u203a"
    assert found["DAT-002"]["value"] == masked
    assert masked in found["DAT-002"]["message"]
    assert found["CPT-002"]["value"] == masked, "behind the cell that does not fit"
    assert found["CPT-002"]["claim_number"] == "A1"


def test_two_mistakes_that_no_shift_explains_are_findings(run: Process, tmp_path: Path) -> None:
    text = trimmed(service_date_from="2026-02-30", service_date_to="2026-02-30")
    run(write(tmp_path / "claims.csv", text), out=tmp_path / "out")
    codes = [each["code"] for each in findings(tmp_path / "out")]
    assert codes.count("DAT-002") == 2
    assert "FILE-005" not in codes


def test_a_column_without_a_header_may_be_missing(run: Process, tmp_path: Path) -> None:
    header, line = csv_text([row("A1", place_of_service="98", service_date_from="soon")]).splitlines()
    path = write(tmp_path / "claims.csv", f"{header},\n{line}\n")
    run(path, out=tmp_path / "out")
    assert "soon" in {each["value"] for each in findings(tmp_path / "out")}


def test_quotes_are_put_where_they_are_needed(run: Process, tmp_path: Path) -> None:
    other = row("A1", patient_city='Worcester, "MA"')
    header, line = csv_text([other]).splitlines()
    shifted = line.replace("Zebrowski,Quillian", "ZebrowskiQuillian")
    run(write(tmp_path / "claims.csv", f"{header}\n{shifted}\n"), out=tmp_path / "out")
    with (tmp_path / "out" / "malformed.csv").open(newline="", encoding="utf-8") as file:
        (malformed,) = list(csv.DictReader(file))
    assert malformed["raw"] == shifted


@pytest.mark.parametrize(
    ("name", "texts", "wanted"),
    [
        ("service_date_from", ["5/4/26", "46150", "soon", None], [True, True, False, None]),
        ("charge_amount", ["$1,120.00", "Rivera", None], [True, False, None]),
        ("billing_npi", ["1679576722", "167957672", None], [True, False, None]),
        ("session_start_time", ["9:00 AM", "11"], [True, False]),
    ],
)
def test_what_fits_a_column(name: str, texts: list[str | None], wanted: list[bool | None]) -> None:
    fits = readable(pl.Series(texts), BY_NAME[name], date(2026, 6, 30))
    assert fits is not None
    assert fits.to_list() == wanted


def test_a_text_fits_any_column_of_texts() -> None:
    assert readable(pl.Series(["x"]), BY_NAME["line_note"], date(2026, 6, 30)) is None
