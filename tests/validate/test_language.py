"""What expressions mean."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest
from language_cases import NAMES, SCHEMA, TABLES, WHERE, answer, answers, compiled

from claimsctl.validate.language.coderange import listed, shape
from claimsctl.validate.language.functions import FUNCTIONS, function_table
from claimsctl.validate.language.parser import parse
from claimsctl.validate.language.types import LangType, expand_pattern

D = Decimal
DAY = dt.date(2026, 3, 31)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("true and null", None),
        ("false and null", False),
        ("true or null", True),
        ("false or null", None),
        ("not null", None),
        ("not false and false", False),
        ("true or false and false", True),
        ("null is null", True),
        ("(1 = 2) is not true", True),
        ("(patient_age > 0) is true", False),
        ("(patient_age > 0) is false", False),
        ("(patient_age > 0) is not false", True),
        ("patient_age > 0", None),
        ("patient_age between 0 and 1", None),
        ("patient_age not between 0 and 1", None),
        ("patient_age in (1, 2, 3)", None),
        ("patient_age not in (1, 2, 3)", None),
        ("5 in (1, null)", None),
        ("5 not in (1, null)", None),
        ("5 in (5, null)", True),
        ("5 not in (5, null)", False),
        ("5 in (patient_age, 5)", True),
        ("5 in (patient_age, 6)", None),
        ("case when patient_age > 0 then 1 end", None),
        ("case when patient_age > 0 then 1 else 2 end", 2),
        ("coalesce(patient_age, 7)", 7),
        ("least(patient_age, 7)", 7),
        ("greatest(3, patient_age, 7)", 7),
        ("length(line_note)", None),
        ("line_note like '%'", None),
        ("known(line_note, 'pos')", None),
        ("valid_npi(line_note)", None),
        ("has_modifier('25')", False),
        ("any_of(modifier_*, it = '25')", False),
        ("all_of(modifier_*, it = '25')", True),
        ("count_of(modifier_*)", 0),
        ("distinct_of(modifier_*)", 0),
        ("given(line_note)", False),
    ],
)
def test_null_is_unknown(text: str, expected: object) -> None:
    assert answer(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("charge_amount = 100.10", True),
        ("charge_amount = 100.1", True),
        ("charge_amount in (1, 100.10)", True),
        ("charge_amount <> 100.100001", True),
        ("charge_amount * 0.1 = 10.01", True),
        ("charge_amount * 3", D("300.3")),
        ("charge_amount + 0.2 = 100.3", True),
        ("charge_amount - minutes", D("47.1")),
        ("-charge_amount + charge_amount = 0", True),
        ("1 / 3 * 3 < 1", True),
        ("minutes / 2", D("26.5")),
        ("minutes / 0", None),
        ("charge_amount / (minutes - 53)", None),
        ("minutes * minutes", 2809),
        ("minutes - 1 - 1", 51),
        ("minutes - (1 - 1)", 53),
        ("2 + 3 * 4", 14),
        ("charge_amount * charge_amount * charge_amount * 1000000000000", D("1003003001000000000")),
        ("mod(minutes, 15)", 8),
        ("mod(minutes, 0)", None),
        ("abs(-2.5)", D("2.5")),
        ("floor(2.5)", D(2)),
        ("ceil(2.1)", D(3)),
        ("round(2.125, 2)", D("2.13")),
        ("round(-2.125, 2)", D("-2.13")),
        ("round(minutes)", 53),
        ("0 <= minutes <= 60", True),
        ("0 < minutes < 53", False),
        ("minutes in (1..10, 50..60)", True),
        ("least(minutes, charge_amount)", D(53)),
    ],
)
def test_numbers_are_exact(text: str, expected: object) -> None:
    assert answer(text, charge_amount=D("100.1"), minutes=53) == expected


def test_amounts_beyond_the_type_are_null_and_raise_nothing() -> None:
    largest = D("99999999999999.9999")
    assert answer("charge_amount * charge_amount * charge_amount > 0", charge_amount=largest) is None
    assert answer("charge_amount + charge_amount", charge_amount=largest) == 2 * largest
    assert answer("charge_amount / 0.000001 > 0", charge_amount=largest) is True


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("service_date_from - patient_dob", 365),
        ("service_date_from - patient_dob <= 365", True),
        ("days_between(service_date_from, patient_dob)", -365),
        ("service_date_from + 30 days", dt.date(2026, 4, 30)),
        ("service_date_from - 2 weeks", dt.date(2026, 3, 17)),
        ("service_date_from - 1 month", dt.date(2026, 2, 28)),
        ("service_date_from + 1 year", dt.date(2027, 3, 31)),
        ("date '2024-02-29' + 1 year", dt.date(2025, 2, 28)),
        ("service_date_from in (date '2026-03-31', date '2020-01-01', date '2021-01-01')", True),
        ("service_date_from between date '2026-03-01' and date '2026-03-31'", True),
        ("service_date_from in (date '2026-03-01'..date '2026-03-30')", False),
        (
            "year(service_date_from) * 10000 + month(service_date_from) * 100 + day(service_date_from)",
            20260331,
        ),
        ("weekday(service_date_from)", 2),
        ("is_weekend(date '2026-03-28')", True),
        ("age_on(date '2000-03-31', service_date_from)", 26),
        ("age_on(date '2000-04-01', service_date_from)", 25),
        ("age_on(date '2026-04-01', service_date_from)", -1),
        ("years_between(date '2024-02-29', date '2025-02-28')", 0),
        ("months_between(date '2026-01-31', service_date_from)", 2),
        ("months_between(date '2026-01-15', date '2026-02-14')", 0),
        ("minutes_between(session_start_time, session_end_time)", 53),
        ("minutes_between(session_end_time, session_start_time)", -53),
        ("session_start_time < time '08:00:01'", True),
    ],
)
def test_dates_and_times(text: str, expected: object) -> None:
    cells = {"service_date_from": DAY, "patient_dob": dt.date(2025, 3, 31)}
    times = {"session_start_time": dt.time(8), "session_end_time": dt.time(8, 53)}
    assert answer(text, **cells, **times) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("line_note = 'it''s'", True),
        ("length(line_note)", 4),
        ("length('é')", 1),
        ("upper(line_note)", "IT'S"),
        ("lower('AB')", "ab"),
        ("trim('  a ')", "a"),
        ("substr(line_note, 2, 2)", "t'"),
        ("substr(line_note, 2)", "t's"),
        ("substr(line_note, 9)", ""),
        ("left(line_note, 1)", "i"),
        ("right(line_note, 2)", "'s"),
        ("starts_with(line_note, 'x', 'it')", True),
        ("starts_with(line_note, 'a', 'b', 'c', 'd', 'e', 'it')", True),
        ("starts_with(line_note, 'aa', 'bb', 'cc', 'dd', 'ee', 'ff')", False),
        ("ends_with(line_note, 'x', 's')", True),
        ("contains(line_note, 't''')", True),
        ("contains(line_note, '.')", False),
        ("replace('a.b', '.', '-')", "a-b"),
        ("keep_digits('(555) 12')", "55512"),
        ("keep_letters('O''Brien é3')", "OBriené"),
        ("concat('a', line_note)", "ait's"),
        ("concat('a', procedure_code)", None),
        ("matches(line_note, '^i')", True),
        ("number('12.50')", D("12.5")),
        ("number('-3')", D(-3)),
        ("number('1e3')", None),
        ("number('12E4')", None),
        ("number(' 1')", None),
        ("number('99999999999999999999')", None),
        ("line_note like 'it%'", True),
        ("line_note like '%s'", True),
        ("line_note like '%t''%'", True),
        ("line_note like '_t''_'", True),
        ("line_note like 'i_'", False),
        ("line_note not like 'x%'", True),
        ("line_note like ''", False),
        ("'' like ''", True),
        ("'a.c' like 'a.%c'", True),
        ("'abc' like 'a.%c'", False),
        ("'a\nb' like 'a%b'", True),
    ],
)
def test_text(text: str, expected: object) -> None:
    assert answer(text, line_note="it's") == expected


def test_a_code_range_counts_in_its_digits() -> None:
    codes = [
        "99202",
        "99214",
        "99215",
        "99216",
        "9920A",
        "992",
        "0101T",
        "00100",
        "00999",
        "0500F",
        "Z3A05",
        "Z3A5",
    ]
    table = {"procedure_code": codes}
    assert answers("procedure_code in ('99202'..'99215')", **table) == [True, True, True] + [False] * 9
    anesthesia = answers("procedure_code in ('00100'..'01999')", **table)
    assert [code for code, found in zip(codes, anesthesia, strict=True) if found] == ["00100", "00999"]
    mixed = answers("procedure_code in ('Z3A00'..'Z3A49', '0001F'..'9007F', '0101T')", **table)
    assert [code for code, found in zip(codes, mixed, strict=True) if found] == ["0101T", "0500F", "Z3A05"]
    letters = answers("procedure_code not in ('A0000'..'Z9999')", **table)
    assert all(letters)


@pytest.mark.parametrize(
    ("first", "last"), [("098", "102"), ("A08", "A12"), ("0998T", "1002T"), ("XY", "XY")]
)
def test_a_listed_range_is_the_shape_within_the_bounds(first: str, last: str) -> None:
    codes = listed(first, last)
    assert codes is not None
    values = pl.Series([*codes, "A10", "0999F", "X", "09A"])
    expected = (values >= first) & (values <= last) & values.str.contains(shape(first, last))
    assert values.is_in(codes).to_list() == expected.to_list()


def test_long_and_lettered_ranges_are_not_listed() -> None:
    assert listed("00000", "99999") is None
    assert listed("A00", "B00") is None
    assert answers("procedure_code in ('00000'..'99999')", procedure_code=["12345", "1234A"]) == [True, False]
    assert answers("procedure_code in ('A00'..'T88')", procedure_code=["F32", "Z00", "F3", "F3A"]) == [
        True, False, False, False,
    ]  # fmt: skip


def test_several_columns() -> None:
    table = {
        "modifier_1": ["25", "59", None],
        "modifier_2": [None, "59", None],
        "diagnosis_1": ["F32", "Z00", None],
    }
    assert answers("has_modifier('25')", **table) == [True, False, False]
    assert answers("has_modifier('25', '59', 'XE')", **table) == [True, True, False]
    assert answers("any_of(modifier_*, it = '59')", **table) == [False, True, False]
    assert answers("any_of(modifier_*, it <> '59')", **table) == [True, False, False]
    assert answers("any_of(modifier_*, it is null)", **table) == [False, False, False]
    assert answers("any_of(modifier_*, it = '25' or length(diagnosis_1) = 3)", **table) == [True, True, False]
    assert answers("all_of(modifier_*, it = '25')", **table) == [True, False, True]
    assert answers("count_of(modifier_*)", **table) == [1, 2, 0]
    assert answers("count_of(modifier_*, it in ('59', 'XE', 'XS'))", **table) == [0, 2, 0]
    assert answers("distinct_of(modifier_*)", **table) == [1, 1, 0]
    assert answers("any_of(diagnosis_*, it like 'F%')", **table) == [True, False, False]


def test_a_pattern_is_numbered_columns_or_an_ending() -> None:
    assert expand_pattern("diagnosis_*", NAMES.types) == ("diagnosis_1", "diagnosis_2")
    assert expand_pattern("*_npi", NAMES.types) == ("billing_npi", "rendering_npi")
    assert compiled("any_of(*_npi, valid_npi(it))").columns == {"billing_npi", "rendering_npi"}


def test_columns_as_they_stand_in_the_file() -> None:
    cells = {"service_date_from": [None, None, DAY], "service_date_from:text": ["31/31", None, "3/31/26"]}
    assert answers("given(service_date_from)", **cells) == [True, False, True]
    assert answers("unreadable(service_date_from)", **cells) == [True, False, False]
    assert answers("text(service_date_from)", **cells) == ["31/31", None, "3/31/26"]
    assert compiled("unreadable(service_date_from)").columns == {
        "service_date_from",
        "service_date_from:text",
    }
    assert compiled("text(line_note) = 'a'").columns == {"line_note"}
    assert compiled("text(procedure_code) = 'a'").columns == {"procedure_code:text"}
    assert compiled("given(procedure_code)").columns == {"procedure_code"}


def test_value_stands_for_the_column_of_an_each_rule() -> None:
    assert answers("length(value) = 2", value_column="modifier_2", modifier_2=["25", "X"]) == [True, False]
    assert compiled("unreadable(value)", value_column="patient_dob").columns == {
        "patient_dob",
        "patient_dob:text",
    }
    one = compiled("distinct_in(claim, value) <= 1", value_column="patient_dob").aggregates
    two = compiled("distinct_in(claim, value) <= 1", value_column="service_date_from").aggregates
    assert one != two


@pytest.mark.parametrize(
    ("npi", "expected"),
    [
        ("1234567893", True),
        ("1679576722", True),
        ("0000000006", True),
        ("1234567890", False),
        ("123456789", False),
        ("123456789a", False),
        ("12345678930", False),
        (" 1234567893", False),
        ("\u0969999999999", False),
    ],
)
def test_npi_check_digit(npi: str, expected: bool) -> None:
    assert answer("valid_npi(billing_npi)", billing_npi=npi) is expected


def test_npi_check_digit_agrees_with_luhn_by_hand() -> None:
    numbers = [f"{n:010d}" for n in range(1_000_000_000, 1_000_002_000)]

    def luhn(npi: str) -> bool:
        digits = [int(d) for d in "80840" + npi][::-1]
        return sum(d if n % 2 == 0 else d * 2 - 9 * (d > 4) for n, d in enumerate(digits)) % 10 == 0

    assert answers("valid_npi(billing_npi)", billing_npi=numbers) == [luhn(n) for n in numbers]


def test_names_and_keywords_in_any_case() -> None:
    assert answer("Units BETWEEN 1 AND 2 And NOT (units IS NULL)", units=D("1.5")) is True


def test_conditions_compare_with_conditions() -> None:
    assert answer("is_medicare = true", is_medicare=True) is True
    assert answer("is_medicare <> is_medicaid", is_medicare=True, is_medicaid=False) is True
    assert answer("is_medicare in (true, false)", is_medicare=True) is True


_TEXTS = (LangType.TEXT, pl.Series(["A"]))


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda f: f.name)
def test_every_function_has_an_example_that_runs(function: object) -> None:
    from claimsctl.validate.checks import rule_names
    from claimsctl.validate.language.compiler import compile_expression
    from claimsctl.validate.language.functions import Function
    from claimsctl.validate.language.types import TableInfo

    assert isinstance(function, Function)
    names = rule_names()
    codes = pl.Series("code", ["A"])
    rows = {
        "payers": {"filing_limit_days": (LangType.INTEGER, pl.Series([90])), "id_pattern": _TEXTS},
        "roster": {"states": _TEXTS}, "icd10cm_code_first": {"first": _TEXTS},
        "icd10cm_excludes1": {"other": _TEXTS}, "ncci_addon": {"primary": _TEXTS}, "icd10cm": {},
    }  # fmt: skip
    tables = TABLES | {name: TableInfo(name, codes, columns) for name, columns in rows.items()}
    made = compile_expression(parse(function.example, where=WHERE), names, tables)
    assert made.type is LangType.BOOLEAN
    columns = {
        name: pl.String() if name.endswith(":text") else SCHEMA[names.types[name]] for name in made.columns
    }  # type: ignore[index]
    columns |= {a.name: SCHEMA[a.result_type] for a in made.aggregates}  # type: ignore[index]
    empty = pl.DataFrame({name: pl.Series([None], dtype=dtype) for name, dtype in columns.items()})
    assert empty.select(made.expr).schema.dtypes() == [pl.Boolean]


def test_the_function_table_names_every_function() -> None:
    table = function_table()
    assert all(f"| `{function.signature.split('(')[0]}(" in table for function in FUNCTIONS.values())
