"""Models as files: what was saved is what is loaded, or a clear no."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from claimsctl.errors import InputError, UsageError
from claimsctl.models.algorithms import ALGORITHMS
from claimsctl.models.artefact import ModelStore, files_of
from claimsctl.models.onnx import OnnxEstimator, to_onnx
from claimsctl.models.training import Trained
from claimsctl.score.encoding import encode
from claimsctl.score.estimators import sigmoid
from claimsctl.store.workspace import Workspace
from tests.models.labelled import labelled


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(Workspace.open(tmp_path / "ws"))


@pytest.fixture
def saved(store: ModelStore, trained: Callable[[str], Trained]) -> ModelStore:
    store.save("one", files_of(trained("logistic").model, {"algorithm": "logistic"}))
    return store


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_model_comes_back_as_it_was(
    algorithm: str, store: ModelStore, trained: Callable[[str], Trained]
) -> None:
    model, claims = trained(algorithm).model, labelled(60, seed=3).features
    place = store.save(model.name, files_of(model, {}))
    loaded = store.load(model.name).model
    assert loaded.name == model.name
    assert np.array_equal(loaded.risks(claims), model.risks(claims))
    assert place.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in place.iterdir())


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_onnx_graph_of_a_model_judges_as_it_does(
    algorithm: str, trained: Callable[[str], Trained]
) -> None:
    model, claims = trained(algorithm).model, labelled(200, seed=3).features
    graph = OnnxEstimator(to_onnx(model))
    risk = sigmoid(graph.margins(encode(claims, model.columns)))
    assert np.allclose(risk, model.risks(claims), atol=1e-5)


def test_the_onnx_graph_of_a_stepwise_calibration(trained: Callable[[str], Trained]) -> None:
    from dataclasses import replace

    from claimsctl.score.trained import Calibration

    steps = Calibration("isotonic", at=[-2.0, -1.0, 0.0, 0.5], risk=[0.05, 0.1, 0.4, 0.9])
    model = replace(trained("logistic").model, calibration=steps)
    claims = labelled(200, seed=3).features
    risk = sigmoid(OnnxEstimator(to_onnx(model)).margins(encode(claims, model.columns)))
    assert np.allclose(risk, model.risks(claims), atol=1e-5)
    assert risk.max() > 0.6


@pytest.mark.parametrize("name", ["model.json", "parameters.npz"])
def test_altered_bytes_are_refused(saved: ModelStore, name: str) -> None:
    path = saved.path("one") / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match=f"{name} was changed after the model had been made"):
        saved.load("one")


def test_missing_files_and_a_damaged_seal_are_refused(saved: ModelStore) -> None:
    (saved.path("one") / "parameters.npz").unlink()
    with pytest.raises(InputError, match="cannot be read"):
        saved.load("one")
    (saved.root / "one" / "seal.json").write_text("{}")
    with pytest.raises(InputError, match=r"seal\.json is damaged"):
        saved.load("one")
    (saved.root / "one" / "seal.json").write_text('{"sha256": {"../x": "", "model.json": ""}}')
    with pytest.raises(InputError, match="outside of the model"):
        saved.load("one")


def altered(saved: ModelStore, **changes: object) -> ModelStore:
    """The model with another document, sealed as it should be."""
    path = saved.path("one")
    document = {**json.loads((path / "model.json").read_bytes()), **changes}
    files = {
        "model.json": json.dumps(document).encode(),
        "parameters.npz": (path / "parameters.npz").read_bytes(),
    }
    saved.save("one", files, replace=True)
    return saved


@pytest.mark.parametrize("changes", [{"format": 2}, {"features_version": 99}])
def test_a_model_of_another_version_is_refused(saved: ModelStore, changes: dict[str, object]) -> None:
    with pytest.raises(InputError, match="another version of claimsctl"):
        altered(saved, **changes).load("one")


def test_features_that_this_version_does_not_make_are_named(saved: ModelStore) -> None:
    columns = [{"feature": "phase_of_the_moon", "form": "missing"}]
    with pytest.raises(InputError, match="does not make: phase_of_the_moon"):
        altered(saved, columns=columns).load("one")


@pytest.mark.parametrize(
    "changes",
    [{"estimator": {"kind": "magic"}}, {"columns": [{"colour": 1}]},
     {"calibration": {"form": "none", "x": 1}}, {"estimator": {"kind": "linear"}}],
)  # fmt: skip
def test_a_document_that_describes_no_model_is_refused(saved: ModelStore, changes: dict[str, object]) -> None:
    with pytest.raises(InputError, match="does not describe a model"):
        altered(saved, **changes).load("one")


def test_names(saved: ModelStore, trained: Callable[[str], Trained]) -> None:
    files = files_of(trained("logistic").model, {})
    assert saved.names() == ["one"]
    with pytest.raises(UsageError, match=r"no model 'two'.*There is one"):
        saved.load("two")
    with pytest.raises(UsageError, match="is a model 'one' already"):
        saved.save("one", files)
    for bad in ("../up", "Upper", "", ".hidden", "a/b"):
        with pytest.raises(UsageError, match="no name of a model"):
            saved.save(bad, files)


def test_the_model_in_use_is_the_one_that_was_chosen(
    saved: ModelStore, trained: Callable[[str], Trained]
) -> None:
    assert saved.active() is None
    saved.use("one")
    loaded = saved.active()
    assert loaded is not None
    assert loaded.model.source == "model:one"
    saved.save("one", files_of(trained("mlp").model, {}), replace=True)
    with pytest.raises(InputError, match=r"another than the one that was chosen.*model use one"):
        saved.active()
    saved.use(None)
    assert saved.active() is None
    assert saved.active_name() is None


def test_files_that_are_no_onnx_are_refused() -> None:
    with pytest.raises(InputError, match="no ONNX model"):
        OnnxEstimator(b"no graph")


def test_scoring_loads_neither_scikit_learn_nor_onnx(saved: ModelStore) -> None:
    code = (
        "import sys; from pathlib import Path; import polars as pl\n"
        "from claimsctl.models.artefact import load\n"
        "model = load(Path(sys.argv[1])).model\n"
        "model.predict(pl.DataFrame({'claim_id': [1]}, schema={'claim_id': pl.UInt64}))\n"
        "assert not {'sklearn', 'scipy', 'onnx', 'onnxruntime', 'matplotlib'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(saved.path("one"))], check=True)
