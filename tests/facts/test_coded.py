"""Coded columns say what the same columns say as text, whatever the values are."""

from __future__ import annotations

from datetime import date
from functools import cache, partial

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimsctl.facts import coded
from claimsctl.facts.coded import Codebook, Coding, as_text, is_coded
from claimsctl.facts.table import Context, fact_frame
from claimsctl.facts.typed import Layout, clean_cells, clean_text, coded_text, verbatim_cells
from claimsctl.process.keying import digest_columns
from claimsctl.process.spilling import coded_types, read_aside, write_aside
from claimsctl.validate.checks import rule_names
from claimsctl.validate.language.compiler import compile_expression
from claimsctl.validate.language.parser import parse
from claimsctl.validate.language.predicates import with_predicates
from claimsctl.validate.language.types import Where

NAMES = ("claim_number", "procedure_code", "charge_amount", "service_date_from", "patient_sex", "diagnosis_1")
COLUMNS = {name: f"c{n}" for n, name in enumerate(NAMES)}
RUN_DATE = date(2026, 6, 30)
VALUES = ("", " ", "99213", " 99213", "j1885", "female", "M", "2026-01-02", "1/2/26", "$1,200.50", "(3)",
          "Z00.00 ", "\u00a0x", "é", "\t", "0", "12:30",
          '="99213"', ' ="(3)"', '=""', '="3',
          "\u200b99213", "99\u00ad213\ufeff", "\u200b", "\u2009x", '\ufeff="3"', "e\u0301\u200d")  # fmt: skip
CONDITIONS = (
    "procedure_code in ('99213', 'J1885')",
    "not (procedure_code like 'J%')",
    "matches(text(charge_amount), '[0-9]+')",
    "patient_sex = 'F' and procedure_code = '99213'",
    "matches(procedure_code, '^[A-Z]') or procedure_code is null",
)


@pytest.fixture(autouse=True)
def _code_small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coded, "FEW_ROWS", 1)
    monkeypatch.setattr(coded, "_SHARE", 10.0)


def part(cells: list[list[str | None]], first: int = 0) -> pl.DataFrame:
    columns = [pl.Series(f"c{n}", [row[n] for row in cells], dtype=pl.String) for n in range(len(NAMES))]
    numbers = pl.int_range(first, first + len(cells), dtype=pl.UInt32, eager=True)
    return pl.DataFrame([numbers.cast(pl.Int64).alias("row_number"), *columns, numbers.alias("row_index")])


@cache
def predicates() -> frozenset[object]:
    found: set[object] = set()
    for text in CONDITIONS:
        compiled = compile_expression(parse(text, where=Where("test")), rule_names(), {}, split=True)
        assert compiled.predicates, text
        found |= compiled.predicates
    return frozenset(found)


cell = st.one_of(st.none(), st.sampled_from(VALUES), st.text(max_size=4))
rows = st.lists(st.lists(cell, min_size=len(NAMES), max_size=len(NAMES)), min_size=1, max_size=12)


@settings(deadline=None, max_examples=15)
@given(rows, rows, st.booleans())
def test_codes_say_what_text_says(
    first: list[list[str | None]], second: list[list[str | None]], keep_empty: bool
) -> None:
    """Two parts, so that the second meets values the first one coded and new ones."""
    layout, plain = Layout(COLUMNS), Layout(COLUMNS)
    names = [*NAMES, "charge_amount:text", "service_date_from:text", "claim_id"]
    context = Context(RUN_DATE)
    for cells, place in ((first, 0), (second, len(first))):
        raw = part(cells, place)
        given_codes = layout.codebook.encode(raw)
        assert all(is_coded(given_codes[name]) for name in COLUMNS.values())
        code = clean_cells(given_codes, layout.codebook, keep_empty=keep_empty)
        text = clean_cells(raw, keep_empty=keep_empty)
        assert as_text(code).select(sorted(text.columns)).equals(text.select(sorted(text.columns)))
        assert verbatim_cells(code, blank="").equals(verbatim_cells(text, blank=""))
        assert clean_text(code, layout, NAMES).equals(clean_text(text, plain, NAMES))
        typed = fact_frame(text, plain, names, context)
        assert fact_frame(code, layout, names, context).equals(typed)
        assert [d.to_list() for d in digest_columns(code, layout, b"k", RUN_DATE)] == [
            d.to_list() for d in digest_columns(text, plain, b"k", RUN_DATE)
        ]
        by_code = with_predicates(typed, predicates(), partial(coded_text, code, layout, run_date=RUN_DATE))
        by_text = with_predicates(typed, predicates())
        names_met = sorted(by_text.columns)
        assert by_code.select(names_met).equals(by_text.select(names_met))


