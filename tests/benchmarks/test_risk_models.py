"""The bench of risk models: what it invents teaches a model something, and what it tells."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import risk_models
from benchmarks.sections.risk import beside_boosting, side_by_side
from claimsctl.models import algorithms
from claimsctl.models.artefact import OWN

FEW = {"logistic": replace(algorithms.ALGORITHMS["logistic"], candidates=[{"C": 0.1}])}


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("claimsctl.models.training.ALGORITHMS", FEW)
    monkeypatch.setattr(risk_models, "ALGORITHMS", FEW)
    monkeypatch.setattr(risk_models, "SCORED", 500)
    monkeypatch.setattr(risk_models, "DRAWS", 20)
    monkeypatch.setattr(risk_models, "GRID", [(0.1, 4, 20, 10)])


def test_algorithms_side_by_side() -> None:
    (found,) = risk_models.algorithms(1_500)
    assert found["auc"]["value"] > 0.65
    text = side_by_side([found], 1_500)
    assert text.splitlines()[-1].startswith("| logistic | ")
    assert f"{found['auc']['value']:.3f} (" in text


def test_beside_a_boosting_on_a_labelled_file(tmp_path: Path) -> None:
    claims = risk_models.invented(600)
    own = [name for name in claims.kinds if not name.startswith(OWN) and name != "provider_denial_rate"]
    with (tmp_path / "claims.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*own, "day", "denied", "denial_reason"])
        rows = claims.features.select(own).iter_rows()
        for row, day, denied in zip(rows, claims.day, claims.denied, strict=True):
            writer.writerow([*row, day, int(denied), "why" if denied else ""])
    told = risk_models.boosting(str(tmp_path / "claims.csv"), "denied", "day", None)
    assert told["columns"] == len(own)  # neither the label nor the reason of denial
    assert told["train"] + told["test"] == 600
    low, high = told["ahead"][1:]
    assert low <= told["ahead"][0] <= high
    assert "split by time" in beside_boosting("claims.csv", told)
