"""What a condition is said to need is so wherever it is true, or false: on rows with blanks."""

from __future__ import annotations

from contextlib import suppress
from random import Random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from language_cases import NAMES, TABLES, WHERE
from test_language_properties import _EXTREME, _ROWS, _SQL_NAMES, Plausible, SharedSubset

from claimsctl.errors import RuleError
from claimsctl.facts.table import FACT_TYPES
from claimsctl.process.rulebook import Rulebook
from claimsctl.validate.checks import rule_names
from claimsctl.validate.language.compiler import Compiled, compile_expression
from claimsctl.validate.language.needs import Needs
from claimsctl.validate.language.parser import parse
from claimsctl.validate.language.render import render


def holds(needed: Needs, rows: pl.DataFrame) -> bool:
    """Whether all rows have what is needed."""
    return all(on_row(needed, row) for row in rows.iter_rows(named=True))


def on_row(needed: Needs, row: dict[str, object]) -> bool:
    return (
        all(row[name] is not None for name in needed.filled)
        and all(row[name] is None for name in needed.blank)
        and all(row[name] is True for name in needed.true)
        and all(row[name] is False for name in needed.false)
        and all(any(on_row(part, row) for part in parts) for parts in needed.either)
    )


def needed_is_so(compiled: Compiled, rows: pl.DataFrame) -> bool:
    rows = rows.lazy().with_columns(each.expr.alias(each.name) for each in compiled.predicates).collect()
    answers = rows.lazy().with_columns(compiled.expr.alias("answer")).collect()["answer"]
    return holds(compiled.if_true, rows.filter(answers)) and holds(compiled.if_false, rows.filter(~answers))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32))
def test_needs_of_conditions_that_sql_shares(seed: int) -> None:
    subset = SharedSubset(Random(seed))
    for text in (render(subset.condition()) for _ in range(20)):
        compiled = compile_expression(parse(text, where=WHERE), _SQL_NAMES, {}, split=True)
        assert needed_is_so(compiled, _ROWS), text


@pytest.mark.parametrize(
    ("text", "true", "false"),
    [
        ("i = j", {"i", "j"}, {"i", "j"}),
        ("i = 1 and d > e", {"i", "d", "e"}, set()),
        ("i = 1 or j = 2", set(), {"i", "j"}),
        ("i = 1 or i = 2 and j = 3", {"i"}, {"i"}),
        ("not (i = 1 or j = 2)", {"i", "j"}, set()),
        ("i is not null", {"i"}, set()),
        ("(i = 1) is true", {"i"}, set()),
        ("(i = 1) is not true", set(), {"i"}),
        ("i + j > 2", {"i", "j"}, {"i", "j"}),
        ("case when i = 1 then j else 2 end = 2", set(), set()),
    ],
)
def test_columns_that_must_be_filled(text: str, true: set[str], false: set[str]) -> None:
    compiled = compile_expression(parse(text, where=WHERE), _SQL_NAMES, {}, split=True)
    assert (compiled.if_true.filled, compiled.if_false.filled) == (true, false)


def compiled_claim(text: str) -> Compiled:
    return compile_expression(parse(text, where=WHERE), rule_names(), {}, split=True)


@pytest.mark.parametrize(
    ("text", "wanted", "blank", "either"),
    [
        ("i is null", True, {"i"}, []),
        ("i is not null", False, {"i"}, []),
        ("i is null and j = 1", True, {"i"}, []),
        ("i = 1 or j = 2", True, set(), [[{"i"}, {"j"}]]),
        ("not (i = 1 and j = 2)", True, set(), [[{"i"}, {"j"}]]),
        ("(i = 1 or j = 2) and (d > e or i = 3)", True, set(), [[{"i"}, {"j"}], [{"d", "e"}, {"i"}]]),
        ("i = 1 or (j in (2, 3)) is null", True, set(), []),
    ],
)
def test_blank_columns_and_alternatives(
    text: str, wanted: bool, blank: set[str], either: list[list[set[str]]]
) -> None:
    compiled = compile_expression(parse(text, where=WHERE), _SQL_NAMES, {}, split=True)
    found = compiled.if_true if wanted else compiled.if_false
    assert found.blank == blank
    assert [[part.filled for part in parts] for parts in found.either] == either


@pytest.mark.parametrize(
    "text", ["has_modifier('RT')", "any_of(modifier_*, it = 'RT')", "any_of(modifier_*, it <> 'RT')"]
)
def test_one_of_several_columns_is_needed(text: str) -> None:
    compiled = compiled_claim(text)
    ((*parts,),) = compiled.if_true.either
    assert [part.filled for part in parts] == [{f"modifier_{n}"} for n in (1, 2, 3, 4)]
    assert {name for part in parts for name in part.true} == {p.name for p in compiled.predicates}
    assert compiled.if_false == Needs(), "false is also what it is of blanks"


def test_it_names_only_what_is_computed(rulebook: Rulebook) -> None:
    for check in rulebook.ruleset.checks:
        computed = {p.name for p in check.predicates} | FACT_TYPES.keys()
        assert check.needs.conditions <= computed, check.rule.code


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_needs_of_conditions_with_functions(seed: int) -> None:
    plausible = Plausible(Random(seed))
    for text in (render(plausible.of("boolean")) for _ in range(20)):
        try:
            compiled = compile_expression(parse(text, where=WHERE), NAMES, TABLES, split=True)
        except RuleError:
            continue
        if compiled.aggregates:
            continue
        with suppress(pl.exceptions.InvalidOperationError):  # a look-up of a constant is not spread over rows
            assert needed_is_so(compiled, _EXTREME), text
