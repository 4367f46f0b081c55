"""Spans, days near each other and codes that belong together, against the same thing written as loops."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimsctl.errors import RuleError
from claimsctl.validate.checks import rule_names
from claimsctl.validate.cross import key_frame, plan_groups
from claimsctl.validate.gathering import cross_columns
from claimsctl.validate.language.aggregates import Aggregate
from claimsctl.validate.language.compiler import compile_expression
from claimsctl.validate.language.parser import parse
from claimsctl.validate.language.types import LangType, MissingTable, TableInfo, Where

ADDONS = TableInfo(
    "ncci_addon",
    pl.Series("code", ["A", "A", "B", "C"]),
    {"primary": (LangType.TEXT, pl.Series("primary", ["P", "Q", None, "C"]))},
    pl.Series([None, dt.date(2026, 1, 3), None, None]),
    pl.Series([None, None, None, None], dtype=pl.Date),
)
FIRST = dt.date(2026, 1, 1)
SCHEMA = {
    "row_index": pl.UInt32, "claim_number": pl.String, "procedure_code": pl.String,
    "service_date_from": pl.Date, "service_date_to": pl.Date, "session_start_time": pl.Time,
    "session_end_time": pl.Time, "units": pl.Decimal(18, 4), "minutes": pl.Int64,
    **{f"modifier_{n}": pl.String for n in range(1, 5)},
}  # fmt: skip


def aggregate(text: str) -> Aggregate:
    made = compile_expression(
        parse(text, where=Where("test")), rule_names(), {"ncci_addon": ADDONS}, condition=False
    )
    (found,) = made.aggregates
    return found


def lines(rows: list[dict[str, Any]]) -> pl.DataFrame:
    full = [{"row_index": n, **row} for n, row in enumerate(rows)]
    return pl.DataFrame(full, schema=SCHEMA)


def ask(text: str, frame: pl.DataFrame, excluded: list[int] | None = None, parts: int = 1) -> list[Any]:
    """The aggregate for each row, its key frames made in several parts."""
    wanted = aggregate(text)
    groups = plan_groups([wanted])
    size = -(-frame.height // parts)
    keys = pl.concat(key_frame(frame.slice(first, size), groups) for first in range(0, frame.height, size))
    dropped = None if excluded is None else pl.Series(excluded, dtype=pl.UInt32)
    found = pl.collect_all(list(cross_columns(keys.lazy(), groups, dropped)))
    return pl.concat(found, how="horizontal")[wanted.name].to_list()


DAYS = st.sampled_from([None, *(FIRST + dt.timedelta(days=n) for n in range(5))])
ROWS = st.lists(
    st.fixed_dictionaries({
        "claim_number": st.sampled_from(["A", "B", None]),
        "procedure_code": st.sampled_from(["x", "y", None]),
        "service_date_from": DAYS, "service_date_to": DAYS,
    }),
    min_size=1, max_size=10,
)  # fmt: skip
EXCLUDED = st.lists(st.integers(0, 9), max_size=2, unique=True)


@settings(deadline=None, max_examples=150)
@given(ROWS, EXCLUDED, st.integers(1, 3))
def test_spans_of_days_agree_with_a_loop(rows: list[dict[str, Any]], excluded: list[int], parts: int) -> None:
    frame = lines(rows)
    span = "by(claim_number), service_date_from, service_date_to"
    met = ask(f"overlapping_in({span}, procedure_code = 'x')", frame, excluded, parts)
    most = ask(f"at_once_in({span}, procedure_code = 'x')", frame, excluded, parts)

    def real(row: dict[str, Any]) -> bool:
        start, end = row["service_date_from"], row["service_date_to"]
        return start is not None and end is not None and start <= end

    for n, row in enumerate(rows):
        if row["claim_number"] is None or not real(row):
            assert met[n] is most[n] is None
            continue
        counted = [
            other for m, other in enumerate(rows)
            if m not in excluded and other["claim_number"] == row["claim_number"] and real(other)
            and other["procedure_code"] == "x" and other["service_date_from"] <= row["service_date_to"]
            and other["service_date_to"] >= row["service_date_from"]
        ]  # fmt: skip
        assert met[n] == len(counted)
        days = [FIRST + dt.timedelta(days=d) for d in range(5)]
        assert most[n] == max(
            sum(each["service_date_from"] <= day <= each["service_date_to"] for each in counted)
            for day in days if row["service_date_from"] <= day <= row["service_date_to"]
        )  # fmt: skip


def clock(hour: int | None, minute: int = 0) -> dt.time | None:
    return None if hour is None else dt.time(hour, minute)


def test_times_may_touch() -> None:
    sessions = [(9, 10), (10, 11), (10, 12), (11, 12), (8, 17), (12, 11), (None, 9), (13, 13)]
    frame = lines([
        {"claim_number": "A", "session_start_time": clock(start), "session_end_time": clock(end)}
        for start, end in sessions
    ])  # fmt: skip
    span = "by(claim_number), session_start_time, session_end_time"
    assert ask(f"overlapping_in({span})", frame) == [2, 3, 4, 3, 5, None, None, None]
    assert ask(f"at_once_in({span})", frame) == [2, 3, 3, 3, 3, None, None, None]


def test_whole_numbers_are_spans_too() -> None:
    frame = lines([{"claim_number": "A", "minutes": n} for n in (1, 2, 5, None)])
    assert ask("overlapping_in(by(claim_number), minutes - 1, minutes)", frame) == [2, 2, 1, None]


def test_whole_numbers_may_have_several_widths() -> None:
    frame = lines([{"claim_number": "A", "minutes": n} for n in (1, 2, 5, None)])
    assert ask("overlapping_in(by(claim_number), row_index, minutes)", frame) == [2, 3, 2, None]
    assert ask("at_once_in(by(claim_number), row_index, minutes)", frame) == [2, 2, 2, None]


def test_many_lines_in_many_groups() -> None:
    """One moment has all lines of a group, however many there are."""
    frame = lines([
        {"claim_number": f"C{n % 7}", "service_date_from": FIRST + dt.timedelta(days=n // 7),
         "service_date_to": FIRST + dt.timedelta(days=400)}
        for n in range(700)
    ])  # fmt: skip
    span = "by(claim_number), service_date_from, service_date_to"
    assert ask(f"at_once_in({span})", frame, parts=3) == [100] * 700
    assert ask(f"overlapping_in({span})", frame, parts=3) == [100] * 700
    short = frame.with_columns(service_date_to=pl.col("service_date_from"))
    assert ask(f"at_once_in({span})", short) == [1] * 700


CODES = st.lists(
    st.fixed_dictionaries({
        "claim_number": st.sampled_from(["A", "B", None]),
        "procedure_code": st.sampled_from(["A", "B", "C", "P", "Q", None]), "service_date_from": DAYS,
    }),
    min_size=1, max_size=8,
)  # fmt: skip


@settings(deadline=None, max_examples=200)
@given(CODES, EXCLUDED, st.booleans())
def test_pairs_agree_with_a_loop(rows: list[dict[str, Any]], excluded: list[int], dated: bool) -> None:
    frame = lines(rows)
    excluded = [n for n in excluded if n < len(rows)]
    # An exact copy is like the row it repeats, which is not excluded.
    kept = [row for n, row in enumerate(rows) if n not in excluded]
    excluded = [n for n in excluded if rows[n] in kept]
    day = ", service_date_from" if dated else ""
    found = ask(f"paired_in(by(claim_number), procedure_code, 'ncci_addon'{day})", frame, excluded, 2)
    for n, row in enumerate(rows):
        claim, code, on = row["claim_number"], row["procedure_code"], row["service_date_from"]
        if claim is None or code is None:
            assert found[n] is None
            continue
        if n in excluded:
            continue
        others = [
            other["procedure_code"] for m, other in enumerate(rows)
            if m != n and m not in excluded and other["claim_number"] == claim and other["procedure_code"]
        ]  # fmt: skip
        late = not dated or on is None or on >= dt.date(2026, 1, 3)
        wanted = {"A": {"P", "Q"} if late else {"P"}, "B": {"A", "B", "C", "P", "Q"}, "C": {"C"}}
        assert found[n] == bool(wanted.get(code, set()) & set(others))


def test_different_values_of_several_columns() -> None:
    frame = lines([
        {"claim_number": "A", "modifier_1": "25", "modifier_2": "59"},
        {"claim_number": "A", "modifier_1": "59", "modifier_3": "GT"},
        {"claim_number": "B"},
        {"claim_number": None, "modifier_1": "25"},
    ])  # fmt: skip
    assert ask("distinct_in(by(claim_number), modifier_*)", frame) == [3, 3, 0, None]
    assert ask("distinct_in(by(claim_number), modifier_*)", frame, [1]) == [2, 2, 0, None]


def test_a_table_that_is_not_loaded_stops_only_its_rule() -> None:
    text = "paired_in(claim, procedure_code, 'ncci_addon')"
    with pytest.raises(MissingTable):
        compile_expression(parse(text, where=Where("t")), rule_names(), {}, declared={"ncci_addon"})


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("overlapping_in(claim, units, units) = 1", 23, "needs dates, times or whole numbers"),
        ("overlapping_in(claim, service_date_from, session_end_time) = 1", 42, "of one type: date and time"),
        ("overlapping_in(claim, service_date_from, service_date_to, units) = 1", 59, "condition is needed"),
        ("overlapping_in(claims, service_date_from, service_date_to) = 1", 16, "did you mean claim"),
        ("count_in(claim, at_once_in(claim, minutes, minutes) > 1) = 1", 17, "cannot stand inside"),
        ("paired_in(claim, units, 'ncci_addon')", 18, "paired_in needs a text"),
        ("paired_in(claim, procedure_code, 'ncci_addon(code)')", 34, "two columns of codes"),
        ("paired_in(claim, procedure_code, 'ncci_addn')", 34, "did you mean ncci_addon"),
        ("paired_in(claim, procedure_code, 'ncci_addon', units)", 48, "must be a date"),
        ("distinct_in(claim, modifer_*) = 1", 20, "did you mean modifier_*"),
        ("count_in(claim, distinct_in(claim, modifier_*) > 1) = 1", 17, "cannot stand inside"),
    ],
)
def test_errors(text: str, column: int, words: str) -> None:
    with pytest.raises(RuleError) as caught:
        compile_expression(parse(text, where=Where("test")), rule_names(), {"ncci_addon": ADDONS})
    assert f"column {column}: " in str(caught.value)
    assert words in str(caught.value)
