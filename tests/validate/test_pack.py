"""Reading rule packs: what is right is kept as written, what is wrong is named with file, line and rule."""

from __future__ import annotations

import datetime as dt
import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimsctl.errors import RuleError
from claimsctl.validate.language import parser
from claimsctl.validate.pack import Example, Pack, load_pack, load_packs
from claimsctl.validate.packcache import load_pack_cached

FACTS = frozenset({"patient_age", "run_date", "is_medicare"})

HEAD = """
[pack]
name = "house"
title = "House rules"

"""
RULE = """
[[rule]]
code = "HOUSE-001"
name = "units_positive"
severity = "error"
fields = ["units"]
rule_expression = "units > 0"
error_message = "units is {value}; it must be above 0"
suggestion = "Enter the number of units."
"""


def write(folder: Path, text: str, name: str = "house.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def read(folder: Path, text: str) -> Pack:
    return load_pack(write(folder, text), facts=FACTS)


def test_a_rule_as_written(tmp_path: Path) -> None:
    text = (
        HEAD
        + """
[[rule]]
code = "PAT-008"
name = "patient_age_in_range"
severity = "warning"
category = "patient"
level = "claim"
fields = ["patient_dob", "diagnosis_*"]
requires = ["patient_dob"]
when = "not is_medicare"
rule_expression = '''
  patient_age >= 0
  and patient_age <= 150
'''
error_message = "patient_age is {patient_age} on {service_date_from}"
suggestion = "Look at the birth date."
why = "Payers reject it."
source = "X12"
needs = ["pos"]
cause = "Ages"
valid_from = 2020-01-01
valid_to = 2030-12-31
passes = [{ patient_age = 0 }, {}, [{ units = 1, patient_dob = 2000-01-31 }, { units = "1.50" }]]
fails = [{ patient_age = -1, as_of = "2025-01-01" }, { patient_age = 151, as_of = 2025-01-01 }]
"""
    )
    pack = read(tmp_path, text)
    assert (pack.name, pack.title, pack.file) == ("house", "House rules", str(tmp_path / "house.toml"))
    (rule,) = pack.rules
    assert (rule.code, rule.severity, rule.level, rule.each, rule.builtin) == (
        "PAT-008", "warning", "claim", False, False,
    )  # fmt: skip
    assert rule.fields == ("patient_dob", "diagnosis_*")
    assert rule.expanded[:3] == ("patient_dob", "diagnosis_1", "diagnosis_2")
    assert len(rule.expanded) == 13
    assert rule.requires == ("patient_dob",)
    assert rule.rule_expression == "patient_age >= 0\n  and patient_age <= 150"
    assert (rule.valid_from, rule.valid_to) == (dt.date(2020, 1, 1), dt.date(2030, 12, 31))
    assert rule.passes == (
        Example(({"patient_age": 0},)),
        Example(({},)),
        Example(({"units": "1", "patient_dob": "2000-01-31"}, {"units": "1.50"})),
    )
    assert [example.as_of for example in rule.fails] == [dt.date(2025, 1, 1)] * 2
    assert rule.holds is not None
    assert rule.guard is not None
    assert str(rule.where("when")) == f"{pack.file}, line 15, PAT-008, when"


def test_defaults(tmp_path: Path) -> None:
    (rule,) = read(tmp_path, HEAD + RULE).rules
    assert (rule.category, rule.level, rule.requires, rule.when, rule.cause) == (
        "house",
        "line",
        None,
        None,
        None,
    )
    assert (rule.passes, rule.fails, rule.needs, rule.guard) == ((), (), (), None)


def test_each(tmp_path: Path) -> None:
    text = HEAD + RULE.replace('"units > 0"', '"value > 0"') + 'each = true\ncause = "{column} has {value}"\n'
    (rule,) = read(tmp_path, text).rules
    assert rule.each
    assert rule.holds is not None
    (wrong,) = read(tmp_path, HEAD + RULE + "each = true\n").rules
    with pytest.raises(RuleError, match=r"HOUSE-001, each: .*`value`"):
        _ = wrong.holds


def test_a_syntax_error_names_the_line_of_the_key(tmp_path: Path) -> None:
    (rule,) = read(tmp_path, HEAD + RULE.replace("units > 0", "units >> 0")).rules
    with pytest.raises(RuleError) as caught:
        _ = rule.holds
    message = str(caught.value).split("\n")
    assert message[0].endswith("house.toml, line 12, HOUSE-001, rule_expression, column 8: unexpected '>'")
    assert message[1:] == ["    units >> 0", "           ^"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('name = "house"', "", "name of [pack] must be a word"),
        ('title = "House rules"', 'titel = "x"', "unknown key 'titel'; did you mean title?"),
        ("[[rule]]", "[rule]", "double brackets"),
        ("[[rule]]", "[[rules]]", "unknown key 'rules'; did you mean rule?"),
        ("HOUSE-001", "H1", "code must look like PAT-008"),
        ('code = "HOUSE-001"\n', "", "code is missing"),
        ("units_positive", "Units positive", "lower-case words"),
        ('severity = "error"', 'severity = "eror"', "unknown severity 'eror'; did you mean error?"),
        ('severity = "error"', "severity = 1", "severity must be a text in quotes"),
        ('severity = "error"', 'severity = "error"\nlevel = "row"', "'row'; it is line, claim or file"),
        ('fields = ["units"]', 'fields = "units"', 'fields must be a list of texts; write fields = ["..."]'),
        ('fields = ["units"]', 'fields = ["unit"]', "unknown column 'unit'; did you mean units"),
        ('fields = ["units"]', 'fields = ["unit_*"]', "unknown column 'unit_*'"),
        ('fields = ["units"]', "fields = []", "fields is missing"),
        ('fields = ["units"]', "", "fields is missing"),
        ('fields = ["units"]', 'fields = ["units"]\nrequires = ["x"]', "requires names an unknown column"),
        ("rule_expression", "expression", "unknown key 'expression'; did you mean rule_expression?"),
        ('rule_expression = "units > 0"', "", "rule_expression is missing; write what must hold"),
        ("{value}", "{unitz}", "error_message has an unknown placeholder {unitz}; did you mean units"),
        ("{value}", "{value", "error_message has a single brace"),
        ("{value}", "{}", "unknown placeholder {}"),
        ("suggestion", "sugestion", "did you mean suggestion?"),
        ("[[rule]]", "[[rule]]\neach = 1", "each must be true or false"),
        ("[[rule]]", '[[rule]]\nvalid_from = "2020-01-01"', "valid_from must be a date without quotes"),
        ("[[rule]]", "[[rule]]\nvalid_from = 2021-01-01\nvalid_to = 2020-01-01", "valid_from is after"),
        ("[[rule]]", "[[rule]]\nbuiltin = true", "builtin is only for rules of claimsctl"),
        ("[[rule]]", "[[rule]]\npasses = { units = 1 }", "passes must be a list of example rows"),
        ("[[rule]]", "[[rule]]\npasses = [1]", "a row { ... } or a list of rows"),
        ("[[rule]]", "[[rule]]\npasses = [[]]", "a row { ... } or a list of rows"),
        ("[[rule]]", "[[rule]]\npasses = [{ unit = 1 }]", "unknown column or fact 'unit' in"),
        ("[[rule]]", "[[rule]]\npasses = [{ place_of_service = 11 }]", "in an example must be a text"),
        ("[[rule]]", "[[rule]]\npasses = [{ charge_amount = 1.10 }]", "in an example must be a text"),
        ("[[rule]]", '[[rule]]\npasses = [{ as_of = "soon" }]', "as_of of an example must be a date"),
    ],
)
def test_mistakes(tmp_path: Path, old: str, new: str, words: str) -> None:
    text = HEAD + RULE
    assert old in text
    with pytest.raises(RuleError) as caught:
        read(tmp_path, text.replace(old, new, 1))
    assert words in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "house.toml"))


