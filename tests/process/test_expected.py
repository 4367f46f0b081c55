"""Expected findings: reading the file, and what differs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from claimsctl.errors import InputError, OutputError
from claimsctl.process.expected import compare, read_expected, write_expected
from claimsctl.process.trial import KEPT, FoundFindings
from claimsctl.validate.findings import FINDING


def file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "expected.csv"
    path.write_text(text, "utf-8")
    return path


def found(*rows: tuple[int | None, str, str | None]) -> pl.LazyFrame:
    frame = pl.DataFrame(
        [{"row_number": row, "code": code, "field": name} for row, code, name in rows],
        schema={name: FINDING[name] for name in KEPT},
    )
    return frame.lazy()


def told(rows: pl.DataFrame) -> list[tuple[Any, ...]]:
    return rows.select("row_number", "code", "field").rows()


@pytest.mark.parametrize(
    ("expected", "missing", "unexpected"),
    [
        ("2,PAT-008,patient_dob\n3,MOD-001,\n,FILE-003,\n", [], []),
        ("2,pat-008, patient_dob \n\n3,MOD-001,modifier_1\n3,MOD-001,modifier_2\n,FILE-003,\n", [], []),
        (
            "2,PAT-008,patient_sex\n3,MOD-001,\n,FILE-003,\n",
            [(2, "PAT-008", "patient_sex")],
            [(2, "PAT-008", "patient_dob")],
        ),
        (
            "2,PAT-008,\n3,MOD-001,modifier_1\n",
            [],
            [(None, "FILE-003", None), (3, "MOD-001", "modifier_2")],
        ),
        (
            "2,PAT-008,\n3,MOD-001,\n,FILE-003,\n9,MOD-001,\n,FILE-004,\n",
            [(None, "FILE-004", None), (9, "MOD-001", None)],
            [],
        ),
    ],
)
def test_what_differs(tmp_path: Path, expected: str, missing: list[Any], unexpected: list[Any]) -> None:
    made = found(
        (None, "FILE-003", None), (2, "PAT-008", "patient_dob"),
        (3, "MOD-001", "modifier_1"), (3, "MOD-001", "modifier_2"),
    )  # fmt: skip
    differences = compare(made, read_expected(file(tmp_path, "row_number,code,field\n" + expected)))
    assert told(differences.missing) == missing
    assert told(differences.unexpected) == unexpected
    assert bool(differences) == bool(missing or unexpected)


def test_rows_without_findings(tmp_path: Path) -> None:
    expected = read_expected(file(tmp_path, "\ufeffcode,row_number\n,2\n,3\n"))
    assert compare(found(), expected).unexpected.is_empty()
    differences = compare(found((3, "MOD-001", None), (4, "MOD-001", None)), expected)
    assert differences.unexpected["row_is_clean"].to_list() == [True, False]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has no column row_number"),
        ("row_number,field\n", "has no column code"),
        ("row_number,cod\n", "Did you mean code?"),
        ("row_number,code\n2,PAT-008\nabc,PAT-008\n", "line 3: row_number is a whole number"),
        ("row_number,code,field\n,,units\n", "line 2: give a row number, a code"),
        ("row_number,code\n2,PAT-008\n2,\n", "row 2 has a finding, and that it has none"),
    ],
)
def test_mistakes_in_the_file_are_named(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InputError, match=r"expected\.csv") as caught:
        read_expected(file(tmp_path, text))
    assert says in str(caught.value)


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--update"):
        read_expected(tmp_path / "absent.csv")
    (tmp_path / "bad.csv").write_bytes(b"row_number,code\n2,\xff\n")
    with pytest.raises(InputError, match="UTF-8"):
        read_expected(tmp_path / "bad.csv")
    with pytest.raises(OutputError, match="Cannot write"):
        write_expected(tmp_path / "no" / "such.csv", found())


def test_written_file_is_what_is_found(tmp_path: Path) -> None:
    path = file(tmp_path, "older\n")
    made = found((3, "MOD-001", "modifier_1"), (None, "FILE-003", None), (2, "PAT-008", "patient_dob"))
    assert write_expected(path, made) == 3
    assert path.read_text() == (
        "row_number,code,field\n,FILE-003,\n2,PAT-008,patient_dob\n3,MOD-001,modifier_1\n"
    )
    assert not compare(made, read_expected(path))
    assert list(tmp_path.iterdir()) == [path]


def test_findings_are_kept_in_order_and_narrow(tmp_path: Path) -> None:
    sink = FoundFindings(tmp_path)
    assert sink.scan().collect().is_empty()
    for row in (2, 3):
        sink.findings(pl.DataFrame([{"row_number": row, "code": "MOD-001"}], schema=FINDING))
    kept = sink.scan().collect()
    assert kept["row_number"].to_list() == [2, 3]
    assert tuple(kept.columns) == KEPT
