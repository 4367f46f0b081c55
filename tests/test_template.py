"""Templates: exact headers, examples that hold together, files that come back as written."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import date, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import get_args

import fastexcel
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimsctl import claim
from claimsctl.errors import OutputError, UsageError
from claimsctl.ingest.mapping import map_headers
from claimsctl.template import Format, Purpose, template_rows, write_template

TODAY = date(2026, 6, 30)
KINDS: list[tuple[Purpose, str]] = [
    ("process", "professional"),
    ("process", "session"),
    ("status", "professional"),
]
each_kind = pytest.mark.parametrize(("purpose", "profile"), KINDS)


def cells(purpose: Purpose, profile: str, today: date = TODAY) -> list[dict[str, str]]:
    headers, rows, _ = template_rows("Aetna", purpose, profile, today=today)
    return [dict(zip(headers, row, strict=True)) for row in rows]


def content(file_format: Format, purpose: Purpose = "process", profile: str = "professional") -> bytes:
    stream = io.BytesIO()
    write_template(stream, file_format, payer=None, purpose=purpose, profile=profile, today=TODAY)
    return stream.getvalue()


@each_kind
def test_headers_are_canonical_and_nothing_required_is_missing(purpose: Purpose, profile: str) -> None:
    headers, rows, _ = template_rows(None, purpose, profile, today=TODAY)
    assert set(headers) <= set(claim.BY_NAME)
    assert len(set(headers)) == len(headers)
    wanted = "status" if purpose == "status" else profile
    found = map_headers(headers, extra={}, constants={}, profile=wanted)
    assert found.missing == ()
    assert len(found.columns) == len(headers)
    assert 2 <= len(rows) <= 3


def test_professional_template_has_every_column_professional_claims_require() -> None:
    headers, rows, _ = template_rows(None, "process", "professional", today=TODAY)
    required = [column.name for column in claim.COLUMNS if "professional" in column.required]
    assert set(required) <= set(headers)
    assert all(row[headers.index(name)] for row in rows for name in required)


def test_status_template_headers() -> None:
    assert template_rows(None, "status", "session", today=TODAY)[0] == (
        "claim_number", "patient_ssn", "patient_dob", "patient_first_name", "patient_last_name", "member_id",
        "billing_tax_id", "service_date_from", "service_date_to", "payer_id",
    )  # fmt: skip


@each_kind
def test_values_are_of_their_type(purpose: Purpose, profile: str) -> None:
    read: dict[str, Callable[[str], object]] = {
        "date": date.fromisoformat,
        "time": time.fromisoformat,
        "integer": int,
        "decimal": Decimal,
        "money": Decimal,
        "text": str,
        "code": str,
    }
    for row in cells(purpose, profile):
        for name, value in row.items():
            column = claim.BY_NAME[name]
            assert value == value.strip()
            if value:
                read[column.type](value)
            assert len(value) <= (column.max_length or 999)


def test_provider_numbers_have_their_check_digit() -> None:
    for name in ("billing_npi", "rendering_npi"):
        for row in cells("process", "professional"):
            digits = reversed(f"80840{row[name]}")
            assert sum(int("0246813579"[int(d)]) if n % 2 else int(d) for n, d in enumerate(digits)) % 10 == 0


@each_kind
@given(today=st.dates(date(2020, 1, 1), date(2040, 12, 31)))
def test_services_are_recent_and_on_office_days(purpose: Purpose, profile: str, today: date) -> None:
    for row in cells(purpose, profile, today):
        day = date.fromisoformat(row["service_date_from"])
        assert today - timedelta(days=75) < day < today - timedelta(days=7)
        assert day.weekday() < 5
        assert row.get("service_date_to", day.isoformat()) == day.isoformat()


def test_claim_values_repeat_on_each_line() -> None:
    claims: dict[str, dict[str, str]] = {}
    for row in cells("process", "professional"):
        header = {name: row[name] for name in row if claim.BY_NAME[name].level == "claim"}
        assert claims.setdefault(row["claim_number"], header) == header
    assert len(claims) == 2


def test_pointers_name_filled_diagnoses_and_leave_none_out() -> None:
    pointed: dict[str, set[str]] = {}
    filled: dict[str, set[str]] = {}
    for row in cells("process", "professional"):
        pointed.setdefault(row["claim_number"], set()).update(row["diagnosis_pointers"].split(","))
        slots = {"ABCD"[n - 1] for n in range(1, 5) if row[f"diagnosis_{n}"]}
        filled.setdefault(row["claim_number"], set()).update(slots)
    assert pointed == filled


def test_sessions_last_as_long_as_their_minutes() -> None:
    for row in cells("process", "session"):
        start, end = (time.fromisoformat(row[f"session_{which}_time"]) for which in ("start", "end"))
        assert (end.hour - start.hour) * 60 + end.minute - start.minute == int(row["minutes"])


@pytest.mark.parametrize(("payer", "shown"), [(None, "UHC"), ("aetna", "AETNA"), (" BCBSMA ", "BCBSMA")])
def test_payer(payer: str | None, shown: str) -> None:
    headers, rows, comments = template_rows(payer, "process", "professional", today=TODAY)
    assert {row[headers.index("payer_id")] for row in rows} == {shown}
    assert shown in comments[0]


@each_kind
def test_comments_describe_every_column_and_survive_a_spreadsheet(purpose: Purpose, profile: str) -> None:
    headers, _, comments = template_rows(None, purpose, profile, today=TODAY)
    assert all(line.startswith("# ") and not set(line) & set(',"\n\r') for line in comments)
    assert [line.split(" - ")[0] for line in comments[-len(headers) :]] == [f"# {name}" for name in headers]


def test_comments_say_what_is_required() -> None:
    text = "\n".join(template_rows(None, "process", "professional", today=TODAY)[2])
    assert "# claim_number - required - " in text
    assert "# payer_id - required unless payer_name is there - " in text
    assert "# patient_sex - required - " in text
    assert "# copay_amount - optional - " in text
    status = "\n".join(template_rows(None, "status", "professional", today=TODAY)[2])
    assert "# patient_dob - required unless claim_number or payer_claim_number is there - " in status


@each_kind
def test_csv(purpose: Purpose, profile: str) -> None:
    headers, rows, comments = template_rows(None, purpose, profile, today=TODAY)
    lines = content("csv", purpose, profile).decode("ascii").splitlines()
    assert lines[: len(comments)] == list(comments)
    assert [tuple(row) for row in csv.reader(lines[len(comments) :])] == [headers, *rows]


@each_kind
def test_xlsx(purpose: Purpose, profile: str) -> None:
    headers, rows, comments = template_rows(None, purpose, profile, today=TODAY)
    book = fastexcel.read_excel(content("xlsx", purpose, profile))
    assert book.sheet_names == ["claims", "rules"]
    sheet = book.load_sheet("claims", header_row=None).to_polars()
    assert [tuple(value or "" for value in row) for row in sheet.rows()] == [headers, *rows]
    rules = book.load_sheet("rules", header_row=None).to_polars()
    assert [f"# {row[0]}" for row in rules.rows()] == list(comments)


@pytest.mark.parametrize("file_format", get_args(Format))
def test_the_same_template_has_the_same_bytes(file_format: Format) -> None:
    assert content(file_format) == content(file_format)


def test_a_file_is_written_whole_and_never_over_another(tmp_path: Path) -> None:
    path = tmp_path / "claims.csv"
    write_template(path, "csv", payer=None, purpose="process", profile="session", today=TODAY)
    assert path.read_bytes() == content("csv", profile="session")
    assert path.stat().st_mode & 0o077 == 0  # it will hold patients
    with pytest.raises(UsageError, match="exists already"):
        write_template(path, "csv", payer=None, purpose="status", profile="status", today=TODAY)
    write_template(path, "csv", payer=None, purpose="status", profile="status", today=TODAY, overwrite=True)
    assert path.read_bytes() == content("csv", "status")
    assert [entry.name for entry in tmp_path.iterdir()] == ["claims.csv"]


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="Cannot write"):
        write_template(
            tmp_path / "no" / "x.csv", "csv", payer=None, purpose="process", profile="session", today=TODAY
        )


@pytest.mark.parametrize(("purpose", "profile"), [("process", "dental"), ("bill", "session")])
def test_unknown_kind(purpose: Purpose, profile: str) -> None:
    with pytest.raises(UsageError, match="no template for"):
        template_rows(None, purpose, profile, today=TODAY)
