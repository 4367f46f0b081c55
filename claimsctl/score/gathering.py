"""From the lines of a claim to one row: sums and first values that can be put together part by part.

A claim's lines may stand anywhere in an input. So each part is gathered by itself, and what several parts
say of a claim is put together afterwards; the answer is that of all lines at once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final, Literal

import polars as pl

from claimsctl.score.own import own_type

Together = Literal["first", "sum", "max", "min"]

CATEGORIES: Final = (
    "authorization", "claim_structure", "coordination_of_benefits", "dates", "diagnosis", "duplicate",
    "financial", "modifier", "ncci_mue", "patient", "payer", "place_of_service", "procedure", "provider",
    "telehealth", "timely_filing",
)  # fmt: skip
"""Categories of rules whose findings are features of their own; of the others only the number counts."""

_MODIFIERS: Final = tuple(f"modifier_{n}" for n in range(1, 5))
_FIRST: Final[Mapping[str, pl.DataType | type[pl.DataType]]] = {
    "patient_age": pl.Int64, "patient_sex": pl.String, "relationship_code": pl.String,
    "patient_state": pl.String, "received_date": pl.Date, "frequency_code": pl.String,
    "payer_sequence": pl.String, "payer_key": pl.String, "payer_id": pl.String, "payer_type": pl.String,
    "claim_filing_code": pl.String, "is_professional": pl.Boolean, "place_of_service": pl.String,
    "same_provider": pl.String, "billing_npi": pl.String, "rendering_taxonomy": pl.String,
    "billing_taxonomy": pl.String, "prior_auth_number": pl.String, "referral_number": pl.String,
    "related_cause_code": pl.String, "procedure_code": pl.String, "diagnosis_1": pl.String,
    "diagnosis_2": pl.String, "diagnosis_count": pl.Int64, "modifier_1": pl.String,
}  # fmt: skip
_OTHERS: Final[Mapping[str, pl.DataType | type[pl.DataType]]] = {
    "claim_id": pl.UInt64, "service_date_from": pl.Date, "last_service_date": pl.Date,
    "charge_amount": pl.Decimal(18, 4), "copay_amount": pl.Decimal(18, 4),
    "patient_paid_amount": pl.Decimal(18, 4), "expected_allowed_amount": pl.Decimal(18, 4),
    "units": pl.Decimal(18, 4), "modifier_2": pl.String, "modifier_3": pl.String, "modifier_4": pl.String,
}  # fmt: skip
NEEDED: Final[Mapping[str, pl.DataType | type[pl.DataType]]] = {**_OTHERS, **_FIRST}
"""Columns and facts of a line that features are made of, as they stand in a typed frame; those that a
frame lacks are null."""

_TELEHEALTH: Final = ("95", "GT", "GQ", "93", "FQ")
_DISTINCT: Final = ("59", "XE", "XS", "XP", "XU")


def _money(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.Float64)


def _has(codes: Collection[str]) -> pl.Expr:
    return pl.any_horizontal(pl.col(m).is_in(list(codes)) for m in _MODIFIERS).fill_null(False)


_EXPECTED: Final = _money("expected_allowed_amount")
_SUMMED: Final[Mapping[str, pl.Expr]] = {
    "charge": _money("charge_amount"),
    "copay": _money("copay_amount"),
    "patient_paid": _money("patient_paid_amount"),
    "expected": _EXPECTED,
    "charge_priced": pl.when(_EXPECTED.is_not_null()).then(_money("charge_amount")),
    "unit_count": _money("units"),
}
_LARGEST: Final[Mapping[str, pl.Expr]] = {
    "dearest": _money("charge_amount"),
    "last_day": pl.col("last_service_date"),
    "modifiers": pl.sum_horizontal(pl.col(m).is_not_null().cast(pl.Int32) for m in _MODIFIERS),
    "modifier_25": _has(["25"]),
    "modifier_distinct": _has(_DISTINCT),
    "modifier_telehealth": _has(_TELEHEALTH),
    "modifier_liability": _has(["GA", "GX", "GY", "GZ"]),
    "modifier_repeat": _has(["76", "77", "91"]),
}
_FOUND: Final = ("errors", "warnings", "infos", *(f"found_{category}" for category in CATEGORIES))

TOGETHER: Final[Mapping[str, Together]] = {
    **dict.fromkeys(_FIRST, "first"),
    **dict.fromkeys(_SUMMED, "sum"),
    **dict.fromkeys((f"known_{name}" for name in _SUMMED), "max"),
    **dict.fromkeys(_LARGEST, "max"),
    "first_day": "min",
    "lines": "sum",
    **dict.fromkeys(_FOUND, "sum"),
}
"""Columns of a gathered claim, and how what two parts say becomes one."""


def gather(
    lines: pl.DataFrame, findings: pl.DataFrame | None = None, own: Mapping[str, str] | None = None
) -> pl.DataFrame:
    """One row per claim of a part: claim_id, the columns of TOGETHER, and those of the house's `own` (name
    -> kind), of which the first value counts.

    `lines` has claim_id and what it has of NEEDED, in file order. `findings` has claim_id, severity and
    category, one row per finding; without it, nothing was found.
    """
    first = {**_FIRST, **{name: own_type(kind) for name, kind in (own or {}).items()}}
    claims = (
        lines.lazy()
        .select(
            pl.col(name) if name in lines.columns else pl.lit(None, kind).alias(name)
            for name, kind in {**_OTHERS, **first}.items()
        )
        .with_columns(expr.alias(name) for name, expr in {**_SUMMED, **_LARGEST}.items())
        .group_by("claim_id", maintain_order=True)
        .agg(
            *(pl.col(name).first(ignore_nulls=True) for name in first),
            *(pl.col(name).sum() for name in _SUMMED),
            *(pl.col(name).is_not_null().any().alias(f"known_{name}") for name in _SUMMED),
            *(pl.col(name).max() for name in _LARGEST),
            pl.col("service_date_from").min().alias("first_day"),
            pl.len().cast(pl.Int64).alias("lines"),
        )
        .collect(engine="in-memory")
    )
    return _with_findings(claims, findings)


def _with_findings(claims: pl.DataFrame, findings: pl.DataFrame | None) -> pl.DataFrame:
    none = [pl.lit(0, pl.Int64).alias(name) for name in _FOUND]
    if findings is None or not findings.height:
        return claims.with_columns(none)
    counted = findings.group_by("claim_id").agg(
        *(
            (pl.col("severity") == severity).sum().cast(pl.Int64).alias(name)
            for severity, name in (("error", "errors"), ("warning", "warnings"), ("info", "infos"))
        ),
        *(
            ((pl.col("category") == category) & (pl.col("severity") != "info"))
            .sum()
            .cast(pl.Int64)
            .alias(f"found_{category}")
            for category in CATEGORIES
        ),
    )
    joined = claims.join(counted, on="claim_id", how="left", maintain_order="left")
    return joined.with_columns(pl.col(name).fill_null(0) for name in _FOUND)


def put_together(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """What `gather` gave for several parts, in file order, as one row per claim."""
    gathered = pl.concat(parts)
    if gathered["claim_id"].n_unique() == gathered.height:
        return gathered
    return gathered.group_by("claim_id", maintain_order=True).agg(
        _one(name, TOGETHER.get(name, "first")) for name in gathered.columns if name != "claim_id"
    )


def _one(name: str, together: Together) -> pl.Expr:
    column = pl.col(name)
    if together == "first":
        return column.first(ignore_nulls=True)
    if together == "sum":
        return column.sum()
    return column.max() if together == "max" else column.min()
