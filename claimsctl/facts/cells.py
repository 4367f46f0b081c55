"""Stripped text of canonical columns as values of their type."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import date

import polars as pl

from claimsctl.claim import BY_NAME, Column
from claimsctl.facts.coded import FEW_ROWS
from claimsctl.facts.values import no_date, read_amounts, read_dates, read_integers, read_times

BIRTH_DATES = frozenset({"patient_dob", "subscriber_dob"})
# Catalogue DAT-016: on these columns a "no date" date is read as blank.
OPTIONAL_DATES = frozenset(
    {
        "coverage_start_date", "coverage_end_date", "received_date", "admission_date", "discharge_date",
        "onset_date", "accident_date", "lmp_date", "initial_treatment_date", "last_seen_date",
        "patient_death_date", "other_payer_adjudication_date", "subscriber_dob",
    }
)  # fmt: skip
# Numbers whose hyphens and spaces are not part of them.
_PUNCTUATED = frozenset({"patient_phone", "patient_ssn", "billing_tax_id"})
_DIAGNOSES = frozenset(f"diagnosis_{n}" for n in range(1, 13))


def typed_columns(texts: Sequence[pl.Series], run_date: date) -> dict[str, pl.Series]:
    """Texts of canonical columns typed; where rows are few those that are read alike are read as one, as what
    counts then is how often something is asked."""
    alike: dict[Hashable, list[pl.Series]] = {}
    for text in texts:
        column = BY_NAME[text.name]
        few = len(text) < FEW_ROWS
        alike.setdefault(_way_of_reading(column) if few else text.name, []).append(text)
    found = {}
    for members in alike.values():
        whole = pl.concat([text.alias(members[0].name) for text in members]) if members[1:] else members[0]
        typed, start = typed_text(whole, BY_NAME[members[0].name], run_date), 0
        for text in members:
            found[text.name] = typed.slice(start, len(text)).alias(text.name)
            start += len(text)
    return found


def _way_of_reading(column: Column) -> Hashable:
    """Equal for columns whose texts are typed alike."""
    if column.cell_type == "date":
        return "date", column.name in BIRTH_DATES, column.name in OPTIONAL_DATES
    if column.cell_type in _READERS:
        return _READERS[column.cell_type]
    return (
        column.cell_type == "text" and not column.value_aliases,
        column.name.endswith("_npi"),
        column.name in _DIAGNOSES,
        tuple(column.value_aliases.items()),
    )


def typed_text(text: pl.Series, column: Column, run_date: date) -> pl.Series:
    """Stripped texts as the type of a column; null for blank and for what cannot be read."""
    if column.cell_type == "date":
        dates = read_dates(text, latest=run_date if column.name in BIRTH_DATES else None)
        if column.name not in OPTIONAL_DATES:
            return dates
        frame = dates.to_frame("d")
        return frame.select(pl.when(~no_date(pl.col("d"))).then("d").alias(column.name)).to_series()
    reader = _READERS.get(column.cell_type)
    if reader is not None:
        return reader(text)
    return _code(text, column)


def said(text: pl.Series, column: Column, run_date: date) -> pl.Series:
    """Stripped texts in one way of writing, alike where they say the same; what cannot be read as it is."""
    if column.cell_type == "text":
        return text.str.replace_all(r"[^\p{L}\p{N}]", "") if column.name in _PUNCTUATED else text
    values = typed_text(text, column, run_date).cast(pl.String)
    return pl.select(pl.coalesce(values, text).alias(text.name)).to_series()


def readable(text: pl.Series, column: Column, run_date: date) -> pl.Series | None:
    """Whether stripped texts are what a column holds: dates, times, numbers, the ten digits of an NPI.

    Null for blank; None for a column that may hold any text.
    """
    if column.name.endswith("_npi"):
        return text.str.contains("^[0-9]{10}$")
    if column.cell_type == "date":
        values = read_dates(text, latest=run_date if column.name in BIRTH_DATES else None)
    elif column.cell_type in _READERS:
        values = _READERS[column.cell_type](text)
    else:
        return None
    return pl.select(pl.when(text.is_not_null()).then(values.is_not_null())).to_series()


_READERS: Mapping[str, Callable[[pl.Series], pl.Series]] = {
    "time": read_times,
    "integer": read_integers,
    "decimal": read_amounts,
    "money": read_amounts,
}


def _code(text: pl.Series, column: Column) -> pl.Series:
    if column.cell_type == "text" and not column.value_aliases:
        return text
    if column.name.endswith("_npi"):  # digits, or reported as wrong
        return text
    upper = text.str.to_uppercase()
    if column.name in _DIAGNOSES:
        return upper.str.replace_all(r"[. ]", "")
    if column.value_aliases:
        aliases = dict(column.value_aliases)
        return upper.to_frame().select(pl.all().replace(list(aliases), list(aliases.values()))).to_series()
    return upper
