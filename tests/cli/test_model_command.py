"""`claimsctl model`: trained on the examples once, then looked at, chosen, taken along and brought back."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from claimsctl.models import algorithms
from tests.cli.conftest import Prepared
from tests.commands import EXAMPLES, Command

DECIDED = EXAMPLES / "decided.csv"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLAIMSCTL_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.setenv("CLAIMSCTL_CONFIG_DIR", str(tmp_path / "config"))
    few = {
        name: replace(each, candidates=each.candidates[:1]) for name, each in algorithms.ALGORITHMS.items()
    }
    monkeypatch.setattr("claimsctl.models.training.ALGORITHMS", few)
    return tmp_path


def one_model(command: Command, place: Path) -> str:
    ran = command("--json", "model", "train", DECIDED, "--seed", "3")
    assert ran.code == 0, ran.err
    return ran.out


@pytest.fixture
def card(command: Command, prepared: Prepared, place: Path) -> dict[str, object]:
    """What training told; the workspace has the model."""
    told = prepared.copy("model-command", partial(one_model, command), place)
    found: dict[str, object] = json.loads(told)
    return found


def test_training_tells_data_figures_and_baselines(card: dict, place: Path) -> None:  # type: ignore[type-arg]
    assert card["algorithm"] == "logistic"
    assert card["seed"] == 3
    assert card["data"]["claims"] == 260
    assert card["split"]["by"] == "time"
    assert card["split"]["train"]["to"] < card["split"]["date"] <= card["split"]["test"]["from"]
    figure = card["test"]["metrics"]["auc"]
    assert figure["low"] <= figure["value"] <= figure["high"]
    assert 0.2 < card["test"]["calibration_slope"] < 5
    assert 0 < card["test"]["calibration_error_by_chance"] < 0.5
    assert card["baselines"].keys() == {"base_rate", "rules_only"}
    assert card["baselines"]["base_rate"]["auc"]["value"] == 0.5
    kept = place / "workspace" / "models" / "logistic"
    names = {str(path.relative_to(kept)) for path in kept.rglob("*") if path.is_file()}
    assert names == {
        "model.json", "parameters.npz", "card.md", "card.json", "seal.json", "plots/calibration.png",
        "plots/importance.png",
    }  # fmt: skip
    text = (kept / "card.md").read_text()
    assert "## Subgroups" in text
    assert card["data"]["sha256"] in text


def test_the_same_claims_and_seed_give_the_same_bytes(
    command: Command, card: dict[str, object], place: Path
) -> None:
    kept = place / "workspace" / "models" / "logistic"
    before = {path: path.read_bytes() for path in kept.rglob("*") if path.is_file()}
    shutil.copy(DECIDED, place / "decided.csv")
    assert command("model", "train", place / "decided.csv", "--seed", "3", "--yes").code == 0
    assert {path: path.read_bytes() for path in kept.rglob("*") if path.is_file()} == before


def test_models_are_listed_shown_chosen_and_compared(command: Command, card: dict[str, object]) -> None:
    (row,) = command("--json", "model", "list").json["models"]
    assert (row["name"], row["active"], row["claims"]) == ("logistic", False, 194)
    assert command("model", "use", "logistic").code == 0
    assert command("--json", "model", "list").json["active"] == "logistic"
    assert "scores" in command("model", "list").out
    shown = command("--json", "model", "show", "logistic").json
    assert (shown.pop("drift"), shown.pop("outcomes")) == (None, None), "it has scored nothing yet"
    assert {k: v for k, v in shown.items() if k != "path"} == {k: v for k, v in card.items() if k != "path"}
    assert "95" not in command("model", "compare", "logistic", "logistic").err
    said = command("model", "evaluate", "logistic", DECIDED)
    assert "logistic was trained on most of these claims, so its figures are too good" in said.err
    assert said.out.splitlines()[1].split() == ["logistic"], "a name stands as it is"
    found = command("--json", "model", "evaluate", "logistic", DECIDED).json
    assert found["claims"] == 260
    assert found["lacking"] == []
    assert command("model", "use", "--points").code == 0
    assert command("--json", "model", "list").json["active"] is None


def test_a_model_goes_out_as_onnx_and_comes_back(
    command: Command, card: dict[str, object], place: Path
) -> None:
    assert command("model", "export", "logistic", "--to", "risk.onnx").code == 0
    assert command("model", "export", "logistic", "--to", "risk.onnx").code == 2  # it exists
    brought = command("model", "import", "risk.onnx", "--features", "risk.features.toml", "--name", "back")
    assert brought.code == 0, brought.err
    both = command("--json", "model", "compare", "logistic", "back", "--on", DECIDED).json["models"]
    ours, theirs = both["logistic"]["metrics"], both["back"]["metrics"]
    assert theirs["auc"]["value"] == pytest.approx(ours["auc"]["value"], abs=1e-3)
    assert theirs["brier"]["value"] == pytest.approx(ours["brier"]["value"], abs=1e-3)
    assert command("model", "compare", "logistic", "back").code == 2  # an imported one has no test


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no [[column]]"),
        ("colour = 1", "unknown key colour"),
        ("[[column]]\nform = 'number'", "names no feature"),
        ("[[column]]\nfeature = 'moon'", "no feature 'moon'"),
        ("[[column]]\nfeature = 'x_denial_reason'", "filled when the payer has decided"),
        ("[[column]]\nfeature = 'charge'\nscale = 0", "scale is not 0"),
        ("[[column]]\nfeature = 'charge'\nform = 'cubed'", "form is one of"),
        ("[[column]]\nfeature = 'charge'\nmean = 'a'", "mean is a number"),
        ("[[column]]\nfeature = 'charge'\nstep = 1", "unknown key step"),
        ("[[column", "is no TOML"),
        ("[[column]]\nfeature = 'charge'", "does not take 1 columns"),
    ],
)
def test_maps_that_cannot_be_meant(
    command: Command, card: dict[str, object], place: Path, text: str, said: str
) -> None:
    command("model", "export", "logistic", "--to", "risk.onnx")
    (place / "map.toml").write_text(text)
    ran = command("model", "import", "risk.onnx", "--features", "map.toml", "--name", "x")
    assert ran.code in (2, 3)
    assert said in ran.err
    assert command("--json", "model", "list").json["models"][0]["name"] == "logistic"


def test_refusals(command: Command, card: dict[str, object], place: Path) -> None:
    for arguments, code, said in (
        (("train", DECIDED), 2, "a model 'logistic' already"),
        (("train", DECIDED, "--name", "X"), 2, "no name of a model"),
        (("train", DECIDED, "--name", "m", "--split-date", "2031-01-01"), 2, "No claim is on or after"),
        (("train", DECIDED, "--name", "m", "--label", "POS"), 3, "neither yes nor no"),
        (("train", "--name", "m"), 3, "no claim whose payer has decided"),
        (("train", "--name", "m", "--label", "x"), 2, "go with labelled files"),
        (("show", "none"), 2, "no model 'none'"),
        (("use",), 2, "Name a model, or give --points"),
        (("export", "logistic", "--to", "risk.pkl"), 2, "does not end in .onnx"),
    ):
        ran = command("model", *arguments)
        assert (ran.code, said in ran.err) == (code, True), (arguments, ran.err)


def test_an_altered_model_is_refused_and_listed_as_such(
    command: Command, card: dict[str, object], place: Path
) -> None:
    path = place / "workspace" / "models" / "logistic" / "model.json"
    path.write_bytes(path.read_bytes().replace(b'"seed": 3', b'"seed": 4'))
    ran = command("model", "show", "logistic")
    assert ran.code == 3
    assert "was changed after the model had been made" in ran.err
    assert "was changed" in command("--json", "model", "list").json["models"][0]["problem"]


def test_claims_without_any_feature_of_the_model(
    command: Command, card: dict[str, object], place: Path
) -> None:
    rows = "\n".join(f"{n},{n % 2}" for n in range(20))
    (place / "bare.csv").write_text(f"Shoe size,denied\n{rows}\n")
    ran = command("model", "evaluate", "logistic", "bare.csv")
    assert ran.code == 2
    assert "no feature that the model 'logistic' reads" in ran.err


def test_features_are_listed(command: Command) -> None:
    listed = command("--json", "model", "features").json["features"]
    assert {"charge_ratio", "days_to_limit", "payer_denial_rate"} <= {each["name"] for each in listed}
    assert "charge_ratio" in command("model", "features").out
