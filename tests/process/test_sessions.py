"""Claim numbers of session lists: by what a row says, whoever wrote it how."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from claimsctl.facts.typed import Layout
from claimsctl.fix.fixing import fix_input
from claimsctl.fix.knowing import knowledge_of
from claimsctl.process.request import Request
from claimsctl.process.sessions import SessionNumbers
from claimsctl.store.workspace import Workspace
from tests.claims import write_csv
from tests.conftest import AS_OF, Process

NAMES = ("patient_last_name", "patient_first_name", "patient_dob", "member_id", "service_date_from",
         "procedure_code", "session_start_time")  # fmt: skip
PLAIN = ("Garcia", "Jose", "1980-05-17", "W300441287", "2026-05-16", "90837", "09:00")
LAYOUT = Layout({name: f"c{n}" for n, name in enumerate(NAMES)})


def numbers(*rows: tuple[str | None, ...], practice: str = "default", size: int = 100) -> list[str]:
    sessions = SessionNumbers(practice, date(2026, 6, 30))
    cells = {f"c{n}": pl.String for n in range(len(NAMES))}
    frame = pl.DataFrame(list(rows), schema=cells, orient="row").with_row_index("row_number")
    parts = [sessions.of(part, LAYOUT) for part in frame.iter_slices(size)]
    return pl.concat(parts).to_list()


@pytest.mark.parametrize(
    "written",
    [
        ("GARCIA", "jose", "5/17/1980", "w300441287", "05/16/2026", "90837", "9:00 AM"),
        ("García", "José", "17-May-1980", "W300-441 287", "46158", "90837.0", "0900"),
        (" Garcia ", "Jose.", "1980-05-17 00:00:00", "W300441287", "2026/5/16", " 90837", "09:00:00"),
    ],
)
def test_the_same_session_written_otherwise(written: tuple[str, ...]) -> None:
    assert numbers(written) == numbers(PLAIN)


OTHER = ("Garza", "Juan", "1981-05-17", "W300441288", "2026-05-17", "90834", "10:00")


@pytest.mark.parametrize(("place", "other"), list(enumerate(OTHER)))
def test_another_session_has_another_number(place: int, other: str) -> None:
    changed = (*PLAIN[:place], other, *PLAIN[place + 1 :])
    assert numbers(changed) != numbers(PLAIN)
    assert numbers((*PLAIN[:place], None, *PLAIN[place + 1 :])) not in (numbers(changed), numbers(PLAIN))


def test_what_cannot_be_read_counts_as_it_stands() -> None:
    unread = [(*PLAIN[:4], text, *PLAIN[5:]) for text in ("16/5/2026", "soon", "2026-02-30")]
    assert len({*numbers(*unread)}) == 3


def test_occurrences_are_counted_over_parts() -> None:
    rows = (PLAIN, (*PLAIN[:5], "90834", "10:00"), PLAIN, PLAIN)
    whole = numbers(*rows)
    assert len({*whole}) == 4
    assert numbers(*rows, size=1) == whole
    assert numbers(PLAIN, practice="other") != whole[:1]
    assert numbers(PLAIN, PLAIN) == [whole[0], whole[2]]


def test_numbers_stay_as_they_are() -> None:
    """Stored claims are known by them: a change here makes every session a new one."""
    assert numbers(PLAIN, PLAIN) == ["S3e8239fba72c04", "Sdef6088bc45041"]


def test_fixed_before_or_within_the_run(run: Process, tmp_path: Path) -> None:
    damaged = {
        "Patient Name": "Sample,  Pat", "DOB": "05/17/1980", "Session Date": "05/16/2026", "CPT": "90837.0",
        "ICD10": "f41.1", "Fee": "$150", "Payer": "UHC", "Sex": "F", "Chart #": "'0417",
        "Member #": "3.004412871E+09", "Start": "9:00",
    }  # fmt: skip
    path = write_csv(tmp_path / "sessions.csv", [damaged, damaged | {"Session Date": "05/18/2026"}])
    fixed = tmp_path / "fixed.csv"
    request = Request((str(path),), AS_OF, out=fixed, profile="session")
    fix_input(request, knowledge_of({}, AS_OF), Workspace.open(tmp_path / "workspace"), house={})
    assert fixed.read_bytes() != path.read_bytes()
    found = []
    for place, source, fix in (("within", path, True), ("before", fixed, False)):
        summary: Any = run(source, out=tmp_path / place, profile="session", fix=fix)
        assert summary["rows"]["accepted"] == 2, summary["findings_by_code"]
        found.append(pl.read_parquet(tmp_path / place / "accepted.parquet")["claim_number"].to_list())
    assert found[0] == found[1]
    assert summary["duplicates"]["found"] == 0, "the store knows them"
