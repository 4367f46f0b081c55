"""Claims that replacements and voids name: whether earlier runs hold them, and whether they fit.

A replacement (frequency code 7) or void (8) carries the payer's number of the claim it is about; some
systems write their own number of it. A void repeats what it takes back.
Source: NUBC and NUCC definitions of the claim frequency codes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import polars as pl

FOUND, MISSING = "found", "missing"
TYPES: Final = {"original_claim": "text", "original_line": "boolean"}
"""Facts of a line whose claim names another one; null elsewhere, and where nothing can be known.

`original_claim`: "found" in earlier runs, or "missing": they hold claims of the patient with payers'
numbers, and not this one. `original_line`: the found claim has the line's code, date and charge.
"""
NEEDED: Final = (
    "same_patient", "frequency_code", "bill_type_code", "original_claim_number", "procedure_code",
    "service_date_from", "charge_amount",
)  # fmt: skip
NUMBERS: Final = ("payer_claim_number", "claim_number")
"""Where the number of a claim may stand."""
COLUMNS: Final = ("original_patient", "original_key", "original_line_key")
"""What `lines` gives."""
LINE: Final = ("procedure_code", "service_date_from", "charge_amount")


def number(name: str) -> pl.Expr:
    """A claim number as it is compared: payers and systems write it with and without hyphens."""
    bare = pl.col(name).str.to_uppercase().str.replace_all(r"[^0-9A-Z]", "")
    return pl.when(bare != "").then(bare)


def frequency() -> pl.Expr:
    """The frequency code, or the last place of the bill type."""
    return pl.coalesce("frequency_code", pl.col("bill_type_code").str.tail(1))


def replaces() -> pl.Expr:
    """True on lines of replacements and voids; never null."""
    return frequency().is_in(["7", "8"]).fill_null(False)


def lines(frame: pl.DataFrame) -> pl.DataFrame:
    """Row-aligned keys of what the lines of replacements and voids name; null on other lines."""
    named = frame.with_columns(pl.when(replaces()).then(number("original_claim_number")).alias("number"))
    known = pl.col("same_patient").is_not_null() & pl.col("number").is_not_null()
    return named.select(
        pl.when(known).then(expr).alias(name)
        for expr, name in zip((pl.col("same_patient"), _key(), _line_key()), COLUMNS, strict=True)
    )


@dataclass(frozen=True)
class Originals:
    """What earlier runs hold: patients with payers' claim numbers, claims and lines by key."""

    patients: pl.Series = field(default_factory=lambda: pl.Series(dtype=pl.UInt64))
    claims: pl.Series = field(default_factory=lambda: pl.Series(dtype=pl.UInt64))
    lines: pl.Series = field(default_factory=lambda: pl.Series(dtype=pl.UInt64))

    @staticmethod
    def of(earlier: pl.DataFrame) -> Originals:
        """From lines of earlier runs: same_patient, claim_number, payer_claim_number, code, date, charge."""
        numbers = [earlier.select("same_patient", *LINE, number(name).alias("number")) for name in NUMBERS]
        numbered = pl.concat(numbers).drop_nulls(["same_patient", "number"])
        patients = numbers[0].drop_nulls("number")["same_patient"].drop_nulls().unique()
        keys = numbered.select(_key().alias("claim"), _line_key().alias("line"))
        return Originals(patients, keys["claim"].unique(), keys["line"].unique())

    def told(self, keys: pl.LazyFrame) -> pl.LazyFrame:
        """The facts as columns aligned with `keys`, which has COLUMNS."""
        patient, claim, line = (pl.col(name) for name in COLUMNS)
        found = claim.is_in(self.claims.implode())
        return keys.select(COLUMNS).select(
            pl.when(found).then(pl.lit(FOUND))
            .when(patient.is_in(self.patients.implode())).then(pl.lit(MISSING)).alias("original_claim"),
            pl.when(found).then(line.is_in(self.lines.implode())).alias("original_line"),
        )  # fmt: skip


def _key() -> pl.Expr:
    return pl.struct("same_patient", "number").hash(seed=13)


def _line_key() -> pl.Expr:
    return pl.struct("same_patient", "number", *LINE).hash(seed=17)
