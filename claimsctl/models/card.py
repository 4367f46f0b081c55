"""The card of a model: what it was made of, how good it is, where it is not; for people and for programs."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any, Final

import numpy as np
import polars as pl

from claimsctl import __version__
from claimsctl.models.metrics import (
    Judged,
    auc,
    calibration_error,
    calibration_table,
    error_by_chance,
    measure,
    share_interval,
)
from claimsctl.models.training import Labelled, Trained, platt
from claimsctl.score.drift import reference_of
from claimsctl.score.encoding import encode
from claimsctl.score.estimators import logit
from claimsctl.score.features import BY_NAME
from claimsctl.score.trained import TrainedModel

_GROUPED: Final = ("payer_type", "patient_sex", "age_band", "place_of_service", "procedure_group")
_LEAST_GROUP: Final = 30
_MOST_GROUPS: Final = 12
_SAMPLE: Final = 5_000
_OWN_WORDS: Final = "A column of the house's own."
_FIGURES: Final = {
    "auc": "AUC (chance that a denied claim stands above a paid one)",
    "average_precision": "Average precision",
    "brier": "Brier score (mean squared error; less is better)",
    "precision_top_5": "Share denied among the riskiest 5 %",
    "precision_top_10": "Share denied among the riskiest 10 %",
    "dollars_top_5": "Share of denied dollars among the riskiest 5 %",
    "dollars_top_10": "Share of denied dollars among the riskiest 10 %",
}


def figures(model: TrainedModel, claims: Labelled, rows: Any, seed: int) -> dict[str, Any]:
    """How a model does on some rows of labelled claims: metrics, calibration, subgroups."""
    features, denied = claims.features[rows], claims.denied.gather(rows).to_numpy().astype(np.bool_)
    dollars = claims.dollars.gather(rows).fill_null(0.0).to_numpy()
    risk = model.risks(features)
    table = calibration_table(risk, denied)
    return {
        "claims": len(denied),
        "denied": int(denied.sum()),
        "metrics": measure(Judged(risk, denied, dollars), seed),
        "calibration_error": calibration_error(table),
        "calibration_error_by_chance": error_by_chance(risk, seed),
        "calibration_slope": _slope(risk, denied),
        "calibration_table": table,
        "subgroups": _subgroups(features, risk, denied),
    }


def _slope(risk: Any, denied: Any) -> float | None:
    """How much the log odds differ where the risk says they do: 1 is right, less is too sure of itself."""
    if not len(denied) or denied.all() or not denied.any():
        return None
    return round(platt(logit(risk), denied.astype(np.float64)).slope, 3)


def baselines(claims: Labelled, train: Any, test: Any, seed: int) -> dict[str, Any]:
    """What is had without a model: the share denied for all, and the findings of the rules alone."""
    denied = claims.denied.gather(test).to_numpy().astype(np.bool_)
    dollars = claims.dollars.gather(test).fill_null(0.0).to_numpy()
    rate = float(claims.denied.gather(train).cast(pl.Float64).mean() or 0.0)  # type: ignore[arg-type]
    found = {"base_rate": measure(Judged(np.full(len(denied), rate), denied, dollars), seed)}
    if {"errors", "warnings"} & claims.kinds.keys():
        points = claims.features[test].select(
            (5 * pl.col("errors").fill_null(0) + pl.col("warnings").fill_null(0)).alias("points")
        )["points"]
        scaled = (points / max(float(points.max() or 0), 1.0)).to_numpy()
        found["rules_only"] = measure(Judged(scaled, denied, dollars), seed)
        found["rules_only"]["brier"] = {"value": None, "low": None, "high": None}  # points are no probability
    return found


def _subgroups(features: pl.DataFrame, risk: Any, denied: Any) -> list[dict[str, Any]]:
    if "patient_age" in features.columns:
        age = pl.col("patient_age")
        band = pl.when(age <= 18).then(pl.lit("0-18")).when(age <= 45).then(pl.lit("19-45"))
        band = band.when(age <= 65).then(pl.lit("46-65")).when(age > 65).then(pl.lit("66 and over"))
        features = features.with_columns(band.alias("age_band"))
    rows = []
    for name in _GROUPED:
        if name not in features.columns:
            continue
        groups = features[name].value_counts(sort=True).drop_nulls().head(_MOST_GROUPS)
        for group in sorted(groups[name]):
            here = (features[name] == group).fill_null(False).to_numpy()
            if here.sum() >= _LEAST_GROUP:
                score = auc(risk[here], denied[here])
                rows.append({
                    "feature": name, "group": group, "claims": int(here.sum()),
                    "denied": round(float(denied[here].mean()), 4),
                    "risk": round(float(risk[here].mean()), 4),
                    "auc": None if score is None else round(score, 4),
                })  # fmt: skip
    return rows


def importance(model: TrainedModel, features: pl.DataFrame) -> list[dict[str, Any]]:
    """Features by how much they move the log odds of a claim on average."""
    names = list(dict.fromkeys(column.feature for column in model.columns))
    numbers = {name: n for n, name in enumerate(names)}
    groups = np.asarray([numbers[column.feature] for column in model.columns], dtype=np.int64)
    sample = features.gather_every(max(1, features.height // _SAMPLE))
    added = model.estimator.contributions(encode(sample, model.columns), groups, len(names))
    moved = np.abs(added).mean(axis=0) if len(added) else np.zeros(len(names))
    order = sorted(range(len(names)), key=lambda n: (-moved[n], names[n]))
    return [{"feature": names[n], "moves": round(float(moved[n]), 4)} for n in order]


def document_of(trained: Trained, claims: Labelled, seed: int) -> dict[str, Any]:
    """What model.json says beside the numbers of the model: data, split, features, versions, reference."""
    train, test = trained.split.train, trained.split.test
    learnt = claims.features[train]
    risks = pl.Series(trained.model.risks(learnt))
    return {
        "algorithm": trained.algorithm,
        "settings": dict(trained.settings),
        "seed": seed,
        "versions": {
            "claimsctl": __version__,
            "python": platform.python_version(),
            **{name: version(name) for name in ("scikit-learn", "numpy", "polars")},
        },
        "data": {
            "sha256": claims.digest,
            "sources": list(claims.sources),
            **_extent(claims, np.concatenate([train, test])),
        },
        "split": {
            "by": trained.split.by,
            "date": None if trained.split.date is None else str(trained.split.date),
            "train": _extent(claims, train),
            "test": _extent(claims, test),
        },
        "features": [described(name, kind) for name, kind in sorted(_used(trained).items())],
        "left_out": dict(sorted(trained.left_out.items())),
        "suspects": dict(sorted(trained.suspects.items())),
        "reference": reference_of(learnt, _used(trained), risks),
    }


def _used(trained: Trained) -> dict[str, str]:
    needed = set(trained.model.needed)
    return {name: kind for name, kind in trained.kinds.items() if name in needed}


def described(name: str, kind: str) -> dict[str, str]:
    """A feature as models say it; `kind` is that of a column of the house's own."""
    known = BY_NAME.get(name)
    if known is None:
        return {"name": name, "kind": kind, "meaning": _OWN_WORDS, "leak": "Said by the house."}
    return {"name": name, "kind": kind, "meaning": known.meaning, "leak": known.leak}


