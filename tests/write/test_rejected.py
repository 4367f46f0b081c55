"""Rejected rows as given, in the input's own format, ready to be corrected and fed back in."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import openpyxl
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimsctl.write.files import OutputDir
from claimsctl.write.rejected import OTHER_LINE, InputFormat, RejectedWriter, rejected_names

FINDINGS = pl.DataFrame(
    {
        "row_number": [3, 3, 3, 3, 4, 9, None],
        "severity": ["error", "error", "error", "warning", "warning", "error", "error"],
        "code": ["PRC-001", "PRC-002", "PRC-001", "AMT-009", "AMT-009", "PAT-008", "FILE-001"],
        "field": ["procedure_code", "procedure_code", "units", "charge_amount", "charge_amount", "x", None],
        "message": ["not a code", "retired", "not a code", "high", "low", "elsewhere", "no column"],
        "suggestion": ["Look it up.", "", "Look it up.", "Check it.", "Check it.", "", ""],
    }
)


@dataclass
class Source:
    header: Sequence[str] = ("Claim #", "CPT", "CPT", "Fee, total")
    format: InputFormat = "csv"
    name: str = "june.csv"
    delimiter: str | None = ","
    encoding: str | None = "utf-8"


def rows(*cells: Sequence[str | None], first: int = 3) -> pl.DataFrame:
    columns: dict[str, Sequence[object]] = {"row_number": range(first, first + len(cells))}
    columns |= {f"c{n}": column for n, column in enumerate(zip(*cells, strict=True))}
    return pl.DataFrame(columns, schema={n: pl.Int64 if n == "row_number" else pl.String for n in columns})


ROWS = rows(["007", " 9921x", "", "$1,200.00"], ["#8", 'say "hi"', "a\nb", None], ["9", "-5", "=1+1", "é"])


def write(
    path: Path,
    source: Source,
    part: pl.DataFrame = ROWS,
    *,
    own_columns: Sequence[int] = (),
    safe_csv: bool = False,
    otherwise: str | pl.Series = OTHER_LINE,
) -> Path:
    fields = {"claim_number": 0, "procedure_code": 1, "charge_amount": 3}
    with OutputDir.create(path, "job-1") as out:
        name = rejected_names([source])[0]
        writer = RejectedWriter(out, name, source, fields, own_columns=own_columns, safe_csv=safe_csv)
        writer.write(part, FINDINGS, otherwise=otherwise)
        final, number = writer.close()
        assert number == part.height
        assert out.commit() == {name: final}
    assert final is not None
    return final


def test_csv_is_as_given_with_reasons_beside_it(tmp_path: Path) -> None:
    assert write(tmp_path, Source()).read_text() == (
        'Claim #,CPT,CPT,"Fee, total",row_number,error_codes,error_messages\n'
        '007, 9921x,,"$1,200.00",3,PRC-001; PRC-002,not a code | retired\n'
        f'"#8","say ""hi""","a\nb",,4,,{OTHER_LINE}\n'
        f"9,-5,=1+1,é,5,,{OTHER_LINE}\n"
    )


def test_safe_csv_neutralises_formulas_only(tmp_path: Path) -> None:
    assert write(tmp_path, Source(), safe_csv=True).read_text().splitlines()[-1].startswith("9,-5,'=1+1,é,")


def test_safe_csv_neutralises_headers_too(tmp_path: Path) -> None:
    source = Source(header=("=EVIL()", "+CPT", "-5", "Fee"))
    assert write(tmp_path / "safe", source, safe_csv=True).read_text().startswith("'=EVIL(),'+CPT,-5,Fee,")
    assert write(tmp_path / "as_given", source).read_text().startswith("=EVIL(),+CPT,-5,Fee,row_number,")


def test_a_message_never_begins_as_a_formula(tmp_path: Path) -> None:
    path = write(tmp_path, Source(), otherwise="=1+1 in diagnosis_1 is not a code")
    last = list(csv.reader(io.StringIO(path.read_text())))[-1]
    assert (last[2], last[-1]) == ("=1+1", "'=1+1 in diagnosis_1 is not a code")


def test_delimiter_and_byte_order_mark_follow_the_input(tmp_path: Path) -> None:
    data = write(tmp_path, Source(delimiter="\t", encoding="cp1252")).read_bytes()
    assert data.startswith("\ufeffClaim #\tCPT\tCPT\tFee, total\trow_number\t".encode())


def test_the_text_for_rows_without_an_error_can_differ_by_row(tmp_path: Path) -> None:
    path = write(tmp_path, Source(), otherwise=pl.Series(["a", "see row 3", "see row 9"]))
    assert [row[-1] for row in csv.reader(io.StringIO(path.read_text()))][1:] == [
        "not a code | retired", "see row 3", "see row 9",
    ]  # fmt: skip


