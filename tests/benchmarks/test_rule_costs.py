"""Costs of rules: every rule that ran is measured, and a category has its own cross-row facts only."""

from __future__ import annotations

import pytest

from benchmarks import generate
from benchmarks.rule_costs import Costs, measure
from claimsctl.process.rulebook import Rulebook, load_rulebook
from claimsctl.validate.ruleset import Selection
from tests.conftest import AS_OF

LINES = 400


@pytest.fixture(scope="module")
def rulebook() -> Rulebook:
    return load_rulebook(
        Selection(only=frozenset({"DUP-*", "CPT-*", "NCCI-*", "TEL-*"})), samples=True, run_date=AS_OF
    )


@pytest.fixture(scope="module")
def costs(rulebook: Rulebook, tmp_path_factory: pytest.TempPathFactory) -> Costs:
    folder = tmp_path_factory.mktemp("costs")
    generate.write(LINES, folder / "claims.csv")
    spill = folder / "spill"
    spill.mkdir()
    return measure(folder / "claims.csv", rulebook, spill, batch_size=150)


def test_every_rule_that_runs_is_measured_once(costs: Costs, rulebook: Rulebook) -> None:
    assert costs.lines == LINES
    assert 0 < costs.sampled < LINES
    codes = {check.rule.code for check in rulebook.ruleset.checks}
    assert set(costs.rules) <= codes
    assert {"CPT-001", "DUP-002", "NCCI-001"} <= set(costs.rules)
    assert sum(each.rules for each in costs.categories.values()) == len(costs.rules)


def test_times_are_of_something(costs: Costs) -> None:
    assert costs.together > 0
    assert all(each.evaluation > 0 for each in costs.categories.values())
    assert all(rows > 0 and once >= 0 for rows, once in costs.rules.values())
    assert costs.facts["patient_age"] > 0


def test_only_categories_that_join_lines_pay_for_it(costs: Costs) -> None:
    joined = {name for name, each in costs.categories.items() if each.cross is not None}
    assert {"duplicate", "ncci_mue"} <= joined
    assert "telehealth" in costs.categories.keys() - joined
