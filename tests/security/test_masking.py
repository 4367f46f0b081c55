"""Identifiers are never shown whole; one value and a column are masked alike."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimsctl.claim import BY_NAME, COLUMNS
from claimsctl.security.masking import MASKED, mask_expr, mask_value

IDENTIFIERS = [column for column in COLUMNS if column.phi == "identifier"]


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("patient_ssn", "123-45-6789", "***-**-6789"),
        ("patient_ssn", "123456789", "***-**-6789"),
        ("patient_ssn", "12345678", "***"),
        ("patient_last_name", "rivera", "r."),
        ("patient_first_name", " Émile ", "É."),
        ("subscriber_last_name", "X", "X."),
        ("member_id", "1EG4TE5MK73", "***MK73"),
        ("member_id", "A123456", "***"),
        ("patient_id", "MRN10442", "***0442"),
        ("patient_address", "18 Alder Court", MASKED),
        ("patient_phone", "916-555-0142", MASKED),
        ("line_note", "Left knee", MASKED),
        ("line_note", "  ", ""),
        ("patient_dob", "1984-03-09", "1984-**-**"),
        ("patient_dob", "3/9/1984", "1984-**-**"),
        ("patient_dob", "19840309", "1984-**-**"),
        ("patient_dob", "03091984", "1984-**-**"),
        ("subscriber_dob", "1984-03-09T00:00:00", "1984-**-**"),
        ("subscriber_dob", "3/9/84", "***"),
        ("patient_dob", "30750", "***"),
        ("patient_dob", " ", ""),
        ("service_date_from", "2026-03-09", "2026-03-09"),
        ("claim_number", "C-1", "C-1"),
        ("billing_name", "Oak Street", "Oak Street"),
    ],
)
def test_values(name: str, value: str, shown: str) -> None:
    assert mask_value(BY_NAME[name], value) == shown


def test_unmapped_columns_are_masked_whole() -> None:
    assert mask_value(None, "anything") == MASKED
    assert pl.DataFrame({"v": ["x", "", None]}).select(mask_expr(None, pl.col("v")))["v"].to_list() == [
        MASKED, "", None,
    ]  # fmt: skip


@settings(deadline=None)
@given(st.sampled_from([*COLUMNS, None]), st.lists(st.text(max_size=14) | st.none(), max_size=6))
def test_column_and_value_agree(column: object, values: list[str | None]) -> None:
    frame = pl.DataFrame({"v": values}, schema={"v": pl.String})
    masked = frame.select(mask_expr(column, pl.col("v")))["v"].to_list()  # type: ignore[arg-type]
    assert masked == [None if v is None else mask_value(column, v) for v in values]  # type: ignore[arg-type]


@settings(deadline=None)
@given(st.sampled_from(IDENTIFIERS), st.text("ABCDEFGHJK0123456789", min_size=2, max_size=20))
def test_at_most_four_characters_are_shown(column: object, value: str) -> None:
    shown = mask_value(column, value)  # type: ignore[arg-type]
    assert value not in shown
    assert len(shown.replace("*", "").replace("-", "").replace(MASKED, "")) <= 4


def test_what_looks_like_an_ssn_is_masked_in_any_column() -> None:
    column = BY_NAME["procedure_code"]
    shown = pl.DataFrame({"v": ["123-45-6789", "99213", "a 123-45-6789 b"]}).select(
        mask_expr(column, pl.col("v"))
    )
    assert shown.to_series().to_list() == ["***-**-6789", "99213", "a ***-**-6789 b"]
    assert mask_value(column, "123-45-6789") == "***-**-6789"
