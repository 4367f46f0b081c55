"""Rules that cannot fire on a part are left out before anything is spent on them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from claimsctl.facts.table import Context
from claimsctl.facts.typed import Layout
from claimsctl.validate import chances, in_memory
from claimsctl.validate.chances import Answers
from claimsctl.validate.cross import only, plan_groups
from claimsctl.validate.in_memory import check_in_memory
from claimsctl.validate.language.needs import Needs
from claimsctl.validate.language.predicates import answers_by_row, named_predicate
from claimsctl.validate.pack import load_pack
from claimsctl.validate.ruleset import RuleSet, compile_rules

PACK = """
[pack]
name = "house"
[[rule]]
code = "HOUSE-001"
name = "therapy_units"
fields = ["units"]
severity = "error"
when = "procedure_code = '97110'"
rule_expression = "sum_in(by(claim_number), units) <= 4"
error_message = "too many"
why = "w"
suggestion = "s"
passes = [{}]
fails = [{ procedure_code = "97110", claim_number = "A", units = 5 }]

[[rule]]
code = "HOUSE-002"
name = "drug_has_units"
fields = ["ndc_code"]
severity = "error"
when = "starts_with(procedure_code, 'J')"
rule_expression = "starts_with(ndc_code, '0') or starts_with(ndc_code, '1')"
error_message = "no code"
why = "w"
suggestion = "s"
passes = [{}]
fails = [{ procedure_code = "J1100", ndc_code = "2" }]