def test_a_part_put_aside_comes_back_with_its_codes(tmp_path) -> None:  # type: ignore[no-untyped-def]
    book = Codebook()
    rows = clean_cells(
        book.encode(part([["A", "99213", "1", None, "M", ""], ["B", "", "1", "x", "M", "Z"]])), book
    )
    write_aside(rows, tmp_path / "part.ipc")
    assert read_aside(tmp_path / "part.ipc", coded_types(rows)).equals(rows)
    some = read_aside(tmp_path / "part.ipc", coded_types(rows), ["c1", "row_index"])
    assert some.columns == ["c1", "row_index"]
    assert some["c1"].cast(pl.String).to_list() == ["99213", None]


def test_columns_that_hardly_repeat_stay_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coded, "_SHARE", 0.1)
    monkeypatch.setattr(coded, "FEW_ROWS", 100)
    book = Codebook()
    number = pl.Series("c0", [f"CL{n}" for n in range(200)])
    payer = pl.Series("c1", ["AETNA", "CIGNA"] * 100)
    rows = book.encode(pl.DataFrame([number, payer]))
    assert not is_coded(rows["c0"])
    assert is_coded(rows["c1"])
    assert as_text(rows).equals(pl.DataFrame([number, payer]))


def test_values_are_derived_once() -> None:
    coding = Coding()
    asked: list[list[str]] = []

    def upper(values: pl.Series) -> pl.Series:
        asked.append(values.to_list())
        return values.str.to_uppercase()

    coding.encode(pl.Series(["a", "b", "a", None]))
    assert coding.derived("upper", upper).to_list() == ["A", "B"]
    coding.encode(pl.Series(["c", "a"]))
    assert coding.derived("upper", upper).to_list() == ["A", "B", "C"]
    assert asked == [["a", "b"], ["c"]]


def test_answers_are_found_once_per_value() -> None:
    coding = Coding()
    asked: list[list[str]] = []

    def long(values: pl.Series) -> pl.DataFrame:
        asked.append(values.to_list())
        return pl.DataFrame({"long": values.str.len_chars() > 1})

    first, more = pl.Series(["a", "bb"]), pl.Series(["a", "bb", "c"])
    assert coding.answers("long", first, long)["long"].to_list() == [False, True]
    assert coding.answers("long", more, long)["long"].to_list() == [False, True, False]
    assert coding.answers("long", first, long)["long"].to_list() == [False, True, False]
    assert asked == [["a", "bb"], ["c"]]


def test_values_of_later_parts_follow_those_of_earlier_ones() -> None:
    coding = Coding()
    for cells in (["b", None, "a"], ["a", "b"], ["é", "a", ""]):
        codes = coding.encode(pl.Series(cells, dtype=pl.String))
        assert coding.values.gather(codes.to_physical()).to_list() == cells
    assert coding.values.to_list() == ["b", "a", "é", ""]


def test_a_table_of_fewer_values_does_not_stand_for_more() -> None:
    """Parts are worked on at once: values may come between looking at them and making a table of them."""
    coding = Coding()
    coding.encode(pl.Series(["a", "b"]))
    before = coding.values
    coding.encode(pl.Series(["c"]))
    assert coding.table("length", before, lambda: len(before)) == 2
    assert coding.table("length", coding.values, lambda: len(coding.values)) == 3
    assert coding.table("length", before, lambda: len(before)) == 3
