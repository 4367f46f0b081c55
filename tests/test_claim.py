"""The one list of columns: whole, consistent, and its examples are what it says."""

from __future__ import annotations

import re
from datetime import date, time
from decimal import Decimal
from pathlib import Path

import pytest

from claimsctl import claim
from claimsctl.claim import BY_NAME, COLUMNS, Column
from claimsctl.docs import columns_markdown
from claimsctl.ingest.headers import spellings

ids = [column.name for column in COLUMNS]


def npi_is_valid(npi: str) -> bool:
    """Luhn check with the prefix of US health cards."""
    doubled = [
        "0246813579"[int(digit)] if place % 2 else digit
        for place, digit in enumerate(reversed(f"80840{npi}"))
    ]
    return len(npi) == 10 and sum(map(int, doubled)) % 10 == 0


def test_the_check_digit_test_itself() -> None:
    assert npi_is_valid("1234567893")
    assert not npi_is_valid("1234567894")


def test_every_column_once() -> None:
    assert len(BY_NAME) == len(COLUMNS) == 171


@pytest.mark.parametrize(
    ("stem", "count"), [("modifier", 4), ("diagnosis", 12), ("poa", 25)], ids=["modifier", "diagnosis", "poa"]
)
def test_numbered_columns_are_expanded(stem: str, count: int) -> None:
    numbered = [name for name in BY_NAME if re.fullmatch(rf"{stem}_\d+", name)]
    assert numbered == [f"{stem}_{n}" for n in range(1, count + 1)]


@pytest.mark.parametrize("column", COLUMNS, ids=ids)
def test_column_is_described(column: Column) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*(_\d+)?", column.name)
    assert column.meaning
    assert column.example
    assert column.required <= set(claim.PROFILES)
    if column.max_length is not None:
        assert len(column.example) <= column.max_length


@pytest.mark.parametrize("column", COLUMNS, ids=ids)
def test_example_is_readable_as_its_type(column: Column) -> None:
    for example in column.example.split(";") if column.is_list else [column.example]:
        if column.type == "date":
            date.fromisoformat(example)
        elif column.type == "time":
            time.fromisoformat(example)
        elif column.type == "integer":
            int(example)
        elif column.type == "money":
            assert -Decimal(example).as_tuple().exponent == 2  # type: ignore[operator]
        elif column.type == "decimal":
            Decimal(example)


@pytest.mark.parametrize("name", [name for name in BY_NAME if name.endswith("_npi")])
def test_example_npi_has_its_check_digit(name: str) -> None:
    assert npi_is_valid(BY_NAME[name].example)


@pytest.mark.parametrize("column", [c for c in COLUMNS if c.value_aliases], ids=lambda c: c.name)
def test_aliases_are_upper_case_and_lead_to_codes(column: Column) -> None:
    assert column.type == "code"  # rules see codes upper-cased, so an alias must be
    assert all(alias == alias.upper() for alias in column.value_aliases)
    assert not set(column.value_aliases.values()) & set(column.value_aliases)


def test_a_spelling_belongs_to_one_column() -> None:
    owners: dict[str, str] = {}
    named = [(column.name, (column.name, *column.synonyms, *column.fallbacks)) for column in COLUMNS]
    named.append((claim.PATIENT_NAME, (*claim.PATIENT_NAME_SYNONYMS, *claim.PATIENT_NAME_FALLBACKS)))
    named.append((claim.SUBSCRIBER_NAME, claim.SUBSCRIBER_NAME_SYNONYMS))
    for name, texts in named:
        for text in texts:
            for spelling in spellings(text):
                assert owners.setdefault(spelling, name) == name, (text, owners[spelling], name)


@pytest.mark.parametrize("column", COLUMNS, ids=ids)
def test_a_synonym_is_listed_once(column: Column) -> None:
    folded = [min(spellings(text)) for text in (*column.synonyms, *column.fallbacks)]
    assert len(folded) == len(set(folded))


@pytest.mark.parametrize(
    ("name", "phi"),
    [
        ("patient_last_name", "identifier"),
        ("patient_ssn", "identifier"),
        ("other_member_id", "identifier"),
        ("patient_address", "identifier"),
        ("dropoff_address", "identifier"),
        ("line_note", "identifier"),
        ("patient_dob", "quasi"),
        ("subscriber_dob", "quasi"),
        ("patient_zip", "quasi"),
        ("claim_number", "quasi"),
        ("original_claim_number", "quasi"),
        ("billing_address", "none"),
        ("billing_npi", "none"),
        ("patient_state", "none"),
        ("diagnosis_1", "none"),
    ],
)
def test_privacy_class(name: str, phi: str) -> None:
    assert BY_NAME[name].phi == phi


def test_every_date_is_at_least_a_quasi_identifier() -> None:
    assert all(column.phi == "quasi" for column in COLUMNS if column.type == "date")


def test_every_name_of_a_person_and_phone_is_an_identifier() -> None:
    people = [n for n in BY_NAME if re.match(r"(patient|subscriber)_.*(name|phone|ssn|address)", n)]
    assert len(people) == 8
    assert {BY_NAME[name].phi for name in people} == {"identifier"}


def test_columns_where_narrows_by_every_argument() -> None:
    assert "patient_dob" in claim.columns_where(phi="quasi", kind="date")
    assert "patient_zip" not in claim.columns_where(phi="quasi", kind="date")
    assert claim.columns_where(kind="time") == ("session_start_time", "session_end_time")
    assert set(claim.columns_where(level="line")) | set(claim.columns_where(level="claim")) == set(BY_NAME)


def test_requirements_name_real_columns() -> None:
    assert set(claim.REQUIRED_TO_RUN) == set(claim.PROFILES)
    for needs in claim.REQUIRED_TO_RUN.values():
        assert all(name in BY_NAME for need in needs for option in need for name in option)
    assert set(claim.INSTITUTIONAL_INSTEAD.values()) <= set(BY_NAME)


def test_required_by_professional_claims() -> None:
    required = {column.name for column in COLUMNS if "professional" in column.required}
    assert required == {
        "claim_number", "patient_last_name", "patient_first_name", "patient_dob", "patient_sex",
        "relationship_code", "member_id", "payer_id", "billing_npi", "billing_tax_id", "place_of_service",
        "service_date_from", "procedure_code", "diagnosis_1", "units", "charge_amount",
    }  # fmt: skip


def test_columns_page_is_up_to_date() -> None:
    page = Path(__file__).parent.parent / "docs" / "columns.md"
    assert columns_markdown() in page.read_text("utf-8"), "run: cog -r docs/columns.md"


def test_columns_page_has_every_column_in_a_whole_row() -> None:
    rows = [line for line in columns_markdown().splitlines() if line.startswith("| `")]
    assert len(rows) == len(COLUMNS)
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 10 for row in rows)
