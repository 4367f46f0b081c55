"""docs/rule-language.md says what is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from language_cases import WHERE

from claimsctl.claim import BY_NAME
from claimsctl.errors import RuleError
from claimsctl.facts.table import FACT_TYPES
from claimsctl.validate.language.compiler import compile_expression
from claimsctl.validate.language.functions import FUNCTIONS, function_table
from claimsctl.validate.language.parser import parse
from claimsctl.validate.language.types import Names
from claimsctl.validate.pack import load_pack

PAGE = Path(__file__).parents[2].joinpath("docs", "rule-language.md").read_text("utf-8")
NAMES = Names.claim(FACT_TYPES)


def _block(kind: str) -> str:
    found = re.search(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found.group(1)


def test_the_pack_of_the_page_compiles(tmp_path: Path) -> None:
    path = tmp_path / "my_rules.toml"
    path.write_text(_block("toml"))
    (rule,) = load_pack(path).rules
    assert rule.holds is not None
    assert rule.guard is not None
    for expression in (rule.holds, rule.guard):
        compile_expression(expression, NAMES, {})


def test_the_error_of_the_page_is_the_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path("my_rules.toml")
    path.write_text(_block("toml").replace("procedure_code = '90837'", "procedure_cod = '90837'"))
    (rule,) = load_pack(path).rules
    assert rule.guard is not None
    with pytest.raises(RuleError) as caught:
        compile_expression(rule.guard, NAMES, {})
    assert str(caught.value) == _block("text").rstrip("\n")


def test_expressions_of_the_page_parse() -> None:
    table = PAGE[PAGE.index("| write | meaning |") : PAGE.index("**Types.**")]
    whole = [
        code
        for code in re.findall(r"`([^`]+)`", table)
        if re.match(r"\(?[a-z0-9_]+ [^']*[<>=]|.* in \(", code)
    ]
    assert len(whole) >= 4
    for code in whole:
        parse(code, where=WHERE)


def test_the_function_table_is_current() -> None:
    assert function_table() in PAGE
    assert set(FUNCTIONS) & set(BY_NAME) == set()
    assert set(FUNCTIONS) & set(FACT_TYPES) == set()
