"""Lines of a day that no edition of a table is for: not looked up, counted by rule, told on the terminal."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from claimsctl.cli.fact_lines import fact_lines
from claimsctl.process.rulebook import Rulebook, load_rulebook
from claimsctl.reference.editions import EditionStore, Origin
from claimsctl.reference.releases import Release
from claimsctl.validate.dated import Unserved
from claimsctl.validate.ruleset import Selection
from tests.claims import claim, write_csv
from tests.conftest import Process

LIMITS = pl.DataFrame({"code": ["99213"], "units": [1], "mai": ["1"]})
CODES = pl.DataFrame({"code": ["J1100"], "short_description": ["x"]})


@pytest.fixture
def store(tmp_path: Path) -> EditionStore:
    return EditionStore(tmp_path / "reference")


def add(
    store: EditionStore, table: str, name: str, first: date, last: date | None, rows: pl.DataFrame
) -> None:
    store.add(Release(table, name, first, last, "CMS", "", rows), Origin(f"{name}.csv", name, 1))


def book(store: EditionStore, *codes: str) -> Rulebook:
    return load_rulebook(Selection(only=frozenset(codes)), editions=store)


def lines(*days: str, **changes: str) -> list[dict[str, str]]:
    return [
        claim(f"A{n}", service_date_from=day, service_date_to=day, **changes) for n, day in enumerate(days)
    ]


def partly(summary: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [
        (each["code"], each["rows"], each["from"], each["to"])
        for each in summary["rules"]["not_run"]
        if each.get("table")
    ]


@pytest.mark.parametrize("batch_size", [1, 2, 100])
def test_lines_older_than_the_oldest_edition(
    run: Process, store: EditionStore, tmp_path: Path, batch_size: int
) -> None:
    add(store, "mue", "2026Q2", date(2026, 4, 1), date(2026, 6, 30), LIMITS)
    rows = lines("2026-03-31", "2026-04-01", "2025-12-31", "2026-05-04", "", units="9")
    path = write_csv(tmp_path / "claims.csv", [*rows, rows[0]])
    summary: Any = run(path, book=book(store, "NCCI-005", "PAT-001"), batch_size=batch_size)
    assert summary["findings"]["error"] == 2, "only the lines that the edition is for"
    assert partly(summary) == [("NCCI-005", 2, None, date(2026, 3, 31))], "a copy counts once"
    assert summary["rules"]["active"] == 3, "missing columns are told whatever is chosen"
    assert dict(fact_lines(summary))["Warning"] == (
        "2 lines are older than the oldest mue edition (2026-04-01): 1 rule not run on them"
    )
    assert dict(fact_lines(summary))["Rules"].startswith("3 active; ")


def test_a_rule_that_could_look_up_nothing_did_not_run(
    run: Process, store: EditionStore, tmp_path: Path
) -> None:
    add(store, "mue", "2026Q2", date(2026, 4, 1), None, LIMITS)
    path = write_csv(tmp_path / "claims.csv", lines("2026-03-31", units="9"))
    summary: Any = run(path, book=book(store, "NCCI-005", "PAT-001"), dry_run=True)
    assert partly(summary) == [("NCCI-005", 1, None, date(2026, 3, 31))]
    assert summary["rules"]["active"] == 2
    assert dict(fact_lines(summary))["Warning"].startswith("1 line is older than")


def test_a_code_is_not_unknown_between_two_editions(
    run: Process, store: EditionStore, tmp_path: Path
) -> None:
    add(store, "hcpcs", "2026Q1", date(2026, 1, 1), date(2026, 3, 31), CODES)
    later = CODES.with_columns(code=pl.lit("J9999"))
    add(store, "hcpcs", "2026Q3", date(2026, 7, 1), date(2026, 9, 30), later)
    days = ("2026-03-31", "2026-04-01", "2026-06-30", "2026-07-01", "2025-12-31")
    path = write_csv(tmp_path / "claims.csv", lines(*days, procedure_code="J9999"))
    summary: Any = run(path, book=book(store, "CPT-004"), out=tmp_path / "out")
    found = pl.read_csv(tmp_path / "out" / "errors.csv", infer_schema=False)
    assert found.filter(code="CPT-004")["claim_number"].to_list() == ["A0"]
    assert partly(summary) == [
        ("CPT-004", 1, None, date(2025, 12, 31)),
        ("CPT-004", 2, date(2026, 4, 1), date(2026, 6, 30)),
    ]
    assert [text for label, text in fact_lines(summary) if label == "Warning"] == [
        "2 lines of 2026-04-01 to 2026-06-30, between two hcpcs editions: 1 rule not run on them",
        "1 line is older than the oldest hcpcs edition (2026-01-01): 1 rule not run on it",
    ]


def test_ncci_edits_are_read_by_service_date(run: Process, store: EditionStore, tmp_path: Path) -> None:
    """No expression names the table: the pairs come with the facts of a line."""
    edits = pl.DataFrame(
        {"column1": ["A"], "column2": ["B"], "modifier_indicator": [1], "valid_from": [date(2003, 1, 1)],
         "valid_to": [None]},
        schema_overrides={"modifier_indicator": pl.UInt8, "valid_to": pl.Date},
    )  # fmt: skip
    add(store, "ncci_ptp", "2026Q2", date(2026, 4, 1), None, edits)
    path = write_csv(tmp_path / "claims.csv", lines("2026-03-31", "2026-04-01"))
    summary: Any = run(path, book=book(store, "NCCI-001", "NCCI-002"), dry_run=True)
    assert partly(summary) == [(code, 1, None, date(2026, 3, 31)) for code in ("NCCI-001", "NCCI-002")]


def test_reasons() -> None:
    older = Unserved("mue", "service_date_from", date(2026, 3, 31))
    assert older.reason == "service_date_from is before the oldest edition of mue, to 2026-03-31"
    between = Unserved("carc", "other_payer_adjudication_date", date(2026, 3, 31), date(2026, 2, 1))
    assert "2026-02-01 to 2026-03-31" in between.reason
