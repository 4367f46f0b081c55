"""What a model must not see: columns that only the payer's answer fills, found by name and by test."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import polars as pl

from claimsctl.models.metrics import auc

TOO_GOOD: Final = 0.95
"""A feature that alone ranks claims so well (AUC) knows the answer."""
SUSPECT: Final = 0.85
_FOLDS: Final = 5

_ADJUDICATED: Final = re.compile(
    r"denial|denied|deny|paid|payment_(date|amount|status)|allowed|adjust|carc|rarc|remark|remit|835|eob|"
    r"adjudicat|appeal|write_?off|recoup|claim_status|payer_status|outcome|result|resolution|processed|"
    r"check_(number|date)|eft|coinsurance|deductible|patient_resp|probab|predict|risk_score|label|target|"
    r"(^|_)split($|_)|reason_code|resubmi"
)
_KNOWN_BEFORE: Final = re.compile(r"^(x_)?(patient_paid|copay|expected_payment|.*_denial_rate)")
ADJUDICATED: Final = frozenset((
    "allowed_amount", "paid_amount", "coinsurance_amount", "deductible_amount", "adjustment_group_code",
    "adjustment_reason_code", "adjustment_amount", "patient_responsibility_amount", "payer_claim_number",
))  # fmt: skip
"""Columns of claims that a payer fills; no feature is made of them."""


def known_only_afterwards(name: str) -> bool:
    """Whether a column, by its name, is filled when the payer has decided."""
    folded = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_").removeprefix("x_")
    if folded in ADJUDICATED:
        return True
    return _ADJUDICATED.search(folded) is not None and _KNOWN_BEFORE.search(folded) is None


def too_good(features: pl.DataFrame, kinds: Mapping[str, str], denied: pl.Series) -> dict[str, float]:
    """How well each feature alone ranks the claims (AUC, 0.5 to 1), of those that are SUSPECT or worse.

    A category ranks by its share denied among other claims; that a value is missing counts as well.
    """
    labels = denied.to_numpy().astype(np.bool_)
    found = {}
    for name, kind in kinds.items():
        score = max(_alone(features[name], kind, denied, labels), _missing(features[name], labels))
        if score >= SUSPECT:
            found[name] = round(score, 4)
    return found


def _alone(values: pl.Series, kind: str, denied: pl.Series, labels: np.ndarray[Any, Any]) -> float:
    if kind == "category":
        found = auc(_held_rates(values, denied), labels)
        return 0.5 if found is None else found
    ranks = values.cast(pl.Float64)
    if not ranks.drop_nulls().len():
        return 0.5
    ranks = ranks.fill_null(ranks.median())
    found = auc(ranks.to_numpy().astype(np.float64), labels)
    return 0.5 if found is None else max(found, 1 - found)


def _held_rates(values: pl.Series, denied: pl.Series) -> np.ndarray[Any, Any]:
    """Per claim the share denied of its level among claims of other folds: its own outcome is not in it."""
    fold = pl.int_range(pl.len()) % _FOLDS
    frame = pl.DataFrame({"v": values, "y": denied.cast(pl.Float64)}).with_columns(fold.alias("fold"))
    sums = pl.col("y").sum().over("v") - pl.col("y").sum().over("v", "fold")
    claims = pl.len().over("v") - pl.len().over("v", "fold")
    mean = float(denied.cast(pl.Float64).mean() or 0.0)  # type: ignore[arg-type]
    return frame.select((sums + mean) / (claims + 1))[:, 0].to_numpy()


def _missing(values: pl.Series, labels: np.ndarray[Any, Any]) -> float:
    found = auc(values.is_null().cast(pl.Float64).to_numpy(), labels)
    return 0.5 if found is None else max(found, 1 - found)
