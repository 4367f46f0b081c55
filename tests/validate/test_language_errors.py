"""What is not in the language is refused with the place and a way out."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from language_cases import WHERE, compiled

from claimsctl.errors import RuleError
from claimsctl.validate.language.parser import MAX_DEPTH, parse
from claimsctl.validate.language.types import ExpressionError, Where


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("units == 1", 7, "equality is a single ="),
        ("units >", 8, "ends too early"),
        ('procedure_code = "A1"', 18, "single quotes"),
        ("procedure_code = \u201999213\u2019", 18, "straight single quotes"),
        ("units > 1 && minutes > 1", 11, "write and"),
        ("units \u2264 1", 7, "write <="),
        ("units % 2 = 0", 7, "remainder"),
        ("units betwen 1 and 2", 7, "did you mean between"),
        ("procedure_code = 'abc", 18, "no closing quote"),
        ("procedure_code in 'A1'", 19, "unexpected"),
        ("procedure_code in ['A1']", 19, "round brackets"),
        ("units = 1 is null", 11, "in brackets"),
        ("units is 3", 10, "after is comes"),
        ("units = 5 minutes > 1", 11, "operator"),
        ("units > 1; minutes > 1", 10, "one condition"),
        ("and", 1, "unexpected 'and'"),
        ("units > 1 and", 14, "ends too early"),
        ("((units > 1)", 13, "ends too early"),
        ("units > 1)", 10, "unexpected ')'"),
        ("", 1, "empty"),
        ("   ", 1, "empty"),
        ("service_date_from > date '2026-13-01'", 21, "must exist"),
        ("service_date_from > date '1/2/2026'", 21, "date '2026-01-31'"),
        ("session_start_time > time '25:00'", 22, "time '08:30'"),
        ("units > 1234567890123456", 9, "at most 14 digits"),
        ("units > 0.1234567", 9, "6 after it"),
        ("service_date_from + 1234567 days > patient_dob", 21, "5 digits"),
        # names and types
        ("unit > 3", 1, "did you mean units"),
        ("xyzzy > 3", 1, "canonical columns and the facts"),
        ("place_of_service = 11", 20, "write '11'"),
        ("11 = place_of_service", 1, "write '11'"),
        ("units = '1'", 9, "write 1"),
        ("charge_amount > 'much'", 17, "number(...)"),
        ("service_date_from > '2026-01-01'", 21, "write date '2026-01-01'"),
        ("session_start_time > '08:00'", 22, "time '08:30'"),
        ("line_note = null", 13, "write is null"),
        ("line_note <> null", 14, "write is not null"),
        ("units between null and 3", 15, "is null"),
        ("units + null > 1", 9, "always null"),
        ("service_date_from + 30 > patient_dob", 19, "30 days"),
        ("service_date_from - patient_dob > 30 days", 35, "write 30"),
        ("30 days", 1, "duration"),
        ("session_end_time - session_start_time > 1", 18, "minutes_between"),
        ("line_note + 'a' = 'b'", 11, "concat"),
        ("line_note", 1, "condition is needed"),
        ("not units", 5, "condition is needed"),
        ("is_medicare > true", 13, "no order"),
        ("case when is_medicare then 1 else 'a' end = 1", 35, "one type"),
        ("coalesce(units, 'a') = 1", 17, "one type"),
        ("procedure_code in ('A1', 2)", 26, "write '2'"),
        ("procedure_code in ('99'..'111')", 26, "same length"),
        ("procedure_code in ('11'..'10')", 20, "'10'..'11'"),
        ("procedure_code in ('11'..line_note)", 24, "two texts"),
        ("units like 'a'", 1, "like needs a text"),
        # functions
        ("lenght(procedure_code) = 5", 1, "did you mean length"),
        ("patient_age() > 1", 1, "without brackets"),
        ("length = 5", 1, "write length(text)"),
        ("length() = 5", 1, "takes 1 argument"),
        ("length(line_note, 1) = 5", 1, "here are 2"),
        ("least(units) = 5", 1, "at least 2"),
        ("substr(line_note, 1, 2, 3) = 'a'", 1, "2 to 3"),
        ("length(units) = 2", 8, "text(units)"),
        ("length(5) = 2", 8, "write '5'"),
        ("abs(line_note) = 2", 5, "number(...)"),
        ("abs(null) = 2", 5, "this is null"),
        ("matches(line_note, '(')", 20, "unclosed group"),
        ("matches(line_note, '(?=a)')", 20, "look-around"),
        ("matches(line_note, procedure_code)", 20, "in single quotes"),
        ("left(line_note, units) = 'a'", 17, "whole number"),
        ("has_modifier(25)", 14, "in single quotes"),
        ("unreadable(line_note)", 12, "always readable"),
        ("given(is_medicare)", 7, "is a fact"),
        ("given('a')", 7, "a column of the file"),
        ("text(nix) = 'a'", 6, "unknown name"),
        # several columns
        ("diagnosis_* = 'A'", 1, "any_of(diagnosis_*, it = ...)"),
        ("length(modifier_*) = 2", 8, "any_of(modifier_*"),
        ("any_of(diagnosi_*, it = 'A')", 8, "did you mean diagnosis_*"),
        ("any_of(units, it > 1)", 8, "pattern such as"),
        ("any_of(modifier_*, units)", 20, "condition is needed"),
        ("any_of(modifier_*, it > 5)", 25, "cannot compare the text"),
        ("it = 'a'", 1, "only inside any_of"),
        ("value = 'a'", 1, "each = true"),
        # tables
        ("known(place_of_service, 'poz')", 25, "did you mean pos"),
        ("known(units, 'pos')", 7, "are text"),
        ("known(place_of_service, 'pos', 'today')", 32, "must be a date"),
        ("lookup(line_note, 'payers', 'limits') = 1", 29, "did you mean limit"),
        # groups
        ("count_in(claims) > 1", 10, "did you mean claim"),
        ("count_in(claim_id) > 1", 10, "write by(claim_id)"),
        ("count_in(by(claim_idd)) > 1", 13, "did you mean claim_id"),
        ("count_in(by()) > 1", 10, "at least one"),
        ("by(claim_id) > 1", 1, "only as the group"),
        ("claim > 1", 1, "is a group of lines"),
        # days and earlier runs
        ("count_in(by(days(-3, 0))) > 1", 10, "beside days"),
        ("count_in(by(claim_id, days(-3))) > 1", 23, "two whole numbers"),
        ("count_in(by(claim_id, days(-3, units))) > 1", 23, "days(-29, 29)"),
        ("count_in(by(claim_id, days(0, -3))) > 1", 23, "write days(-3, 0)"),
        ("count_in(by(days(-3, 0), claim_id)) > 1", 13, "stands last"),
        ("days(-3, 0) > 1", 1, "stands only last"),
        ("history(same_patient) > 1", 1, "as the group of"),
        ("count_in(history()) > 1", 10, "write history(same_patient)"),
        ("count_in(histori(same_patient)) > 1", 10, "history"),
        ("count_in(history) > 1", 10, "did you mean history"),
        ("count_in(history(procedure_code)) > 1", 10, "write history(same_patient, procedure_code)"),
        ("any_in(history(same_patient), line_note = 'a')", 31, "not known of lines of earlier runs"),
        ("any_in(with_history(same_patient, line_note), units > 1)", 35, "identifiers are sealed"),
        ("any_in(history(same_patient), text(units) = '1')", 36, "look at the file of this run"),
        ("distinct_in(with_history(same_patient), units) > 1", 13, "distinct_in(history(...), ...)"),
        ("distinct_in(history(same_patient), diagnosis_*) > 1", 13, "lines of the run only"),
        ("overlapping_in(by(claim_id, days(0, 1)), minutes, minutes) > 1", 16, "write by(column, ...)"),
        ("count_in(claim, count_in(claim) > 1) > 1", 17, "cannot stand inside"),
        ("sum_in(claim, line_note) > 1", 15, "needs a number"),
        ("max_in(claim, is_medicare)", 15, "any_in(group, condition)"),
        ("count_in(claim, units) > 1", 17, "condition is needed"),
    ],
)
def test_errors_name_place_and_remedy(text: str, column: int, words: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compiled(text)
    error = caught.value
    message, *shown = str(error).split("\n")
    assert message.startswith(f"rules/test.toml, TST-001, rule_expression, column {column}: ")
    assert words in message
    source, caret = shown
    assert source.strip() == text.strip()
    assert caret.index("^") == 4 + column - 1


def test_lines_of_a_long_expression() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse("units > 1\n  and minutes >> 2", where=Where("p.toml", "TST-001", "when", 7))
    assert str(caught.value) == (
        "p.toml, line 7, TST-001, when, line 2, column 16: unexpected '>'\n"
        "      and minutes >> 2\n"
        "                   ^"
    )
    assert (caught.value.line, caught.value.column) == (2, 16)


def test_a_long_line_is_shown_around_the_place() -> None:
    with pytest.raises(ExpressionError) as caught:
        compiled(" and ".join(["units > 1"] * 60) + " and unit > 1 and " + " and ".join(["units > 1"] * 60))
    _, source, caret = str(caught.value).split("\n")
    assert len(source) < 110
    at = caret.index("^")
    assert source[at : at + 4] == "unit"


@pytest.mark.parametrize(
    "text",
    [
        "not " * 4_000 + "is_medicare",
        "-" * 10_000 + "units > 1",
        "abs(" * 3_000 + "units" + ")" * 3_000,
        "units" + " + 1" * 4_000 + " > 1",
        "case when is_medicare then " * 600 + "1" + " end" * 600 + " = 1",
    ],
)
def test_deep_nesting_is_a_rule_error(text: str) -> None:
    with pytest.raises(ExpressionError, match=f"more than {MAX_DEPTH} levels deep"):
        compiled(text)


def test_brackets_alone_make_no_depth() -> None:
    assert compiled("(" * 9_900 + "units > 1" + ")" * 9_900).columns == {"units"}
    with pytest.raises(ExpressionError, match=r"longer than 20,000 characters; move"):
        compiled("(" * 10_000 + "units > 1" + ")" * 10_000)


def test_wide_expressions_are_fine() -> None:
    assert compiled(" or ".join(["units > 1"] * 1_400)).columns == {"units"}
    codes = ", ".join(f"'{n:05d}'" for n in range(2_000))
    assert compiled(f"procedure_code in ({codes})").columns == {"procedure_code"}
    assert MAX_DEPTH < 200


_FRAGMENTS = st.sampled_from(
    [
        "units",
        "procedure_code",
        "modifier_*",
        "*_npi",
        "'A1'",
        "'",
        '"',
        "1",
        "1.5",
        "date '2026-01-31'",
        "30 days",
        "(",
        ")",
        ",",
        "and",
        "or",
        "not",
        "in",
        "is",
        "null",
        "between",
        "like",
        "=",
        "<>",
        "<=",
        "..",
        "+",
        "-",
        "*",
        "/",
        "case",
        "when",
        "then",
        "else",
        "end",
        "any_of",
        "count_in",
        "claim",
        "it",
        "value",
        "true",
        "matches",
        "known",
        "\n",
        "\t",
        "\x00",
        "é",
        "😀",
        ";",
        "--",
        "{",
        "%",
    ]
)
_SPACED, _GLUED = st.lists(_FRAGMENTS, max_size=25).map(" ".join), st.lists(_FRAGMENTS).map("".join)


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=60) | _SPACED | _GLUED)
def test_any_text_parses_or_is_a_rule_error(text: str) -> None:
    with contextlib.suppress(RuleError):
        compiled(text)


def test_where_leaves_out_what_it_does_not_know() -> None:
    assert str(Where("a.toml")) == "a.toml, rule_expression"
    with pytest.raises(RuleError, match=r"^a\.toml, rule_expression, column 1: "):
        parse("?", where=Where("a.toml"))
    assert str(WHERE) == "rules/test.toml, TST-001, rule_expression"