def test_mistakes_name_the_line_of_the_rule(tmp_path: Path) -> None:
    second = RULE.replace("HOUSE-001", "HOUSE-002").replace("severity", "severty")
    with pytest.raises(RuleError, match=r"house\.toml, line 16, HOUSE-002: unknown key 'severty'"):
        read(tmp_path, HEAD + RULE + second)


def test_no_pack_table(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match=r"the table \[pack\] is missing"):
        read(tmp_path, RULE)


def test_toml_errors_name_line_and_column(tmp_path: Path) -> None:
    with pytest.raises(RuleError) as caught:
        read(tmp_path, HEAD + 'code = "A\n')
    message = str(caught.value).split("\n")
    assert "house.toml, line 6, column 10: not valid TOML: illegal character" in message[0]
    assert message[1:] == ['    code = "A', "             ^"]


def test_a_leading_zero_is_explained_by_toml(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match="line 7, column"):
        read(tmp_path, HEAD + "[[rule]]\npasses = [{ place_of_service = 01 }]\n")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"[pack]\nname = '\xe9'\n", b"\x00"])
def test_files_that_are_no_packs(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "p.toml"
    path.write_bytes(content)
    with pytest.raises(RuleError, match=r"p\.toml"):
        load_pack(path, facts=FACTS)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match=r"none\.toml: cannot be read"):
        load_pack(tmp_path / "none.toml", facts=FACTS)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('name = "house"', 'name = "house"', "the pack house exists already"),
        ('name = "house"', 'name = "other"', "the rule HOUSE-001 exists already, in"),
    ],
)
def test_codes_are_unique_across_packs(tmp_path: Path, old: str, new: str, words: str) -> None:
    first = write(tmp_path, HEAD + RULE, "a.toml")
    second = write(tmp_path, (HEAD + RULE).replace(old, new), "b.toml")
    with pytest.raises(RuleError, match=rf"b\.toml.*{words}"):
        load_packs([first, second], facts=FACTS)


