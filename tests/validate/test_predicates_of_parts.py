"""Conditions on columns that came without codes, part after part of a run."""

from __future__ import annotations

import polars as pl
import pytest

from claimsctl.facts.coded import FEW_ROWS, Coding
from claimsctl.validate.language.predicates import Predicate, named_predicate, with_predicates

ROWS = FEW_ROWS


def part(values: list[str | None]) -> pl.DataFrame:
    return pl.DataFrame({"fact": values * (ROWS // len(values) + 1)}, schema={"fact": pl.String})


def conditions(many: int) -> list[Predicate]:
    """So many; every third is false and every fourth unknown of a blank, every fifth unknown of "B" too."""
    fact = pl.col("fact")
    found = []
    for n in range(many):
        expr = fact.is_in(["A", f"V{n}"])
        expr = expr.fill_null(False) if n % 3 == 0 else expr
        expr = pl.when(fact != "B").then(expr) if n % 5 == 4 else expr
        found.append(named_predicate("fact", expr, f"condition {n}"))
    return found


@pytest.mark.parametrize("many", [1, 2, 8, 9, 40, 150])
def test_every_part_says_what_its_rows_say(many: int) -> None:
    asked = conditions(many)
    codings: dict[str, Coding] = {}
    parts = (["A", "B", None], ["B"], ["V0", "A"], ["A", *(f"V{n}" for n in range(many))], [None])
    for values in parts:
        rows = part(list(values))
        said = with_predicates(rows, asked, codings=codings)
        assert said.select(p.name for p in asked).equals(rows.select(p.expr.alias(p.name) for p in asked))


def test_values_are_asked_once_in_a_run() -> None:
    asked: list[list[str | None]] = []

    def ask(values: pl.Series) -> pl.Series:
        asked.append(values.to_list())
        return values == "A"

    expr = pl.col("fact").map_batches(ask, return_dtype=pl.Boolean)
    two = [named_predicate("fact", expr, "first"), named_predicate("fact", pl.col("fact") == "B", "second")]
    codings: dict[str, Coding] = {}
    for values in (["A", "B"], ["B", "A"], ["C", "A"]):
        with_predicates(part(list(values)), two, codings=codings)
    assert asked == [[None, "A", "B"], ["C"]]


def test_values_that_hardly_repeat_are_not_kept() -> None:
    codings: dict[str, Coding] = {}
    asked = conditions(2)
    for start in (0, ROWS):
        few = [f"N{n}" for n in range(start, start + ROWS // 2)]
        rows = pl.DataFrame({"fact": [*["A"] * ROWS, *few]})
        said = with_predicates(rows, asked, codings=codings)
        assert said[asked[0].name].sum() == ROWS
    assert codings["fact"].values.to_list()[-1] == f"N{ROWS // 2 - 1}"
