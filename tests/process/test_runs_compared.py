"""Two runs over the same claims: which findings come and go."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from claimsctl.process import comparing
from claimsctl.process.comparing import FindingChanges, compare_runs
from claimsctl.process.trial import FoundFindings
from claimsctl.validate.findings import FINDING


def trial(folder: Path, findings: list[tuple[int | None, str, str]], rejected: int = 0) -> Any:
    folder.mkdir()
    sink = FoundFindings(folder)
    for start in range(0, len(findings), 3):
        rows = [
            {"input": "a.csv", "row_number": row, "code": code, "field": "units", "severity": severity}
            for row, code, severity in findings[start : start + 3]
        ]
        sink.findings(pl.DataFrame(rows, schema=FINDING))
    claims = SimpleNamespace(read=9, rejected=rejected)
    return SimpleNamespace(found=sink, outcome=SimpleNamespace(ledger=SimpleNamespace(claims=claims)))


def compare(tmp_path: Path, before: list[Any], after: list[Any], most: int = 5) -> FindingChanges:
    trials = [trial(tmp_path / "a", before, 1), trial(tmp_path / "b", after, 2)]
    return compare_runs(lambda number: trials[number], most)


@pytest.mark.parametrize("at_once", [1, 2, 3, 500_000])
def test_findings_come_and_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr(comparing, "_ROWS_AT_ONCE", at_once)
    before = [(None, "FILE-003", "info"), (2, "A-1", "error"), (3, "A-1", "error"), (4, "B-1", "warning")]
    after = [(None, "FILE-003", "info"), (3, "A-1", "error"), (4, "B-1", "error"), (5, "A-1", "error"),
             (6, "C-1", "info"), (7, "C-1", "info")]  # fmt: skip
    changes = compare(tmp_path, before, after)
    assert dict(changes.disappear.rows) == {"A-1": 1}
    assert changes.appear.by_rows() == [("C-1", 2), ("A-1", 1)]
    assert [row["row_number"] for row in changes.appear.examples["C-1"]] == [6, 7]
    assert dict(changes.severities) == {("B-1", "warning", "error"): 1}
    assert (changes.claims, changes.rejected) == (9, (1, 2))


@pytest.mark.parametrize("at_once", [2, 500_000])
def test_examples_are_the_first_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr(comparing, "_ROWS_AT_ONCE", at_once)
    changes = compare(tmp_path, [], [(row, "A-1", "error") for row in range(2, 12)], most=3)
    assert changes.appear.rows["A-1"] == 10
    assert [row["row_number"] for row in changes.appear.examples["A-1"]] == [2, 3, 4]


def test_findings_about_the_file_that_occur_twice(tmp_path: Path) -> None:
    twice = [(None, "FILE-003", "info")] * 2
    changes = compare(tmp_path, twice, twice)
    assert not changes.appear.rows
    assert not changes.disappear.rows
    assert not changes.severities
