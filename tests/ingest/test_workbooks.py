from __future__ import annotations

import datetime as dt
import io
import random
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastexcel
import pytest
import xlsxwriter

from claimsctl.errors import InputError
from claimsctl.ingest.excel_sheets import heads
from claimsctl.ingest.sources import open_sources
from claimsctl.ingest.stream import InputFile, Limits

Read = Callable[..., Any]


def workbook(fill: Callable[[xlsxwriter.Workbook], None]) -> bytes:
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True})
    fill(book)
    book.close()
    return target.getvalue()


def rows_from(top: int, *rows: list[object], left: int = 0) -> bytes:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        for i, row in enumerate(rows):
            sheet.write_row(top + i, left, row)

    return workbook(fill)


def test_cells_are_the_text_a_person_would_type(read: Read) -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, list("abcdefghij"))
        sheet.write_string(1, 0, "00123")
        sheet.write_number(1, 1, 99213)
        sheet.write_number(1, 2, 150.5)
        sheet.write_datetime(1, 3, dt.date(2026, 3, 5), book.add_format({"num_format": "m/d/yy"}))
        sheet.write_datetime(
            1,
            4,
            dt.datetime.fromisoformat("2026-03-05 14:30"),
            book.add_format({"num_format": "m/d/yy h:mm"}),
        )
        sheet.write_datetime(1, 5, dt.time(9, 5), book.add_format({"num_format": "hh:mm"}))
        sheet.write_boolean(1, 6, True)
        sheet.write_formula(1, 7, "=NA()", None, "#N/A")
        sheet.write_string(1, 8, ' "x"\ny ')
        sheet.write_number(1, 9, 46000)

    found = read(workbook(fill), "claims.xlsx")
    assert found.rows == [
        (
            "00123",
            "99213",
            "150.5",
            "2026-03-05",
            "2026-03-05 14:30:00",
            "09:05:00",
            "true",
            "#N/A",
            ' "x"\ny ',
            "46000",
        )
    ]
    assert found.source.format == "xlsx"


def test_rows_are_numbered_as_in_the_sheet(read: Read) -> None:
    data = rows_from(3, ["# note, x"], ["a", "b"], [], ["1", "2"], [], ["3"], [" "], left=2)
    found = read(data, "claims.xlsx", batch_rows=2)
    assert found.source.header_row_number == 5
    assert found.source.header == ("a", "b")
    assert found.rows == [("1", "2"), ("3", None)]
    assert found.numbers == [7, 9]
    assert found.blanks == [6, 8]


def test_titles_above_the_header_are_passed_over(read: Read) -> None:
    found = read(rows_from(0, ["Claims March"], [], ["a", "b", "c"], ["1", "2", "3"]), "claims.xlsx")
    assert found.source.header == ("a", "b", "c")
    assert found.numbers == [4]


def test_values_right_of_the_header_make_a_row_malformed(read: Read) -> None:
    found = read(rows_from(0, ["a", "b"], ["1", "2", "3"], ["4", "5", " "]), "claims.xlsx")
    assert found.rows == [("4", "5")]
    assert found.malformed == [(2, "has 3 fields, the header has 2", "1\t2\t3", ["1", "2"])]


def test_the_first_sheet_with_data_or_the_one_named(read: Read) -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        book.add_worksheet("Empty")
        book.add_worksheet("Notes").write(0, 0, "Ask Jo")
        for name in ("Claims", "Other"):
            book.add_worksheet(name).write_column(0, 0, [name, "1"])

    data = workbook(fill)
    assert read(data, "claims.xlsx").source.header == ("Claims",)
    other = read(data, "claims.xlsx", sheet="other").source
    assert (other.header, other.sheet) == (("Other",), "Other")
    assert other.sheets == ("Empty", "Notes", "Claims", "Other")
    with pytest.raises(InputError, match=r"has no sheet 'x'.*'Claims', 'Other'"):
        read(data, "claims.xlsx", sheet="x")
    with pytest.raises(InputError, match="'Empty' has no cells"):
        read(data, "claims.xlsx", sheet="Empty")


