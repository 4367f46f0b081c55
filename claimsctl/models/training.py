"""Training: settings chosen on later parts of the training time, calibrated there, measured on the test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import numpy as np
import polars as pl

from claimsctl.errors import InputError
from claimsctl.models.algorithms import ALGORITHMS, fit
from claimsctl.models.leaks import TOO_GOOD, too_good
from claimsctl.models.metrics import auc
from claimsctl.models.splitting import Split, split
from claimsctl.score.encoding import Column, encode, learn
from claimsctl.score.estimators import Estimator, Floats, logit, sigmoid
from claimsctl.score.trained import Calibration, TrainedModel

LEAST_CLAIMS: Final = 150
LEAST_EACH: Final = 20
"""Fewer claims, or fewer of an outcome, teach a model nothing that holds."""
_ISOTONIC: Final = (2_000, 200)
"""So many claims, so many denied, bear a calibration without a given form."""
_TUNED_ON: Final = 60_000


@dataclass(frozen=True)
class Labelled:
    """Claims whose outcome is known, a row each.

    `features` has claim_id and a column for each of `kinds` (number, category or flag). `day` is null where
    unknown. `dollars` is what a denial costs: the expected payment, else the charge. `sources` says where
    they come from, `digest` is a sha256 of their content, `notes` are for the user, `left_out` are columns
    that are not used, with the reason.
    """

    features: pl.DataFrame
    kinds: Mapping[str, str]
    denied: pl.Series
    day: pl.Series
    dollars: pl.Series
    digest: str
    sources: Sequence[str] = ()
    notes: Sequence[str] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Trained:
    """A model, how it was chosen, and the split it was trained and is measured on."""

    model: TrainedModel
    algorithm: str
    settings: Mapping[str, Any]
    tried: Sequence[Mapping[str, Any]]
    split: Split
    kinds: Mapping[str, str]
    left_out: Mapping[str, str]
    suspects: Mapping[str, float]
    notes: Sequence[str]


def train(
    name: str, labelled: Labelled, algorithm: str, *, split_date: date | None = None, seed: int = 0
) -> Trained:
    """A model of these claims; the same claims, algorithm and seed give the same model.

    Raises InputError where there are too few claims, or too few of an outcome, UsageError for a split date
    that leaves nothing on one side.
    """
    denied = labelled.denied.to_numpy().astype(np.bool_)
    _require_enough(len(denied), int(denied.sum()))
    parts = split(labelled.day, labelled.features["claim_id"], split_date, seed)
    train_denied = denied[parts.train]
    _require_enough(len(train_denied), int(train_denied.sum()), "before the split date ", least=100)
    learnt = labelled.features[parts.train]
    suspects = too_good(learnt, labelled.kinds, labelled.denied.gather(parts.train))
    left_out = dict(labelled.left_out)
    for feature, alone in suspects.items():
        if alone >= TOO_GOOD:
            left_out[feature] = f"ranks the claims by itself (AUC {alone:.2f}): it knows the answer"
    kinds = {name: kind for name, kind in labelled.kinds.items() if name not in left_out}
    chosen = ALGORITHMS[algorithm]
    columns = learn(learnt, kinds, shaped=chosen.shaped)
    if not columns:
        raise InputError(
            "No feature differs between the claims, so there is nothing to learn.",
            hint="Map headers to columns with --map, or use columns of your own with --also.",
        )
    matrix = encode(learnt, columns)
    order = np.empty(len(denied), dtype=np.int64)
    order[parts.train] = np.arange(len(parts.train))
    folds = [(order[a], order[b]) for a, b in parts.folds()]
    settings, tried, margins = _choose(algorithm, matrix, train_denied, folds, seed)
    estimator, _ = fit(algorithm, settings, matrix, train_denied, seed)
    calibration = _calibrate(margins, train_denied)
    model = TrainedModel(name, columns, estimator, calibration)
    notes = [*labelled.notes, *_notes(parts, denied)]
    return Trained(model, algorithm, settings, tried, parts, kinds, left_out, suspects, notes)


def _require_enough(claims: int, denied: int, where: str = "", least: int = LEAST_CLAIMS) -> None:
    if claims and denied in (0, claims):
        raise InputError(
            f"All {claims:,} claims {where}are {'denied' if denied else 'paid'}: a model needs both.",
            hint="Check the label column (--label) and the time that the file covers.",
        )
    few = min(denied, claims - denied)
    each = LEAST_EACH if least == LEAST_CLAIMS else LEAST_EACH // 2
    if claims < least or few < each:
        raise InputError(
            f"Of {claims:,} labelled claims {where}{denied:,} are denied: too few to train on. "
            f"A model needs {least} and {each} of each outcome.",
            hint="Collect more; without a model `process` scores by rules and points.",
        )


def _notes(parts: Split, denied: np.ndarray[Any, Any]) -> list[str]:
    notes = []
    if parts.by == "random":
        notes.append(
            "No claim has a date, so the test was drawn by chance: it does not say how the model does on"
            " later claims. If a column says the day or month of a claim, name it with --date."
        )
    tested = denied[parts.test]
    if min(int(tested.sum()), int((~tested).sum())) < LEAST_EACH:
        notes.append(
            f"The test has {int(tested.sum())} denied of {len(tested)} claims: its figures say little."
        )
    return notes


def _choose(
    algorithm: str, matrix: Floats, denied: np.ndarray[Any, Any], folds: Sequence[Any], seed: int
) -> tuple[Mapping[str, Any], list[dict[str, Any]], Floats]:
    """The settings that rank held claims best, all that were tried, and the margins that the best ones gave
    (NaN on claims that no fold held)."""
    step = max(1, len(matrix) // _TUNED_ON)
    best: tuple[float, Mapping[str, Any], Floats] | None = None
    tried: list[dict[str, Any]] = []
    for settings in ALGORITHMS[algorithm].candidates:
        margins, scores = np.full(len(matrix), np.nan), []
        for known, held in folds:
            taken = known[::step]
            if denied[taken].all() or not denied[taken].any():
                continue
            estimator, _ = fit(algorithm, settings, matrix[taken], denied[taken], seed)
            margins[held] = estimator.margins(matrix[held])
            score = auc(margins[held], denied[held])
            if score is not None:
                scores.append(score)
        mean = float(np.mean(scores)) if scores else 0.5
        tried.append({**settings, "auc": round(mean, 4)})
        if best is None or mean > best[0] + 1e-6:
            best = (mean, settings, margins)
    assert best is not None
    return best[1], tried, best[2]


def _calibrate(margins: Floats, denied: np.ndarray[Any, Any]) -> Calibration:
    """From claims that were held while their margins were learnt."""
    known = np.isfinite(margins)
    margin, outcome = margins[known], denied[known].astype(np.float64)
    if not len(margin) or outcome.min() == outcome.max():
        return Calibration("platt", 0.0, float(logit(np.asarray([denied.mean()]))[0]))
    if len(margin) >= _ISOTONIC[0] and outcome.sum() >= _ISOTONIC[1]:
        from sklearn.isotonic import IsotonicRegression

        # No risk is 0 or 1: a group of claims of one outcome is not certain of it.
        fitted = IsotonicRegression(y_min=1 / len(margin), y_max=1 - 1 / len(margin), out_of_bounds="clip")
        fitted.fit(margin, outcome)
        at, risk = fitted.X_thresholds_.tolist(), fitted.y_thresholds_.tolist()
        return Calibration("isotonic", at=at, risk=risk)
    return platt(margin, outcome)


def platt(margin: Floats, outcome: Floats) -> Calibration:
    """A sigmoid of margins by Newton's method, towards targets that are not quite 0 and 1 (Platt 1999)."""
    many, few = outcome.sum(), len(outcome) - outcome.sum()
    target = np.where(outcome > 0, (many + 1) / (many + 2), 1 / (few + 2))
    centre, spread = margin.mean(), margin.std() or 1.0
    design = np.column_stack([(margin - centre) / spread, np.ones(len(margin))])
    weights = np.asarray([1.0, float(logit(np.asarray([outcome.mean()]))[0])])
    for _ in range(50):
        risk = sigmoid(design @ weights)
        hessian = (design * (risk * (1 - risk))[:, None]).T @ design + 1e-6 * np.eye(2)
        step = np.linalg.solve(hessian, design.T @ (risk - target))
        weights = weights - np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-10:
            break
    slope = float(max(weights[0], 0.0) / spread)
    return Calibration("platt", slope, float(weights[1] - max(weights[0], 0.0) / spread * centre))


__all__ = ["Column", "Estimator", "Labelled", "Trained", "platt", "train"]
