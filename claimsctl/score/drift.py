"""Whether claims are still like those a model was trained on: population stability.

The index sums (now - then) * log(now / then) over the shares of groups. Below 0.1 nothing moved, from 0.25 on
the claims are others. Source: Siddiqi 2006, Credit Risk Scorecards.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import log
from typing import Any, Final

import numpy as np
import polars as pl

MOVED: Final = 0.1
OTHER: Final = 0.25
RISK: Final = "denial_risk"
_BINS: Final = 10
_LEAST: Final = 1e-3


def reference_of(features: pl.DataFrame, kinds: Mapping[str, str], risks: pl.Series) -> dict[str, Any]:
    """Shares of groups, by feature and of the risk: `edges` of numbers or `levels` of categories, `shares`
    (the last one is of nulls).
    """
    found = {name: _reference(features[name], kind) for name, kind in kinds.items()}
    found[RISK] = _reference(risks, "number")
    return found


def _reference(values: pl.Series, kind: str) -> dict[str, Any]:
    if kind == "category":
        counted = values.drop_nulls().value_counts(sort=True).head(_BINS * 2)
        levels = sorted(counted.get_column(values.name).to_list())
        entry: dict[str, Any] = {"levels": levels}
    else:
        known = values.cast(pl.Float64).drop_nulls().drop_nans()
        cuts = [known.quantile(n / _BINS) for n in range(1, _BINS)] if len(known) else []
        entry = {"edges": sorted({float(cut) for cut in cuts if cut is not None})}
    return {**entry, "shares": _shares(values, entry)}


def _shares(values: pl.Series, entry: Mapping[str, Any]) -> list[float]:
    if "levels" in entry:
        levels = {level: n for n, level in enumerate(entry["levels"])}
        known = values.cast(pl.String).drop_nulls()
        groups = known.replace_strict(
            list(levels), list(levels.values()), default=len(levels), return_dtype=pl.Int64
        ).to_numpy() if levels else np.zeros(len(known), dtype=np.int64)  # fmt: skip
        size = len(levels) + 1
    else:
        numbers = values.cast(pl.Float64).drop_nulls().drop_nans().to_numpy()
        groups = np.searchsorted(np.asarray(entry["edges"]), numbers, side="left")
        size = len(entry["edges"]) + 1
    counts = np.append(np.bincount(groups, minlength=size), len(values) - len(groups))
    return [round(float(share), 6) for share in counts / max(len(values), 1)]


def stability(reference: Mapping[str, Any], features: pl.DataFrame, risks: pl.Series) -> dict[str, float]:
    """The index of every feature of the reference that is there, and of the risk; 0 is no change."""
    found = {}
    for name, entry in reference.items():
        values = risks if name == RISK else features[name] if name in features.columns else None
        if values is not None and len(values):
            then, now = entry["shares"], _shares(values, entry)
            found[name] = round(sum(_moved(a, b) for a, b in zip(then, now, strict=True)), 4)
    return found


def _moved(then: float, now: float) -> float:
    a, b = max(then, _LEAST), max(now, _LEAST)
    return (b - a) * log(b / a)
