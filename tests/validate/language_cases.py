"""A small claim frame and its names, for the tests of the rule language."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

import polars as pl

from claimsctl.validate.language.compiler import Compiled, compile_expression
from claimsctl.validate.language.parser import parse
from claimsctl.validate.language.types import LangType, Names, TableInfo, Where

WHERE = Where("rules/test.toml", "TST-001")
MONEY = pl.Decimal(18, 4)

NAMES = Names.of(
    {
        "procedure_code": "code",
        "line_note": "text",
        "place_of_service": "code",
        "modifier_1": "code",
        "modifier_2": "code",
        "modifier_3": "code",
        "modifier_4": "code",
        "diagnosis_1": "code",
        "diagnosis_2": "code",
        "diagnosis_pointers": "text",
        "billing_npi": "code",
        "rendering_npi": "code",
        "units": "decimal",
        "charge_amount": "money",
        "minutes": "integer",
        "service_date_from": "date",
        "patient_dob": "date",
        "session_start_time": "time",
        "session_end_time": "time",
    },
    {
        "claim_id": "integer",
        "same_patient": "integer",
        "same_provider": "text",
        "patient_age": LangType.INTEGER,
        "is_medicare": "boolean",
        "is_medicaid": "boolean",
    },
)
NAMES = replace(NAMES, stored=frozenset(NAMES.types) - {"line_note", "diagnosis_pointers"})
SCHEMA: Mapping[LangType, pl.DataType] = {
    LangType.TEXT: pl.String(),
    LangType.INTEGER: pl.Int64(),
    LangType.DECIMAL: MONEY,
    LangType.DATE: pl.Date(),
    LangType.TIME: pl.Time(),
    LangType.BOOLEAN: pl.Boolean(),
}

TABLES = {
    "pos": TableInfo("pos", pl.Series(["02", "11", "12"])),
    "payers": TableInfo(
        "payers",
        pl.Series(["A", "B"]),
        {
            "limit": (LangType.INTEGER, pl.Series([90, None], dtype=pl.Int64)),
            "fee": (LangType.DECIMAL, pl.Series([Decimal("1.5"), Decimal(2)], dtype=MONEY)),
        },
    ),
    "dated": TableInfo(
        "dated",
        pl.Series(["X", "X", "Y", "Z"]),
        {"status": (LangType.TEXT, pl.Series(["old", "new", "y", "z"]))},
        pl.Series([dt.date(2020, 1, 1), dt.date(2025, 1, 1), None, dt.date(2024, 7, 1)]),
        pl.Series([dt.date(2020, 12, 31), None, dt.date(2024, 12, 31), None]),
    ),
}


def compiled(text: str, *, value_column: str | None = None, condition: bool = True) -> Compiled:
    return compile_expression(
        parse(text, where=WHERE),
        NAMES,
        TABLES,
        declared={"icd10cm"},
        value_column=value_column,
        condition=condition,
    )


def frame(**columns: Sequence[object]) -> pl.DataFrame:
    """A frame with the given columns; all others are null."""
    height = max((len(values) for values in columns.values()), default=1)
    series = [
        pl.Series(name, columns.get(name, [None] * height), dtype=SCHEMA[kind])
        for name, kind in NAMES.types.items()
    ]
    texts = [
        pl.Series(name, values, dtype=pl.String) for name, values in columns.items() if name.endswith(":text")
    ]
    return pl.DataFrame(series + texts)


def answers(text: str, *, value_column: str | None = None, **columns: Sequence[object]) -> list[object]:
    """The value of the expression on every row."""
    rows = frame(**columns)
    made = compiled(text, value_column=value_column, condition=False)
    return rows.with_columns(made.expr.alias("answer"))["answer"].to_list()


def answer(text: str, **cells: object) -> object:
    """The value of the expression on one row."""
    return answers(text, **{name.replace("__", ":"): [cell] for name, cell in cells.items()})[0]
