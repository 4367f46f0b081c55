"""Accepted lines as Parquet, CSV and Excel."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import get_args

import openpyxl
import polars as pl
import pytest

from claimsctl.write import workbook
from claimsctl.write.accepted import AcceptedWriter, OutputFormat
from claimsctl.write.files import OutputDir
from claimsctl.write.workbook import WorkbookStream

LINES = pl.DataFrame(
    {
        "claim_number": ["007", "=A1", "a,b"],
        "line_number": [1, 2, None],
        "charge_amount": [Decimal("125.5"), Decimal("-3.1234"), None],
        "units": [Decimal(1), Decimal("1.5"), None],
        "service_date_from": [dt.date(2026, 1, 31), dt.date(1899, 5, 1), None],
        "session_start_time": [dt.time(9, 30), dt.time(23, 59, 59), None],
        "is_flag": [True, False, None],
        "x_Note": ["", "line\nbreak", None],
    },
    schema_overrides={"charge_amount": pl.Decimal(18, 4), "units": pl.Decimal(18, 4)},
)


def write(path: Path, output_format: OutputFormat, *, safe_csv: bool = False) -> Path:
    with OutputDir.create(path, "job-1") as out:
        writer = AcceptedWriter(out, output_format, LINES.schema, safe_csv=safe_csv)
        for part in LINES.iter_slices(2):
            writer.write(part)
        final, rows = writer.close()
        assert rows == 3
        assert writer.notes == []
        assert out.commit() == {f"accepted.{output_format}": final}
    return final


def test_parquet_keeps_types(tmp_path: Path) -> None:
    assert pl.read_parquet(write(tmp_path, "parquet")).equals(LINES)


def test_csv_is_plain_and_exact(tmp_path: Path) -> None:
    assert write(tmp_path, "csv").read_text() == (
        "claim_number,line_number,charge_amount,units,service_date_from,session_start_time,is_flag,x_Note\n"
        "007,1,125.50,1,2026-01-31,09:30:00,true,\n"
        '=A1,2,-3.1234,1.5,1899-05-01,23:59:59,false,"line\nbreak"\n'
        '"a,b",,,,,,,\n'
    )


def test_safe_csv_neutralises_text_and_leaves_amounts(tmp_path: Path) -> None:
    second = write(tmp_path, "csv", safe_csv=True).read_text().splitlines()[2]
    assert second.startswith("'=A1,2,-3.1234,")


def test_excel_cells_are_typed(tmp_path: Path) -> None:
    sheet = openpyxl.load_workbook(write(tmp_path, "xlsx")).active
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]
    day = dt.datetime(2026, 1, 31)  # noqa: DTZ001 - Excel knows no time zones
    assert rows[0] == ["007", 1, 125.5, 1, day, dt.time(9, 30), True, None]
    assert rows[1] == ["=A1", 2, -3.1234, 1.5, "1899-05-01", dt.time(23, 59, 59), False, "line\nbreak"]
    assert rows[2] == ["a,b", *[None] * 7]
    assert sheet["A3"].data_type == "s", "text that looks like a formula is text"
    assert sheet["C2"].number_format == "0.00"


@pytest.mark.parametrize("output_format", get_args(OutputFormat))
def test_the_same_rows_make_the_same_bytes(tmp_path: Path, output_format: OutputFormat) -> None:
    first = write(tmp_path / "1", output_format).read_bytes()
    assert write(tmp_path / "2", output_format).read_bytes() == first


def test_a_full_sheet_is_followed_by_another(tmp_path: Path) -> None:
    with OutputDir.create(tmp_path, "job-1") as out:
        stream = WorkbookStream(out, "a.xlsx", "Accepted", ["n"], max_rows=3)
        for n in range(5):
            stream.next_row()
            stream.value(0, n)
        stream.close()
        out.commit()
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert book.sheetnames == ["Accepted", "Accepted 2", "Accepted 3"]
    assert [[c.value for c in book[name]["A"]] for name in book.sheetnames] == [
        ["n", 0, 1], ["n", 2, 3], ["n", 4],
    ]  # fmt: skip


def test_what_excel_cannot_hold_is_kept_or_announced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MAX_COMMENTS", 1)
    with OutputDir.create(tmp_path, "job-1") as out:
        stream = WorkbookStream(out, "a.xlsx", "Accepted", ["n", "long"])
        stream.next_row()
        stream.value(0, Decimal("12345678901234567.89"))
        stream.text(1, "x" * 40_000)
        for column in range(2):
            stream.text(column + 2, "bad", "error", "fix it")
        stream.close()
        out.commit()
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx").active
    assert sheet["A2"].value == "12345678901234567.89"
    assert len(sheet["B2"].value) == 32_767
    assert [cell.comment is None for cell in sheet[2]] == [True, True, False, True]
    assert stream.notes == [
        "a.xlsx: 1 texts longer than 32,767 characters were cut to fit.",
        "a.xlsx: comments stand on the first 1 of 2 coloured cells; error_messages has them all.",
    ]
