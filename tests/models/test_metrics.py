"""Figures of a risk, against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from claimsctl.models.metrics import (
    Judged,
    auc,
    calibration_error,
    calibration_table,
    error_by_chance,
    measure,
    share_interval,
)


def judged(rows: int = 300) -> Judged:
    rng = np.random.default_rng(0)
    risk = np.round(rng.random(rows), 1)  # many ties
    return Judged(risk, rng.random(rows) < risk, rng.random(rows) * 100)


def test_ranking_is_what_scikit_learn_says() -> None:
    from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

    claims = judged()
    found = measure(claims, resamples=20)
    for name, theirs in (
        ("auc", roc_auc_score), ("average_precision", average_precision_score), ("brier", brier_score_loss),
    ):  # fmt: skip
        assert found[name]["value"] == pytest.approx(theirs(claims.denied, claims.risk), abs=1e-4)
        assert found[name]["low"] <= found[name]["value"] <= found[name]["high"]


def test_the_top_of_the_list() -> None:
    risk = np.linspace(1, 0, 20)
    denied = np.zeros(20, dtype=bool)
    denied[[0, 2, 19]] = True
    dollars = np.full(20, 10.0)
    dollars[2] = 80
    found = measure(Judged(risk, denied, dollars), resamples=5)
    assert found["precision_top_5"]["value"] == 1  # the first of 20
    assert found["dollars_top_5"]["value"] == 0.1
    assert found["precision_top_10"]["value"] == 0.5


def test_claims_of_equal_risk_share_the_top() -> None:
    denied = np.array([True, True, False, False])
    found = measure(Judged(np.full(4, 0.3), denied, np.array([30.0, 10.0, 5.0, 5.0])), resamples=5)
    assert found["precision_top_10"]["value"] == 0.5
    assert found["dollars_top_10"]["value"] == 0.1


def test_claims_of_one_outcome_have_no_ranking() -> None:
    found = measure(Judged(np.array([0.2, 0.4]), np.array([False, False]), np.ones(2)), resamples=5)
    assert found["auc"] == {"value": None, "low": None, "high": None}
    assert found["dollars_top_5"]["value"] is None
    assert found["brier"]["value"] == 0.1
    assert auc(np.array([]), np.array([], dtype=bool)) is None


def test_how_far_off_risks_are_by_chance() -> None:
    few, many = (error_by_chance(np.full(rows, 0.3), draws=20) for rows in (50, 5_000))
    assert 0 < many < 0.05 < few
    assert error_by_chance(np.array([])) == 0


def test_calibration_in_groups_by_risk() -> None:
    risk, denied = np.array([0.1, 0.1, 0.9, 0.9]), np.array([False, False, True, False])
    table = calibration_table(risk, denied, bins=2)
    assert table == [
        {"claims": 2, "risk": 0.1, "denied": 0.0},
        {"claims": 2, "risk": 0.9, "denied": 0.5},
    ]
    assert calibration_error(table) == 0.25
    assert calibration_table(np.array([]), np.array([], dtype=bool)) == []


@pytest.mark.parametrize(
    ("share", "claims", "low", "high"),
    [(0.0, 10, 0.0, 0.2775), (0.5, 10, 0.2366, 0.7634), (1.0, 40, 0.9124, 1.0)],
)
def test_the_interval_of_a_share(share: float, claims: int, low: float, high: float) -> None:
    """Published values of Wilson's interval without a correction."""
    assert share_interval(share, claims) == pytest.approx((low, high), abs=1e-4)
