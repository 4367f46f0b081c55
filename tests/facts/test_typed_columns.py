"""Columns that are read alike are read together where rows are few; that changes no value."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from claimsctl.claim import BY_NAME, COLUMNS
from claimsctl.facts import cells
from claimsctl.facts.cells import typed_columns, typed_text
from claimsctl.facts.typed import clean_cells, verbatim_cells

RUN_DATE = date(2026, 6, 1)
TEXTS = ["2026-05-04", "5/4/30", "1900-01-01", "$1,234.50", "8:30 pm", "m", "yes", "F32.a", "3.0", "x", None]


def test_columns_read_together_are_as_read_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    # Rotated, so that no two columns have the same text in a row.
    texts = [
        pl.Series(column.name, TEXTS[n % 11 :] + TEXTS[: n % 11], dtype=pl.String)
        for n, column in enumerate(COLUMNS)
    ]
    asked: list[str] = []

    def counted(text: pl.Series, *rest: object) -> pl.Series:
        asked.append(text.name)
        return typed_text(text, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(cells, "typed_text", counted)
    together = typed_columns(texts, RUN_DATE)
    assert len(asked) < len(texts) / 3
    monkeypatch.setattr(cells, "FEW_ROWS", 0)
    alone = typed_columns(texts, RUN_DATE)
    assert len(asked) > len(texts)
    for text in texts:
        found = together[text.name]
        assert (found.name, found.dtype) == (text.name, alone[text.name].dtype)
        assert found.to_list() == typed_text(text, BY_NAME[text.name], RUN_DATE).to_list(), text.name


def test_padded_cells_are_found_in_few_rows_and_in_many() -> None:
    few = pl.DataFrame({"c0": ["a", " b", None], "c1": ["a", "b", "c"], "c2": [None, "\u00a0", "x\t"]})
    cleaned = clean_cells(few)
    assert cleaned.to_dict(as_series=False) == {
        "c0": ["a", "b", None], "c1": ["a", "b", "c"], "c2": [None, None, "x"],
        "verbatim:c0": ["a", " b", None], "verbatim:c2": [None, "\u00a0", "x\t"],
    }  # fmt: skip
    many = pl.concat([few] * 1_000)
    assert clean_cells(many).equals(pl.concat([cleaned] * 1_000))


def test_what_a_spreadsheet_keeps_as_text_is_read_as_its_value() -> None:
    """Exports write ="0042" so that a spreadsheet keeps the zeros."""
    few = pl.DataFrame(
        {
            "c0": ['="C99"', ' ="C98" ', "C97"],
            "c1": ['=" 0042 "', '=""', None],
            "c2": ['="5', '=SUM("a")', '="a"b"'],
            "c3": ["x", "y", "="],
        }
    )
    cleaned = clean_cells(few)
    assert cleaned.select("c0", "c1").to_dict(as_series=False) == {
        "c0": ["C99", "C98", "C97"], "c1": ["0042", None, None],
    }  # fmt: skip
    assert cleaned.select("c2", "c3").equals(few.select("c2", "c3"))
    assert "verbatim:c3" not in cleaned.columns
    assert verbatim_cells(cleaned, blank=None).equals(few)
    many = pl.concat([few] * 1_000)
    assert clean_cells(many).equals(pl.concat([cleaned] * 1_000))


def test_characters_that_nobody_can_see_are_no_part_of_a_value() -> None:
    few = pl.DataFrame(
        {
            "c0": ["\ufeffC99", "C\u00ad9\u200b8", "C97"],
            "c1": ["1330\u2060223946\u200d", "\u200b \u200b", "\u200e1330223946\u202c "],
            "c2": ['\ufeff="0042"', '="\u200b0042"', "\u20090042\u3000"],
            "c3": ["Núñez", "क\u094d\u200dष", "O\u2019Brien"],
        }
    )
    cleaned = clean_cells(few)
    assert cleaned.select("c0", "c1", "c2").to_dict(as_series=False) == {
        "c0": ["C99", "C98", "C97"], "c1": ["1330223946", None, "1330223946"], "c2": ["0042"] * 3,
    }  # fmt: skip
    assert cleaned["c3"].equals(few["c3"]), "a joiner has a meaning between letters of some scripts"
    assert "verbatim:c3" not in cleaned.columns
    assert verbatim_cells(cleaned, blank=None).equals(few)
    many = pl.concat([few] * 1_000)
    assert clean_cells(many).equals(pl.concat([cleaned] * 1_000))
