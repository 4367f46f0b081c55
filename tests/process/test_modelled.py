"""A model in a run: what it says of claims, how they have moved, and what payers decided since."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from claimsctl.errors import InputError, UsageError
from claimsctl.models.artefact import ModelStore, files_of
from claimsctl.pipeline import Setting, process
from claimsctl.process import modelled
from claimsctl.process.modelled import ModelScorer
from claimsctl.process.request import Request
from claimsctl.process.rulebook import Rulebook, load_rulebook
from claimsctl.process.watching import watched
from claimsctl.score.drift import reference_of
from claimsctl.score.encoding import Column
from claimsctl.score.estimators import Linear
from claimsctl.score.outcomes import FEW, monthly
from claimsctl.score.trained import TrainedModel
from claimsctl.settings_tables import ScoringSettings
from claimsctl.store.workspace import Workspace
from claimsctl.validate.ruleset import Selection
from tests.claims import claim, write_csv
from tests.conftest import AS_OF

MODEL = TrainedModel(
    "ours",
    (Column("charge", "number", mean=120.0, scale=100.0), Column("warnings", "number", scale=1.0)),
    Linear(np.asarray([2.0, 1.0]), -2.0),
)


@pytest.fixture(scope="module")
def book() -> Rulebook:
    return load_rulebook(Selection(only=frozenset({"FIN-001", "AUT-006", "FILE-*"})))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path / "workspace")


def put(
    workspace: Workspace, reference: dict[str, Any] | None = None, model: TrainedModel = MODEL,
    features: Sequence[dict[str, str]] = (),
) -> ModelStore:  # fmt: skip
    store = ModelStore(workspace)
    document = {"reference": reference or {}, "features": list(features)}
    store.save("ours", files_of(model, document), replace=True)
    store.use("ours")
    return store


@pytest.fixture
def go(workspace: Workspace, book: Rulebook) -> Any:
    def run(path: Path, settings: ScoringSettings | None = None, **options: Any) -> Any:
        setting = Setting(workspace, scoring=settings or ScoringSettings())
        return process(Request((str(path),), run_date=AS_OF, **options), book, setting)

    return run


ROWS = [
    claim("A1"),
    claim("A2", charge_amount="320.00"),
    claim("A3", line_number="1"),
    claim("A4", prior_auth_number="NA"),
    claim("A3", line_number="2", charge_amount="220.00", procedure_code="99214"),
]


def test_the_model_in_use_scores(workspace: Workspace, go: Any, tmp_path: Path) -> None:
    put(workspace)
    summary = go(write_csv(tmp_path / "c.csv", ROWS), out=tmp_path / "out", batch_size=2, hold_above=0.8)
    lines = pl.read_parquet(tmp_path / "out" / "accepted.parquet").unique("claim_number").sort("claim_number")
    risks = dict(lines.select("claim_number", "denial_risk").iter_rows())
    assert risks == {
        "A1": pytest.approx(0.1192), "A4": pytest.approx(0.2689),
    }, "sigmoids of -2 and -1; claims of 320 and 340 dollars are held"  # fmt: skip
    assert lines["risk_source"].unique().to_list() == ["model:ours"]
    assert lines.filter(claim_number="A4")["risk_reasons"].item() == "warnings of the rules"
    assert summary["claims"]["held"] == 2
    assert summary["scoring"]["source"] == "model:ours"
    assert summary["scoring"]["model"]["name"] == "ours"


def test_parts_make_no_difference(workspace: Workspace, go: Any, tmp_path: Path) -> None:
    put(workspace)
    rows = [
        claim(f"B{n % 11}", line_number=str(n // 11 + 1), charge_amount=f"{50 + 7 * n}.00") for n in range(44)
    ]
    path = write_csv(tmp_path / "c.csv", rows)
    for name, size in (("one", 50_000), ("two", 5)):
        go(path, out=tmp_path / name, batch_size=size)
    one, two = (pl.read_parquet(tmp_path / name / "accepted.parquet") for name in ("one", "two"))
    assert one.equals(two)


OWN = TrainedModel(
    "ours",
    (Column("x_portal", "level", level="web"), Column("x_auth_sent", "number", fill=0.5)),
    Linear(np.asarray([2.0, -1.0]), 0.0),
)
OF_OWN = [
    {"name": "x_portal", "kind": "category"}, {"name": "x_auth_sent", "kind": "number"},
]  # fmt: skip


@pytest.mark.parametrize("size", [1, 50_000])
def test_columns_of_the_house_reach_the_model_whatever_the_parts(
    workspace: Workspace, go: Any, tmp_path: Path, size: int
) -> None:
    put(workspace, model=OWN, features=OF_OWN)
    rows = [
        {**claim("A1"), "Portal": "", "Auth sent": "no"},
        {**claim("A2"), "Portal": "fax", "Auth sent": "Y"},
        {**claim("A3"), "Portal": "post", "Auth sent": ""},
        {**claim("A1", line_number="2"), "Portal": "web", "Auth sent": "yes"},
    ]
    summary = go(write_csv(tmp_path / "c.csv", rows), out=tmp_path / "out", batch_size=size)
    lines = pl.read_parquet(tmp_path / "out" / "accepted.parquet").unique("claim_number").sort("claim_number")
    risks = [1 / (1 + np.exp(-margin)) for margin in (2.0 - 0.0, -1.0, -0.5)]
    assert lines["denial_risk"].to_list() == [pytest.approx(risk, abs=1e-4) for risk in risks], "first known"
    assert lines["risk_reasons"].to_list() == ["portal", None, None]
    assert summary["scoring"]["model"]["not_given"] == []


def test_a_run_says_which_columns_the_model_lacks(
    workspace: Workspace, book: Rulebook, tmp_path: Path
) -> None:
    put(workspace, model=OWN, features=OF_OWN)
    path = write_csv(tmp_path / "c.csv", [{**claim("A1"), "Portal": "web"}])
    told: list[str] = []
    setting = Setting(workspace, scoring=ScoringSettings(), notify=told.append)
    summary: Any = process(Request((str(path),), run_date=AS_OF, dry_run=True), book, setting)
    assert summary["scoring"]["model"]["not_given"] == ["x_auth_sent"]
    assert [text for text in told if "The model ours reads columns that no input has: x_auth_sent." in text]


def test_what_no_input_says_is_no_reason(workspace: Workspace, go: Any, tmp_path: Path) -> None:
    unknown = TrainedModel(
        "ours",
        (Column("x_portal", "missing"), Column("charge", "number", mean=50.0, scale=100.0)),
        Linear(np.asarray([2.0, 1.0]), -2.0),
    )
    put(workspace, model=unknown, features=OF_OWN)
    for name, more, reasons in (
        ("without", {}, "the charge"),
        ("with", {"Portal": ""}, "portal; the charge"),
    ):
        path = write_csv(tmp_path / f"{name}.csv", [{**claim("A1"), **more}])
        go(path, out=tmp_path / name)
        lines = pl.read_parquet(tmp_path / name / "accepted.parquet")
        assert lines.select("denial_risk", "risk_reasons").row(0) == (pytest.approx(0.6682), reasons)


def test_a_model_that_was_altered_or_is_gone_is_refused(
    workspace: Workspace, go: Any, tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "c.csv", ROWS)
    store = put(workspace)
    with pytest.raises(UsageError, match="no model 'other'"):
        go(path, ScoringSettings(model="other"), out=tmp_path / "out")
    (store.root / "ours" / "model.json").write_text("{}")
    with pytest.raises(InputError, match="was changed after"):
        go(path, out=tmp_path / "out")
    store.use(None)
    assert go(path, out=tmp_path / "out")["scoring"]["source"] == "rules"


def test_claims_that_moved_are_told(
    workspace: Workspace, go: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(modelled, "_LEAST", 50)
    charges = pl.DataFrame({"charge": [100.0 + n for n in range(200)], "warnings": [0.0] * 200})
    kinds = {"charge": "number", "warnings": "number"}
    put(workspace, reference_of(charges, kinds, pl.Series(MODEL.risks(charges))))
    like = [claim(f"A{n}", charge_amount=f"{100 + n}.00") for n in range(200)]
    summary = go(write_csv(tmp_path / "a.csv", like), out=tmp_path / "a", batch_size=70)
    assert summary["scoring"]["drift"]["moved"] == "none"
    assert summary["scoring"]["drift"]["claims"] == 200
    other = [claim(f"C{n}", charge_amount=f"{900 + n}.00") for n in range(120)]
    summary = go(write_csv(tmp_path / "b.csv", other), out=tmp_path / "b")
    assert summary["scoring"]["drift"]["moved"] == "other"
    assert summary["scoring"]["drift"]["features"][0]["words"] == "the charge"
    seen = watched(workspace, "default", "ours")
    assert seen["drift"]["job_id"] == summary["job_id"]
    assert json.dumps(seen["drift"]["features"]) == json.dumps(summary["scoring"]["drift"]["features"])
    assert seen["outcomes"] is None


def test_the_sample_does_not_depend_on_the_parts() -> None:
    claims = pl.DataFrame({"claim_id": pl.Series(range(1000), dtype=pl.UInt64), "charge": [1.0] * 1000})
    judged = claims.select("claim_id", pl.lit(0.5).alias("denial_risk"))
    kept = []
    for size in (1000, 37):
        scorer = ModelScorer(MODEL, AS_OF, {}, None, {"charge": {}})
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(modelled, "_KEPT", 100)
            for start in range(0, 1000, size):
                scorer._keep(claims.slice(start, size), judged.slice(start, size))
        kept.append(pl.concat(scorer._sample)["claim_id"].sort().to_list())
    assert kept[0] == kept[1]
    assert 50 < len(kept[0]) <= 100


def outcomes(month: date, claims: int, denied: int, risk: float) -> list[dict[str, Any]]:
    return [
        {"service_from": month + timedelta(days=n % 20), "denied": n < denied, "denial_risk": risk,
         "risk_source": "model:ours"}
        for n in range(claims)
    ]  # fmt: skip


def test_months_that_were_not_as_predicted() -> None:
    rows = [
        *outcomes(date(2026, 1, 1), 100, 21, 0.2),
        *outcomes(date(2026, 2, 1), 100, 60, 0.2),
        *outcomes(date(2026, 3, 1), FEW - 1, 29, 0.2),
    ]
    found = monthly(pl.DataFrame(rows), "model:ours")
    assert found is not None
    assert [(m["month"], m["claims"], m["denied"], m["off"]) for m in found["months"]] == [
        ("2026-01", 100, 0.21, False), ("2026-02", 100, 0.6, True), ("2026-03", 29, 1.0, False),
    ]  # fmt: skip
    assert found["off"]
    assert monthly(pl.DataFrame(rows), "rules") is None
