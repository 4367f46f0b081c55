"""The functions of the rule language: one table that the compiler, error messages and documentation read.

What each one compiles to is in `scalar.py`, `columns.py`, `tables.py` and `aggregates.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "text",
    "number",
    "date",
    "time",
    "boolean",
    "any",
    "'text'",
    "count",
    "column",
    "pattern",
    "group",
    "values",
]
"""What a parameter takes: `'text'` and `count` are literals, `column` is a column of the file, `values` any
value or a pattern."""
Mark = Literal["", "?", "+", "*"]
"""Once, optional, once or more, any number of times."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a function."""

    name: str
    kind: Kind
    mark: Mark = ""


@dataclass(frozen=True, slots=True)
class Function:
    """One function: how it is called, what it gives, what it means."""

    name: str
    parameters: tuple[Parameter, ...]
    result: str
    meaning: str
    example: str
    subject: str

    @property
    def signature(self) -> str:
        """`name(a, b, ...)` as documentation and error messages show it."""
        parts = [
            {"": "{}", "?": "[{}]", "+": "{}, ...", "*": "[{}, ...]"}[p.mark].format(p.name)
            for p in self.parameters
        ]
        return f"{self.name}({', '.join(parts)})"

    @property
    def least(self) -> int:
        """Fewest arguments."""
        return sum(p.mark in ("", "+") for p in self.parameters)

    @property
    def most(self) -> int | None:
        """Most arguments, None without limit."""
        return None if any(p.mark in ("+", "*") for p in self.parameters) else len(self.parameters)

    def parameter(self, index: int) -> Parameter:
        """The parameter that takes argument `index`."""
        return self.parameters[min(index, len(self.parameters) - 1)]


def _parameters(written: str) -> tuple[Parameter, ...]:
    """`name:kind` parts, the kind followed by its mark."""
    made = []
    for part in written.split():
        name, _, kind = part.partition(":")
        mark = kind[-1] if kind[-1] in "?+*" else ""
        made.append(Parameter(name, kind.removesuffix(mark) if mark else kind, mark))  # type: ignore[arg-type]
    return tuple(made)


