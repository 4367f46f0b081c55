"""Counts and exports agree with the claims they are of."""

from __future__ import annotations

import csv
import json
import stat
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest

from claimsctl.errors import StoreError
from claimsctl.inquiry.changing import delete_claims, set_status
from claimsctl.inquiry.exporting import export_claims
from claimsctl.inquiry.filters import Filters
from claimsctl.inquiry.finding import Named
from claimsctl.inquiry.statistics import statistics
from claimsctl.store.database import open_store
from claimsctl.store.lifecycle import STATUSES
from claimsctl.store.workspace import Workspace
from claimsctl.write.files import OutputDir


def count(workspace: Workspace, top: int | None = None, **asked: Any) -> dict[str, Any]:
    return statistics(workspace, Filters(**asked), top=top)


def test_statistics_of_everything(workspace: Workspace) -> None:
    set_status(workspace, Named("A1"), "PENDING")
    set_status(workspace, Named("A3"), "DENIED")
    found = count(workspace)
    assert (found["total_claims"], found["total_lines"]) == (4, 5)
    assert [(row["status"], row["claims"]) for row in found["by_status"]] == [
        ("INVALID", 1), ("VALIDATED", 1), ("PENDING", 1), ("DENIED", 1),
    ]  # fmt: skip
    money = found["financial_summary"]
    assert money["billed"] == Decimal("755.50")
    assert (money["pending"], money["denied"]) == (Decimal("120.00"), Decimal("75.50"))
    assert money["allowed"] is None
    assert [(row["payer_id"], row["claims"], row["billed"]) for row in found["by_payer"]] == [
        ("60054", 2, Decimal("195.50")), ("87726", 1, Decimal("440.00")), ("87726", 1, Decimal("120.00")),
    ]  # fmt: skip
    assert [(row["rendering_npi"], row["claims"]) for row in found["by_provider"]] == [
        ("1245319599", 3), ("1497758544", 1),
    ]  # fmt: skip
    assert [(row["month"], row["claims"]) for row in found["by_month"]] == [("2026-04", 1), ("2026-05", 3)]
    assert [(row["code"], row["lines"], row["billed"]) for row in found["by_code"]] == [
        ("99213", 3, Decimal("315.5000")), ("90834", 1, Decimal("190.0000")),
        ("99214", 1, Decimal("250.0000")),
    ]  # fmt: skip
    assert [(row["diagnosis"], row["claims"]) for row in found["by_diagnosis"]] == [("F411", 3), ("F331", 1)]
    assert found["date_range"]["service_from"] == date(2026, 4, 2)
    assert found["rvu"]["work_rvu"] == sum(row["work_rvu"] or 0 for row in found["by_code"])
    assert money["expected"] == sum(row["expected"] or 0 for row in found["by_code"])
    assert found["top_findings"]
    assert found["shown"] == {}


def test_statistics_of_some(workspace: Workspace) -> None:
    found = count(workspace, code=("99214",))
    assert (found["total_claims"], found["total_lines"]) == (1, 2)
    assert {row["code"] for row in found["by_code"]} == {"90834", "99214"}, "all lines of the claims"
    cut = count(workspace, top=1)
    assert len(cut["by_code"]) == 1
    assert cut["shown"]["by_code"] == {"shown": 1, "of": 3}
    assert len(cut["by_month"]) == 2
    delete_claims(workspace, [Named("A2")])
    assert {row["code"] for row in count(workspace)["by_code"]} == {"99213"}
    assert count(workspace, status=("PAID",))["total_claims"] == 0


def test_totals_of_jobs_agree_with_the_lines(workspace: Workspace) -> None:
    def both() -> None:
        whole, lines = count(workspace), count(workspace, status=STATUSES)
        assert whole["by_code"] == lines["by_code"]
        assert whole["top_findings"] == lines["top_findings"]
        assert whole["total_lines"] == lines["total_lines"] == sum(row["lines"] for row in whole["by_code"])

    both()
    delete_claims(workspace, [Named("A2"), Named("A4")])
    both()
    with open_store(workspace, write=True) as connection:
        connection.execute("DELETE FROM claims")  # as a job that was rolled back
    assert (count(workspace)["by_code"], count(workspace)["top_findings"]) == ([], [])


def test_statistics_without_lines_or_claims(workspace: Workspace, tmp_path: Path) -> None:
    for part in (workspace.root / "lines").rglob("part-*.parquet"):
        part.unlink()
    assert [row["lines"] for row in count(workspace)["by_code"]] == [3, 1, 1], "from the totals of the job"
    assert count(workspace, status=STATUSES)["by_code"] == []
    delete_claims(workspace, [Named("A2")])
    assert count(workspace)["by_code"] == [], "what was deleted cannot be taken off without its lines"
    nothing = count(Workspace.open(tmp_path / "empty"))
    assert (nothing["total_claims"], nothing["by_status"], nothing["by_code"]) == (0, [], [])


