"""Risk models measured: prints JSON. Two jobs, each its own process:

python -m benchmarks.risk_models algorithms 20000
python -m benchmarks.risk_models boosting FILE LABEL [DAY [SPLIT]]

The first puts algorithms side by side, on invented claims, with their speed; the second the default beside a
gradient boosting that is tuned by hand, on labelled claims.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import polars as pl

from claimsctl.learning.labels import own_column, read_days, read_labels
from claimsctl.models.algorithms import ALGORITHMS, fit
from claimsctl.models.leaks import known_only_afterwards
from claimsctl.models.metrics import Judged, calibration_error, calibration_table, measure
from claimsctl.models.onnx import INPUT, OUTPUT, to_onnx
from claimsctl.models.training import Labelled, train
from claimsctl.score.encoding import encode

SCORED = 50_000
DRAWS = 1_000
GRID = list(product((0.03, 0.1), (3, 4, 8, 15), (10, 40), (40, 100)))
"""Learning rate, leaves, least claims of a leaf, trees: what somebody would try by hand."""


def invented(rows: int, seed: int = 0) -> Labelled:
    """Claims with pairs, curves and noise in what denies them, over 360 days."""
    rng = np.random.default_rng(seed)
    flags = {name: rng.random(rows) < p for name, p in (("needs_auth", 0.4), ("has_authorization", 0.6))}
    payer = rng.choice(["A", "B", "C", "D", "E", "F"], rows, p=[0.3, 0.2, 0.2, 0.1, 0.1, 0.1])
    place = rng.choice(["11", "02", "22", "10"], rows)
    numbers = {
        "charge": np.round(rng.gamma(2.0, 110.0, rows), 2),
        "days_to_file": rng.integers(0, 120, rows).astype(float),
        "patient_age": rng.integers(0, 95, rows).astype(float),
        "warnings": rng.poisson(0.5, rows).astype(float),
        "charge_ratio": rng.gamma(6.0, 0.3, rows),
        "provider_denial_rate": rng.beta(2, 16, rows),
    }
    odds = (
        -3.2 + 0.8 * (payer == "B") + 1.9 * (flags["needs_auth"] & ~flags["has_authorization"])
        + 0.03 * np.maximum(numbers["days_to_file"] - 60, 0) + 0.5 * numbers["warnings"]
        + 0.6 * np.maximum(numbers["charge_ratio"] - 2, 0) + 5 * numbers["provider_denial_rate"]
        + 0.7 * ((payer == "C") & (place == "02"))
    )  # fmt: skip
    denied = rng.random(rows) < 1 / (1 + np.exp(-odds))
    days = [date(2025, 1, 1) + timedelta(days=int(n)) for n in rng.integers(0, 360, rows)]
    features = pl.DataFrame(
        {
            "claim_id": pl.Series(range(rows), dtype=pl.UInt64), "payer": payer, "place_of_service": place,
            "x_needs_auth": flags["needs_auth"], "has_authorization": flags["has_authorization"], **numbers,
        }
    )  # fmt: skip
    kinds = {"payer": "category", "place_of_service": "category", "x_needs_auth": "flag"}
    kinds |= {"has_authorization": "flag", **dict.fromkeys(numbers, "number")}
    return Labelled(
        features, kinds, pl.Series(denied), pl.Series(days), pl.Series(numbers["charge"]), "0" * 64
    )


def algorithms(rows: int) -> list[dict[str, Any]]:
    """Each algorithm: seconds to train, figures on later claims, seconds to score many in three ways."""
    import onnxruntime

    claims, many = invented(rows), invented(SCORED, seed=1).features
    found = []
    for name in ALGORITHMS:
        started = time.perf_counter()
        trained = train(name, claims, name)
        seconds = time.perf_counter() - started
        test = trained.split.test
        risk = trained.model.risks(claims.features[test])
        denied = claims.denied.gather(test).to_numpy()
        figures = measure(Judged(risk, denied, claims.dollars.gather(test).to_numpy()))
        matrix = encode(claims.features[trained.split.train], trained.model.columns)
        _, sklearn = fit(
            name, trained.settings, matrix, claims.denied.gather(trained.split.train).to_numpy(), 0
        )
        wide = encode(many, trained.model.columns)
        session = onnxruntime.InferenceSession(to_onnx(trained.model), providers=["CPUExecutionProvider"])
        floats = wide.astype(np.float32)
        scores = getattr(sklearn, "predict_proba", None) or sklearn.decision_function
        found.append({
            "algorithm": name, "train_s": round(seconds, 1), "auc": figures["auc"], "brier": figures["brier"],
            "calibration_error": calibration_error(calibration_table(risk, denied)),
            "ours_s": _best(partial(trained.model.estimator.margins, wide)),
            "onnx_s": _best(partial(session.run, [OUTPUT], {INPUT: floats})),
            "sklearn_s": _best(partial(scores, wide)),
            "predict_s": _best(partial(trained.model.predict, many)),
        })  # fmt: skip
        print(name, file=sys.stderr)
    return found


def _best(work: Callable[[], object]) -> float:
    times = []
    for _ in range(3):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return round(min(times), 3)


def boosting(path: str, label: str, day: str | None, split_date: date | None) -> dict[str, Any]:
    """The default algorithm and a gradient boosting tuned by hand, on the same split of a labelled file.

    Every column that is known in time is used by both: categories as 0 and 1 there, numbers as they are.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    texts = pl.read_csv(path, infer_schema=False)
    own = {
        f"x_{name.lower()}": own_column(texts[name]) for name in texts.columns
        if name not in (label, day) and not known_only_afterwards(name)
    }  # fmt: skip
    used = {name: read for name, read in own.items() if not isinstance(read, str)}
    denied = read_labels(texts[label], label)
    days = pl.Series([None] * texts.height, dtype=pl.Date) if day is None else read_days(texts[day])
    features = pl.DataFrame(
        [
            pl.Series("claim_id", range(texts.height), dtype=pl.UInt64),
            *(read[0].alias(n) for n, read in used.items()),
        ]
    )
    kinds = {name: read[1] for name, read in used.items()}
    claims = Labelled(features, kinds, denied, days, pl.repeat(1.0, texts.height, eager=True), "0" * 64)
    trained = train("ours", claims, "logistic", split_date=split_date)
    learnt, test = trained.split.train, trained.split.test
    categories = [name for name, kind in kinds.items() if kind == "category"]
    matrix = features.drop("claim_id").to_dummies(categories).cast(pl.Float64).to_numpy()
    outcome = denied.to_numpy()
    ours, best = trained.model.risks(features[test]), (-1.0, GRID[0])
    for settings in GRID:
        scores = []
        for known, held in trained.split.folds():
            risk = _boosted(
                HistGradientBoostingClassifier, settings, matrix[known], outcome[known], matrix[held]
            )
            scores.append(_auc(risk, outcome[held]))
        best = max(best, (float(np.mean(scores)), settings))
    theirs = _boosted(HistGradientBoostingClassifier, best[1], matrix[learnt], outcome[learnt], matrix[test])
    tested = outcome[test]
    rng = np.random.default_rng(0)
    draws = [rng.integers(0, len(tested), len(tested)) for _ in range(DRAWS)]
    ahead = [_auc(ours[rows], tested[rows]) - _auc(theirs[rows], tested[rows]) for rows in draws]
    low, high = np.quantile(ahead, [0.025, 0.975])
    return {
        "train": len(learnt), "test": len(test), "denied": int(tested.sum()), "by": trained.split.by,
        "columns": len(kinds), "settings": best[1],
        **{
            name: {**measure(Judged(risk, tested, np.ones(len(test)))),
                   "calibration_error": calibration_error(calibration_table(risk, tested))}
            for name, risk in (("ours", ours), ("boosting", theirs))
        },
        "ahead": [round(float(each), 3) for each in (np.mean(ahead), low, high)],
    }  # fmt: skip


def _boosted(make: Any, settings: Any, known: Any, outcome: Any, asked: Any) -> Any:
    rate, leaves, least, trees = settings
    model = make(
        learning_rate=rate, max_leaf_nodes=leaves, min_samples_leaf=least, max_iter=trees,
        l2_regularization=1.0, early_stopping=False, random_state=0,
    )  # fmt: skip
    return model.fit(known, outcome).predict_proba(asked)[:, 1]


def _auc(risk: Any, denied: Any) -> float:
    from claimsctl.models.metrics import auc

    found = auc(risk, denied)
    return 0.5 if found is None else found


def main(arguments: list[str]) -> None:
    """Command line."""
    job, *rest = arguments
    if job == "algorithms":
        print(json.dumps(algorithms(int(rest[0]))))
        return
    path, label, *more = rest
    day = more[0] if more else None
    print(json.dumps(boosting(path, label, day, date.fromisoformat(more[1]) if len(more) > 1 else None)))


if __name__ == "__main__":
    main(sys.argv[1:])
