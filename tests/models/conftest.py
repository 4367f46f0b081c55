"""Models of invented claims, trained once with settings that take no time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest

from claimsctl.models import algorithms
from claimsctl.models.training import Trained, train
from tests.models.labelled import labelled

QUICK = {
    "logistic": {"C": 0.1},
    "random-forest": {"min_samples_leaf": 30},
    "gradient-boosting": {"learning_rate": 0.2, "max_leaf_nodes": 4, "max_iter": 10},
    "svm": {"C": 0.1},
    "mlp": {"alpha": 0.1},
}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    few = {name: replace(each, candidates=[QUICK[name]]) for name, each in algorithms.ALGORITHMS.items()}
    monkeypatch.setattr(algorithms, "ALGORITHMS", few)
    monkeypatch.setattr("claimsctl.models.training.ALGORITHMS", few)


@cache
def _trained(algorithm: str) -> Trained:
    return train(f"of-{algorithm}", labelled(), algorithm)


@pytest.fixture
def trained(_quick: None) -> Callable[[str], Trained]:
    """The model of an algorithm."""
    return _trained