[[rule]]
code = "HOUSE-003"
name = "few_lines"
fields = ["claim_number"]
severity = "error"
rule_expression = "count_in(by(claim_number), true) < 3"
error_message = "many"
why = "w"
suggestion = "s"
passes = [{}]
fails = [{ claim_number = "A" }, { claim_number = "A" }, { claim_number = "A" }]
"""
CELLS = {
    "claim_number": ["A", "A", "A", "B"],
    "procedure_code": ["97110", "97110", "J1100", None],
    "units": ["3", "2", "1", "9"],
}
LAYOUT = Layout({name: f"c{n}" for n, name in enumerate(CELLS)})


@pytest.fixture(name="rules")
def _rules(tmp_path: Path) -> RuleSet:
    path = tmp_path / "house.toml"
    path.write_text(PACK)
    return compile_rules([load_pack(path)], {})


def fired(rules: RuleSet, cells: dict[str, list[str | None]]) -> tuple[pl.DataFrame, list[tuple[int, str]]]:
    height = len(cells["claim_number"])
    rows = pl.DataFrame(
        {"row_number": range(2, height + 2)} | {LAYOUT.columns[name]: cells[name] for name in CELLS},
        schema={"row_number": pl.Int64} | dict.fromkeys(LAYOUT.columns.values(), pl.String),
    )
    frame, hits = check_in_memory(rows, LAYOUT, rules.checks, Context(date(2026, 6, 1)))
    return frame, [(row, rules.checks[n].rule.code) for row, n in hits.iter_rows()]


def aggregates(frame: pl.DataFrame) -> int:
    return sum(name.startswith("agg_") and "__" not in name for name in frame.columns)


@pytest.mark.parametrize("code", ["97110", "J1100", "99213", None])
def test_hits_are_those_of_all_rules(
    code: str | None, rules: RuleSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = {**CELLS, "procedure_code": [code, None, "J3490", code]}
    found = fired(rules, cells)[1]
    monkeypatch.setattr(in_memory, "likely", lambda frame, checks: (frame, range(len(checks))))
    monkeypatch.setattr(Answers, "allow", lambda _answers, _check: True)
    assert fired(rules, cells)[1] == found
    assert ("HOUSE-001" in {rule for _, rule in found}) == (code == "97110")


def test_other_lines_are_not_asked_for_rules_that_cannot_fire(rules: RuleSet) -> None:
    frame, found = fired(rules, {**CELLS, "procedure_code": ["99213"] * 4})
    assert aggregates(frame) == 1
    assert found == [(0, "HOUSE-003"), (1, "HOUSE-003"), (2, "HOUSE-003")]
    assert aggregates(fired(rules, CELLS)[0]) == 2


def test_answers_of_filled_and_blank_columns(rules: RuleSet) -> None:
    frame = pl.DataFrame(
        {"procedure_code": ["97110", "99213", None], "ndc_code": [None] * 3},
        schema={"procedure_code": pl.String, "ndc_code": pl.String},
    )
    asked = sorted({p for each in rules.checks for p in each.predicates}, key=lambda p: p.name)
    answers = Answers.read(frame, ()).and_said(answers_by_row(frame, asked))
    assert answers.asked == {p.name for p in asked}
    (code,) = (p.name for p in asked if p.column == "ndc_code")
    assert code not in answers.true | answers.false  # unknown: it neither holds nor fails
    assert (answers.blank, answers.full) == ({"ndc_code"}, frozenset())
    assert [answers.allow(each.needs) for each in rules.checks] == [True, False, True]


def test_what_was_not_asked_rules_nothing_out(rules: RuleSet) -> None:
    nothing = Answers.read(pl.DataFrame({"claim_number": ["A"]}), [])
    assert all(nothing.allow(each.needs) for each in rules.checks)


def test_alternatives_and_blanks() -> None:
    answers = Answers(asked=frozenset("abc"), true=frozenset("a"), false=frozenset("bc"), full=frozenset("x"))
    a, b, x, open_ = (Needs(true=frozenset("a")), Needs(true=frozenset("b")), Needs(blank=frozenset("x")),
                      Needs(true=frozenset("z")))  # fmt: skip
    assert answers.allow(Needs.one_of([a, b]))
    assert not answers.allow(Needs.one_of([b, x]))
    assert answers.allow(Needs.one_of([b, open_]))
    assert not answers.allow(Needs.one_of([a, b]) | Needs.one_of([b, x]))
    assert answers.allow(Needs.one_of([b, Needs.one_of([x, a])]))


@pytest.mark.parametrize("few", [0, 50])
def test_as_many_rows_as_one_likes(few: int, rules: RuleSet, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = fired(rules, CELLS)
    monkeypatch.setattr(chances, "_FEW_ROWS", few)
    assert fired(rules, CELLS)[1] == expected[1]
    frame = pl.DataFrame({"procedure_code": ["97110", "J1"], "ndc_code": ["2", None]})
    seen, among = chances.likely(frame, rules.checks)
    assert among == [0, 1, 2]
    predicates = {p for n in among for p in rules.checks[n].predicates}
    assert {p.name for p in predicates} <= set(seen.columns)


def test_cells_are_asked_about_once_but_those_of_a_person() -> None:
    looked: list[str] = []

    def noted(column: str) -> pl.Expr:
        def look(values: pl.Series) -> pl.Series:
            looked.extend(values.to_list())
            return values == "B"

        return pl.col(column).map_batches(look, return_dtype=pl.Boolean)

    code, name = (
        named_predicate(column, noted(column), column) for column in ("procedure_code", "patient_last_name")
    )
    frame = pl.DataFrame({"procedure_code": ["A", "B", None], "patient_last_name": ["B", None, "C"]})
    for _ in range(2):
        assert answers_by_row(frame, [code, name]) == {
            code.name: [False, True, None],
            name.name: [True, None, False],
        }
    assert sorted(looked, key=str) == ["A", "B", "B", "B", "C", "C", None, None, None]
    assert code.known == {"A": False, "B": True, None: None}
    assert name.known == {None: None}


def test_groups_with_some_aggregates_only(rules: RuleSet) -> None:
    every = [a for each in rules.checks for a in each.aggregates]
    groups = plan_groups(every)
    assert only(groups, every) == groups
    assert only(groups, ()) == ()
    (kept,) = only(groups, every[:1])
    assert kept.aggregates == (every[0],)