_BY_SUBJECT: Mapping[str, tuple[tuple[str, str, str, str, str], ...]] = {
    "Text": (
        ("matches", "text:text regex:'text'", "boolean",
         "the text holds a match of the regular expression (Rust syntax; anchor with ^ and $)",
         "matches(patient_zip, '^[0-9]{5}([0-9]{4})?$')"),
        ("length", "text:text", "number",
         "number of characters",
         "length(procedure_code) = 5"),
        ("upper", "text:text", "text",
         "the text in upper case",
         "upper(line_note) = 'TEST'"),
        ("lower", "text:text", "text",
         "the text in lower case",
         "lower(line_note) = 'test'"),
        ("trim", "text:text", "text",
         "the text without spaces at its ends",
         "trim(line_note) = 'TEST'"),
        ("substr", "text:text start:count length:count?", "text",
         "part of the text from character `start` (first is 1); to the end without `length`",
         "substr(diagnosis_1, 1, 3) = 'F32'"),
        ("left", "text:text n:count", "text",
         "the first n characters",
         "left(bill_type_code, 2) = '11'"),
        ("right", "text:text n:count", "text",
         "the last n characters",
         "right(billing_taxonomy, 1) = 'X'"),
        ("starts_with", "text:text prefix:'text'+", "boolean",
         "the text begins with one of the prefixes",
         "starts_with(diagnosis_1, 'F', 'Z')"),
        ("ends_with", "text:text suffix:'text'+", "boolean",
         "the text ends with one of the suffixes",
         "ends_with(billing_taxonomy, 'X')"),
        ("contains", "text:text part:'text'+", "boolean",
         "one of the parts stands somewhere in the text",
         "contains(value_code, '01')"),
        ("replace", "text:text old:'text' new:'text'", "text",
         "every `old` replaced by `new`",
         "replace(ndc_code, '-', '') = '00012345678'"),
        ("keep_digits", "text:text", "text",
         "the digits 0 to 9 of the text",
         "length(keep_digits(patient_phone)) = 10"),
        ("keep_letters", "text:text", "text",
         "the letters of the text",
         "keep_letters(patient_last_name) <> ''"),
        ("listed", "value:text list:text", "boolean",
         "the value is one of the parts of a text parted by semicolons",
         "listed(patient_state, lookup(rendering_npi, 'roster', 'states'))"),
        ("fits", "text:text pattern:text", "boolean",
         "the whole text matches a regular expression that a table gives; null where it is no expression",
         "fits(member_id, lookup(payer_key, 'payers', 'id_pattern'))"),
        ("concat", "text:text+", "text",
         "the texts one after the other; null when one is null",
         "concat(patient_first_name, ' ', patient_last_name) <> 'TEST TEST'"),
    ),
    "Numbers": (
        ("number", "text:text", "number",
         "the number a plain text of digits stands for (sign and decimals allowed), else null",
         "number(bill_type_code) >= 110"),
        ("abs", "x:number", "number",
         "x without its sign",
         "abs(paid_amount) <= 5000"),
        ("floor", "x:number", "number",
         "largest whole number not above x",
         "floor(units) = units"),
        ("ceil", "x:number", "number",
         "smallest whole number not below x",
         "ceil(units) = units"),
        ("round", "x:number digits:count?", "number",
         "x rounded half away from zero",
         "round(units, 1) = units"),
        ("mod", "x:number y:count", "number",
         "what remains of x after dividing by a whole number y",
         "mod(minutes, 15) = 0"),
        ("least", "x:any y:any+", "same",
         "the smallest of the values; nulls are left out",
         "least(units, 10) >= 1"),
        ("greatest", "x:any y:any+", "same",
         "the largest of the values; nulls are left out",
         "greatest(paid_amount, allowed_amount) <= charge_amount"),
        ("coalesce", "x:any y:any+", "same",
         "the first value that is not null",
         "coalesce(copay_amount, 0) <= charge_amount"),
    ),
    "Dates and times": (
        ("days_between", "from:date to:date", "number",
         "days from the first date to the second; negative when it is earlier",
         "days_between(service_date_from, as_of_date) <= 365"),
        ("months_between", "from:date to:date", "number",
         "completed months from the first date to the second",
         "months_between(last_seen_date, service_date_from) < 6"),
        ("years_between", "from:date to:date", "number",
         "completed years from the first date to the second",
         "years_between(patient_dob, as_of_date) <= 120"),
        ("age_on", "birth:date on:date", "number",
         "completed years of age on a date",
         "age_on(subscriber_dob, service_date_from) >= 14"),
        ("minutes_between", "from:time to:time", "number",
         "minutes from the first time to the second; negative when it is earlier",
         "minutes_between(session_start_time, session_end_time) > 0"),
        ("year", "date:date", "number",
         "year of the date",
         "year(service_date_from) >= 2000"),
        ("month", "date:date", "number",
         "month, 1 to 12",
         "month(service_date_from) <= 12"),
        ("day", "date:date", "number",
         "day of the month, 1 to 31",
         "day(service_date_from) <= 31"),
        ("weekday", "date:date", "number",
         "1 Monday to 7 Sunday",
         "weekday(service_date_from) <> 7"),
        ("is_weekend", "date:date", "boolean",
         "Saturday or Sunday",
         "not is_weekend(service_date_from)"),
    ),
    "Columns as they stand in the file": (
        ("given", "column:column", "boolean",
         "the file has a value in this column; never null",
         "given(patient_dob)"),
        ("unreadable", "column:column", "boolean",
         "the file has a value, and it cannot be read as this column's type; never null",
         "not unreadable(patient_dob)"),
        ("text", "column:column", "text",
         "the value as it stands in the file, without spaces at its ends",
         "not matches(text(charge_amount), '[$]')"),
    ),
    "Several columns of a line": (
        ("has_modifier", "code:'text'+", "boolean",
         "one of modifier_1 to modifier_4 is one of the codes; never null",
         "has_modifier('25', '59')"),
        ("any_of", "columns:pattern condition:boolean", "boolean",
         "the condition holds for one of the columns, called `it`; nulls do not count; never null",
         "any_of(diagnosis_*, it like 'Z3A%')"),
        ("all_of", "columns:pattern condition:boolean", "boolean",
         "the condition holds for each of the columns, called `it`, that is not null; true when all "
         "are null",
         "all_of(modifier_*, length(it) = 2)"),
        ("count_of", "columns:pattern condition:boolean?", "number",
         "how many of the columns are not null and meet the condition",
         "count_of(diagnosis_*) >= 1"),
        ("distinct_of", "columns:pattern", "number",
         "how many different values the columns have, nulls left out",
         "distinct_of(modifier_*) = count_of(modifier_*)"),
        ("beside", "columns:pattern", "column",
         "the column of the pattern with the number of `it`, or of `value` in a rule with `each`; in the "
         "functions over lists the part of the other list at the same place",
         "any_of(diagnosis_*, it is null and beside(poa_*) = 'Y')"),
        ("before", "columns:pattern", "columns",
         "the columns of the pattern with smaller numbers than `it` or `value`; only in partner",
         "any_of(diagnosis_*, partner(it, 'icd10cm_code_first', before(diagnosis_*)) is not null)"),
    ),
    "Lists in one cell": (
        ("any_part", "list:column condition:boolean", "boolean",
         "the condition holds for a part, called `it`, of a cell parted by semicolons; blank parts do not "
         "count; never null",
         "any_part(value_code, beside(value_amount) is null)"),
        ("all_parts", "list:column condition:boolean", "boolean",
         "the condition holds for each part that is not blank; true when there is none",
         "all_parts(condition_code, length(it) = 2)"),
        ("count_parts", "list:column condition:boolean?", "number",
         "how many parts are not blank and meet the condition",
         "count_parts(value_code) = count_parts(value_amount)"),
        ("distinct_parts", "list:column value:text?", "number",
         "how many different values the parts have, or the texts made of them; capitals count as small "
         "letters",
         "distinct_parts(condition_code) = count_parts(condition_code)"),
        ("sum_parts", "list:column condition:boolean?", "number",
         "sum of the parts that meet the condition; null when one of these cannot be read, or there is none",
         "sum_parts(adjustment_amount, beside(adjustment_group_code) = 'PR') <= charge_amount"),
    ),
    "Reference tables and identifiers": (
        ("known", "value:any table:'text' on_date:date?", "boolean",
         "the value, or `(value, value)`, is a key of the reference table, in force on the date when one "
         "is given; null for a null value",
         "known(place_of_service, 'pos')"),
        ("lookup", "value:any table:'text' column:'text' on_date:date?", "column",
         "what the table says in a column for the value, or for `(value, value)`; null when it is not in "
         "the table",
         "lookup(payer_key, 'payers', 'filing_limit_days') >= 90"),
        ("served", "table:'text' date:date", "boolean",
         "an edition of the table is for the date; null before the oldest one and between two of them. After "
         "its end the newest one serves on",
         "served('icd10cm', service_date_from)"),
        ("ends", "table:'text'", "date",
         "the last service date that the newest edition of the table was published for; null where open",
         "service_date_from <= ends('icd10cm')"),
        ("partner", "value:text table:'text' columns:pattern on_date:date?", "text",
         "the first code of the columns that stands beside the value in a row of the table; null when none "
         "does. The column of the value itself is left out",
         "partner(diagnosis_1, 'icd10cm_excludes1', diagnosis_*) is null"),
        ("valid_npi", "text:text", "boolean",
         "ten digits with a right check digit (Luhn, prefix 80840)",
         "valid_npi(billing_npi)"),
    ),
    "Other lines of the run and of earlier runs": (
        ("any_in", "group:group condition:boolean", "boolean",
         "the condition holds on a line of the group",
         "any_in(claim, procedure_code = '90837')"),
        ("any_other_in", "group:group condition:boolean", "boolean",
         "the condition holds on a line of the group other than this one",
         "any_other_in(patient_day, has_modifier('59'))"),
        ("count_in", "group:group condition:boolean?", "number",
         "how many lines of the group meet the condition",
         "count_in(history(same_patient, procedure_code, days(-30, -1))) = 0"),
        ("sum_in", "group:group number:number", "number",
         "sum over the lines of the group, nulls left out",
         "sum_in(claim, charge_amount) = claim_charge_amount"),
        ("distinct_in", "group:group value:values", "number",
         "how many different values the group has, nulls left out; of a pattern over all its columns",
         "distinct_in(claim, patient_dob) <= 1"),
        ("min_in", "group:group value:any", "same",
         "smallest value in the group, nulls left out",
         "min_in(claim, service_date_from) >= coverage_start_date"),
        ("max_in", "group:group value:any", "same",
         "largest value in the group, nulls left out",
         "max_in(claim, service_date_to) <= as_of_date"),
        ("overlapping_in", "group:group start:any end:any condition:boolean?", "number",
         "how many lines of the group have a span that overlaps the one of this line, itself counted; spans "
         "of times may touch, spans of dates include both days",
         "overlapping_in(by(rendering_npi, service_date_from), session_start_time, session_end_time) = 1"),
        ("at_once_in", "group:group start:any end:any condition:boolean?", "number",
         "how many lines of the group run at once at some moment of this line, at most",
         "at_once_in(by(rendering_npi), session_start_time, session_end_time, has_modifier('QK')) <= 4"),
        ("paired_in", "group:group value:any table:'text' on_date:date?", "boolean",
         "another line of the group has a code that stands beside the one of this line in a row of the "
         "table",
         "paired_in(patient_day_biller, procedure_code, 'ncci_addon', service_date_from)"),
    ),
}  # fmt: skip
"""Per subject: name, parameters (`name:kind` and mark), result, meaning, example."""

FUNCTIONS: Mapping[str, Function] = {
    name: Function(name, _parameters(written), result, meaning, example, subject)
    for subject, entries in _BY_SUBJECT.items()
    for name, written, result, meaning, example in entries
}
"""Every function by name, in the order of the documentation."""

GROUPS: Mapping[str, tuple[str, ...]] = {
    "claim": ("claim_id",),
    "patient_day": ("same_patient", "service_date_from"),
    "patient_day_provider": ("same_patient", "service_date_from", "same_provider"),
    "patient_day_biller": ("same_patient", "service_date_from", "billing_npi"),
}
"""Named groups of lines of the run and the columns whose values they share; `by(a, b)` makes others."""


def function_table() -> str:
    """The functions as Markdown, one table per subject; docs/rule-language.md is generated from it."""
    lines: list[str] = []
    for subject in dict.fromkeys(function.subject for function in FUNCTIONS.values()):
        lines += [f"### {subject}", "", "| function | gives | meaning | example |", "|---|---|---|---|"]
        for function in FUNCTIONS.values():
            if function.subject == subject:
                cells = (
                    f"`{function.signature}`",
                    function.result,
                    function.meaning,
                    f"`{function.example}`",
                )
                lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        lines.append("")
    return "\n".join(lines)
