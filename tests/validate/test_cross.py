"""Cross-row aggregates against the same thing written in plain Python."""

from __future__ import annotations

from datetime import date

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from claimsctl.facts.table import Context
from claimsctl.facts.typed import Layout
from claimsctl.validate.check import check_in_memory
from claimsctl.validate.cross import (
    count_exactly,
    cross_columns,
    deferred_values,
    disagreeing,
    key_frame,
    plan_groups,
    settle,
)
from claimsctl.validate.language.compiler import compile_expression
from claimsctl.validate.language.parser import parse
from claimsctl.validate.language.types import Where
from claimsctl.validate.ruleset import rule_names

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
