"""The algorithms one may choose: what scikit-learn fits, taken apart into plain arrays.

scikit-learn is imported here, where something is fitted, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from claimsctl.score.estimators import Estimator, Floats, Kernel, Linear, Network, Trees

Settings = Mapping[str, Any]
_MOST_ROWS: Final = 200_000
"""Machines and networks learn from the latest so many claims: more take hours and change little."""


@dataclass(frozen=True)
class Algorithm:
    """An algorithm: settings to choose from, and whether its columns are `shaped` (score.encoding)."""

    name: str
    words: str
    candidates: Sequence[Settings]
    shaped: bool = False


ALGORITHMS: Final = {
    each.name: each
    for each in (
        Algorithm(
            "logistic", "logistic regression over bent numbers and pairs of flags",
            [{"C": 0.01}, {"C": 0.03}, {"C": 0.1}, {"C": 0.3}, {"C": 0.03, "class_weight": "balanced"}],
            shaped=True,
        ),
        Algorithm(
            "random-forest", "random forest",
            [{"min_samples_leaf": 10}, {"min_samples_leaf": 30},
             {"min_samples_leaf": 30, "class_weight": "balanced"}],
        ),
        Algorithm(
            "gradient-boosting", "gradient boosting of trees over binned columns",
            [{"learning_rate": 0.1, "max_leaf_nodes": 4, "max_iter": 60},
             {"learning_rate": 0.05, "max_leaf_nodes": 8, "max_iter": 100},
             {"learning_rate": 0.05, "max_leaf_nodes": 15, "max_iter": 150},
             {"learning_rate": 0.1, "max_leaf_nodes": 4, "max_iter": 60, "class_weight": "balanced"}],
        ),
        Algorithm(
            "svm", "support vector machine with an approximated Gaussian kernel",
            [{"C": 0.01}, {"C": 0.1}, {"C": 0.01, "class_weight": "balanced"}],
        ),
        Algorithm("mlp", "neural network of two layers", [{"alpha": 0.1}, {"alpha": 3.0}]),
    )
}  # fmt: skip
DEFAULT: Final = "logistic"


def sklearn_estimator(algorithm: str, settings: Settings, columns: int, rows: int, seed: int) -> Any:
    """The estimator of scikit-learn, not yet fitted."""
    if algorithm == "logistic":
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(max_iter=1_000, **settings)
    if algorithm == "random-forest":
        from sklearn.ensemble import RandomForestClassifier

        return RandomForestClassifier(
            n_estimators=100, max_leaf_nodes=128, max_features="sqrt", random_state=seed, **settings
        )
    if algorithm == "gradient-boosting":
        from sklearn.ensemble import HistGradientBoostingClassifier

        return HistGradientBoostingClassifier(
            min_samples_leaf=40, l2_regularization=1.0, early_stopping=False, random_state=seed, **settings
        )
    if algorithm == "svm":
        from sklearn.kernel_approximation import Nystroem
        from sklearn.pipeline import make_pipeline
        from sklearn.svm import LinearSVC

        kernel = Nystroem(gamma=0.3 / max(columns, 1), n_components=min(150, rows), random_state=seed)
        return make_pipeline(kernel, LinearSVC(dual=False, max_iter=2_000, random_state=seed, **settings))
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier(
        hidden_layer_sizes=(32, 16), max_iter=40, batch_size=min(200, rows), random_state=seed, **settings
    )


def fit(
    algorithm: str, settings: Settings, matrix: Floats, denied: np.ndarray[Any, Any], seed: int
) -> tuple[Estimator, Any]:
    """The fitted estimator as arrays, and as scikit-learn has it. Rows are in the order of time."""
    if algorithm in ("svm", "mlp") and len(matrix) > _MOST_ROWS:
        matrix, denied = matrix[-_MOST_ROWS:], denied[-_MOST_ROWS:]
    fitted = sklearn_estimator(algorithm, settings, matrix.shape[1], len(matrix), seed)
    import warnings

    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        # A fit that is stopped early is measured like any other.
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted.fit(matrix, denied.astype(np.int64))
    return _taken_apart(algorithm, fitted), fitted


def _taken_apart(algorithm: str, fitted: Any) -> Estimator:
    if algorithm == "logistic":
        return Linear(_floats(fitted.coef_[0]), float(fitted.intercept_[0]))
    if algorithm == "random-forest":
        return _trees([_of_forest(tree.tree_) for tree in fitted.estimators_], 0.0, mean=True)
    if algorithm == "gradient-boosting":
        trees = [_of_boosting(trees[0].nodes) for trees in fitted._predictors]
        return _trees(trees, float(np.ravel(fitted._baseline_prediction)[0]), mean=False)
    if algorithm == "svm":
        kernel, machine = fitted[0], fitted[-1]
        return Kernel(
            _floats(kernel.components_), _floats(kernel.normalization_), float(kernel.gamma),
            _floats(machine.coef_[0]), float(machine.intercept_[0]),
        )  # fmt: skip
    return Network([_floats(each) for each in fitted.coefs_], [_floats(each) for each in fitted.intercepts_])


def _floats(values: Any) -> Floats:
    return np.ascontiguousarray(values, dtype=np.float64)


_Nodes = dict[str, np.ndarray[Any, Any]]


def _of_forest(tree: Any) -> _Nodes:
    leaf = tree.children_left < 0
    values = tree.value[:, 0, :]
    return {
        "leaf": leaf, "columns": tree.feature, "thresholds": tree.threshold, "left": tree.children_left,
        "right": tree.children_right, "values": values[:, 1] / values.sum(axis=1),
    }  # fmt: skip


def _of_boosting(nodes: Any) -> _Nodes:
    leaf = nodes["is_leaf"].astype(np.bool_)
    left, right = nodes["left"].astype(np.int64), nodes["right"].astype(np.int64)
    values, counts = nodes["value"].astype(np.float64).copy(), nodes["count"].astype(np.float64)
    # Children stand behind their parents; an inner node is worth what its leaves are on average.
    for n in range(len(nodes) - 1, -1, -1):
        if not leaf[n]:
            both = counts[left[n]] + counts[right[n]]
            values[n] = (values[left[n]] * counts[left[n]] + values[right[n]] * counts[right[n]]) / both
    return {
        "leaf": leaf, "columns": nodes["feature_idx"], "thresholds": nodes["num_threshold"], "left": left,
        "right": right, "values": values,
    }  # fmt: skip


def _trees(trees: Sequence[_Nodes], intercept: float, *, mean: bool) -> Trees:
    """The nodes of all trees one after the other; a leaf sends every row to itself."""
    sizes = [len(tree["leaf"]) for tree in trees]
    roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    parts: dict[str, list[np.ndarray[Any, Any]]] = {
        name: [] for name in ("columns", "thresholds", "left", "right", "values")
    }
    for root, tree in zip(roots, trees, strict=True):
        leaf, own = tree["leaf"], np.arange(len(tree["leaf"]))
        parts["columns"].append(np.where(leaf, 0, tree["columns"]).astype(np.int64))
        parts["thresholds"].append(np.where(leaf, 0.0, tree["thresholds"]).astype(np.float64))
        parts["left"].append((np.where(leaf, own, tree["left"]) + root).astype(np.int64))
        parts["right"].append((np.where(leaf, own, tree["right"]) + root).astype(np.int64))
        parts["values"].append(tree["values"].astype(np.float64))
    whole = {name: np.concatenate(arrays) for name, arrays in parts.items()}
    return Trees(roots, **whole, intercept=intercept, depth=max(map(_depth, trees)), mean=mean)


def _depth(tree: _Nodes) -> int:
    depth = np.zeros(len(tree["leaf"]), dtype=np.int64)
    for n in np.flatnonzero(~tree["leaf"]):
        depth[tree["left"][n]] = depth[tree["right"][n]] = depth[n] + 1
    return int(depth.max()) if len(depth) else 0
