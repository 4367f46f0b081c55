"""Cross-row aggregates against the same thing written in plain Python."""

from __future__ import annotations

from datetime import date

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from claimsctl.facts.table import Context
from claimsctl.facts.typed import Layout
from claimsctl.validate.checks import rule_names
from claimsctl.validate.cross import (
    count_exactly,
    deferred_values,
    disagreeing,
    key_frame,
    plan_groups,
    settle,
)
from claimsctl.validate.gathering import NOTHING, cross_columns
from claimsctl.validate.in_memory import check_in_memory
from claimsctl.validate.language.compiler import compile_expression
from claimsctl.validate.language.parser import parse
from claimsctl.validate.language.types import Where

ROWS = st.lists(
    st.tuples(
        st.sampled_from(["A", "B", None]), st.sampled_from(["1", "2", None]), st.sampled_from([1, 2, 3, None])
    ),
    min_size=1,
    max_size=12,
)


def aggregate(text: str):  # type: ignore[no-untyped-def]
    compiled = compile_expression(parse(text, where=Where("test")), rule_names(), {}, condition=False)
    (found,) = compiled.aggregates
    return found


def collected(*arguments, **options):  # type: ignore[no-untyped-def]
    return pl.concat(pl.collect_all(list(cross_columns(*arguments, **options))), how="horizontal")


@settings(deadline=None, max_examples=60)
@given(ROWS, st.sampled_from([None, 1, 2, 100]))
def test_aggregates_agree_with_a_loop(
    rows: list[tuple[str | None, str | None, int | None]], most: int | None
) -> None:
    frame = pl.DataFrame(
        {
            "row_index": range(len(rows)),
            "claim_number": [r[0] for r in rows],
            "procedure_code": [r[1] for r in rows],
            "minutes": [r[2] for r in rows],
        },
        schema={
            "row_index": pl.UInt32,
            "claim_number": pl.String,
            "procedure_code": pl.String,
            "minutes": pl.Int64,
        },
    )
    key = "by(claim_number, procedure_code)"
    wanted = {
        "count": aggregate(f"count_in({key}, minutes > 1)"),
        "sum": aggregate(f"sum_in({key}, minutes)"),
        "max": aggregate(f"max_in({key}, minutes)"),
        "min": aggregate(f"min_in({key}, minutes)"),
        "distinct": aggregate(f"distinct_in({key}, minutes)"),
        "any": aggregate("count_in(by(claim_number), procedure_code = '2')"),
    }
    groups = plan_groups(wanted.values())
    result = collected(key_frame(frame, groups).lazy(), groups, most=most)
    for n, (claim, code, _) in enumerate(rows):
        same = [m for c, p, m in rows if (c, p) == (claim, code) and m is not None]
        known = claim is not None and code is not None
        assert result[wanted["count"].name][n] == (sum(m > 1 for m in same) if known else None)
        assert result[wanted["sum"].name][n] == (sum(same) if known else None)
        assert result[wanted["max"].name][n] == (max(same, default=None) if known else None)
        assert result[wanted["min"].name][n] == (min(same, default=None) if known else None)
        assert result[wanted["distinct"].name][n] == (len(set(same)) if known else None)
        ones = sum(c == claim and p == "2" for c, p, _ in rows)
        assert result[wanted["any"].name][n] == (ones if claim is not None else None)


LINES = st.lists(
    st.tuples(
        st.sampled_from(["A", "B", None]),
        st.sampled_from([1, 2, 5, 9, None]),
        st.sampled_from([1, 2, 7, None]),
    ),
    max_size=9,
)
Line = tuple[str | None, int | None, int | None]


def line_frame(lines: list[Line]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "row_index": range(len(lines)),
            "same_patient": [None if who is None else ord(who) for who, _, _ in lines],
            "service_date_from": [None if day is None else date(2026, 3, day) for _, day, _ in lines],
            "units": [units for _, _, units in lines],
        },
        schema={
            "row_index": pl.UInt32,
            "same_patient": pl.UInt64,
            "service_date_from": pl.Date,
            "units": pl.Decimal(18, 4),
        },
    )


def within(day: int | None, at: int | None, window: tuple[int, int]) -> bool:
    return day is not None and at is not None and window[0] <= at - day <= window[1]


WINDOWS = ((-4, -1), (-3, 3), (0, 0), (1, 8), None)