def test_columns_of_an_earlier_run_are_replaced(tmp_path: Path) -> None:
    source = Source(header=("Claim #", "CPT", "x", "Fee", "row_number", "error_codes", "error_messages"))
    part = rows(["1", "2", "3", "4", "17", "OLD-001", "old"])
    lines = write(tmp_path, source, part, own_columns=[4, 5, 6]).read_text().splitlines()
    assert lines == [
        "Claim #,CPT,x,Fee,row_number,error_codes,error_messages",
        "1,2,3,4,3,PRC-001; PRC-002,not a code | retired",
    ]


def test_no_rows_no_file(tmp_path: Path) -> None:
    with OutputDir.create(tmp_path, "job-1") as out:
        writer = RejectedWriter(out, "rejected.csv", Source(), {})
        writer.write(ROWS.clear(), FINDINGS)
        assert writer.close() == (None, 0)
        assert out.commit() == {}


cell = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff"), max_size=6)
cells = cell | st.sampled_from(["#", '"', "\n", "\r", ",", ";", " ", "'", "=", '""', "#,", "\\", '"#'])


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from([",", ";", "\t", "|", "^", "]"]), st.integers(1, 3))
def test_any_cells_read_back_the_same(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, delimiter: str, width: int
) -> None:
    header = data.draw(st.lists(cells, min_size=width, max_size=width))
    table = data.draw(st.lists(st.lists(cells, min_size=width, max_size=width), min_size=1, max_size=4))
    source = Source(header=header, delimiter=delimiter)
    text = write(tmp_path_factory.mktemp("r"), source, rows(*table)).read_bytes().decode()
    assert not text.startswith("#"), "the header would be taken for a comment"
    read = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    assert read[0][:width] == header
    assert [row[:width] for row in read[1:]] == table


def test_workbook_colours_bad_cells_and_says_how_to_fix_them(tmp_path: Path) -> None:
    sheet = openpyxl.load_workbook(write(tmp_path, Source(format="xlsx", delimiter=None))).active
    assert [cell.value for cell in sheet[1]] == [
        *Source().header,
        "row_number",
        "error_codes",
        "error_messages",
    ]
    assert [cell.value for cell in sheet[2]] == [
        "007", " 9921x", None, "$1,200.00", 3, "PRC-001; PRC-002", "not a code | retired",
    ]  # fmt: skip
    assert sheet["C4"].value == "=1+1"
    assert sheet["C4"].data_type == "s"
    colours = {c.coordinate: c.fill.fgColor.rgb for row in sheet for c in row if c.fill.fill_type == "solid"}
    assert colours == {"B2": "FFFFC7CE", "D2": "FFFFEB9C", "G2": "FFFFC7CE", "D3": "FFFFEB9C"}
    assert sheet["B2"].comment.text == "PRC-001: not a code\nFix: Look it up.\n\nPRC-002: retired"
    assert sheet["G2"].comment.text == "PRC-001: not a code\nFix: Look it up.", (
        "units is no column of the file"
    )
    assert sheet["A2"].number_format == "@", "a corrected code stays text in Excel"


def test_workbook_bytes_repeat(tmp_path: Path) -> None:
    first, second = (write(tmp_path / n, Source(format="xlsx")).read_bytes() for n in "12")
    assert first == second


def test_json_lines_and_parquet_keep_names_and_values(tmp_path: Path) -> None:
    header = ("Claim #", "CPT", "row_number", "Fee")
    path = write(tmp_path / "1", Source(header=header, format="json"))
    assert path.name == "rejected.jsonl"
    assert json.loads(path.read_text().splitlines()[0]) == {
        "Claim #": "007", "CPT": " 9921x", "row_number": "", "Fee": "$1,200.00",
        "row_number_2": 3, "error_codes": "PRC-001; PRC-002", "error_messages": "not a code | retired",
    }  # fmt: skip
    frame = pl.read_parquet(write(tmp_path / "2", Source(header=header, format="parquet")))
    assert frame.columns == [*header, "row_number_2", "error_codes", "error_messages"]
    assert frame["row_number_2"].to_list() == [3, 4, 5]
    assert frame["Fee"].to_list() == ["$1,200.00", None, "é"]


def test_names() -> None:
    assert rejected_names([Source(name="a/june.csv.gz")]) == ["rejected.csv"]
    assert rejected_names([Source(name="june.xlsx", format="xlsx")]) == ["rejected.xlsx"]
    several: list[tuple[str, InputFormat]] = [
        ("june.csv", "csv"), ("JUNE.CSV.gz", "csv"), ("x.TSV", "csv"), ("-", "csv"),
        ("b\\..\\.hid:den", "csv"),
        ("data.json", "json"), ("l.ndjson", "json"), ("p.parquet", "parquet"), ("long" * 99, "csv"),
    ]  # fmt: skip
    assert rejected_names([Source(name=name, format=kind) for name, kind in several]) == [
        "rejected/june.csv", "rejected/JUNE-2.csv", "rejected/x.tsv", "rejected/stdin.csv",
        "rejected/hid_den.csv", "rejected/data.jsonl", "rejected/l.ndjson", "rejected/p.parquet",
        f"rejected/{'long' * 30}.csv",
    ]  # fmt: skip