def exported(workspace: Workspace, tmp_path: Path, form: Any, **options: Any) -> Path:
    filters = Filters(**options.pop("asked", {}))
    with OutputDir(tmp_path, "export-1", replaces=True) as directory:
        export_claims(workspace, filters, directory, f"x.{form}", form, **options)
        directory.commit()
    path = tmp_path / f"x.{form}"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return path


def test_every_format_holds_the_same(workspace: Workspace, tmp_path: Path) -> None:
    set_status(workspace, Named("A2"), "PAID")
    frame = pl.read_parquet(exported(workspace, tmp_path, "parquet"))
    assert frame.select("claim_number", "line_number", "status").rows() == [
        ("A1", 1, "VALIDATED"), ("A2", 1, "PAID"), ("A2", 2, "PAID"), ("A3", 1, "VALIDATED"),
        ("A4", 1, "INVALID"),
    ]  # fmt: skip
    assert frame.schema["charge_amount"] == pl.Decimal(18, 4)
    assert not {"claim_id", "patient_key", "content_digest", "verdict"} & set(frame.columns)
    with exported(workspace, tmp_path, "csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == frame.columns
    assert [Decimal(row["charge_amount"]) for row in rows] == frame["charge_amount"].to_list()
    documents = json.loads(exported(workspace, tmp_path, "json").read_text())
    assert [(each["claim_number"], each["status"]) for each in documents] == frame.select(
        "claim_number", "status"
    ).rows()
    book = openpyxl.load_workbook(exported(workspace, tmp_path, "xlsx"))
    (sheet,) = book.worksheets
    header = [cell.value for cell in sheet[1]]
    assert header == frame.columns
    second = dict(zip(header, sheet[3], strict=True))
    assert (second["charge_amount"].value, second["charge_amount"].number_format) == (190, "0.00")
    assert second["service_date_from"].is_date
    assert second["place_of_service"].value == "11"


def test_a_workbook_goes_on_in_a_further_sheet(workspace: Workspace, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(exported(workspace, tmp_path, "xlsx", max_rows=3))
    assert [sheet.max_row for sheet in book.worksheets] == [3, 3, 2]
    numbers = [row[0].value for sheet in book.worksheets for row in sheet.iter_rows(min_row=2)]
    assert numbers == ["A1", "A2", "A2", "A3", "A4"]
    assert all(sheet["A1"].value == "claim_number" for sheet in book.worksheets)


def test_identifiers_only_where_they_are_asked_for(workspace: Workspace, tmp_path: Path) -> None:
    plain = exported(workspace, tmp_path, "csv").read_text()
    assert "Quill" not in plain
    assert "XKW" not in plain
    frame = pl.read_parquet(
        exported(workspace, tmp_path, "parquet", show_phi=True, asked={"search": "Quill, Zeb Ana"})
    )
    assert frame.select("claim_number", "patient_last_name", "member_id").rows() == [
        ("A1", "Quill", "XKW-7730915")
    ]


def test_a_spreadsheet_runs_nothing_of_a_safe_export(workspace: Workspace, tmp_path: Path) -> None:
    """Of texts that begin as formulas do, signed numbers stay."""
    parts = sorted(workspace.root.glob("lines/*/part-*.parquet"))
    cells = ["=1+1", "@SUM(A1)", "-12.50", "\uff1dcmd", "plain"]
    for part in parts:
        frame = pl.read_parquet(part)
        frame.with_columns(pl.Series("payer_name", cells[: frame.height])).write_parquet(part)

    def names(**options: Any) -> list[str]:
        with exported(workspace, tmp_path, "csv", **options).open(newline="") as file:
            return [row["payer_name"] for row in csv.DictReader(file)]

    assert names() == cells
    assert names(safe_csv=True) == ["'=1+1", "'@SUM(A1)", "-12.50", "'\uff1dcmd", "plain"]


def test_no_claim_fits(workspace: Workspace, tmp_path: Path) -> None:
    path = exported(workspace, tmp_path, "csv", asked={"status": ("PAID",)})
    assert path.read_text().startswith("claim_number,payer_sequence,practice_id,status")


@pytest.mark.parametrize("show_phi", [False, True])
def test_an_empty_export_has_the_columns_of_a_full_one(
    workspace: Workspace, tmp_path: Path, show_phi: bool
) -> None:
    full = pl.read_parquet(exported(workspace, tmp_path, "parquet", show_phi=show_phi))
    (tmp_path / "x.parquet").unlink()
    none = pl.read_parquet(
        exported(workspace, tmp_path, "parquet", show_phi=show_phi, asked={"status": ("PAID",)})
    )
    assert (none.height, none.schema) == (0, full.schema)


def test_lines_that_were_removed_stop_an_export(workspace: Workspace, tmp_path: Path) -> None:
    (part, *_) = (workspace.root / "lines").rglob("part-*.parquet")
    part.unlink()
    with pytest.raises(StoreError, match="no longer in the workspace"):
        exported(workspace, tmp_path, "csv")
    assert not (tmp_path / "x.csv").exists()
