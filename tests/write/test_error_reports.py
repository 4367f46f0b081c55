"""errors.csv, errors.parquet and malformed.csv."""

import csv
import io
import re
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimsctl.validate.findings import FINDING
from claimsctl.write.errors import ErrorsWriter, MalformedWriter
from claimsctl.write.files import OutputDir
from claimsctl.write.text import neutralise

GOLDEN = Path(__file__).parent / "golden"


def finding(row: int | None, value: str | None, message: str, **other: object) -> dict[str, object]:
    return {
        "input": "june.csv", "row_number": row, "claim_number": "C1", "line_number": 1, "severity": "error",
        "code": "AMT-001", "category": "amount", "field": "charge_amount", "value": value,
        "message": message, "suggestion": "Enter the fee.", **other,
    }  # fmt: skip


FINDINGS = pl.DataFrame(
    [
        finding(2, "-12.50", "charge_amount is -12.50; it must be above 0"),
        finding(3, "=HYPERLINK(1)", "charge_amount is =HYPERLINK(1), which is no amount"),
        finding(4, None, '"quoted", and\nbroken', claim_number="@SUM(A1)", suggestion='-see the "manual"'),
        finding(
            None, None, "The file has no column payer_id", claim_number=None, line_number=None, field=None
        ),
    ],
    schema=FINDING,
)


@pytest.mark.parametrize("parquet", [True, False])
def test_every_finding_once_in_order(tmp_path: Path, parquet: bool) -> None:
    with OutputDir.create(tmp_path, "job-1") as out:
        writer = ErrorsWriter(out, FINDING, parquet=parquet)
        for part in FINDINGS.with_columns(cause=pl.lit("left out")).iter_slices(3):
            writer.write(part)
        paths, rows = writer.close()
        out.commit()
    assert rows == 4
    assert [path.name for path in paths] == ["errors.csv", "errors.parquet"][: 1 + parquet]
    assert (tmp_path / "errors.csv").read_text() == (GOLDEN / "errors.csv").read_text()
    if parquet:
        assert pl.read_parquet(tmp_path / "errors.parquet").equals(FINDINGS), (
            "verbatim: no spreadsheet reads it"
        )


def test_no_findings_leave_a_header(tmp_path: Path) -> None:
    with OutputDir.create(tmp_path, "job-1") as out:
        assert ErrorsWriter(out, FINDING, parquet=False).close()[1] == 0
        out.commit()
    assert (tmp_path / "errors.csv").read_text() == ",".join(FINDING) + "\n"


CASES = {
    "=1+1": "'=1+1", "+1+1": "'+1+1", "@x": "'@x", "-x": "'-x", "\t=1": "'\t=1", "\rx": "'\rx",
    "\uff1d1": "'\uff1d1",
    "-cmd|' /C calc'!A0": "'-cmd|' /C calc'!A0", "-5": "-5", "+5": "+5", "-1,234.50": "-1,234.50",
    "-$5.00": "-$5.00", "-.5": "-.5", "-5%": "-5%", "-5+1": "'-5+1", "-5\n=1": "'-5\n=1", "": "",
    "2026-01-31": "2026-01-31", "01/31/2026": "01/31/2026", "O'Brien": "O'Brien",
}  # fmt: skip


@pytest.mark.parametrize(("text", "safe"), CASES.items())
def test_neutralise(text: str, safe: str) -> None:
    frame = pl.DataFrame({"t": [text, None]}).select(neutralise(pl.col("t")))
    assert frame["t"].to_list() == [safe, None]


@given(st.lists(st.text(max_size=8) | st.from_regex(r"\A[=+\-@\t\r\n]?[$0-9.,A(]{0,5}\Z"), min_size=1))
def test_nothing_but_numbers_starts_like_a_formula(texts: list[str]) -> None:
    safe = pl.DataFrame({"t": texts}).select(neutralise(pl.col("t")))["t"].to_list()
    for before, after in zip(texts, safe, strict=True):
        assert after in (before, "'" + before)
        if re.match(r"[=+\-@\t\r\n]", after):
            assert re.fullmatch(r"[+-][$0-9.,%]+", after)


def test_malformed_records_lose_nothing(tmp_path: Path) -> None:
    raw = ['1,"unclosed,2\n3', "=a,,b", "nul \0 byte \\xff", "plain", ""]
    records = pl.DataFrame({"row_number": [2, 4, 5, 6, 7], "reason": "ragged", "raw": raw, "cells": None})
    with OutputDir.create(tmp_path, "job-1") as out:
        writer = MalformedWriter(out)
        writer.write("a, b.csv", records.head(2))
        writer.write("c.csv", records.clear())
        writer.write("c.csv", records.tail(3))
        assert writer.close() == (tmp_path / "malformed.csv", 5)
        out.commit()
    text = (tmp_path / "malformed.csv").read_bytes().decode()
    assert text.startswith('input,row_number,reason,raw\n"a, b.csv",2,"ragged","1,""unclosed,2\n3"\n')
    read = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert [row[3] for row in read[1:]] == raw
    assert [row[1] for row in read[1:]] == ["2", "4", "5", "6", "7"]


def test_no_malformed_records_no_file(tmp_path: Path) -> None:
    with OutputDir.create(tmp_path, "job-1") as out:
        assert MalformedWriter(out).close() == (None, 0)
        assert out.commit() == {}