def test_rule_names_are_unique_in_a_pack(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD + RULE + RULE.replace("HOUSE-001", "HOUSE-002"))
    with pytest.raises(RuleError, match="the rule units_positive exists already"):
        load_packs([path], facts=FACTS)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(HEAD + RULE) - 1), st.text(max_size=3), st.integers(0, 12))
def test_a_damaged_pack_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, at: int, put: str, cut: int
) -> None:
    text = HEAD + RULE
    path = tmp_path_factory.getbasetemp() / "damaged.toml"
    path.write_bytes((text[:at] + put + text[at + cut :]).encode("utf-8", "surrogatepass"))
    try:
        pack = load_pack(path, facts=FACTS)
        _ = [(rule.holds, rule.guard) for rule in pack.rules]
    except RuleError:
        return
    assert pack.name


def test_a_kept_pack_is_the_same_pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = HEAD + RULE + 'when = "units < 99.5"\nvalid_from = 2020-01-01\npasses = [{ patient_age = 1 }]\n'
    path = write(tmp_path, text)
    cache = tmp_path / "cache"
    cache.mkdir()
    first = load_pack_cached(path, cache, facts=FACTS)
    (kept,) = cache.iterdir()
    assert os.stat(kept).st_mode & 0o077 == 0
    monkeypatch.setattr(parser, "_KNOWN", {})
    monkeypatch.setattr(parser, "_lark", lambda: pytest.fail("parsed again"))
    monkeypatch.setattr("claimsctl.validate.packcache.load_pack", lambda *_, **__: pytest.fail("read again"))
    second = load_pack_cached(path, cache, facts=FACTS)
    assert second == first == load_pack(path, facts=FACTS)
    (rule,) = second.rules
    assert rule.holds is not None
    assert rule.holds.root.pos == 6
    assert str(rule.where()) == str(first.rules[0].where())


def test_a_kept_pack_goes_with_its_file(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD + RULE)
    load_pack_cached(path, tmp_path, facts=FACTS)
    write(tmp_path, HEAD + RULE.replace("units > 0", "units > 1"))
    changed = load_pack_cached(path, tmp_path, facts=FACTS)
    assert changed.rules[0].rule_expression == "units > 1"
    assert len(list(tmp_path.glob("*.json"))) == 1


def test_packs_of_installations_that_are_gone_are_not_kept_for_ever(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    old, recent, other = (cache / name for name in ("a.toml-1-2.json", "b.toml-1-2.json", "tables.json"))
    for file in (old, recent, other):
        file.write_text("{}")
    a_year_ago = time.time() - 365 * 24 * 3600
    os.utime(old, (a_year_ago, a_year_ago))
    os.utime(other, (a_year_ago, a_year_ago))
    load_pack_cached(write(tmp_path, HEAD + RULE), cache, facts=FACTS)
    assert not old.exists()
    assert recent.exists()
    assert other.exists()


@pytest.mark.parametrize("damage", ["", "{", "{}", '{"pack": {}, "rules": [{}], "trees": {}}', "[]", "\x00"])
def test_a_damaged_kept_pack_is_read_anew(tmp_path: Path, damage: str) -> None:
    path = write(tmp_path, HEAD + RULE)
    first = load_pack_cached(path, tmp_path, facts=FACTS)
    (kept,) = tmp_path.glob("*.json")
    kept.write_text(damage)
    assert load_pack_cached(path, tmp_path, facts=FACTS) == first
    assert json.loads(kept.read_text())["pack"]["name"] == "house"


def test_a_pack_with_a_broken_expression_is_not_kept(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD + RULE.replace("units > 0", "units >"))
    pack = load_pack_cached(path, tmp_path, facts=FACTS)
    with pytest.raises(RuleError, match="ends too early"):
        _ = pack.rules[0].holds
    assert not [*tmp_path.glob("*.json"), *tmp_path.glob(".pack-*")]


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD + RULE)
    (pack,) = load_packs([path], facts=FACTS, cache=tmp_path / "nowhere")
    assert pack.rules[0].code == "HOUSE-001"