@settings(deadline=None, max_examples=80)
@given(LINES, LINES, st.sampled_from(WINDOWS))
def test_windows_and_earlier_runs_agree_with_a_loop(
    lines: list[Line], earlier: list[Line], window: tuple[int, int] | None
) -> None:
    days = "" if window is None else f", days({window[0]}, {window[1]})"
    texts = {
        f"{function}:{source}": f"{function}_in({source}(same_patient{days}), {inner})"
        for source in ("by", "history")
        for function, inner in (
            ("count", "units > 1"), ("sum", "units"), ("min", "units"), ("max", "service_date_from"),
            ("distinct", "units"),
        )
    }  # fmt: skip
    wanted = {name: aggregate(text) for name, text in texts.items()}
    groups = plan_groups(wanted.values(), defer=True)
    keys = key_frame(line_frame(lines), groups).lazy()
    past = key_frame(line_frame(earlier), groups, source="history").lazy()
    result = pl.concat(pl.collect_all(cross_columns(keys, groups, history=past)), how="horizontal")
    for n, (who, day, _) in enumerate(lines):
        for source, given_lines in (("by", lines), ("history", earlier)):
            near = [(units, at) for other, at, units in given_lines
                    if other == who and (window is None or within(day, at, window))]  # fmt: skip
            units = [value for value, _ in near if value is not None]
            known = who is not None and (window is None or day is not None)
            expected = {
                "count": sum(value > 1 for value in units),
                "sum": sum(units),
                "min": min(units, default=None),
                "max": max((date(2026, 3, at) for _, at in near if at is not None), default=None),
                "distinct": len(set(units)),
            }
            for function, value in expected.items():
                found = result[wanted[f"{function}:{source}"].name][n]
                assert found == (value if known else None), (function, source, n)


def test_earlier_runs_that_hold_nothing_and_those_that_are_not_read() -> None:
    texts = [
        "count_in(history(same_patient), units > 1)",
        "max_in(history(same_patient, days(-9, -1)), units)",
    ]
    wanted = [aggregate(text) for text in texts]
    groups = plan_groups(wanted)
    keys = key_frame(line_frame([("A", 1, 1), (None, 1, 1)]), groups).lazy()
    for history, count in ((NOTHING, [0, None]), (None, [None, None])):
        found = pl.concat(pl.collect_all(cross_columns(keys, groups, history=history)), how="horizontal")
        assert found[wanted[0].name].to_list() == count
        assert found[wanted[1].name].to_list() == [None, None]
        assert dict(found.schema) == {wanted[0].name: pl.Int64, wanted[1].name: pl.Decimal(18, 4)}


def test_a_key_with_very_many_lines_costs_its_days() -> None:
    count = aggregate("count_in(by(same_patient, days(-30, 0)), units >= 1)")
    groups = plan_groups([count])
    lines: list[Line] = [("A", 1 + n % 28, 1) for n in range(200_000)]
    found = collected(key_frame(line_frame(lines), groups).lazy(), groups)
    assert found[count.name].max() == 200_000  # lines met line by line would be 20 billion pairs


def test_excluded_rows_do_not_count_but_get_their_columns() -> None:
    frame = pl.DataFrame(
        {"row_index": [0, 1, 2], "claim_number": ["A", "A", "B"]},
        schema={"row_index": pl.UInt32, "claim_number": pl.String},
    )
    count = aggregate("count_in(by(claim_number), true)")
    groups = plan_groups([count])
    keys = key_frame(frame, groups).lazy()
    excluded = pl.Series([1], dtype=pl.UInt32)
    assert collected(keys, groups)[count.name].to_list() == [2, 2, 1]
    assert collected(keys, groups, excluded)[count.name].to_list() == [1, 1, 1]


def test_in_memory_check_of_nothing() -> None:
    rows = pl.DataFrame({"row_number": [2], "c0": ["A"]}, schema={"row_number": pl.Int64, "c0": pl.String})
    frame, hits = check_in_memory(rows, Layout({"claim_number": "c0"}), [], Context(date(2026, 1, 1)))
    assert frame["claim_number"].to_list() == ["A"]
    assert hits.is_empty()


@settings(deadline=None, max_examples=60)
@given(ROWS)
def test_deferred_counts_agree_with_exact_ones(
    rows: list[tuple[str | None, str | None, int | None]],
) -> None:
    frame = pl.DataFrame(
        {
            "row_index": range(len(rows)),
            "claim_number": [r[0] for r in rows],
            "patient_sex": [r[1] for r in rows],
            "patient_dob": [None if r[2] is None else date(2000, 1, r[2]) for r in rows],
            "payer_id": [r[1] if r[2] else None for r in rows],
            "diagnosis_1": [r[1] for r in rows],
            "diagnosis_2": [None if r[2] is None else str(r[2]) for r in rows],
            **{f"diagnosis_{n}": [None] * len(rows) for n in range(3, 13)},
        },
        schema={
            "row_index": pl.UInt32,
            "claim_number": pl.String,
            "patient_sex": pl.String,
            "patient_dob": pl.Date,
            "payer_id": pl.String,
            **{f"diagnosis_{n}": pl.String for n in range(1, 13)},
        },
    )
    values = ("patient_sex", "patient_dob", "payer_id", "upper(patient_sex)", "diagnosis_*")
    counts = [aggregate(f"distinct_in(by(claim_number), {value})") for value in values]
    exact_groups = plan_groups(counts)
    exact = collected(key_frame(frame, exact_groups).lazy(), exact_groups)
    (group,) = plan_groups(counts, defer=True)
    assert len(group.deferred) == 5
    keys = key_frame(frame, [group]).lazy()
    wanted = disagreeing(keys, group)
    chosen = frame.filter(keys.collect()[group.id].is_in(wanted.implode()).fill_null(False))
    counted = {group.id: count_exactly(deferred_values(chosen, group), group)}
    columns = collected(keys, [group], None, counted)
    settled = settle(frame.with_columns(columns.get_columns()), [group])
    for count in counts:
        assert settled[count.name].to_list() == exact[count.name].to_list()
