"""Rows for a target of which nobody can say whose they are: in the columns and types of plain ones.

Claims are known by pseudonyms, which stay the same from job to job, so that later versions still replace
earlier ones. Dates are shifted by patient; what has dates and no patient has them not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from claimsctl.claim import BY_NAME, PRICE_COLUMNS
from claimsctl.score.risk import RISK
from claimsctl.security.deidentify import AGE, PATIENT, kind_of
from claimsctl.store.patients import patient_keys

if TYPE_CHECKING:
    from claimsctl.security.keys import Keys
    from claimsctl.security.policy import Treatment

_OURS: Final = ("claim_id", "line_number_in_claim", "row_number")
_SAID: Final = ("input", "value", "message", "suggestion")
_WHEN: Final = ("asked_at", "processed_date", "paid_date", "check_number", "note")


def lines_without_persons(lines: pl.DataFrame, treatment: Treatment, keys: Keys) -> pl.DataFrame:
    """Accepted lines for an outbox, de-identified; `patient_id` is the pseudonym of the patient."""
    typed = lines.select(
        name for name in lines.columns if name in BY_NAME or name in PRICE_COLUMNS or name in RISK
    )
    practice = pl.lit(treatment.practice).alias("practice_id")
    people = patient_keys(lines.with_columns(practice), keys)
    made = treatment.lines(typed, people)
    made = made.with_columns(pl.col(PATIENT).alias("patient_id")).drop(PATIENT, AGE)
    return made.with_columns(lines[name] for name in _OURS)


def findings_without_persons(findings: pl.DataFrame, treatment: Treatment) -> pl.DataFrame:
    """Described findings without what quotes a value; the claim is its pseudonym."""
    blank = [pl.lit(None, pl.String).alias(name) for name in _SAID if name in findings.columns]
    return rows_without_persons(findings.with_columns(blank), treatment)


def rows_without_persons(rows: pl.DataFrame, treatment: Treatment) -> pl.DataFrame:
    """Rows of other tables on claims: numbers as pseudonyms, without days, of a change its year."""
    assert treatment.deidentifier is not None
    practices = pl.repeat(treatment.practice, rows.height, dtype=pl.String, eager=True)
    numbers = [
        treatment.deidentifier.numbers(rows[name], kind, practices)
        for name in rows.columns
        if (kind := kind_of(name)) is not None
    ]
    kept = rows.with_columns(numbers).drop(_WHEN, strict=False)
    if "changed_at" in kept.columns:
        kept = kept.with_columns(pl.col("changed_at").dt.truncate("1y"))
    return kept
