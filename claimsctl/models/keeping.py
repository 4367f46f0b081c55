"""From a training to the files of a model, and back to what commands show."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import numpy as np

from claimsctl import __version__
from claimsctl.errors import InputError, UsageError
from claimsctl.models.artefact import (
    CARD,
    FORMAT,
    MODEL,
    ONNX,
    Loaded,
    ModelStore,
    files_of,
    json_bytes,
)
from claimsctl.models.card import card_markdown, card_of, described, document_of
from claimsctl.models.leaks import known_only_afterwards
from claimsctl.models.plots import can_plot, plots_of
from claimsctl.models.training import Labelled, Trained
from claimsctl.score.encoding import Column
from claimsctl.score.estimators import Estimator
from claimsctl.score.features import BY_NAME, FEATURES_VERSION
from claimsctl.score.own import OWN
from claimsctl.score.trained import Calibration

CARD_TEXT: Final = "card.md"
_FORMS: Final = ("number", "above", "missing", "level", "both")
_KEYS: Final = {each.name for each in fields(Column)}


def keep(
    store: ModelStore, trained: Trained, claims: Labelled, seed: int, *, replace: bool
) -> dict[str, Any]:
    """Save a trained model with its card; the card. Plots where matplotlib is installed."""
    document = document_of(trained, claims, seed)
    card = card_of(trained, claims, seed, document)
    files = {
        **files_of(trained.model, document),
        CARD: json_bytes(card),
        CARD_TEXT: card_markdown(card).encode(),
        **(plots_of(card) if can_plot() else {}),
    }
    store.save(trained.model.name, files, replace=replace)
    return card


def card_of_model(loaded: Loaded) -> dict[str, Any]:
    """card.json of a model; of one that was imported, what is known of it."""
    path = loaded.path / CARD
    if path.is_file():
        found: dict[str, Any] = json.loads(path.read_bytes())
        return found
    return {"name": loaded.model.name, **{k: v for k, v in loaded.document.items() if k in _TOLD}}


_TOLD: Final = ("algorithm", "features", "versions", "calibration")


def map_text(columns: Sequence[Column], *, input_: str, output: str) -> str:
    """The map of an ONNX model: its columns in order, as `model import --features` reads them."""
    import tomlkit

    whole = tomlkit.document()
    whole.add(tomlkit.comment("The columns of the model's input, in order; (value - mean) / scale of each."))
    whole["input"], whole["output"] = input_, output
    tables = tomlkit.aot()
    for column in columns:
        table = tomlkit.table()
        for name, value in column.as_dict().items():
            table[name] = value
        tables.append(table)
    whole["column"] = tables
    return tomlkit.dumps(whole)


def read_map(path: Path) -> tuple[tuple[Column, ...], str | None, str | None]:
    """Columns, name of the input, name of the output; UsageError says what of the map cannot be meant."""
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is no TOML: {error}.") from None
    entries = found.get("column")
    unknown = sorted(set(found) - {"input", "output", "column"})
    if unknown or not isinstance(entries, list) or not entries:
        raise UsageError(
            f"{path} has {f'an unknown key {unknown[0]}' if unknown else 'no [[column]]'}.",
            hint="It has input, output and one [[column]] for each column of the model, in order.",
        )
    columns = tuple(_column(entry, n, path) for n, entry in enumerate(entries, start=1))
    return columns, found.get("input"), found.get("output")


def _column(entry: Mapping[str, Any], number: int, path: Path) -> Column:
    where = f"{path}, column {number}"
    if "feature" not in entry:
        raise UsageError(f"{where} names no feature.", hint='Write feature = "charge", for example.')
    unknown = sorted(set(entry) - _KEYS)
    if unknown:
        raise UsageError(
            f"{where} has an unknown key {unknown[0]}.", hint=f"Keys are {', '.join(sorted(_KEYS))}."
        )
    for name in (entry["feature"], entry.get("other") or entry["feature"]):
        if name not in BY_NAME and not str(name).startswith(OWN):
            raise UsageError(
                f"{where}: there is no feature {name!r}.",
                hint="`claimsctl model features` lists them; columns of your own begin with x_.",
            )
        if known_only_afterwards(name) and name not in BY_NAME:
            raise UsageError(
                f"{where}: by its name {name} is filled when the payer has decided.",
                hint="A model that reads it cannot judge claims before they are sent.",
            )
    given = {"form": "number", **entry}
    if given["form"] not in _FORMS:
        raise UsageError(f"{where}: form is one of {', '.join(_FORMS)}.")
    for name, value in given.items():
        text = name in ("feature", "form", "level", "other")
        if isinstance(value, bool) or not isinstance(value, str if text else (int, float)):
            raise UsageError(f"{where}: {name} is {'a text' if text else 'a number'}.")
    if given.get("scale", 1) == 0:
        raise UsageError(f"{where}: scale is not 0.")
    return Column(**given)


def bring(store: ModelStore, name: str, path: Path, features: Path, *, replace: bool) -> Loaded:
    """Import an ONNX model with the map of its columns; tried on a typical claim before it is kept.

    Raises InputError for a graph that does not fit, UsageError for a map that does not.
    """
    columns, input_, output = read_map(features)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from None
    from claimsctl.models.onnx import OnnxEstimator

    estimator = OnnxEstimator(data, input_, output)
    estimator.margins(np.zeros((2, len(columns))))
    names = dict.fromkeys(column.feature for column in columns)
    document = {
        "format": FORMAT,
        "features_version": FEATURES_VERSION,
        "name": name,
        "algorithm": "onnx",
        "versions": {"claimsctl": __version__},
        "source": {"file": path.name, "sha256": hashlib.sha256(data).hexdigest()},
        "features": [_said(each, columns) for each in names],
        "estimator": {"kind": "onnx", "input": estimator.input, "output": estimator.output},
        "columns": [column.as_dict() for column in columns],
        "calibration": Calibration().as_dict(),
    }
    store.save(name, {MODEL: json_bytes(document), ONNX: data}, replace=replace)
    return store.load(name)


def _said(name: str, columns: Sequence[Column]) -> dict[str, str]:
    """What is known of a feature; a column of the house's own that has levels is a category."""
    levels = any(each.form == "level" and each.feature == name for each in columns)
    return described(name, "category" if levels else "number")


__all__ = ["Estimator", "bring", "card_of_model", "keep", "map_text", "read_map"]
