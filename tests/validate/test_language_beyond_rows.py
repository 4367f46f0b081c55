"""Expressions that look beyond their row: codes of tables, and lines seen together."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest
from language_cases import answers, compiled

from claimsctl.validate.language.types import LangType, MissingTable

D = Decimal


def test_tables() -> None:
    places = {"place_of_service": ["11", "99", None]}
    assert answers("known(place_of_service, 'pos')", **places) == [True, False, None]
    assert answers("not known(place_of_service, 'pos')", **places) == [False, True, None]
    payers = {"procedure_code": ["A", "B", "C", None]}
    assert answers("lookup(procedure_code, 'payers', 'limit')", **payers) == [90, None, None, None]
    assert answers("lookup(procedure_code, 'payers', 'fee') * 2 = 3", **payers) == [True, False, None, None]
    assert compiled("known(place_of_service, 'pos')").tables == {"pos"}


_DATED = [
    # code, day, known on the day, status on the day
    ("X", "2019-12-31", False, None),
    ("X", "2020-01-01", True, "old"),
    ("X", "2020-12-31", True, "old"),
    ("X", "2021-01-01", False, None),
    ("X", "2025-01-01", True, "new"),
    ("X", None, None, None),
    ("Y", "1990-01-01", True, "y"),
    ("Y", "2024-12-31", True, "y"),
    ("Y", "2025-01-01", False, None),
    ("Z", "2024-06-30", False, None),
    ("Z", "2024-07-01", True, "z"),
    ("Q", "2026-01-01", False, None),
    ("Q", None, False, None),
    (None, "2026-01-01", None, None),
]


@pytest.mark.parametrize("few_periods", [1, 8])
def test_dated_tables(few_periods: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("claimsctl.validate.language.codes.FEW_PERIODS", few_periods)
    codes, written, known, statuses = map(list, zip(*_DATED, strict=True))
    days = [None if day is None else dt.date.fromisoformat(day) for day in written]
    table = {"procedure_code": codes, "service_date_from": days}
    assert answers("known(procedure_code, 'dated', service_date_from)", **table) == known
    assert answers("lookup(procedure_code, 'dated', 'status', service_date_from)", **table) == statuses


def test_without_a_date_a_table_answers_for_its_newest_row() -> None:
    table = {"procedure_code": ["X", "Y", "Q", None]}
    assert answers("known(procedure_code, 'dated')", **table) == [True, True, False, None]
    assert answers("lookup(procedure_code, 'dated', 'status')", **table) == ["new", "y", None, None]


def test_a_table_that_is_not_loaded_stops_only_its_rule() -> None:
    with pytest.raises(MissingTable) as caught:
        compiled("any_of(diagnosis_*, known(it, 'icd10cm')) and lookup(line_note, 'icd10cm', 'age') + 1 > 2")
    assert caught.value.tables == ("icd10cm",)
    with pytest.raises(MissingTable):
        compiled("count_in(claim, known(diagnosis_1, 'icd10cm')) > 0")


def test_the_same_aggregate_is_one() -> None:
    first = compiled("any_in(claim, procedure_code = '90837') and charge_amount > 0")
    second = compiled("count_in( by(claim_id) , PROCEDURE_CODE='90837') <= 2")
    other = compiled("any_other_in(patient_day, procedure_code = '90837')")
    assert first.aggregates == second.aggregates
    assert other.aggregates.isdisjoint(first.aggregates)
    (aggregate,) = first.aggregates
    assert (aggregate.kind, aggregate.group, aggregate.result_type) == (
        "count",
        ("claim_id",),
        LangType.INTEGER,
    )
    assert aggregate.text == "count_in(by(claim_id), procedure_code = '90837')"
    assert aggregate.columns == {"claim_id", "procedure_code"}
    assert aggregate.name == "agg_" + aggregate.name[4:]
    assert first.columns == {"charge_amount"}
    assert other.columns == {"procedure_code"}


def test_lines_of_earlier_runs_are_aggregates_of_their_own() -> None:
    both = compiled("sum_in(with_history(same_patient, days(-29, 0)), units) > 3")
    run = compiled("sum_in(by(same_patient, days(-29, 0)), units) > 3")
    past = compiled("sum_in(history(same_patient, days(-29, 0)), units) > 3")
    assert both.aggregates == run.aggregates | past.aggregates
    assert {(a.source, a.window) for a in both.aggregates} == {("run", (-29, 0)), ("history", (-29, 0))}
    assert [each.needs_history for each in (both, run, past)] == [False, False, True]
    (aggregate,) = past.aggregates
    assert aggregate.text == "sum_in(history(same_patient, days(-29, 0)), units)"
    assert aggregate.columns == {"same_patient", "units", "service_date_from"}


def test_with_history_adds_up_both_sources_and_earlier_runs_that_are_not_read_add_nothing() -> None:
    run, past = [2, 0, 0, 2, None], [1, 1, 0, None, None]
    cases = {
        "count_in(with_history(same_patient)) >= 2": [True, False, False, True, None],
        "any_in(with_history(same_patient), units > 1)": [True, True, False, True, None],
        "any_other_in(with_history(same_patient), units > 1)": [True, False, False, True, None],
        "sum_in(with_history(same_patient), minutes) = 3": [True, False, False, False, None],
        "min_in(with_history(same_patient), minutes) = 0": [False, True, True, False, None],
        "max_in(with_history(same_patient), minutes) = 2": [True, False, False, True, None],
    }
    for text, expected in cases.items():
        found = compiled(text)
        values = {a.name: run if a.source == "run" else past for a in found.aggregates}
        frame = pl.DataFrame({"units": [2] * 5, **values}, schema_overrides=dict.fromkeys(values, pl.Int64))
        assert frame.select(found.expr).to_series().to_list() == expected, text


def test_key_order_does_not_matter_to_an_aggregate() -> None:
    left = compiled("count_in(by(same_patient, service_date_from)) > 1").aggregates
    right = compiled("count_in(by(service_date_from, same_patient)) > 1").aggregates
    assert left == right == compiled("count_in(patient_day) > 1").aggregates


def test_aggregates_are_read_as_columns() -> None:
    made = compiled("any_other_in(claim, units > 1)")
    (aggregate,) = made.aggregates
    rows = pl.DataFrame(
        {"units": [D(2), D(1), None, D(2)], aggregate.name: [1, 1, 1, None]},
        schema={"units": pl.Decimal(18, 4), aggregate.name: pl.Int64},
    )
    assert rows.select(made.expr).to_series().to_list() == [False, True, True, None]
    assert aggregate.inner is not None
    assert rows.select(aggregate.inner).to_series().to_list() == [True, False, None, True]


@pytest.mark.parametrize(
    ("text", "kind", "result"),
    [
        ("sum_in(claim, charge_amount)", "sum", LangType.DECIMAL),
        ("sum_in(claim, minutes)", "sum", LangType.INTEGER),
        ("distinct_in(claim, patient_dob)", "distinct", LangType.INTEGER),
        ("min_in(claim, service_date_from)", "min", LangType.DATE),
        ("max_in(claim, units)", "max", LangType.DECIMAL),
        ("count_in(claim)", "count", LangType.INTEGER),
    ],
)
def test_aggregate_types(text: str, kind: str, result: LangType) -> None:
    made = compiled(text, condition=False)
    (aggregate,) = made.aggregates
    assert (aggregate.kind, aggregate.result_type, made.type) == (kind, result, result)
