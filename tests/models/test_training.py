"""Training: what is found, what is refused, and that the same claims give the same model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from claimsctl.errors import InputError, UsageError
from claimsctl.models.algorithms import ALGORITHMS, fit
from claimsctl.models.artefact import files_of
from claimsctl.models.leaks import known_only_afterwards, too_good
from claimsctl.models.metrics import auc
from claimsctl.models.splitting import split
from claimsctl.models.training import Labelled, Trained, train
from claimsctl.score.encoding import encode
from claimsctl.score.estimators import logit
from tests.models.conftest import QUICK
from tests.models.labelled import labelled


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_each_algorithm_finds_what_denies_claims(algorithm: str, trained: Callable[[str], Trained]) -> None:
    found, later = trained(algorithm), labelled(2_000, seed=9)
    risk = found.model.risks(later.features)
    denied = later.denied.to_numpy()
    score = auc(risk, denied)
    assert score is not None
    assert score > 0.7
    assert risk.min() >= 0
    assert risk.max() <= 1
    assert abs(risk.mean() - denied.mean()) < 0.08  # calibrated in the large


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_arrays_say_what_scikit_learn_says(algorithm: str, trained: Callable[[str], Trained]) -> None:
    model, claims = trained(algorithm).model, labelled()
    matrix = encode(claims.features, model.columns)
    ours, theirs = fit(algorithm, QUICK[algorithm], matrix, claims.denied.to_numpy(), 0)
    said = (
        theirs.decision_function(matrix)
        if hasattr(theirs, "decision_function")
        else logit(theirs.predict_proba(matrix)[:, 1])
    )
    assert np.allclose(ours.margins(matrix), said, atol=1e-6)


def test_the_same_claims_in_any_order_give_the_same_bytes() -> None:
    claims = labelled()
    order = np.random.default_rng(3).permutation(claims.features.height)
    mixed = replace(
        claims, features=claims.features[order], denied=claims.denied.gather(order),
        day=claims.day.gather(order), dollars=claims.dollars.gather(order),
    )  # fmt: skip
    one, two = (train("m", each, "logistic").model for each in (claims, mixed))
    assert files_of(one, {}) == files_of(two, {})


def test_later_claims_measure_what_earlier_ones_taught(trained: Callable[[str], Trained]) -> None:
    claims, parts = labelled(), trained("logistic").split
    assert parts.by == "time"
    assert parts.date is not None
    assert claims.day.gather(parts.train).max() < parts.date <= claims.day.gather(parts.test).min()
    for known, held in parts.folds():
        assert claims.day.gather(known).max() <= claims.day.gather(held).min()


def test_a_split_date_outside_of_the_claims_is_an_error() -> None:
    with pytest.raises(UsageError, match=r"No claim is on or after 2030-01-01.*between"):
        train("m", labelled(), "logistic", split_date=date(2030, 1, 1))
    with pytest.raises(UsageError, match="needs dates"):
        train("m", labelled(dated=False), "logistic", split_date=date(2026, 1, 1))


def test_claims_without_dates_are_split_by_chance_and_that_is_said() -> None:
    found = train("m", labelled(dated=False), "logistic")
    assert found.split.by == "random"
    assert any("drawn by chance" in note for note in found.notes)
    assert len(found.split.test) == 100


def test_claims_of_one_day_cannot_be_split() -> None:
    days = pl.Series([date(2026, 1, 1)] * 5)
    with pytest.raises(UsageError, match="All claims are of one day"):
        split(days, pl.Series(range(5)))


def test_a_day_is_never_parted() -> None:
    days = [date(2026, 1, 1)] * 2 + [date(2026, 1, 2)] * 8
    parts = split(pl.Series(days), pl.Series(range(10)))
    assert (len(parts.train), len(parts.test)) == (2, 8)


def part(rows: np.ndarray) -> Labelled:
    claims = labelled()
    return replace(
        claims, features=claims.features[rows], denied=claims.denied.gather(rows),
        day=claims.day.gather(rows), dollars=claims.dollars.gather(rows),
    )  # fmt: skip


def test_labels_of_one_class_are_an_error() -> None:
    paid = part(np.flatnonzero(~labelled().denied.to_numpy()))
    with pytest.raises(InputError, match="are paid: a model needs both"):
        train("m", paid, "logistic")


def test_thirty_rows_are_an_error_that_says_what_happens_without_a_model() -> None:
    with pytest.raises(InputError, match=r"Of 30 labelled claims.*too few.*rules and points"):
        train("m", part(np.arange(30)), "logistic")


def test_a_feature_that_knows_the_answer_is_left_out() -> None:
    claims = labelled()
    told = claims.features.with_columns(claims.denied.cast(pl.Float64).alias("x_told"))
    blank = told.with_columns(
        pl.when(claims.denied).then(pl.lit("why")).alias("x_reason")  # only denied claims have one
    )
    kinds = {**claims.kinds, "x_told": "number", "x_reason": "category"}
    found = train("m", replace(claims, features=blank, kinds=kinds), "logistic")
    assert found.left_out.keys() == {"x_told", "x_reason"}
    assert "knows the answer" in found.left_out["x_told"]
    assert not {"x_told", "x_reason"} & set(found.model.needed)


def test_a_category_that_says_nothing_or_all() -> None:
    denied = labelled().denied
    features = pl.DataFrame(
        {
            "x_code": ["same"] * len(denied),
            "x_told": denied.cast(pl.String),
            "x_number": pl.Series(range(len(denied))).cast(pl.String),
        }
    )
    assert too_good(features, dict.fromkeys(features.columns, "category"), denied) == {"x_told": 1.0}


@pytest.mark.parametrize(
    ("name", "afterwards"),
    [("denial_reason", True), ("Denial Probability (simulated)", True), ("PaidAmount", True), ("CARC", True),
     ("remit_date", True), ("x_check_number", True), ("allowed_amount", True), ("split", True),
     ("prior_auth_required", False), ("days_to_submit", False), ("expected_payment", False),
     ("patient_paid", False), ("payer_denial_rate", False), ("duplicate_claim", False)],
)  # fmt: skip
def test_columns_that_payers_fill_are_known_by_name(name: str, afterwards: bool) -> None:
    assert known_only_afterwards(name) is afterwards


def test_categories_that_were_never_seen_and_features_that_lack_do_not_stop_a_model(
    trained: Callable[[str], Trained],
) -> None:
    model, claims = trained("logistic").model, labelled(50, seed=4).features
    unseen = claims.with_columns(pl.lit("Z").alias("payer"))
    assert np.isfinite(model.risks(unseen)).all()
    assert np.isfinite(model.risks(claims.drop("payer", "charge"))).all()
    odd = claims.with_columns(pl.lit(float("nan")).alias("charge"), pl.lit(float("inf")).alias("warnings"))
    assert np.isfinite(model.risks(odd)).all()


def test_reasons_are_what_raised_the_risk(trained: Callable[[str], Trained]) -> None:
    bad = labelled().features.head(1).with_columns(
        pl.lit(4.0).alias("warnings"), pl.lit("B").alias("payer"), pl.lit(True).alias("has_authorization")
    )  # fmt: skip
    for algorithm in ALGORITHMS:
        told = trained(algorithm).model.predict(bad).row(0, named=True)
        assert told["reason_1"] in ("warnings", "payer"), algorithm
        if algorithm == "logistic":
            assert (told["reason_1"], told["reason_2"]) == ("warnings", "payer")
            assert told["weight_1"] >= told["weight_2"] > 0
            assert told["reason_3"] != "has_authorization"


def test_the_terms_of_a_weighted_sum_and_of_trees_add_up(trained: Callable[[str], Trained]) -> None:
    for algorithm in ("logistic", "gradient-boosting"):
        model, claims = trained(algorithm).model, labelled(100, seed=5).features
        matrix = encode(claims, model.columns)
        groups = np.zeros(len(model.columns), dtype=np.int64)
        added = model.estimator.contributions(matrix, groups, 1)[:, 0]
        rest = model.estimator.margins(matrix) - added
        assert np.allclose(rest, rest[0], atol=1e-9)


def test_margins_are_the_same_with_contributions_and_without(trained: Callable[[str], Trained]) -> None:
    for algorithm in ALGORITHMS:
        model, claims = trained(algorithm).model, labelled(100, seed=5).features
        judged = model.predict(claims)["denial_risk"].to_numpy()
        assert np.array_equal(judged, model.risks(claims)), algorithm


def test_no_claims_give_no_predictions(trained: Callable[[str], Trained]) -> None:
    assert trained("logistic").model.predict(labelled().features.clear()).height == 0


def test_dates_out_of_order_do_not_matter_but_unknown_ones_come_first() -> None:
    days = pl.Series([date(2026, 1, 1) + timedelta(days=n) for n in (5, 1, 9, 3)] + [None])
    parts = split(days, pl.Series(range(5)), date(2026, 1, 5))
    assert parts.train.tolist() == [4, 1, 3]
    assert parts.test.tolist() == [0, 2]
