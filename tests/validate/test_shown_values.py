"""Values that a rule computes for its texts."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from claimsctl.errors import RuleError
from claimsctl.facts.table import Context
from claimsctl.facts.typed import Layout
from claimsctl.validate.dated import dated_reads
from claimsctl.validate.findings import describe, display_names
from claimsctl.validate.in_memory import check_in_memory
from claimsctl.validate.language.types import LangType, TableInfo
from claimsctl.validate.pack import load_pack
from claimsctl.validate.packcache import load_pack_cached
from claimsctl.validate.ruleset import RuleSet, compile_rules

PACK = """[pack]
name = "house"

[[rule]]
code = "HOUSE-001"
name = "units_within_limit"
severity = "warning"
fields = ["units"]
rule_expression = "units <= lookup(procedure_code, 'limits', 'most')"
error_message = "{units} units; {most} is the limit of {procedure_code}, {used} in all ({most})."
suggestion = "Ask before {until}."
cause = "Above {most}"
show.most = "lookup(procedure_code, 'limits', 'most')"
show.used = "sum_in(claim, units)"
show.until = "service_date_from + 3 days"

[[rule]]
code = "HOUSE-002"
name = "prices"
severity = "info"
fields = ["copay_amount", "deductible_amount"]
each = true
rule_expression = "value < 100"
error_message = "{column}: {most} {twice} {late} {at}."
suggestion = "-"
show = { most = "'own'", twice = "value * 2", late = "value > 150", at = "session_start_time" }
"""
LIMIT = pl.Series([Decimal("1.50"), Decimal(2)])
LIMITS = {
    "limits": TableInfo("limits", pl.Series("code", ["90837", "90834"]), {"most": (LangType.DECIMAL, LIMIT)})
}
CELLS = {
    "claim_number": ["A", "A", "B"],
    "procedure_code": ["90837", "90834", "90834"],
    "units": ["2", "3.25", "1"],
    "service_date_from": ["2026-05-04"] * 3,
    "copay_amount": ["100", None, "120.255"],
    "deductible_amount": [None, None, "200"],
    "session_start_time": ["8:30", None, None],
    "member_id": ["W123456789"] * 3,
}


def compiled(text: str, folder: Path, tables: dict[str, TableInfo] = LIMITS) -> RuleSet:
    path = folder / "house.toml"
    path.write_text(text)
    return compile_rules([load_pack(path)], tables, declared={"limits"})


def told(rules: RuleSet) -> pl.DataFrame:
    names = list(CELLS)
    rows = pl.DataFrame(
        {"row_number": [2, 3, 4]} | {f"c{n}": CELLS[name] for n, name in enumerate(names)},
        schema={"row_number": pl.Int64} | {f"c{n}": pl.String for n in range(len(names))},
    )
    layout = Layout({name: f"c{n}" for n, name in enumerate(names)})
    shown = display_names(rules.checks) | {"line_number_in_claim"}
    frame, hits = check_in_memory(rows, layout, rules.checks, Context(date(2026, 6, 1)), names=shown)
    return describe(hits, rules.checks, rows, frame, layout, input_name="a.csv")


def test_messages_quote_computed_values(tmp_path: Path) -> None:
    found = told(compiled(PACK, tmp_path))
    assert found.filter(pl.col("code") == "HOUSE-001").select("message", "suggestion", "cause").rows() == [
        ("2 units; 1.50 is the limit of 90837, 5.25 in all (1.50).", "Ask before 2026-05-07.", "Above 1.50"),
        ("3.25 units; 2 is the limit of 90834, 5.25 in all (2).", "Ask before 2026-05-07.", "Above 2"),
    ]
    assert found.filter(pl.col("code") == "HOUSE-002")["message"].to_list() == [
        "copay_amount: own 200 no 08:30.",
        "copay_amount: own 240.51 no blank.",
        "deductible_amount: own 400 yes blank.",
    ]


def test_conditions_use_the_names(tmp_path: Path) -> None:
    """A name stands for its expression, as if that were written there."""
    limit = "units <= lookup(procedure_code, 'limits', 'most')"
    for text in (
        PACK.replace(limit, "units <= most"),
        PACK.replace(
            f'rule_expression = "{limit}"', 'when = "not (units <= most)"\nrule_expression = "used < 1"'
        ),
    ):
        assert "units <= most" in text
        assert told(compiled(text, tmp_path)).equals(told(compiled(PACK, tmp_path)))
    fewer = compiled(PACK.replace(limit, "units <= most and used > 9"), tmp_path)
    assert fewer.digest != compiled(PACK.replace(limit, "units <= most"), tmp_path).digest
    other = compiled(PACK.replace(limit, "units <= most").replace("'most')", "'most') + 1"), tmp_path)
    assert told(other).filter(pl.col("code") == "HOUSE-001").height == 1
    assert other.digest != compiled(PACK.replace(limit, "units <= most"), tmp_path).digest


def test_tables_behind_names_are_asked_of_their_day(tmp_path: Path) -> None:
    limit = "units <= lookup(procedure_code, 'limits', 'most')"
    for at, dated in (("", set()), (", service_date_from", {("limits", "service_date_from")})):
        text = PACK.replace(limit, "units <= most").replace("'most')", f"'most'{at})")
        text = text.replace('fields = ["units"]', 'fields = ["units"]\nneeds = ["limits"]')
        rule = compiled(text, tmp_path).rules[0]
        assert dated_reads(rule) == dated


def test_names_nest_only_so_deep(tmp_path: Path) -> None:
    deep = "used" + " + used" * 3
    tall = "(" * 28 + "sum_in(claim, units)" + " + 1)" * 28
    text = PACK.replace("sum_in(claim, units)", tall)
    compiled(text, tmp_path)
    taller = "(" * 40 + "used" + " + 1)" * 40
    with pytest.raises(RuleError, match="what its names stand for are nested more than 60 levels deep"):
        compiled(
            text.replace("units <= lookup(procedure_code, 'limits', 'most')", f"{taller} > {deep}"), tmp_path
        )


def test_a_kept_pack_says_the_same(tmp_path: Path) -> None:
    path = tmp_path / "house.toml"
    path.write_text(PACK)
    kept = tmp_path / "kept"
    kept.mkdir()
    fresh = load_pack_cached(path, kept)
    assert load_pack_cached(path, kept).rules[0].show == fresh.rules[0].show == load_pack(path).rules[0].show


def test_its_tables_are_needed(tmp_path: Path) -> None:
    text = PACK.replace("units <= lookup(procedure_code, 'limits', 'most')", "units < 1")
    rules = compiled(text, tmp_path, {})
    assert [(note.code, note.reason) for note in rules.not_run] == [
        ("HOUSE-001", "reference table limits is not loaded")
    ]
    assert "limits" in compiled(text, tmp_path).checks[0].tables


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "sum_in(claim, units)",
            "sum_in(claim, unit)",
            "HOUSE-001, show.used, column 15: unknown",
        ),
        ("sum_in(claim, units)", "concat(member_id, 'x')", "show.used: member_id identifies a person"),
        ("sum_in(claim, units)", "distinct_in(claim, patient_last_name)", "patient_last_name identifies"),
        ("sum_in(claim, units)", "text(patient_ssn)", "patient_ssn identifies a person"),
        ("show.used", "show.units", "show cannot be called 'units'"),
        ("show.used", "show.value", "show cannot be called 'value'"),
        ("show.used", "show.u-x", "show cannot be called 'u-x'"),
        ("show.used", "show.usage", "unknown placeholder {used}; did you mean"),
        ('show.used = "sum_in(claim, units)"', "show.used = 1", "show must be a table of texts"),
        ("sum_in(claim, units)", "30 days", "a duration stands only after a date"),
    ],
)
def test_mistakes(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in PACK
    with pytest.raises(RuleError) as caught:
        compiled(PACK.replace(old, new, 1), tmp_path)
    assert words in str(caught.value)


def test_a_table_that_a_rule_uses_may_lack(tmp_path: Path) -> None:
    text = PACK.replace(
        'rule_expression = "units <=', 'uses = ["limits"]\nrule_expression = "units < 3 and units <='
    )
    assert compiled(PACK, tmp_path, {}).not_run[0].code == "HOUSE-001"
    rules = compiled(text, tmp_path, {})
    assert rules.not_run == ()
    assert rules.checks[0].tables == frozenset()
    found = told(rules).filter(pl.col("code") == "HOUSE-001")["message"].to_list()
    assert found == ["3.25 units; blank is the limit of 90834, 5.25 in all (blank)."]
    assert "limits" in compiled(text, tmp_path).checks[0].tables
    assert told(compiled(text, tmp_path)).filter(pl.col("code") == "HOUSE-001").height == 2
