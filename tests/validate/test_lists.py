"""Lists in one cell, columns in the same place, and codes that stand together in a table."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimsctl.errors import RuleError
from claimsctl.validate.checks import rule_names
from claimsctl.validate.language.compiler import compile_expression
from claimsctl.validate.language.parser import parse
from claimsctl.validate.language.predicates import with_predicates
from claimsctl.validate.language.types import LangType, TableInfo, Where

NAMES = rule_names()
KINDS = {
    LangType.TEXT: pl.String,
    LangType.DATE: pl.Date,
    LangType.DECIMAL: pl.Decimal(18, 4),
    LangType.INTEGER: pl.Int64,
}
CODES = TableInfo("codes", pl.Series("code", ["01", "A2", "80"]))
DATED = TableInfo(
    "carc", pl.Series("code", ["1", "2"]), {}, pl.Series([None, dt.date(2026, 1, 1)]), pl.Series([None, None])
)
PAIRS = TableInfo(
    "pairs",
    pl.Series("code", ["E11", "E1121", "F32", "Z00"]),
    {"other": (LangType.TEXT, pl.Series("other", ["I10", "N18", "F31", None]))},
    pl.Series([None, None, dt.date(2026, 1, 1), None]),
    pl.Series([None, None, None, None], dtype=pl.Date),
    beginnings=frozenset({"code", "other"}),
)
TABLES = {"codes": CODES, "carc": DATED, "pairs": PAIRS}


def ask(text: str, *, value_column: str | None = None, **columns: list[object]) -> list[object]:
    made = compile_expression(
        parse(text, where=Where("test")),
        NAMES,
        TABLES,
        condition=False,
        split=True,
        value_column=value_column,
    )
    height = max(len(values) for values in columns.values())
    read = made.columns.union(*({p.column} - {""} for p in made.predicates))
    frame = pl.DataFrame(
        [
            pl.Series(name, columns.get(name, [None] * height), dtype=KINDS[NAMES.types[name]])
            for name in sorted(read)
        ]
    )
    return with_predicates(frame, made.predicates).with_columns(made.expr.alias("x"))["x"].to_list()


VALUES: list[object] = ["01", "01;A2", " 01 ; a2 ;", "01;;80", "99", "", None, "01;01"]


def test_parts() -> None:
    lists = {"value_code": VALUES}
    assert ask("any_part(value_code, it = '01')", **lists) == [True] * 4 + [False] * 3 + [True]
    assert ask("all_parts(value_code, known(it, 'codes'))", **lists) == [
        True, True, True, True, False, True, True, True,
    ]  # fmt: skip
    assert ask("count_parts(value_code)", **lists) == [1, 2, 2, 2, 1, 0, 0, 2]
    assert ask("count_parts(value_code, it <> '01')", **lists) == [0, 1, 1, 1, 1, 0, 0, 0]
    assert ask("distinct_parts(value_code)", **lists) == [1, 2, 2, 2, 1, 0, 0, 1]


def test_different_pairs() -> None:
    lists: dict[str, list[object]] = {
        "occurrence_code": ["11;11", "11;11", "11;A2;a2"],
        "occurrence_date": ["20260601;20260601", "20260601;20260602", "1;;"],
    }
    pair = "concat(it, ' ', coalesce(text(beside(occurrence_date)), ''))"
    assert ask(f"distinct_parts(occurrence_code, {pair})", **lists) == [1, 2, 2]


def test_lists_in_equal_order() -> None:
    amounts: list[object] = ["10", "10;5", "1;2;3", "7;;1,200.50", "x", None, "3", "(2);1"]
    lists = {"value_code": VALUES, "value_amount": amounts}
    assert ask("any_part(value_code, beside(value_amount) is null)", **lists) == [
        False, False, False, False, True, False, False, False,
    ]  # fmt: skip
    assert ask("any_part(value_amount, beside(value_code) is null)", **lists) == [
        False, False, True, False, False, False, True, False,
    ]  # fmt: skip
    assert ask("sum_parts(value_amount)", **lists) == [
        Decimal(10), Decimal(15), Decimal(6), Decimal("1207.5"), None, None, Decimal(3), Decimal(-1),
    ]  # fmt: skip
    assert ask("sum_parts(value_amount, beside(value_code) = '01')", **lists) == [
        Decimal(10), Decimal(10), Decimal(1), Decimal(7), 0, None, 0, Decimal(-1),
    ]  # fmt: skip


def test_parts_have_the_type_of_their_column() -> None:
    dates: list[object] = ["2026-06-01;06/03/2026", "20260601-20260603", "x"]
    lists = {"occurrence_date": dates, "occurrence_code": ["11", "m0", "11"]}
    assert ask("count_parts(occurrence_date, it < date '2026-06-02')", **lists) == [1, 0, 0]
    assert ask("any_part(occurrence_date, it is null and text(it) like '%-%')", **lists) == [
        False,
        True,
        False,
    ]
    assert ask("any_part(occurrence_code, it = 'M0' and text(it) = 'm0')", **lists) == [False, True, False]
    unread = "beside(occurrence_date) is null and text(beside(occurrence_date)) = 'x'"
    assert ask(f"any_part(occurrence_code, {unread})", **lists) == [False, False, True]


def test_a_part_is_compared_with_its_line() -> None:
    lists: dict[str, list[object]] = {
        "adjustment_reason_code": ["1;2", "1;2", "3"],
        "other_payer_adjudication_date": [dt.date(2026, 2, 1), dt.date(2025, 2, 1), None],
    }
    text = "all_parts(adjustment_reason_code, known(it, 'carc', other_payer_adjudication_date))"
    assert ask(text, **lists) == [True, False, False]


def test_unknown_parts_leave_all_parts_unknown() -> None:
    lists: dict[str, list[object]] = {"value_amount": ["1;x", "x", "5;x", "1", None]}
    assert ask("all_parts(value_amount, it < 3)", **lists) == [None, None, False, True, True]
    assert ask("any_part(value_amount, it < 3)", **lists) == [True, False, False, True, False]


CELLS = st.lists(st.sampled_from(["1", "2", " ", "", "10"]), max_size=4).map(";".join)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5))
def test_parts_agree_with_a_loop(rows: list[tuple[str, str]]) -> None:
    lists: dict[str, list[object]] = {
        "value_code": [row[0] or None for row in rows], "value_amount": [row[1] or None for row in rows],
    }  # fmt: skip
    alike = ask("count_parts(value_code, number(it) = beside(value_amount))", **lists)
    total = ask("sum_parts(value_amount, beside(value_code) is not null)", **lists)
    for n, (codes, amounts) in enumerate(rows):
        one, two = ([part.strip() for part in cell.split(";")] for cell in (codes, amounts))
        assert alike[n] == sum(bool(a) and a == b for a, b in zip(one, two, strict=False))
        counted = [Decimal(b) for a, b in zip(one, two, strict=False) if a and b]
        assert total[n] == (sum(counted, Decimal(0)) if any(two) else None)


def test_columns_beside_each_other() -> None:
    columns: dict[str, list[object]] = {
        "diagnosis_1": ["I10", "I10", None], "poa_1": ["Y", None, "Y"],
        "diagnosis_2": ["E119", None, None], "poa_2": [None, None, None],
    }  # fmt: skip
    assert ask("count_of(diagnosis_*, beside(poa_*) is null)", **columns) == [1, 1, 0]
    present = "value is null or beside(poa_*) = 'Y'"
    assert ask(present, value_column="diagnosis_1", **columns) == [True, None, True]
    # A condition with an `it` of its own has its own columns beside it.
    inner = "value is null and any_of(diagnosis_*, beside(poa_*) is null)"
    assert ask(inner, value_column="diagnosis_2", **columns) == [False, True, False]


def test_partners() -> None:
    columns: dict[str, list[object]] = {
        "diagnosis_1": ["I10", "E1121", "E119", "F320", "F320", None, "Z000", "E119"],
        "diagnosis_2": ["E119", "N183", "N183", "F319", "F319", "E119", "X", "E118"],
        "diagnosis_3": [None, "I10", "I10", None, None, "I10", None, None],
        "service_date_from": [dt.date(2026, 6, 1)] * 3 + [dt.date(2026, 6, 1), dt.date(2025, 6, 1)]
        + [dt.date(2026, 6, 1)] * 3,
    }  # fmt: skip
    text = "partner(diagnosis_1, 'pairs', diagnosis_*, service_date_from)"
    assert ask(text, **columns) == [None, "N183", "I10", "F319", None, None, "X", None]
    text = "partner(value, 'pairs', before(diagnosis_*))"
    assert ask(text, value_column="diagnosis_2", **columns) == [
        "I10", None, None, None, None, None, None, None,
    ]  # fmt: skip
    assert ask(text, value_column="diagnosis_1", **columns) == [None] * 8
    text = "any_of(diagnosis_*, partner(it, 'pairs', diagnosis_*) is not null)"
    assert ask(text, **columns) == [True, True, True, True, True, True, True, False]
    assert ask("partner(diagnosis_2, 'pairs(other, code)', diagnosis_1)", **columns) == [
        None, "E1121", None, "F320", "F320", None, None, None,
    ]  # fmt: skip


def test_listed_and_fits() -> None:
    lists: dict[str, list[object]] = {
        "patient_state": ["NY", "Y", None, "CA", "NY"], "line_note": ["CA ; NY;TX", "NY", "NY", None, "NY"],
    }  # fmt: skip
    assert ask("listed(patient_state, line_note)", **lists) == [True, False, None, None, True]
    patterns: dict[str, list[object]] = {
        "member_id": ["W123", "W12", "W1234", None, "A", "B", "ab"],
        "line_note": ["W[0-9]{3}", "W[0-9]{3}", "W[0-9]{3}", "W", "(", None, "a|ab"],
    }
    assert ask("fits(member_id, line_note)", **patterns) == [True, False, False, None, None, None, True]


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("any_part(units, it > 1)", 10, "units is a number, not a list"),
        ("any_part('a', it > 1)", 10, "any_part takes a column with a list"),
        ("any_part(value_cod, it > 1)", 10, "did you mean value_code"),
        ("any_part(value_code, it > 1)", 27, "write '1'"),
        ("any_part(value_code, beside(value_amounts) is null)", 29, "did you mean value_amount"),
        ("any_part(value_code, beside(poa_*) is null)", 22, "beside takes one column here"),
        ("any_part(value_code, count_in(claim) > 1)", 38, "cannot be compared with other lines"),
        ("distinct_parts(value_code, length(it)) > 1", 28, "counts texts, this is a number"),
        ("sum_parts(value_code) > 1", 11, "takes a list of amounts"),
        ("beside(poa_*) = 'Y'", 1, "beside has no meaning here; it stands in conditions on `it`"),
        ("before(diagnosis_*) = 'Y'", 1, "before has no meaning here; write it as the columns of partner"),
        ("any_of(*_npi, beside(poa_*) = 'Y')", 15, "beside has no meaning here"),
        ("any_of(diagnosis_*, beside(pob_*) = 'Y')", 21, "unknown name 'pob_1'"),
        ("partner(units, 'pairs', diagnosis_*) is null", 9, "partner needs a text"),
        ("partner(diagnosis_1, 'codes', diagnosis_*) is null", 22, "has no two columns"),
        ("partner(diagnosis_1, 'pairs(code)', diagnosis_*) is null", 22, "two columns"),
        ("partner(diagnosis_1, 'pairs', 'I10') is null", 31, "a pattern such as diagnosis_*"),
        ("partner(diagnosis_1, 'pairs', units) is null", 31, "units is a number, not a text"),
        ("partner(diagnosis_1, 'pairs', diagnoses_*) is null", 31, "did you mean diagnosis_*"),
        ("partner(diagnosis_1, 'pairs', diagnosis_*, 'x') is null", 44, "must be a date"),
    ],
)
def test_errors(text: str, column: int, words: str) -> None:
    with pytest.raises(RuleError) as caught:
        compile_expression(parse(text, where=Where("test")), NAMES, TABLES)
    message, _, caret = str(caught.value).split("\n")
    assert words in message
    assert f"column {column}: " in message
    assert caret.index("^") == 4 + column - 1
