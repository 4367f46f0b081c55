"""Checks that the cells of a part cannot make fire are not evaluated; that changes no finding. Rules that
name no function over lines are not compiled before it is known which columns have values."""

from __future__ import annotations

from pathlib import Path

import pytest

from claimsctl.pipeline import Setting, process
from claimsctl.price.terms import Terms
from claimsctl.process.request import Request
from claimsctl.process.rulebook import EXAMPLE_TERMS, Rulebook, load_rulebook
from claimsctl.store.workspace import Workspace
from claimsctl.validate.chances import Answers
from claimsctl.validate.checks import Check, NotRun
from claimsctl.validate.language.groups import OVER_LINES
from claimsctl.validate.ruleset import Selection
from tests.commands import EXAMPLES
from tests.conftest import AS_OF


def test_findings_are_the_same_when_every_check_is_evaluated(
    rulebook: Rulebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def errors(name: str) -> str:
        request = Request((str(EXAMPLES / "claims.csv"),), run_date=AS_OF, out=tmp_path / name)
        process(request, rulebook, Setting(Workspace.open(tmp_path / f"workspace of {name}")))
        return (tmp_path / name / "errors.csv").read_text("utf-8")

    decided = {True: 0, False: 0}
    allow = Answers.allow

    def counted(answers: Answers, check: Check) -> bool:
        found = allow(answers, check)
        decided[found] += 1
        return found

    monkeypatch.setattr(Answers, "allow", counted)
    some = errors("some")
    monkeypatch.setattr(Answers, "allow", lambda _answers, _check: True)
    assert some == errors("every")
    assert some.count("\n") > 20
    assert min(decided.values()) > 100


def test_rules_that_name_no_function_over_lines_have_no_aggregates(rulebook: Rulebook) -> None:
    looking = rulebook.ruleset.mentioning(OVER_LINES)
    found = {aggregate for check in looking.checks for aggregate in check.aggregates}
    assert found == {aggregate for check in rulebook.ruleset.checks for aggregate in check.aggregates}
    assert 0 < len(looking.rules) < len(rulebook.ruleset.rules) / 2


@pytest.mark.parametrize("terms", [None, EXAMPLE_TERMS])
def test_rules_that_run_nowhere_are_known_without_compiling_all(terms: Terms | None) -> None:
    ruleset = load_rulebook(Selection(without=frozenset({"PAT-*"})), terms=terms).ruleset
    found = ruleset.not_run
    assert found == tuple(made for rule in ruleset.rules if isinstance(made := ruleset._made(rule), NotRun))
    assert len(found) > 20
