"""Every shipped rule is tried on its own examples."""

from __future__ import annotations

import pytest

from claimsctl.asking.columns import STATUS_PACK
from claimsctl.process.rulebook import EXAMPLE_TERMS, Rulebook, load_rulebook
from claimsctl.reference.locate import data_path
from claimsctl.validate.examples import EXAMPLE_DATE, run_examples
from claimsctl.validate.pack import Rule, load_packs
from claimsctl.validate.ruleset import Selection

OF_QUESTIONS = data_path("rules") / STATUS_PACK
"""Runs on what payers are asked, not on claims."""
PACKS = [*sorted(data_path("rules").glob("*.toml")), OF_QUESTIONS]
RULES = [rule for pack in load_packs(PACKS) for rule in pack.rules]


@pytest.fixture(scope="module")
def rulebook() -> Rulebook:
    # Shipped packs count as sound in use; here, as packs of a house, everything in them is tried.
    return load_rulebook(Selection(), PACKS, samples=True, terms=EXAMPLE_TERMS, left_out=PACKS)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_examples(rule: Rule, rulebook: Rulebook) -> None:
    if rule.builtin:
        assert not rule.passes
        assert not rule.fails
        return
    assert rule.passes, "a rule needs a passing example"
    assert rule.fails, "a rule needs a failing example"
    checks = [check for check in rulebook.ruleset.checks if check.rule.code == rule.code]
    assert checks, [note.reason for note in rulebook.ruleset.not_run if note.code == rule.code]
    context = rulebook.example_context(EXAMPLE_DATE)
    assert [str(failure) for failure in run_examples(rule, checks, context)] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_words(rule: Rule) -> None:
    assert rule.why
    assert rule.source
    assert rule.suggestion.endswith((".", "?", ")", "`"))
    assert rule.error_message[-1] in ".)"