def _extent(claims: Labelled, rows: Any) -> dict[str, Any]:
    days, denied = claims.day.gather(rows), claims.denied.gather(rows)
    first, last = days.min(), days.max()
    return {
        "claims": len(rows),
        "denied": int(denied.sum()),
        "from": None if first is None else str(first),
        "to": None if last is None else str(last),
    }


def card_of(trained: Trained, claims: Labelled, seed: int, document: Mapping[str, Any]) -> dict[str, Any]:
    """card.json: the document without the reference, with figures on the test, baselines, importance."""
    test = trained.split.test
    told = {name: value for name, value in document.items() if name != "reference"}
    return {
        "name": trained.model.name,
        **told,
        "tried": list(trained.tried),
        "calibration": trained.model.calibration.form,
        "test": figures(trained.model, claims, test, seed),
        "baselines": baselines(claims, trained.split.train, test, seed),
        "importance": importance(trained.model, claims.features[test]),
        "notes": list(trained.notes),
    }


def card_markdown(card: Mapping[str, Any]) -> str:
    """The card for people."""
    data, split, test = card["data"], card["split"], card["test"]
    lines = [
        f"# Model {card['name']}",
        "",
        f"Judges how likely a payer is to deny a claim. {card['algorithm']}, {_settings(card['settings'])};"
        f" calibrated ({card['calibration']}); seed {card['seed']}.",
        "",
        "It orders claims for people who look at them. It decides nothing, says nothing of medical need, and"
        " holds for the payers, codes and months it was trained on.",
        "",
        "## Data",
        "",
        f"- {data['claims']:,} claims, {data['denied']:,} denied, {_period(data)};"
        f" of {', '.join(data['sources']) or 'the store'}",
        f"- sha256 `{data['sha256']}`",
        f"- trained on {split['train']['claims']:,} ({split['train']['denied']:,} denied,"
        f" {_period(split['train'])}), measured on {split['test']['claims']:,}"
        f" ({split['test']['denied']:,} denied, {_period(split['test'])}), split by {split['by']}",
        "",
        *[f"- Note: {note}" for note in card["notes"]],
        "",
        "## Figures on the test",
        "",
        *_table(
            ["Figure", "Model", "95 % interval", *(name.replace("_", " ") for name in card["baselines"])],
            [
                [words, _share(test["metrics"][name]["value"]), _interval(test["metrics"][name]),
                 *(_share(each[name]["value"]) for each in card["baselines"].values())]
                for name, words in _FIGURES.items()
            ],
        ),
        "",
        f"Mean distance of risk and share denied: {test['calibration_error']:.3f}; of risks that are exactly"
        f" right it is below {test['calibration_error_by_chance']:.3f} in 95 of 100 tests of this size."
        f" Calibration slope: {_share(test['calibration_slope'])} (1 is right).",
        "",
        *_table(
            ["Claims", "Mean risk", "Share denied", "95 % interval"],
            [
                [f"{row['claims']:,}", _share(row["risk"]), _share(row["denied"]),
                 " to ".join(_share(end) for end in share_interval(row["denied"], row["claims"]))]
                for row in test["calibration_table"]
            ],
        ),
        "",
        "## Subgroups",
        "",
        *_table(
            ["Feature", "Group", "Claims", "Share denied", "Mean risk", "AUC"],
            [
                [row["feature"], row["group"], f"{row['claims']:,}", _share(row["denied"]),
                 _share(row["risk"]), _share(row["auc"])]
                for row in test["subgroups"]
            ],
        ),
        "",
        "## Features",
        "",
        *_table(
            ["Feature", "Moves the log odds by", "Meaning", "Known in time"],
            [
                [row["feature"], f"{row['moves']:.3f}", *_told(card["features"], row["feature"])]
                for row in card["importance"]
            ],
        ),
        "",
        *(["Left out:", ""] if card["left_out"] else []),
        *(f"- {name}: {why}" for name, why in card["left_out"].items()),
        *(f"- {name} alone ranks claims well (AUC {alone:.2f}): look whether it is known in time"
          for name, alone in card["suspects"].items() if name not in card["left_out"]),
        "",
        "## Versions",
        "",
        ", ".join(f"{name} {number}" for name, number in card["versions"].items()) + ".",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _told(features: Sequence[Mapping[str, str]], name: str) -> list[str]:
    found = next((each for each in features if each["name"] == name), None)
    return ["", ""] if found is None else [found["meaning"], found["leak"]]


def _settings(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items())


def _period(extent: Mapping[str, Any]) -> str:
    return "without dates" if extent["from"] is None else f"{extent['from']} to {extent['to']}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _interval(entry: Mapping[str, float | None]) -> str:
    return "-" if entry["low"] is None else f"{_share(entry['low'])} to {_share(entry['high'])}"


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return ["None is large enough."]
    clean = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return [
        "| " + " | ".join(names) + " |",
        "|" + "---|" * len(names),
        *("| " + " | ".join(row) + " |" for row in clean),
    ]
