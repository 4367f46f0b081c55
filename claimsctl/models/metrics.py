"""How good a risk is: its ranking, its calibration, the top of the list; with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]
Bools = np.ndarray[Any, np.dtype[np.bool_]]

RESAMPLES: Final = 400
TOPS: Final = (0.05, 0.10)
BINS: Final = 10
_LEVEL: Final = 0.95


@dataclass(frozen=True)
class Judged:
    """Claims with their outcome: `risk` 0 to 1, whether `denied`, and the `dollars` at stake (0 or more)."""

    risk: Floats
    denied: Bools
    dollars: Floats


def measure(judged: Judged, seed: int = 0, resamples: int = RESAMPLES) -> dict[str, Any]:
    """auc, average_precision, brier, precision_top_5 and _10, dollars_top_5 and _10: value, low and high.

    The interval holds 95 % of the figure over `resamples` draws of the claims with repetition. A figure that
    cannot be had (claims of one outcome only) is None.
    """
    ranking = _Ranking(judged)
    size = len(judged.risk)
    values = ranking.figures(np.ones(size))
    rng = np.random.default_rng(seed)
    draws: dict[str, list[float]] = {name: [] for name in values}
    for _ in range(resamples if size else 0):
        weights = np.bincount(rng.integers(0, size, size), minlength=size).astype(np.float64)
        for name, value in ranking.figures(weights).items():
            if value is not None:
                draws[name].append(value)
    return {name: _interval(value, draws[name]) for name, value in values.items()}


def _interval(value: float | None, draws: list[float]) -> dict[str, float | None]:
    if value is None or not draws:
        return {"value": _rounded(value), "low": None, "high": None}
    tail = (1 - _LEVEL) / 2
    low, high = np.quantile(np.asarray(draws), [tail, 1 - tail])
    return {"value": _rounded(value), "low": _rounded(float(low)), "high": _rounded(float(high))}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)


class _Ranking:
    """Claims in the order of their risk, sorted once for all resamples."""

    def __init__(self, judged: Judged) -> None:
        order = np.argsort(-judged.risk, kind="stable")
        self._order = order
        self._risk = judged.risk[order]
        self._denied = judged.denied[order].astype(np.float64)
        self._dollars = judged.dollars[order]
        # Claims of equal risk stand at one place of the list.
        self._last = (
            np.flatnonzero(np.append(self._risk[1:] != self._risk[:-1], True)) if len(order) else order
        )

    def figures(self, weights: Floats) -> dict[str, float | None]:
        """The figures where claim n counts `weights[n]` times."""
        weights = weights[self._order]
        bad, all_ = weights * self._denied, weights.sum()
        found: dict[str, float | None] = dict(self._by_rank(weights, bad))
        found["brier"] = float((weights * (self._risk - self._denied) ** 2).sum() / all_) if all_ else None
        # Which of claims of equal risk come first is chance: they share what they hold.
        seen, lost = np.cumsum(weights), self._shared(weights, bad * self._dollars)
        bad = self._shared(weights, bad)
        for top in TOPS:
            # The last claim of the top counts in part, so that tops of any size compare.
            part = np.clip(top * all_ - (seen - weights), 0, weights)
            share = np.divide(part, weights, out=np.zeros_like(part), where=weights > 0)
            held = part.sum()
            name = f"{round(top * 100)}"
            found[f"precision_top_{name}"] = float((share * bad).sum() / held) if held else None
            found[f"dollars_top_{name}"] = (
                float((share * lost).sum() / lost.sum()) if lost.sum() > 0 else None
            )
        return found

    def _shared(self, weights: Floats, held: Floats) -> Floats:
        """What each claim holds when those of equal risk hold the same."""
        groups = np.zeros(len(weights), dtype=np.int64)
        groups[self._last[:-1] + 1] = 1
        groups = np.cumsum(groups)
        claims, sums = np.bincount(groups, weights), np.bincount(groups, held)
        each = np.divide(sums, claims, out=np.zeros(len(sums)), where=claims > 0)
        return np.asarray(weights * each[groups])

    def _by_rank(self, weights: Floats, bad: Floats) -> Mapping[str, float | None]:
        true, false = np.cumsum(bad)[self._last], np.cumsum(weights - bad)[self._last]
        if not len(true) or not true[-1] or not false[-1]:
            return {"auc": None, "average_precision": None}
        more_true, more_false = np.diff(true, prepend=0), np.diff(false, prepend=0)
        auc = (more_false * (true - more_true / 2)).sum() / (true[-1] * false[-1])
        taken = true + false
        precision = np.divide(true, taken, out=np.zeros_like(true), where=taken > 0)
        return {"auc": float(auc), "average_precision": float((more_true * precision).sum() / true[-1])}


def auc(risk: Floats, denied: Bools) -> float | None:
    """Chance that a denied claim stands above a paid one; None where claims are of one outcome."""
    judged = Judged(risk, denied, np.zeros(len(risk)))
    return _Ranking(judged).figures(np.ones(len(risk)))["auc"]


def calibration_table(risk: Floats, denied: Bools, bins: int = BINS) -> list[dict[str, float | int]]:
    """Claims in equal groups by risk: how many, the mean risk, the share denied."""
    groups = np.array_split(np.argsort(risk, kind="stable"), min(bins, max(len(risk), 1)))
    return [
        {
            "claims": len(rows),
            "risk": round(float(risk[rows].mean()), 4),
            "denied": round(float(denied[rows].mean()), 4),
        }
        for rows in groups
        if len(rows)
    ]


def share_interval(share: float, claims: int) -> tuple[float, float]:
    """95 % interval of a share of so many claims.

    Source: Wilson 1927, Probable inference.
    """
    spread = 1.96 * (share * (1 - share) / claims + 1.96**2 / (4 * claims**2)) ** 0.5
    middle, whole = share + 1.96**2 / (2 * claims), 1 + 1.96**2 / claims
    return max(0.0, (middle - spread) / whole), min(1.0, (middle + spread) / whole)


def error_by_chance(risk: Floats, seed: int = 0, draws: int = 40) -> float:
    """The calibration error that risks which are exactly right stay below in 95 of 100 tests of this size."""
    rng = np.random.default_rng(seed)
    found = [calibration_error(calibration_table(risk, rng.random(len(risk)) < risk)) for _ in range(draws)]
    return round(float(np.quantile(found, _LEVEL)), 4) if len(risk) else 0.0


def calibration_error(table: list[dict[str, float | int]]) -> float:
    """Mean distance of risk and share denied over the groups, by claims."""
    claims = sum(row["claims"] for row in table)
    return round(sum(row["claims"] * abs(row["risk"] - row["denied"]) for row in table) / max(claims, 1), 4)
