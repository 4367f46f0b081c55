"""Look-ups by date in tables of many codes give what they give in small ones."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from claimsctl.validate.checks import rule_names
from claimsctl.validate.language import codes
from claimsctl.validate.language.compiler import compile_expression
from claimsctl.validate.language.parser import parse
from claimsctl.validate.language.predicates import with_predicates
from claimsctl.validate.language.types import LangType, TableInfo, Where

DAY = date(2026, 6, 1)
LINES = pl.DataFrame(
    {
        "procedure_code": ["A", "A", "B", "B", "C", None, "A", "A", "A"],
        "service_date_from": [DAY, date(2025, 6, 1), DAY, date(2024, 1, 1), DAY, DAY, None,
                              date(2023, 12, 31), date(2026, 1, 1)],
    }
)  # fmt: skip


def info(*, starts: date | None) -> TableInfo:
    return TableInfo(
        "mue",
        pl.Series(["A", "B", "A", None]),
        {"units": (LangType.INTEGER, pl.Series([1, 2, 3, 4]))},
        pl.Series([date(2025, 1, 1), None, date(2026, 1, 1), None]),
        pl.Series([date(2025, 12, 31), date(2026, 12, 31), None, None]),
        starts,
    )


def ask(expression: str, table: TableInfo, *, condition: bool) -> list[object]:
    parsed = parse(expression, where=Where("test"))
    compiled = compile_expression(parsed, rule_names(), {"mue": table}, condition=condition, split=True)
    frame = with_predicates(LINES, compiled.predicates)
    return frame.with_columns(compiled.expr.alias("x"))["x"].to_list()


@pytest.mark.parametrize("large", [False, True], ids=["small", "large"])
@pytest.mark.parametrize(
    ("expression", "starts", "wanted"),
    [
        ("lookup(procedure_code, 'mue', 'units', service_date_from)", None,
         [3, 1, 2, 2, None, None, None, None, 3]),
        ("known(procedure_code, 'mue', service_date_from)", None,
         [True, True, True, True, False, None, None, False, True]),
        ("known(procedure_code, 'mue', service_date_from)", date(2024, 6, 1),
         [True, True, True, None, False, None, None, None, True]),
    ],
)  # fmt: skip
def test_both_ways_agree(
    monkeypatch: pytest.MonkeyPatch, large: bool, expression: str, starts: date | None, wanted: list[object]
) -> None:
    monkeypatch.setattr(codes, "LARGE", 1 if large else 5_000)
    found = ask(expression, info(starts=starts), condition=expression.startswith("known"))
    assert found == wanted


@pytest.mark.parametrize("large", [False, True], ids=["small", "large"])
def test_rows_without_days_are_in_force_as_long_as_the_table(
    monkeypatch: pytest.MonkeyPatch, large: bool
) -> None:
    monkeypatch.setattr(codes, "LARGE", 1 if large else 5_000)
    units = {"units": (LangType.INTEGER, pl.Series([1, 2]))}
    table = TableInfo("mue", pl.Series(["A", "B"]), units, starts=date(2025, 1, 1), ends=date(2026, 3, 31))
    known = ask("known(procedure_code, 'mue', service_date_from)", table, condition=True)
    assert known == [True, True, True, None, False, None, None, None, True]
    told = ask("lookup(procedure_code, 'mue', 'units', service_date_from)", table, condition=False)
    assert told == [1, 1, 2, 2, None, None, 1, 1, 1]
    assert ask("service_date_from > ends('mue')", table, condition=True)[:4] == [True, False, True, False]
    served = "served('mue', service_date_from)"
    assert ask(served, table, condition=True) == [True, True, True, None, True, True, None, None, True]
    open_table = TableInfo("mue", pl.Series(["A"]))
    assert ask("service_date_from > ends('mue')", open_table, condition=True) == [None] * 9
    assert ask(served, open_table, condition=True) == [True] * 9
    parted = TableInfo("mue", pl.Series(["A"]), gaps=((date(2025, 5, 1), date(2025, 7, 1)),))
    assert ask(served, parted, condition=True)[:4] == [True, None, True, True]


def test_rules_share_the_way_to_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codes, "LARGE", 1)
    texts = [f"lookup(procedure_code, 'mue', 'units', service_date_from) > {n}" for n in (1, 2)]
    shared = [
        compile_expression(parse(t, where=Where("t")), rule_names(), {"mue": info(starts=None)}, split=True)
        for t in texts
    ]
    assert shared[0].predicates == shared[1].predicates
    assert len(shared[0].predicates) == 1
