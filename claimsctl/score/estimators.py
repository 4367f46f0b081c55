"""Trained estimators as plain arrays: each gives the log odds of denial, and what every column adds.

They are scored with NumPy alone: nothing is unpickled, and scikit-learn is not loaded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]

_BLOCK: Final = 8_192
_LEAST: Final = 1e-6


class Estimator(Protocol):
    """Log odds from a matrix of encoded columns."""

    def margins(self, matrix: Floats) -> Floats:
        """One number per row; the larger, the likelier a denial."""

    def contributions(self, matrix: Floats, groups: Ints, count: int) -> Floats:
        """Per row and group of columns (numbered 0 to `count`), what they add to the margin."""

    def judged(self, matrix: Floats, groups: Ints, count: int) -> tuple[Floats, Floats]:
        """Margins and contributions, where both are wanted."""


def logit(risk: Floats) -> Floats:
    """Log odds of probabilities."""
    inside = np.clip(risk, _LEAST, 1 - _LEAST)
    return np.asarray(np.log(inside / (1 - inside)))


def sigmoid(margin: Floats) -> Floats:
    """Probabilities of log odds."""
    return np.asarray(1 / (1 + np.exp(-np.clip(margin, -40, 40))))


class _Apart:
    """An estimator whose contributions are found without its margins."""

    def judged(self: Estimator, matrix: Floats, groups: Ints, count: int) -> tuple[Floats, Floats]:
        """Margins and contributions, one after the other."""
        return self.margins(matrix), self.contributions(matrix, groups, count)


@dataclass(frozen=True)
class Linear(_Apart):
    """A weighted sum of the columns."""

    weights: Floats
    intercept: float

    def margins(self, matrix: Floats) -> Floats:
        """The sum."""
        return np.asarray(matrix @ self.weights + self.intercept)

    def contributions(self, matrix: Floats, groups: Ints, count: int) -> Floats:
        """The terms of the sum, exactly."""
        spread = np.zeros((len(groups), count))
        spread[np.arange(len(groups)), groups] = self.weights
        return np.asarray(matrix @ spread)


class Occluded(_Apart):
    """Contributions of what cannot be taken apart: the margin less the one with typical columns instead."""

    def margins(self, matrix: Floats) -> Floats:
        """Of the subclass."""
        raise NotImplementedError

    def contributions(self, matrix: Floats, groups: Ints, count: int) -> Floats:
        """One pass for each group."""
        whole = self.margins(matrix)
        added = np.zeros((len(matrix), count))
        for group in range(count):
            typical = matrix.copy()
            typical[:, groups == group] = 0.0
            added[:, group] = whole - self.margins(typical)
        return added


@dataclass(frozen=True)
class Kernel(Occluded):
    """A support vector machine whose Gaussian kernel is approximated by landmarks (Nystroem).

    Source: Williams and Seeger 2001, Using the Nystroem method to speed up kernel machines.
    """

    landmarks: Floats
    normalisation: Floats
    gamma: float
    weights: Floats
    intercept: float

    def margins(self, matrix: Floats) -> Floats:
        """The decision function."""
        distances = (
            (matrix**2).sum(axis=1)[:, None]
            + (self.landmarks**2).sum(axis=1)[None, :]
            - 2 * matrix @ self.landmarks.T
        )
        near = np.exp(-self.gamma * np.maximum(distances, 0))
        return np.asarray(near @ (self.normalisation.T @ self.weights) + self.intercept)


@dataclass(frozen=True)
class Network(Occluded):
    """Layers of weighted sums, cut at zero between them."""

    weights: Sequence[Floats]
    biases: Sequence[Floats]

    def margins(self, matrix: Floats) -> Floats:
        """What the last layer gives."""
        layer = matrix
        for n, (weights, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            layer = layer @ weights + bias
            if n < len(self.weights) - 1:
                layer = np.maximum(layer, 0)
        return np.asarray(layer[:, 0])


@dataclass(frozen=True)
class Trees:
    """Decision trees whose values are added up. A node sends a row to the `left` where column `column` is at
    most `threshold`; a leaf has column -1 and is its own child. `depth` is that of the deepest tree.

    `mean`: the sum is a probability, averaged, not log odds.
    """

    roots: Ints
    columns: Ints
    thresholds: Floats
    left: Ints
    right: Ints
    values: Floats
    intercept: float
    depth: int
    mean: bool = False

    def margins(self, matrix: Floats) -> Floats:
        """The values of the leaves that a row comes to."""
        total = np.full(len(matrix), self.intercept)
        for start in range(0, len(matrix), _BLOCK):
            rows = matrix[start : start + _BLOCK]
            for root in self.roots:
                total[start : start + _BLOCK] += self.values[self._leaves(rows, int(root))]
        return logit(total / len(self.roots)) if self.mean else total

    def _leaves(self, rows: Floats, root: int) -> Ints:
        at = np.full(len(rows), root)
        going = np.arange(len(rows))  # rows that have come to no leaf yet
        for _ in range(self.depth):
            node = at[going]
            then = np.where(
                rows[going, self.columns[node]] <= self.thresholds[node], self.left[node], self.right[node]
            )
            at[going] = then
            going = going[self.left[then] != then]
            if not len(going):
                break
        return at

    def contributions(self, matrix: Floats, groups: Ints, count: int) -> Floats:
        """What the value changes by at every node, given to its column.

        Source: Saabas 2014, Interpreting random forests.
        """
        return self.judged(matrix, groups, count)[1]

    def judged(self, matrix: Floats, groups: Ints, count: int) -> tuple[Floats, Floats]:
        """Margins and contributions, on one way down each tree."""
        total = np.full(len(matrix), self.intercept)
        added = np.zeros((len(matrix), count))
        for start in range(0, len(matrix), _BLOCK):
            rows = matrix[start : start + _BLOCK]
            place, part = np.arange(len(rows)), added[start : start + _BLOCK]
            for root in self.roots:
                at, going = np.full(len(rows), root), place
                leaves = at.copy()
                for _ in range(self.depth):
                    column = self.columns[at]
                    goes_left = rows[going, column] <= self.thresholds[at]
                    then = np.where(goes_left, self.left[at], self.right[at])
                    part[going, groups[column]] += self.values[then] - self.values[at]
                    leaves[going] = then
                    inner = self.left[then] != then
                    at, going = then[inner], going[inner]
                    if not len(going):
                        break
                total[start : start + _BLOCK] += self.values[leaves]
        if not self.mean:
            return total, added
        return logit(total / len(self.roots)), added / len(self.roots)


def estimator_of(kind: str, arrays: Mapping[str, Floats], numbers: Mapping[str, Any]) -> Estimator:
    """The estimator that `arrays_of` took apart; KeyError or ValueError where something is lacking."""
    if kind == "linear":
        return Linear(arrays["weights"], float(numbers["intercept"]))
    if kind == "kernel":
        return Kernel(
            arrays["landmarks"], arrays["normalisation"], float(numbers["gamma"]), arrays["weights"],
            float(numbers["intercept"]),
        )  # fmt: skip
    if kind == "network":
        layers = range(int(numbers["layers"]))
        return Network([arrays[f"weights_{n}"] for n in layers], [arrays[f"biases_{n}"] for n in layers])
    if kind == "trees":
        whole = {name: arrays[name].astype(np.int64) for name in ("roots", "columns", "left", "right")}
        return Trees(
            whole["roots"], whole["columns"], arrays["thresholds"], whole["left"], whole["right"],
            arrays["values"], float(numbers["intercept"]), int(numbers["depth"]), bool(numbers["mean"]),
        )  # fmt: skip
    raise ValueError(f"no estimator is called {kind}")


def arrays_of(estimator: Estimator) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """An estimator as its kind, its arrays and its numbers."""
    if isinstance(estimator, Linear):
        return "linear", {"weights": estimator.weights}, {"intercept": estimator.intercept}
    if isinstance(estimator, Kernel):
        arrays = {n: getattr(estimator, n) for n in ("landmarks", "normalisation", "weights")}
        return "kernel", arrays, {"gamma": estimator.gamma, "intercept": estimator.intercept}
    if isinstance(estimator, Network):
        arrays = {f"weights_{n}": each for n, each in enumerate(estimator.weights)}
        arrays |= {f"biases_{n}": each for n, each in enumerate(estimator.biases)}
        return "network", arrays, {"layers": len(estimator.weights)}
    if isinstance(estimator, Trees):
        names = ("roots", "columns", "thresholds", "left", "right", "values")
        numbers = {"intercept": estimator.intercept, "depth": estimator.depth, "mean": estimator.mean}
        return "trees", {n: getattr(estimator, n) for n in names}, numbers
    raise TypeError(f"{type(estimator).__name__} has no arrays")