def test_of_a_large_sheet_only_the_head_is_looked_at(tmp_path: Path) -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        book.add_worksheet("Cover").write_column(0, 0, ["Ask", "Jo"])
        for name in ("Jan", "Feb"):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, ["a", "b", "c"])
            for row in range(1, 9_000):
                sheet.write_row(row, 0, [f"{name}{row}", "x" * 40, row])

    path = tmp_path / "claims.xlsx"
    path.write_bytes(workbook(fill))
    short = fastexcel.read_excel(heads(InputFile.at(path, path.name)))
    assert short.sheet_names == ["Cover", "Jan", "Feb"]
    assert 100 < short.load_sheet("Feb", header_row=None, skip_rows=0).total_height < 9_000
    assert short.load_sheet("Cover", header_row=None, skip_rows=0).total_height == 2
    (source,) = open_sources([str(path)], spool_dir=tmp_path, telling=len)
    assert (source.sheet, [each.name for each in source.unread_sheets]) == ("Jan", ["Cover", "Feb"])
    assert sum(part.rows.height for part in source.parts(5_000)) == 8_999


def test_a_workbook_without_cells(read: Read) -> None:
    with pytest.raises(InputError, match="no cells"):
        read(workbook(lambda book: book.add_worksheet() and None), "claims.xlsx")


def test_workbooks_that_would_not_fit_into_memory(read: Read) -> None:
    stray = rows_from(0, ["a", "b"])
    far = workbook(lambda book: book.add_worksheet().write(1048575, 16383, "x") and None)
    with pytest.raises(InputError, match="row 1,048,576 and column 16,384"):
        read(far, "claims.xlsx")
    with pytest.raises(InputError, match="zip bomb"):
        read(stray, "claims.xlsx", limits=Limits(max_workbook_bytes=5000))
    with pytest.raises(InputError, match="zip bomb"):
        read(bomb(), "claims.xlsx", limits=Limits(ratio_applies_from=1 << 20))


def moved_part(name: str, sheet: bytes) -> tuple[str, bytes]:
    return name.replace("worksheets/sheet1.xml", "other/part.dat"), sheet.replace(
        b"worksheets/sheet1.xml", b"other/part.dat"
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda name, part: (name, re.sub(rb"<row [^>]*>", b"<row>", part)),
        lambda name, part: (name, part.replace(b'r="XFD', b'r = \n"XFD')),
        lambda name, part: (name, part.replace(b'r="XFD', b"r" + b" " * (4 << 20) + b'="XFD')),
        moved_part,
    ],
    ids=["rows without numbers", "blanks around the sign", "many of them", "a part of another name"],
)
def test_a_far_cell_is_found_however_it_is_written(
    read: Read, change: Callable[[str, bytes], tuple[str, bytes]]
) -> None:
    far = workbook(lambda book: book.add_worksheet().write(1048575, 16383, "x") and None)
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(far)) as archive,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as other,
    ):
        for name in archive.namelist():
            other.writestr(*change(name, archive.read(name)))
    with pytest.raises(InputError, match="row 1,048,576 and column 16,384"):
        read(target.getvalue(), "claims.xlsx")


def bomb() -> bytes:
    """A workbook whose sheet states a small size and expands to a large one."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", b" " * (8 << 20))
    return target.getvalue().replace((8 << 20).to_bytes(4, "little"), (100).to_bytes(4, "little"))


def test_damaged_workbooks_never_end_in_a_traceback(tmp_path: Path, read: Read) -> None:
    data = rows_from(0, ["a", "b"], ["1", 2], ["3", 4.5])
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    chance = random.Random(7)
    refused = 0
    for _ in range(60):
        name = chance.choice(sorted(members))
        content = bytearray(members[name])
        for _ in range(3):
            content[chance.randrange(len(content))] = chance.choice(b'<>"0/&\xff\0')
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as archive:
            for member, original in members.items():
                archive.writestr(member, bytes(content) if member == name else original)
        try:
            read(target.getvalue(), "claims.xlsx")
        except InputError:
            refused += 1
    assert refused


def test_formulas_without_a_value_are_told(tmp_path: Path, read: Read) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["a", "b"], ["1", "=1+1"]):
        sheet.append(row)
    book.save(tmp_path / "made.xlsx")
    found = read((tmp_path / "made.xlsx").read_bytes(), "claims.xlsx")
    assert found.rows == [("1", None)]
    (note,) = found.source.notes()
    assert "some formulas have no stored value" in note

    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["a", "b", "c"])
        sheet.write_formula(1, 0, "=1+1", None, 2)
        sheet.write_formula(1, 1, '=IF(A2=2,"","x")', None, "blank")
        sheet.write_string(1, 2, "x")

    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook(fill))) as archive, zipfile.ZipFile(target, "w") as other:
        for name in archive.namelist():
            other.writestr(name, archive.read(name).replace(b"<v>blank</v>", b"<v></v>"))
    assert read(target.getvalue(), "claims.xlsx").source.notes() == []
